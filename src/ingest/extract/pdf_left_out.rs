//! What [`pdf`](super::pdf) is in a build without the feature `pdf`: every file says why it is not read.

use std::time::Duration;

use super::ExtractError;
use super::ocr::WantedPage;
use super::worker::Extracted;
use crate::ocr::GrayImage;

/// A page as it is looked at: there is none.
pub(super) struct PageView {
    pub(super) picture: GrayImage,
    pub(super) pixels_per_point: f32,
}

pub(super) fn document(_: &[u8], _: &[String], _: Duration) -> Result<Extracted, ExtractError> {
    Err(left_out())
}

pub(super) fn page_pictures(
    _: Vec<u8>,
    _: &[String],
    pages: &[WantedPage],
    _: Duration,
    mut take: impl FnMut(Result<PageView, ExtractError>) -> bool,
) {
    let _ = pages.iter().all(|_| take(Err(left_out())));
}

fn left_out() -> ExtractError {
    ExtractError::new(
        "this build of docent does not read PDF: use a release, or build it with the feature pdf",
    )
}
