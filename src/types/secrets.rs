//! What is to become of secrets in documents.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What to do with a document that holds what looks like a secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnSecret {
    /// Store it as it is, and say so.
    #[default]
    Warn,
    /// Pass the document over.
    Skip,
    /// Store the document without the secret.
    Redact,
    /// The document cannot be brought in.
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

    /// Whether no secret that is recognised gets into the collection.
    pub fn keeps_out(self) -> bool {
        self != Self::Warn
    }
}

/// That a document was looked through for secrets, and what came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Screening {
    /// Of the rules.
    pub revision: u32,
    /// Secrets that were found and stored all the same.
    pub stored: u32,
}
