//! Who asked what, and what was decided: one line of JSON for each request that needed a right, in an
//! append-only file ([`crate::audit`]). Questions are included only on request; answers and keys never are.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use schemars::schema::{RootSchema, Schema};
use schemars::{JsonSchema, schema_for};
use serde::Serialize;

use super::log::LogEntry;
use crate::audit::{AuditLine, AuditNotice, Chain, line_schema};
use crate::error::Failure;

/// The content of a line about a request.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditedRequest")]
struct Request<'a> {
    #[serde(flatten)]
    entry: &'a LogEntry,
    /// What was decided about the request.
    decision: Decision,
    /// Sources of the passages that the caller was shown, or that the answer was made from.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    #[schemars(default)]
    documents: &'a [String],
    /// The question, with `--audit-content`.
    #[serde(skip_serializing_if = "Option::is_none")]
    question: Option<&'a str>,
    /// The caller's comment on an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditDecision")]
#[serde(rename_all = "snake_case")]
enum Decision {
    /// The request was answered.
    Answered,
    /// The caller was not admitted, or may not do this.
    Denied,
    /// The caller was admitted, and the request failed.
    Failed,
}

/// The JSON Schema (draft 7) of a line, about a request or about the audit itself.
pub fn schema() -> RootSchema {
    let request = line_schema(schema_for!(AuditLine<'_, Request<'_>>));
    let notice = line_schema(schema_for!(AuditLine<'_, AuditNotice<'_>>));
    let mut root = RootSchema { definitions: request.definitions, ..RootSchema::default() };
    root.definitions.extend(notice.definitions);
    root.meta_schema = request.meta_schema;
    let metadata = root.schema.metadata();
    metadata.title = Some("docent serve --audit".to_owned());
    metadata.description = Some("A line of the file".to_owned());
    let lines = [request.schema, notice.schema].map(Schema::Object);
    root.schema.subschemas().any_of = Some(lines.into());
    root
}

pub(super) struct RequestAudit {
    path: PathBuf,
    content: bool,
    end: Mutex<End>,
}

struct End {
    chain: Chain,
    /// Why the last line was not written.
    problem: Option<String>,
}

/// The result of adding a line.
#[derive(Default)]
pub(super) struct Added {
    pub(super) failed: bool,
    /// A warning for the operator of the server, reported once.
    pub(super) warning: Option<String>,
}

impl RequestAudit {
    /// Continues at the end of the file, or where the head beside it says that it ended.
    ///
    /// # Errors
    /// The file cannot be written, its last line does not belong to the chain, or another process writes
    /// it.
    pub(super) fn open(path: &Path, content: bool) -> Result<Self, Failure> {
        let chain = Chain::open(path).map_err(|error| {
            Failure::config(format!("--audit {}: {error}", path.display()))
                .hint("name a file that only this server writes: a new one, or one that docent wrote as its audit")
        })?;
        let end = Mutex::new(End { chain, problem: None });
        Ok(Self { path: path.to_owned(), content, end })
    }

    /// Adds a line for a request that has ended. If it cannot be written, it is tried again with the next
    /// one, and [`Self::problem`] reports it until then.
    pub(super) fn add(&self, entry: &LogEntry) -> Added {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let mut warning = None;
        let added = end.chain.add(self.request(entry), &mut warning);
        let problem = added.err().map(|error| format!("{}: {error}", self.path.display()));
        if let Some(problem) = problem.as_ref().filter(|_| end.problem.is_none()) {
            warning = Some(format!("the audit cannot be written: {problem}"));
        }
        end.problem = problem;
        Added { failed: end.problem.is_some(), warning }
    }

    fn request<'a>(&self, entry: &'a LogEntry) -> Request<'a> {
        let decision = match entry.status {
            // 101: the connection became a conversation.
            101 | 200..=399 => Decision::Answered,
            401 | 403 | 404 | 429 => Decision::Denied,
            _ => Decision::Failed,
        };
        let content = |text: &'a Option<String>| text.as_deref().filter(|_| self.content);
        let (question, comment) = (content(&entry.notes.question), content(&entry.notes.comment));
        let documents = &entry.notes.documents;
        Request { entry, decision, documents, question, comment }
    }

    /// Why the last line could not be written.
    pub(super) fn problem(&self) -> Option<String> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).problem.clone()
    }
}
