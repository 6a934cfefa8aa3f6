//! The journal of a purge: what it set out to delete, kept until it is done. Documents that are gone
//! already cannot say what is left to do.

use std::collections::HashSet;
use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::conditions::{PurgeTarget, Selection};
use super::samples::Samples;
use crate::service::changes::make_private;
use crate::service::context::Context;
use crate::types::ContentHash;

/// The journal contains no text, see [`Samples`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Journal {
    pub(super) run_id: Uuid,
    pub(super) versions: Selection,
    pub(super) samples: Samples,
    /// Those of the samples that were in the files before anything was deleted.
    pub(super) found_before: HashSet<u64>,
}

impl Journal {
    /// Path of the journal of a collection in the store at this directory or URL.
    pub(super) fn path(context: &Context, endpoint: &str) -> PathBuf {
        let collection = &context.settings.collection;
        let of = ContentHash::of(format!("{endpoint}\n{collection}").as_bytes()).0;
        context.data_dir.join(format!("purge-{}.json", &of[..12]))
    }

    /// Reads the journal; `None` if no purge was cut off.
    ///
    /// # Errors
    /// The journal can't be read, or is damaged.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            read => Ok(Some(serde_json::from_slice(&read?)?)),
        }
    }

    /// Writes the journal; it is durable when this returns.
    ///
    /// # Errors
    /// It can't be written.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let directory = path.parent().unwrap_or(path);
        make_private(directory)?;
        // Always the same name, so that what a kill leaves is found again. Only its owner may read it.
        let part = path.with_extension("part");
        remove_if_there(&part)?;
        let name = part.file_name().unwrap_or_default();
        let mut named = tempfile::Builder::new();
        let mut file = named.prefix(name).rand_bytes(0).tempfile_in(directory)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        if let Ok(directory) = fs::File::open(directory) {
            // Not every system can sync a directory.
            let _ = directory.sync_all();
        }
        Ok(())
    }

    pub(super) fn remove(path: &Path) -> io::Result<()> {
        remove_if_there(&path.with_extension("part"))?;
        remove_if_there(path)
    }

    /// Adds what is to be deleted now, and was not when the purge began.
    pub(super) fn add(&mut self, selection: Selection) {
        for (number, doomed) in selection {
            let known = self.versions.entry(number).or_default();
            for it in doomed {
                match known.iter_mut().find(|known| known.source == it.source) {
                    Some(known) => merge(known, it),
                    None => known.push(it),
                }
            }
        }
    }
}

/// Whether a file of the data directory is a journal, by its name.
pub(in crate::service) fn is_purge_journal(name: &str) -> bool {
    let hash = name.strip_prefix("purge-").and_then(|rest| rest.split('.').next());
    hash.is_some_and(|hash| hash.len() == 12 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Merges entries of a source: part of it may be gone, and another run may have ingested it again.
fn merge(known: &mut PurgeTarget, now: PurgeTarget) {
    known.chunks = known.chunks.max(now.chunks);
    known.is_document |= now.is_document;
    known.failed |= now.failed;
    known.is_kept_in_line |= now.is_kept_in_line;
}
