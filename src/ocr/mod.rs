//! A page as a picture → the text on it.
//!
//! An [`OcrModel`] is a trait, as [`Reranker`](crate::rerank::Reranker) is: `ingest` may not know
//! whether a model of this process or an endpoint reads the page, and tests stand where it does.

pub mod local;
pub mod openai;
mod picture;
mod png;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use self::picture::GrayImage;
use crate::error::BackendError;

/// A rectangle of a picture, in pixels from its upper left corner.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct PixelBox {
    pub left: u32,
    pub top: u32,
    pub right: u32,
    pub bottom: u32,
}

/// A word that was recognized.
#[derive(Clone, PartialEq, Debug)]
pub struct OcrWord {
    pub text: String,
    /// From 0 to 1; `None` where the model does not tell.
    pub confidence: Option<f32>,
    /// `None` where the model does not tell.
    pub area: Option<PixelBox>,
}

/// Words of one line, in the order in which they are read.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct OcrLine {
    pub words: Vec<OcrWord>,
    /// A paragraph begins here.
    pub begins_paragraph: bool,
}

/// Reads pages.
#[async_trait]
pub trait OcrModel: Send + Sync {
    /// What it is, as records name it: `pp-ocrv6-tiny`, `openai:gpt-4o-mini`.
    fn id(&self) -> &str;

    /// The lines of a page in reading order; none where there is no text on it.
    async fn read(&self, page: GrayImage) -> Result<Vec<OcrLine>, BackendError>;
}
