//! Settings of ingest: what it reads, deletes and may cost, and how it fetches web pages.

use std::time::Duration;

use super::{LayerValues, SettingsError, parse};
use crate::types::OnSecret;

#[derive(Clone, PartialEq, Debug)]
pub struct IngestSettings {
    pub max_file_size: u64,
    pub extract_timeout: Duration,
    pub extract_memory: u64,
    /// Password of locked PDFs.
    pub pdf_password: Option<String>,
    /// Read comments of reviewers as text.
    pub comments: bool,
    /// Share of the collection's documents that a run may delete without `--allow-prune`, 0 to 1.
    pub prune_share: f64,
    /// Maximum age of documents.
    pub ttl: Option<Duration>,
    /// What to do with documents that contain secrets.
    pub on_secret: OnSecret,
    /// Most that a run may spend, in the currency of [`super::EmbeddingSettings::price`].
    pub max_cost: Option<f64>,
    /// Longest time that a run may take.
    pub deadline: Option<Duration>,
}

impl IngestSettings {
    pub(super) fn resolve(values: &LayerValues<'_>) -> Result<Self, SettingsError> {
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

/// How web pages are fetched.
#[derive(Clone, PartialEq, Debug)]
pub struct WebSettings {
    /// Also fetch from addresses of this machine and private networks.
    pub allow_private: bool,
    pub max_pages: usize,
    pub timeout: Duration,
}

impl WebSettings {
    pub(super) fn resolve(values: &LayerValues<'_>) -> Result<Self, SettingsError> {
        Ok(Self {
            allow_private: values.parsed("web.allow_private", parse::boolean)?,
            max_pages: values.whole("web.max_pages")?,
            timeout: values.time("web.timeout")?,
        })
    }
}
