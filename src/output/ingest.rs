//! What `docent ingest` tells.

use schemars::JsonSchema;
use serde::Serialize;

use crate::eval::promotion::Promotion;
use crate::ingest::IngestReport;

/// What an ingest did, and what came of the conditions that the version it has built was to meet.
#[derive(Serialize, JsonSchema)]
pub struct IngestOutcome<'a> {
    #[serde(flatten)]
    pub report: &'a IngestReport,
    /// With `--promote-if`, once the version was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promotion: Option<&'a Promotion>,
}
