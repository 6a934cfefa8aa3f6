//! docent's own requests: the JSON of the commands, strict.

pub(super) mod batch;
pub(super) mod explain;
pub(super) mod query;
pub(super) mod search;
pub(super) mod status;

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use crate::service::retrieval::{DocumentFilter, RetrievalOverrides};
use crate::settings::parse;
use crate::types::DEEPEST;

/// A response with an object.
pub(super) fn json(object: &impl Serialize) -> Response {
    let text = serde_json::to_string(object).unwrap_or_else(|error| format!("\"{error}\""));
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Which passages count; the flags of `docent search`.
#[derive(Deserialize, Default, Debug)]
pub(super) struct RetrievalFields {
    pub(super) k: Option<usize>,
    pub(super) mode: Option<String>,
    pub(super) min_score: Option<f32>,
    #[serde(default)]
    pub(super) sources: Vec<String>,
    #[serde(default)]
    pub(super) kinds: Vec<String>,
    #[serde(default)]
    pub(super) tags: Vec<String>,
}

pub(super) const RETRIEVAL_FIELDS: [&str; 6] =
    ["k", "mode", "min_score", "sources", "kinds", "tags"];

/// Values of one list, at most: what is longer is no filter that somebody wrote.
const LONGEST_LIST: usize = 64;

impl RetrievalFields {
    /// # Errors
    /// A value is out of its range.
    pub(super) fn read(self) -> Result<(DocumentFilter, RetrievalOverrides), Refusal> {
        if self.k.is_some_and(|k| k == 0 || k > DEEPEST) {
            return Err(Refusal::invalid("k", format!("`k` is from 1 to {DEEPEST}")));
        }
        for (name, list) in
            [("sources", &self.sources), ("kinds", &self.kinds), ("tags", &self.tags)]
        {
            if list.len() > LONGEST_LIST {
                return Err(Refusal::invalid(
                    name,
                    format!("`{name}` has more than {LONGEST_LIST} values"),
                ));
            }
        }
        let mode = self.mode.as_deref().map(parse::mode).transpose().map_err(|problem| {
            Refusal::invalid(
                "mode",
                format!("`{}` {problem}", self.mode.as_deref().unwrap_or_default()),
            )
        })?;
        let filter = DocumentFilter {
            sources: self.sources,
            kinds: self.kinds,
            tags: self.tags,
            ..DocumentFilter::default()
        };
        Ok((filter, RetrievalOverrides { k: self.k, mode, min_score: self.min_score }))
    }
}
