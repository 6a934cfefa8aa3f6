//! Flags + environment + project file + user file + defaults → [`Settings`]. Pure: the layers come
//! in as data, and nothing here reads a file or a variable.
//!
//! Every setting is a row of [`keys::KEYS`]; a layer is a map from a row's name to text; the first
//! layer that has a value wins. `docent config show` prints exactly what [`resolve`] decided.

mod chat;
mod embedding;
mod hub;
mod ingest;
pub mod keys;
pub mod layers;
mod ocr;
pub mod parse;
pub mod range;
mod recordings;
mod rerank;
mod retrieval;
mod serve;
mod tenant;
mod values;
mod verify;

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::types::{collection_of_tenant, tenant_of};

pub use chat::ChatSettings;
pub use embedding::{EmbeddingModel, EmbeddingSettings};
pub use hub::HubSettings;
pub use ingest::{IngestSettings, WebSettings};
pub use keys::{KEYS, SettingKey};
pub use layers::{Layer, Layers, SettingOrigin};
pub use ocr::{OcrModelChoice, OcrSettings};
pub use recordings::{RecordingFile, TraceSettings};
pub use rerank::{RerankModel, RerankSettings};
pub use retrieval::{QdrantSettings, SearchSettings};
pub use serve::{Fallback, ListenAddress, ServeSettings, TlsFiles};
pub use values::Endpoint;
use values::LayerValues;
pub use verify::{VerifyModel, VerifySettings};

/// The default collection. On a server, the default is the project's own collection; this one was the
/// default before projects had names.
pub const DEFAULT_COLLECTION: &str = "docent";

/// All settings, with the types that the rest of the program needs.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// Name of the collection, with the tenant's name in it, if there is one.
    pub collection: String,
    /// The tenant whose collections are used; `None`: those without a tenant.
    pub tenant: Option<String>,
    /// Name of the project on a Qdrant server; `None`: the name that was generated for it.
    pub project: Option<String>,
    /// `None`: `.docent` in the project root.
    pub data_dir: Option<PathBuf>,
    /// How long to wait for another process that has the collection.
    pub wait: Duration,
    pub tape: Option<RecordingFile>,
    pub embedding: EmbeddingSettings,
    pub hub: HubSettings,
    pub chat: ChatSettings,
    pub qdrant: QdrantSettings,
    /// Former versions of a collection that are kept when the next one is built.
    pub index_keep: usize,
    /// Log every change of a collection, and refuse changes that can't be logged.
    pub index_audit: bool,
    pub chunk_tokens: usize,
    pub chunk_overlap: usize,
    /// Language for sparse retrieval; `None` if it is not set.
    pub language: Option<String>,
    pub search: SearchSettings,
    /// `None`: hits stay in the order of retrieval.
    pub rerank: Option<RerankSettings>,
    pub verify: Option<VerifySettings>,
    pub ingest: IngestSettings,
    pub ocr: OcrSettings,
    pub web: WebSettings,
    pub trace: TraceSettings,
    pub serve: ServeSettings,
    /// How often a request is tried, including the first time.
    pub attempts: u32,
    /// The value and origin of each setting, for `config show`.
    pub resolved: Vec<Resolved>,
    /// Settings of an untrusted project file that only the user may set, and that are ignored.
    pub unheard: Vec<Resolved>,
}

impl Settings {
    /// Switches to another chat model at the same endpoint; `None` quotes.
    pub fn take_model(&mut self, model: Option<String>) {
        self.show("model", model.clone());
        self.chat.model = model;
    }

    /// The full name of a collection of the tenant, if there is a tenant.
    pub fn of_tenant(&self, name: &str) -> String {
        collection_of_tenant(name, self.tenant.as_deref())
    }

    /// Switches to another collection in the same store: of the tenant, if there is one.
    pub fn take_collection(&mut self, name: &str) {
        let name = self.of_tenant(name);
        self.show("collection", Some(name.clone()));
        self.tenant = tenant_of(&name).map(str::to_owned);
        self.collection = name;
    }

    /// Sets the collection, unless one was chosen.
    pub fn take_default_collection(&mut self, name: &str) {
        let is_default = |settings: &Self, name: &str| {
            let mut rows = settings.resolved.iter();
            rows.any(|row| row.key.name == name && row.origin == SettingOrigin::Default)
        };
        if !is_default(self, "collection") {
            return;
        }
        self.take_collection(name);
        if is_default(self, "serve.collections") {
            self.serve.collections = vec![self.collection.clone()];
        }
    }

