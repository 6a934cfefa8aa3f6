//! Settings of the Qdrant server and of retrieval.

use std::time::Duration;

use super::{LayerValues, SettingsError, parse};
use crate::types::{CollectionLayout, Mode};

#[derive(Clone, PartialEq)]
pub struct QdrantSettings {
    /// URL of one node, or of several separated by commas. `None`: the embedded store.
    pub url: Option<String>,
    pub api_key: Option<String>,
    pub timeout: Duration,
    /// How long a run that writes retries a failing request.
    pub retry_for: Duration,
    /// Layout of a collection that is created.
    pub layout: CollectionLayout,
}

impl QdrantSettings {
    pub(super) fn resolve(values: &LayerValues<'_>) -> Result<Self, SettingsError> {
        Ok(Self {
            url: values.optional("qdrant.url", parse::address)?,
            api_key: values.text("qdrant.api_key"),
            timeout: values.time("qdrant.timeout")?,
            retry_for: values.time("qdrant.retry_for")?,
            layout: layout(values)?,
        })
    }
}

fn layout(values: &LayerValues<'_>) -> Result<CollectionLayout, SettingsError> {
    Ok(CollectionLayout {
        shard_number: values.whole_if_set("qdrant.shard_number")?,
        replication_factor: values.whole_if_set("qdrant.replication_factor")?,
        write_consistency: values.whole_if_set("qdrant.write_consistency")?,
        on_disk: values.optional("qdrant.on_disk", parse::boolean)?,
        quantization: values.optional("qdrant.quantization", parse::quantization)?,
        hnsw_m: values.whole_if_set("qdrant.hnsw_m")?,
        hnsw_ef_construct: values.whole_if_set("qdrant.hnsw_ef_construct")?,
        indexing_threshold: values.whole_if_set("qdrant.indexing_threshold")?,
    })
}

impl std::fmt::Debug for QdrantSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Qdrant")
            .field("url", &self.url)
            .field("api_key", &self.api_key.as_ref().map(|_| "***"))
            .finish_non_exhaustive()
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct SearchSettings {
    pub k: usize,
    pub mode: Mode,
    pub min_score: Option<f32>,
    /// Share of the fused score given to sparse retrieval; `None` decides by the embedder.
    pub sparse_weight: Option<f32>,
    /// Share of the score given to late interaction; `None` decides by the embedder.
    pub late_weight: Option<f32>,
    /// Let the chat model turn the question into a query.
    pub rewrite: bool,
    /// Number of other wordings by the chat model that are retrieved with, too.
    pub expand: usize,
    /// Dense retrieval uses a passage that the chat model drafts.
    pub hyde: bool,
}

impl SearchSettings {
    pub(super) fn resolve(values: &LayerValues<'_>) -> Result<Self, SettingsError> {
        let weight = |name| Ok(values.number_if_set(name)?.map(|share| share as f32));
        let search = Self {
            k: values.whole("search.k")?,
            mode: values.parsed("search.mode", parse::mode)?,
            min_score: values.number_if_set("search.min_score")?.map(|score| score as f32),
            sparse_weight: weight("search.sparse_weight")?,
            late_weight: weight("search.late_weight")?,
            rewrite: values.parsed("search.rewrite", parse::boolean)?,
            expand: values.whole("search.expand")?,
            hyde: values.parsed("search.hyde", parse::boolean)?,
        };
        // If a flag and a file contradict each other, the flag wins.
        if search.hyde && search.mode == Mode::Sparse {
            match (values.typed("search.hyde"), values.typed("search.mode")) {
                (true, false) => return Ok(Self { mode: Mode::Hybrid, ..search }),
                (false, true) => return Ok(Self { hyde: false, ..search }),
                _ => {}
            }
            return Err(values.at_odds(
                &["search.hyde", "search.mode"],
                "search.hyde needs dense retrieval, but search.mode is sparse".to_owned(),
                "omit --hyde, or use --mode hybrid or dense",
            ));
        }
        Ok(search)
    }
}
