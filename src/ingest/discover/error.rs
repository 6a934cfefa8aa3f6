//! Errors in the inputs of a run, and what to type instead.

use crate::error::shell_word;
use crate::types::Site;

/// The inputs are not usable. Nothing but the inputs was looked at.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DiscoverError {
    #[error("no PATH was given, and no earlier run has named one")]
    NothingNamed,
    #[error("{input}: no such file or directory")]
    NotFound {
        input: String,
        /// The most similar existing name, as it would be typed.
        suggestion: Option<String>,
    },
    #[error("{input} is gone, and {documents} of the collection's documents came from it")]
    Gone { input: String, documents: usize },
    #[error("{input}: a broken link to {target}, which does not exist")]
    BrokenLink { input: String, target: String },
    #[error("{pattern}: invalid glob: {reason}")]
    InvalidGlob { pattern: String, reason: String },
    #[error("{input}: a link to {target}, outside the project")]
    Escapes { input: String, target: String },
    #[error(
        "the collection was made from {input}, which is outside the project and which you have not named here"
    )]
    Outside { input: String },
    #[error("the collection was made from {}, which you have not named here", .0.url)]
    Unnamed(Site),
    #[error("{input}: the collection was not made from it")]
    NotRemembered { input: String, known: Vec<String> },
    #[error("{input}: matches no file")]
    NoMatch {
        input: String,
        /// Number of matching entries that were skipped (hidden, ignored, excluded).
        skipped: usize,
    },
    #[error("{input}: cannot be read: {reason}")]
    Unreadable { input: String, reason: String },
}

impl DiscoverError {
    /// What to type next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { suggestion, .. } => {
                suggestion.as_ref().map(|name| format!("did you mean {name}?"))
            }
            Self::BrokenLink { .. } => Some("mend the link, or name the file itself".to_owned()),
            Self::NothingNamed => Some("docent ingest PATH".to_owned()),
            Self::Gone { .. } => {
                Some("delete them with --allow-prune, or bring the files back".to_owned())
            }
            Self::InvalidGlob { .. } => Some(
                "globs may have * ** ? [a-z] {a,b}; a backslash takes the next character literally"
                    .to_owned(),
            ),
            Self::Escapes { target, .. } => Some(format!("name {target} itself if it is meant")),
            Self::Outside { input } => {
                let input = shell_word(input);
                Some(format!(
                    "to read it, name it once: docent ingest {input}; to leave it out: docent ingest --forget {input}"
                ))
            }
            Self::Unnamed(Site { url, reach }) => {
                let mut command = format!("docent ingest {}", shell_word(url));
                if reach.depth > 0 {
                    command += &format!(" --depth {}", reach.depth);
                }
                if reach.whole_host {
                    command += " --whole-host";
                }
                let url = shell_word(url);
                Some(format!(
                    "to fetch it, name it once: {command}; to leave it out: docent ingest --forget {url}"
                ))
            }
            Self::NotRemembered { known, .. } if known.is_empty() => {
                Some("the collection has no paths or sites to forget".to_owned())
            }
            Self::NotRemembered { known, .. } => Some(format!(
                "it was made from {}; to leave out a part of that, use .docentignore or --exclude",
                known.join(", ")
            )),
            Self::NoMatch { skipped: 0, .. } => {
                Some("`*` stays within a directory, `**` crosses directories".to_owned())
            }
            Self::NoMatch { skipped, .. } => Some(format!(
                "{skipped} matching entries are hidden, ignored, excluded or hold keys; name a file to ingest it anyway"
            )),
            Self::Unreadable { .. } => None,
        }
    }
}