    fn show(&mut self, name: &str, value: Option<String>) {
        for row in self.resolved.iter_mut().filter(|row| row.key.name == name) {
            row.value.clone_from(&value);
        }
    }
}

/// One row of `config show`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolved {
    pub key: &'static SettingKey,
    /// `None` if there is neither a value nor a default.
    pub value: Option<String>,
    pub origin: SettingOrigin,
}

/// A setting that cannot be used. The exit code is 3, and 2 for flags.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{message}")]
pub struct SettingsError {
    pub message: String,
    pub hint: Option<String>,
    /// Whether the value was typed on the command line.
    pub usage: bool,
}

/// Resolves every setting.
///
/// `trusted`: the user trusts the project file. From an untrusted file, only harmless settings count:
/// see [`keys::ProjectTrust`].
///
/// # Errors
/// A value cannot be used, or several contradict each other.
pub fn resolve(layers: &Layers, trusted: bool) -> Result<Settings, SettingsError> {
    let (layers, unheard) = layers.heard(trusted);
    let values = LayerValues { layers: &layers };
    values.forbid_emptied()?;
    let shared = values.shared_endpoint()?;
    let tenant = tenant::resolve(&values)?;
    let settings = Settings {
        embedding: EmbeddingSettings::resolve(&values, &shared)?,
        hub: HubSettings::resolve(&values)?,
        chat: ChatSettings::resolve(&values, &shared)?,
        qdrant: QdrantSettings::resolve(&values)?,
        web: WebSettings::resolve(&values)?,
        tape: RecordingFile::resolve(&values)?,
        rerank: RerankSettings::resolve(&values)?,
        verify: VerifySettings::resolve(&values, &shared)?,
        ingest: IngestSettings::resolve(&values)?,
        ocr: OcrSettings::resolve(&values, &shared)?,
        trace: TraceSettings::resolve(&values)?,
        search: SearchSettings::resolve(&values)?,
        serve: ServeSettings::resolve(&values, tenant.as_deref())?,
        collection: tenant::collection(&values, "collection", tenant.as_deref())?,
        tenant,
        project: values.optional("project", parse::project)?,
        data_dir: values.path("data_dir"),
        wait: values.time("wait")?,
        index_keep: values.whole("index.keep")?,
        index_audit: values.parsed("index.audit", parse::boolean)?,
        chunk_tokens: values.whole("chunk.tokens")?,
        chunk_overlap: values.whole("chunk.overlap")?,
        language: values.optional("sparse.language", parse::language)?,
        attempts: values.whole("attempts")?,
        resolved: KEYS.iter().map(|key| layers.resolved(key)).collect(),
        unheard,
    };
    settings.agree(&values)?;
    Ok(settings)
}

impl Settings {
    /// Checks that settings of different sections do not contradict each other.
    fn agree(&self, values: &LayerValues<'_>) -> Result<(), SettingsError> {
        if self.chunk_overlap * 2 > self.chunk_tokens {
            return Err(values.at_odds(
                &["chunk.overlap", "chunk.tokens"],
                format!(
                    "chunk.overlap is {}, more than half of chunk.tokens ({})",
                    self.chunk_overlap, self.chunk_tokens
                ),
                "lower --chunk-overlap or raise --chunk-tokens",
            ));
        }
        let EmbeddingSettings { model, price, .. } = &self.embedding;
        let embeds = model.is_endpoint().then(|| model.name()).filter(|_| price.is_none());
        let reads = self.ocr.endpoint_model().filter(|_| self.ocr.price.is_none());
        let unknown = embeds.map(|model| (model, "embedding.price"));
        let unknown = unknown.or(reads.map(|model| (model, "ocr.price_in")));
        if let Some((model, key)) = unknown.filter(|_| self.ingest.max_cost.is_some()) {
            let (_, origin) = values.found("ingest.max_cost").unzip();
            let name = origin.unwrap_or(&SettingOrigin::Default).of(keys::key("ingest.max_cost"));
            return Err(values.at_odds(
                &["ingest.max_cost"],
                format!("{name} needs the price of {model}"),
                &format!(
                    "{}: the price of a million tokens, in the same currency",
                    keys::key(key).how_to_set()
                ),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
