//! What the writers of parts of a collection do one after the other.

use super::CollectionWriter;
use crate::error::BackendError;

/// Runs `work` in a [turn](CollectionWriter::begin_turn), and ends the turn whatever the result.
pub async fn exclusively<T>(
    writer: &dyn CollectionWriter,
    work: impl Future<Output = Result<T, BackendError>> + Send,
) -> Result<T, BackendError> {
    writer.begin_turn().await?;
    let done = work.await;
    let ended = writer.end_turn().await;
    let done = done?;
    ended.map(|()| done)
}
