//! A page as a picture → the text on it.
//!
//! An [`OcrModel`] is a trait, as [`Reranker`](crate::rerank::Reranker) is: `ingest` may not know
//! whether a model of this process or an endpoint reads the page, and tests stand where it does.

pub mod local;
pub mod openai;
mod picture;
mod png;
pub mod unasked;

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use self::picture::GrayImage;
use crate::error::BackendError;
use crate::types::Usage;

/// Tokens that a page is for an endpoint that does not tell: 85, and 170 for each of six tiles of 512
/// pixels (`OpenAI`, "Images and vision"), and those of the prompt.
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
    /// From 0 to 1; `None` where the model does not tell.
    pub confidence: Option<f32>,
    /// `None` where the model does not tell.
    pub area: Option<PixelBox>,
}

/// Words of one line, in the order in which they are read.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct OcrLine {
    pub words: Vec<OcrWord>,
    /// A paragraph begins here.
    pub begins_paragraph: bool,
}

/// What an endpoint bills for a page, also for one that it was asked twice about, or in vain.
#[derive(Debug, Default)]
pub struct Bill(Mutex<Usage>);

impl Bill {
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
    /// What it is, as records name it: `pp-ocrv6-tiny`, `openai:gpt-4o-mini`.
    fn id(&self) -> &str;

    /// Whether it computes in this process, which nobody bills.
    fn is_local(&self) -> bool;

    /// The lines of a page in reading order; none where there is no text on it.
    async fn read(&self, page: GrayImage, bill: &Bill) -> Result<Vec<OcrLine>, BackendError>;
}
