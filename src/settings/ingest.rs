//! What an ingest reads, deletes and may cost, and how it fetches pages of the web.

use std::time::Duration;

use super::{SettingsError, Values, parse};
use crate::types::OnSecret;

#[derive(Clone, PartialEq, Debug)]
pub struct Ingest {
    pub max_file_size: u64,
    pub extract_timeout: Duration,
    pub extract_memory: u64,
    /// Of PDFs that are locked.
    pub pdf_password: Option<String>,
    /// Comments of reviewers are text.
    pub comments: bool,
    /// Part of the collection's documents that a run may delete without being told to, 0 to 1.
    pub prune_share: f64,
    /// How old documents may become.
    pub ttl: Option<Duration>,
    /// What becomes of documents that hold secrets.
    pub on_secret: OnSecret,
    /// What one run may spend on embeddings, in the currency of [`super::Embedding::price`].
    pub max_cost: Option<f64>,
    /// How long one run may take.
    pub deadline: Option<Duration>,
}

impl Ingest {
    pub(super) fn resolve(values: &Values<'_>) -> Result<Self, SettingsError> {
        Ok(Self {
            max_file_size: values.bytes("ingest.max_file_size")?,
            extract_timeout: values.time("ingest.extract_timeout")?,
            extract_memory: values.bytes("ingest.extract_memory")?,
            pdf_password: values.text("ingest.pdf_password"),
            comments: values.parsed("ingest.comments", parse::boolean)?,
            prune_share: values.number("ingest.prune_share")?,
            ttl: values.time_if_set("ingest.ttl")?,
            on_secret: values.parsed("ingest.on_secret", parse::on_secret)?,
            max_cost: values.number_if_set("ingest.max_cost")?,
            deadline: values.time_if_set("ingest.deadline")?,
        })
    }
}

/// How pages of the web are fetched.
#[derive(Clone, PartialEq, Debug)]
pub struct Web {
    /// From addresses of this machine and its networks too.
    pub allow_private: bool,
    pub max_pages: usize,
    pub timeout: Duration,
}

impl Web {
    pub(super) fn resolve(values: &Values<'_>) -> Result<Self, SettingsError> {
        Ok(Self {
            allow_private: values.parsed("web.allow_private", parse::boolean)?,
            max_pages: values.whole("web.max_pages")?,
            timeout: values.time("web.timeout")?,
        })
    }
}
