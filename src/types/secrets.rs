//! What to do with secrets in documents.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What to do with a document that contains what looks like a secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnSecret {
    /// Store it as it is, and say so.
    #[default]
    Warn,
    /// Skip the document.
    Skip,
    /// Store the document without the secret.
    Redact,
    /// Fail to ingest the document.
    Fail,
}

impl OnSecret {
    pub const ALL: [Self; 4] = [Self::Warn, Self::Skip, Self::Redact, Self::Fail];

    pub fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Skip => "skip",
            Self::Redact => "redact",
            Self::Fail => "fail",
        }
    }

    /// Whether it keeps every recognized secret out of the collection.
    pub fn keeps_out(self) -> bool {
        self != Self::Warn
    }
}

/// The result of searching a document for secrets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Screening")]
pub struct SecretScreening {
    /// Revision of the rules.
    pub revision: u32,
    /// Secrets that were found and stored all the same.
    pub stored: u32,
}
