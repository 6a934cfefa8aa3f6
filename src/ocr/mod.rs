//! Reads the text on a page that is given as a picture.
//!
//! An [`OcrModel`] is a trait, as [`Reranker`](crate::rerank::Reranker) is: `ingest` must not know whether a
//! model of this process or an endpoint reads the page, and tests replace it.

pub mod dry_run;
pub mod local;
pub mod openai;
mod picture;
mod png;

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use self::picture::GrayImage;
use crate::error::BackendError;
use crate::types::Usage;

/// Tokens assumed for a page if the endpoint does not report them: 85, plus 170 for each of six tiles of 512
/// pixels (`OpenAI`, "Images and vision"), plus the prompt.
const PAGE_TOKENS: u64 = 1_200;

/// A rectangle of a picture, in pixels from its upper left corner.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct PixelBox {
    pub left: u32,
    pub top: u32,
    pub right: u32,
    pub bottom: u32,
}

/// A word that was recognized.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct OcrWord {
    pub text: String,
    /// From 0 to 1; `None` if the model does not report it.
    pub confidence: Option<f32>,
    /// `None` if the model does not report it.
    pub area: Option<PixelBox>,
}

/// The words of one line, in reading order.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct OcrLine {
    pub words: Vec<OcrWord>,
    /// Whether a paragraph begins here.
    pub begins_paragraph: bool,
}

/// Usage that an endpoint bills for a page, including failed and repeated requests.
#[derive(Debug, Default)]
pub struct OcrUsage(Mutex<Usage>);

impl OcrUsage {
    pub fn add(&self, usage: Usage) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += usage;
    }

    pub fn usage(&self) -> Usage {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads pages.
#[async_trait]
pub trait OcrModel: Send + Sync {
    /// The name of the model in records: `pp-ocrv6-tiny`, `openai:gpt-4o-mini`.
    fn id(&self) -> &str;

    /// Whether it computes in this process and costs nothing.
    fn is_local(&self) -> bool;

    /// The lines of a page in reading order; empty if the page has no text.
    async fn read(&self, page: GrayImage, bill: &OcrUsage) -> Result<Vec<OcrLine>, BackendError>;
}
