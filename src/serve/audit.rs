//! Who asked what, and what was decided: one line of JSON for each request that needed a right, in a file
//! that is only added to ([`crate::audit`]). Questions are in it only where that is asked for; answers and
//! keys never.

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

/// What a line says of a request.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditedRequest")]
struct Request<'a> {
    #[serde(flatten)]
    entry: &'a LogEntry,
    /// What became of the request.
    decision: Decision,
    /// Sources of the passages that the caller was shown, or that the answer was made from.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    #[schemars(default)]
    documents: &'a [String],
    /// What was asked, with `--audit-content`.
    #[serde(skip_serializing_if = "Option::is_none")]
    question: Option<&'a str>,
    /// What a caller wrote of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditDecision")]
#[serde(rename_all = "snake_case")]
enum Decision {
    /// What was asked for was sent.
    Answered,
    /// Not let in, or not let do it.
    Denied,
    /// Let in, and not answered.
    Failed,
}

/// The JSON Schema (draft 7) of a line: of one about a request, or of one about the audit itself.
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

pub(super) struct Audit {
    path: PathBuf,
    content: bool,
    end: Mutex<End>,
}

struct End {
    chain: Chain,
    /// Why the last line was not written.
    problem: Option<String>,
}

/// What became of a line.
#[derive(Default)]
pub(super) struct Added {
    pub(super) failed: bool,
    /// Something that the operator of the server should see to, said once.
    pub(super) warning: Option<String>,
}

impl Audit {
    /// Goes on where the file ends, or where the head beside it says that it ended.
    ///
    /// # Errors
    /// It can't be written, its last line is not a line of it, or another process writes it.
    pub(super) fn open(path: &Path, content: bool) -> Result<Self, Failure> {
        let chain = Chain::open(path).map_err(|error| {
            Failure::config(format!("--audit {}: {error}", path.display()))
                .hint("name a file that can be written, that docent has written if it is there, and that is this server's alone")
        })?;
        let end = Mutex::new(End { chain, problem: None });
        Ok(Self { path: path.to_owned(), content, end })
    }

    /// Adds a line for a request that has ended. What can't be written is tried again with the next, and
    /// meanwhile [said](Self::problem).
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
            // 101: a connection was given to a conversation.
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
