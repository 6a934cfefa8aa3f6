//! Whether questions can be answered: found out before one is asked.

use super::backends;
use super::engine::Engine;
use crate::error::Failure;

impl Engine {
    /// Fails where no question could be answered: what is needed for it is not configured, or cannot
    /// be read.
    pub fn check_answering(&self) -> Result<(), Failure> {
        self.template()?;
        backends::rewriting(&self.context.settings)?;
        backends::check_verifier(&self.context)?;
        self.chat().map(drop)
    }

    /// Fetches the models of a hub that questions will want, so that none has to wait for that.
    ///
    /// # Errors
    /// One of them can't be had.
    pub async fn fetch_models(&self) -> Result<(), Failure> {
        // A store that can't be asked yet says so to whoever asks a question.
        let reader = self.collection().read().await.ok().flatten();
        let built = reader.as_ref().map(|reader| &reader.manifest().embedder);
        backends::fetch_models(&self.context, built).await
    }
}
