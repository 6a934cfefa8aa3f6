//! An OCR model with a recording.

use std::sync::Arc;

use async_trait::async_trait;

use super::format::{AskedOcr, RecordingEntry};
use super::{Mode, Recording};
use crate::error::{BackendError, Fault};
use crate::ocr::{GrayImage, OcrLine, OcrModel, OcrUsage};
use crate::types::ContentHash;

/// `inner` with a recording. A model that runs in this process needs none.
pub fn recorded(tape: &Arc<Recording>, inner: Arc<dyn OcrModel>) -> Arc<dyn OcrModel> {
    if inner.is_local() || matches!(tape.0, Mode::Off) {
        return inner;
    }
    Arc::new(Recorded { inner, tape: Arc::clone(tape) })
}

struct Recorded {
    inner: Arc<dyn OcrModel>,
    tape: Arc<Recording>,
}

#[async_trait]
impl OcrModel for Recorded {
    fn id(&self) -> &str {
        self.inner.id()
    }

    fn is_local(&self) -> bool {
        self.inner.is_local()
    }

    async fn read(&self, page: GrayImage, bill: &OcrUsage) -> Result<Vec<OcrLine>, BackendError> {
        let request = AskedOcr {
            model: self.inner.id().to_owned(),
            width: page.width,
            height: page.height,
            picture: ContentHash::of(&page.pixels),
        };
        match &self.tape.0 {
            Mode::Off => self.inner.read(page, bill).await,
            Mode::Replay(player) => {
                let page = player.ocr(&request)?;
                bill.add(page.usage);
                page.read
            }
            Mode::Record(recorder) => {
                let result = self.inner.read(page, bill).await;
                let (lines, error) =
                    (result.as_ref().ok().cloned(), result.as_ref().err().cloned());
                if error.as_ref().is_none_or(|error| error.fault != Fault::Stopped) {
                    let usage = bill.usage();
                    recorder.append(&RecordingEntry::Ocr { request, lines, usage, error })?;
                }
                result
            }
        }
    }
}
