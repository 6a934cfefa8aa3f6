//! Feedback of a reader on an answer, stored beside its record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::types::TraceContext;

/// Feedback of a reader on an answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Feedback {
    /// Id of the answer.
    pub feedback_on: Uuid,
    /// RFC 3339, UTC, with milliseconds.
    pub at: String,
    /// From 0, of no use, to 1, right.
    pub score: f64,
    /// Present where texts are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The context of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<TraceContext>,
}
