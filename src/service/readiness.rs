//! Checks, before a question is asked, whether questions can be answered.

use super::backends;
use super::engine::Engine;
use crate::error::Failure;

impl Engine {
    /// Fails if no question could be answered, since something that is needed is not configured or
    /// cannot be read.
    pub fn check_answering(&self) -> Result<(), Failure> {
        self.template()?;
        backends::rewriting(&self.context.settings)?;
        backends::check_verifier(&self.context)?;
        self.chat().map(drop)
    }

    /// Fetches the models of a hub that questions will need, so that no question waits for that.
    ///
    /// # Errors
    /// A model can't be fetched.
    pub async fn fetch_models(&self) -> Result<(), Failure> {
        // If the store can't be asked yet, the first question reports that.
        let reader = self.collection().read().await.ok().flatten();
        let built = reader.as_ref().map(|reader| &reader.manifest().embedder);
        backends::fetch_models(&self.context, built).await
    }
}
