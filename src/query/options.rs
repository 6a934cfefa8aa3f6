//! Options of an answer.

use uuid::Uuid;

use super::history::HistoryTurn;
use super::pack::PackOptions;
use super::prompt::template::Template;
use super::retrieve::RetrieveOptions;
use super::rewrite::RewriteOptions;
use crate::chat::{Passthrough, SamplingOptions};

/// How to answer a question.
#[derive(Clone, Debug)]
pub struct AnswerOptions {
    /// Id of the answer, a `UUIDv7`.
    pub id: Uuid,
    pub rewrite: RewriteOptions,
    /// `k` is how many hits packing chooses among: [`PackOptions::pool`].
    pub retrieve: RetrieveOptions,
    /// Its token budget covers the passages and the earlier turns that the model is shown.
    pub pack: PackOptions,
    /// Earlier turns of the conversation, oldest first.
    pub history: Vec<HistoryTurn>,
    pub template: Template,
    pub sampling: SamplingOptions,
    /// Unless it is empty, the model is asked even without a passage.
    pub relayed: Passthrough,
    /// Marks the fences around passages; a document cannot guess it.
    pub nonce: String,
    /// Keep the hits for a caller that records the answer. They would be held for as long as the model
    /// writes, and are most of what an answer holds.
    pub keeps_hits: bool,
}
