//! What was done to the collections of a data directory: a line each in a file beside them that is only added to
//! ([`crate::audit`]), without any text of a document.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::schema::RootSchema;
use schemars::{JsonSchema, schema_for};
use serde::Serialize;

use super::context::Context;
use super::purge::PurgeConditions;
use crate::audit::{AuditLine, Chain, line_schema};
use crate::error::{Exit, Failure};

/// A change of a collection.
#[derive(Serialize, JsonSchema)]
pub struct ChangeEntry {
    /// RFC 3339, UTC, with milliseconds.
    pub time: String,
    /// What the system calls whoever did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// On a Qdrant server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// `purge`.
    pub command: &'static str,
    /// Directory or URL.
    pub store: String,
    pub collection: String,
    pub run_id: String,
    pub conditions: PurgeConditions,
    /// Numbers of the versions that something was taken out of.
    pub versions: Vec<u32>,
    /// Sources, each counted once.
    pub documents: usize,
    /// In all versions together.
    pub chunks: u64,
    /// Sources that could not be brought in, and are not remembered any more.
    pub failures: usize,
    /// Exchanges, records of answers and uploads that went with them.
    pub elsewhere: usize,
    /// Bytes of files that were searched for text of it, without finding any; null on a server.
    pub bytes_searched: Option<u64>,
}

/// The JSON Schema (draft 7) of a line.
pub fn schema() -> RootSchema {
    let mut root = line_schema(schema_for!(AuditLine<'_, ChangeEntry>));
    let metadata = root.schema.metadata();
    metadata.title = Some("changes.jsonl".to_owned());
    metadata.description = Some("A line of the file in the data directory".to_owned());
    root
}

/// How long another process that writes a line is waited for, and how often it is looked again.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);

impl Context {
    /// The file that changes of its collections are noted in.
    pub fn changes(&self) -> PathBuf {
        self.data_dir.join("changes.jsonl")
    }

    /// Adds a line, and says which. Durable when it returns.
    ///
    /// # Errors
    /// It can't be written.
    pub(super) async fn note_change(&self, entry: &ChangeEntry) -> Result<u64, Failure> {
        let path = self.changes();
        let failed = |error: io::Error| {
            Failure::new(Exit::Backend, format!("{}: {error}", path.display()))
                .hint("make it a file that can be written; the same command again completes it")
        };
        make_private(&self.data_dir).map_err(failed)?;
        let mut chain = opened(&path).await.map_err(failed)?;
        // Lines that are missing are said in the file, and by `docent audit verify`.
        chain.add(entry, &mut None).and_then(|()| chain.sync()).map_err(failed)?;
        Ok(chain.number())
    }
}

async fn opened(path: &Path) -> io::Result<Chain> {
    let mut tries = 0..TRIES;
    loop {
        match Chain::open(path) {
            Err(error) if error.kind() == ErrorKind::WouldBlock && tries.next().is_some() => {
                tokio::time::sleep(PAUSE).await;
            }
            opened => return opened,
        }
    }
}

/// Makes a data directory where there is none, for its owner alone, which git does not see.
pub(super) fn make_private(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(directory)?;
    fs::write(directory.join(".gitignore"), "*\n")
}
