//! What a caller sees of a collection: documents, failed sources, and uploads that are being added or
//! removed.

use std::collections::BTreeMap;

use super::ids::file_id;
use super::paging::ListRow;
use super::unix;
use crate::error::{Exit, Failure};
use crate::serve::access::Scoped;
use crate::serve::call::Server;
use crate::serve::uploads::{Upload, UploadPlace, UploadState, Uploads};
use crate::service::retrieval::DocumentFilter;
use crate::store::CollectionReader;
use crate::types::{DocumentRecord, FailureRecord, Manifest};

/// The purpose of documents that were not uploaded.
const PURPOSE: &str = "assistants";

/// A caller's view of a collection at one time.
pub(super) struct VisibleFiles {
    pub(super) scoped: Scoped,
    /// `None` if it was not built yet.
    pub(super) reader: Option<CollectionReader>,
    documents: Vec<DocumentRecord>,
    /// Sources that could not be ingested, and of which nothing is stored.
    failures: Vec<FailureRecord>,
    /// Uploads with a pending or failed change, with their places here.
    uploads: Vec<(Upload, UploadPlace)>,
    /// The purposes of uploads, by their sources.
    purposes: BTreeMap<String, String>,
}

pub(super) enum StoredFile<'a> {
    Upload(&'a Upload, &'a UploadPlace),
    Document(&'a DocumentRecord),
    Failure(&'a FailureRecord),
}

impl VisibleFiles {
    pub(super) async fn of(scoped: Scoped, server: &Server) -> Result<Self, Failure> {
        // Read before the stored documents, so that a change made in between is seen there.
        let uploads = placed(&scoped, server);
        let purposes = purposes(&scoped, server);
        let reader = match scoped.engine().reader().await {
            // The first upload creates the collection.
            Err(failure) if failure.exit == Exit::Config && !uploads.is_empty() => {
                let (documents, failures) = (Vec::new(), Vec::new());
                return Ok(Self { scoped, reader: None, documents, failures, uploads, purposes });
            }
            reader => reader?,
        };
        let filter = scoped.filter(DocumentFilter::default());
        let mut documents = scoped.engine().seen_documents(&filter, &reader).await?;
        // Only the name of a failed source is known, too little to decide who may see it.
        let mut failures = if scoped.is_whole() { reader.failures().await? } else { Vec::new() };
        let known = |source: &str| {
            documents.binary_search_by(|record| record.source.as_str().cmp(source)).is_ok()
        };
        failures.retain(|failure| !known(&failure.source));
        let is_upload = |source: &str| uploads.iter().any(|(_, place)| place.source == source);
        documents.retain(|record| !is_upload(&record.source));
        failures.retain(|failure| !is_upload(&failure.source));
        Ok(Self { scoped, reader: Some(reader), documents, failures, uploads, purposes })
    }

    fn all(&self) -> impl Iterator<Item = StoredFile<'_>> {
        let documents = self.documents.iter().map(StoredFile::Document);
        let uploads = self.uploads.iter().map(|(upload, place)| StoredFile::Upload(upload, place));
        documents.chain(self.failures.iter().map(StoredFile::Failure)).chain(uploads)
    }

    pub(super) fn manifest(&self) -> Option<&Manifest> {
        self.reader.as_ref().map(|reader| &**reader.manifest())
    }

    pub(super) fn purpose(&self, stored: &StoredFile<'_>) -> &str {
        self.purposes.get(stored.source()).map_or(PURPOSE, |purpose| purpose)
    }

    pub(super) fn id(&self, stored: &StoredFile<'_>) -> String {
        file_id(&self.scoped.name, stored.source())
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = ListRow<StoredFile<'_>>> {
        self.all().map(|stored| ListRow {
            id: self.id(&stored),
            created_at: stored.created_at(),
            of: stored,
        })
    }

    pub(super) fn find(&self, id: &str) -> Option<StoredFile<'_>> {
        self.all().find(|stored| self.id(stored) == id)
    }
}

impl StoredFile<'_> {
    pub(super) fn source(&self) -> &str {
        match self {
            Self::Upload(_, place) => &place.source,
            Self::Document(record) => &record.source,
            Self::Failure(failure) => &failure.source,
        }
    }

    pub(super) fn status(&self) -> &'static str {
        match self {
            Self::Upload(_, place) => match place.state {
                UploadState::Waiting | UploadState::Leaving => "in_progress",
                UploadState::Failed { .. } => "failed",
                UploadState::Stored => "completed",
            },
            Self::Document(_) => "completed",
            Self::Failure(_) => "failed",
        }
    }

    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Upload(upload, _) => upload.bytes,
            Self::Document(record) => record.size,
            Self::Failure(failure) => failure.size,
        }
    }

    pub(super) fn created_at(&self) -> i64 {
        match self {
            Self::Upload(_, place) => place.created_at,
            Self::Document(record) => unix(&record.ingested_at),
            Self::Failure(failure) => unix(&failure.failed_at),
        }
    }
}

/// Uploads with more to report than that they are stored.
fn placed(scoped: &Scoped, server: &Server) -> Vec<(Upload, UploadPlace)> {
    let uploads = server.uploads.iter().flat_map(Uploads::all);
    let placed = uploads.filter_map(|upload| {
        let place = upload.places.get(&scoped.name).cloned()?;
        let is_seen = scoped.sees(&place.source, &place.tags);
        (is_seen && place.state != UploadState::Stored).then_some((upload, place))
    });
    placed.collect()
}

/// The purposes of uploads, by their sources.
fn purposes(scoped: &Scoped, server: &Server) -> BTreeMap<String, String> {
    let uploads = server.uploads.iter().flat_map(Uploads::all);
    let here =
        |upload: Upload| Some((upload.places.get(&scoped.name)?.source.clone(), upload.purpose));
    uploads.filter_map(here).collect()
}

/// Number of visible uploads that are being added or removed.
pub(in crate::serve) fn under_way(scoped: &Scoped, server: &Server) -> usize {
    placed(scoped, server).iter().filter(|(_, place)| place.is_under_way()).count()
}
