//! Plain data that both flows share. No I/O, no vendor types, and no behaviour beyond the meaning of the
//! data.

mod chunk;
mod content;
mod deployment;
mod document;
mod extraction;
mod hash;
mod hub;
mod kind;
mod locator;
mod manifest;
mod ownership;
mod partition;
mod retrieval;
mod secrets;
mod tenant;
mod trace_context;
mod unfinished_runs;
mod upload;
mod usage;
mod version;

use uuid::Uuid;

pub use chunk::{Chunk, Point, SparseVector};
pub use content::{ChunkContent, DocumentDigest, content_of_documents};
pub use deployment::{
    CollectionLayout, Deployment, IgnoredLayout, LeaseStanding, NodeHealth, Quantization,
    ShardCopies, ShardCopy, ShardTransfer,
};
pub use document::{ChunkTally, DocumentRecord, FailureRecord, Validators, WebOrigin, is_url};
pub use extraction::{
    OcrPolicy, OcrRecord, PageArea, ReadingWarning, Recognition, WarningCode, ranges,
};
pub use hash::ContentHash;
pub use hub::HubModel;
pub use kind::DocumentKind;
pub use locator::Locator;
pub use manifest::{
    ChunkerId, CrawlReach, EmbedderId, IngestRun, Manifest, RerankerId, Site, SparseId,
};
pub use ownership::{GuestProject, Ownership};
pub use partition::Partition;
pub use retrieval::{DEEPEST, Filter, Hit, LegScore, Mode, Passage, Scored};
pub use secrets::{OnSecret, SecretScreening};
pub use tenant::{
    TENANT_MARK, collection_of_tenant, is_tenant_name, sibling_collection, tenant_of,
};
pub use trace_context::TraceContext;
pub use upload::{UPLOADS, is_upload_id, upload_id, upload_of, upload_source};
pub use usage::{ChatPrice, Usage};
pub use version::{
    GateOutcome, VersionCause, VersionChange, VersionEntry, VersionEvent, VersionState,
    VersionTrial,
};

/// Version of every JSON shape that docent prints, and of the payload that it stores.
pub const SCHEMA_VERSION: u32 = 1;

/// Namespace of the point ids (a fixed random UUID; ids are `UUIDv5` under it).
const POINT_NAMESPACE: Uuid = Uuid::from_u128(0x6f1f_4a52_5d0c_4c0e_9d0b_8f3a_71c2_d04e);
