//! The report of `docent ingest`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::eval::promotion::Promotion;
use crate::ingest::IngestReport;

/// What an ingest did, and whether the version that it built meets its conditions.
#[derive(Serialize, JsonSchema)]
pub struct IngestOutcome<'a> {
    #[serde(flatten)]
    pub report: &'a IngestReport,
    /// Present with `--promote-if`, after the version was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promotion: Option<&'a Promotion>,
}
