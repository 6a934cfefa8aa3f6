//! docent's own requests: the JSON of the commands, strict.

pub(super) mod batch;
pub(super) mod explain;
pub(super) mod query;
pub(super) mod search;
pub(super) mod status;

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::service::retrieval::{DocumentFilter, RetrievalOverrides};
use crate::types::{DEEPEST, DocumentKind, Mode};

/// A response with an object, of a type that `/openapi.json` can describe.
pub(super) fn json(object: &(impl Serialize + JsonSchema)) -> Response {
    let text = serde_json::to_string(object).unwrap_or_else(|error| format!("\"{error}\""));
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Which passages are retrieved, like the flags of `docent search`.
#[derive(Deserialize, JsonSchema, Default, Debug)]
#[schemars(deny_unknown_fields)]
pub(super) struct RetrievalFields {
    /// How many passages; by default the server's setting.
    #[schemars(range(min = 1, max = "DEEPEST"))]
    k: Option<usize>,
    /// By meaning, by word, or both.
    mode: Option<Mode>,
    /// Passages with a lower score are left out: 0 to 1 in hybrid mode and with a reranker, the cosine or
    /// the BM25 score otherwise.
    #[schemars(range(min = "LOWEST_SCORE", max = "HIGHEST_SCORE"))]
    min_score: Option<f32>,
    /// Paths of documents or directories, or globs, one of which must match.
    #[serde(default)]
    #[schemars(length(max = "LONGEST_LIST"))]
    sources: Vec<String>,
    /// Only documents of these kinds.
    #[serde(default)]
    #[schemars(length(max = "LONGEST_LIST"))]
    kinds: Vec<DocumentKind>,
    /// Tags, all of which the document has.
    #[serde(default)]
    #[schemars(length(max = "LONGEST_LIST"))]
    tags: Vec<String>,
}

/// Most values of one list: longer ones are not filters that a person wrote.
const LONGEST_LIST: usize = 64;

/// The limit of `--min-score`.
const HIGHEST_SCORE: f64 = 1e6;
const LOWEST_SCORE: f64 = -1e6;

impl RetrievalFields {
    pub(super) fn read(self) -> (DocumentFilter, RetrievalOverrides) {
        let filter = DocumentFilter {
            sources: self.sources,
            kinds: self.kinds.iter().map(|kind| kind.name().to_owned()).collect(),
            tags: self.tags,
            ..DocumentFilter::default()
        };
        (filter, RetrievalOverrides { k: self.k, mode: self.mode, min_score: self.min_score })
    }
}

/// The collection of a request without a body.
#[derive(Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct CollectionQuery {
    /// Name of the collection.
    pub(super) collection: Option<String>,
}
