//! Collections that are kept in line with their files while they are served. Problems go to the log and the
//! status, and never end the server.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::runtime::Handle;

use super::call::Server;
use super::log::LogEntry;
use crate::cancel::Cancel;
use crate::service::watching::WatchNews;

/// A watched collection.
pub(super) struct WatchedCollection {
    pub(super) collection: String,
    /// Empty: the sources of the collection.
    paths: Vec<String>,
    state: Mutex<WatchState>,
}

/// State of a collection that is kept in line (`--watch`).
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(super) struct WatchState {
    /// Number of watched directories.
    pub(super) directories: usize,
    /// The end of the last run (RFC 3339, UTC).
    pub(super) synced_at: Option<String>,
    /// The problem of the last run.
    pub(super) problem: Option<String>,
}

impl WatchedCollection {
    pub(super) fn new((collection, paths): (String, Vec<String>)) -> Self {
        Self { collection, paths, state: Mutex::default() }
    }

    pub(super) fn state(&self) -> WatchState {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records news from a run; returns what the log should say.
    fn hear(&self, news: WatchNews) -> Option<String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let problem = match news {
            WatchNews::Watching { directories } => {
                state.directories = directories;
                return None;
            }
            WatchNews::Synced { failed } => {
                state.synced_at = Some(Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true));
                let failed = failed.iter().map(|(source, reason)| format!("{source}: {reason}"));
                let failed: Vec<String> = failed.collect();
                (!failed.is_empty()).then(|| failed.join("; "))
            }
            WatchNews::Failed(failure) => {
                let hint = failure.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
                Some([vec![failure.message], failure.causes].concat().join(": ") + &hint)
            }
        };
        let is_news = problem != state.problem;
        state.problem.clone_from(&problem);
        let said = problem.filter(|_| is_news);
        said.map(|problem| format!("watching {}: {problem}", self.collection))
    }
}

/// Watches each collection on a thread of its own.
pub(super) fn begin(server: &Arc<Server>, stop: &Cancel) {
    for number in 0..server.watches.len() {
        let (server, stop) = (Arc::clone(server), stop.clone());
        // A run borrows too much of what it uses to move between threads.
        tokio::task::spawn_blocking(move || {
            let watched = &server.watches[number];
            let mut engines = server.access.engines();
            let engine = engines.find(|(name, _)| *name == watched.collection);
            let Some((_, engine)) = engine else { return };
            let mut tell = |news| {
                if let Some(warning) = watched.hear(news) {
                    (server.observers.log)(&LogEntry::warning(&warning));
                }
            };
            let writing = &server.writing;
            let kept = engine.keep_in_line(&watched.paths, writing, &stop, &mut tell);
            Handle::current().block_on(kept);
        });
    }
}
