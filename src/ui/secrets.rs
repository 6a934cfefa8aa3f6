//! Warnings of secrets in documents: where they are and of what kind, never the secrets themselves.

use super::Ui;
use crate::ingest::secrets::Secrets;
use crate::output::humanize::{counted, grouped};
use crate::types::OnSecret;

/// How many secrets are listed.
const LISTED: usize = 20;

impl Ui {
    /// A warning for each secret, and what was done with them.
    pub(super) fn secrets(&mut self, secrets: &Secrets, policy: OnSecret) {
        let listed = &secrets.listed[..secrets.listed.len().min(LISTED)];
        for found in listed {
            self.warn(&format!("{}: looks like {} ({})", found.citation, found.what, found.rule));
        }
        let rest = secrets.total - listed.len();
        if rest > 0 {
            self.warn(&format!(
                "... and {} more; docent ingest --format json lists them",
                grouped(rest)
            ));
        }
        if secrets.total > 0 {
            self.note(&outcome(policy, secrets.total));
        }
    }
}

fn outcome(policy: OnSecret, total: usize) -> String {
    let secrets = counted(total, "secret");
    match policy {
        OnSecret::Warn => {
            format!(
                "{secrets} stored unchanged; --on-secret redact, skip or fail keeps secrets out"
            )
        }
        OnSecret::Skip => format!("{secrets} kept out, with the documents that contain them"),
        OnSecret::Redact => format!("{secrets} redacted"),
        OnSecret::Fail => format!("{secrets} kept out; the documents that contain them failed"),
    }
}
