//! Notices of the operating system that something changed on disk, gathered until it is quiet.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{
    ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher, WatcherKind,
};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// An editor that saves, or a checkout, is one change: it is over when nothing happened for so long.
const QUIET: Duration = Duration::from_millis(300);

/// What never comes to rest is looked at after so long.
const LONGEST: Duration = Duration::from_secs(5);

/// Longer than any system takes to stop watching.
const FREED_WITHIN: Duration = Duration::from_secs(2);

/// That something changed. However often it is noted, it takes no more room.
#[derive(Clone, Default)]
pub struct Changes(Arc<Notify>);

impl Changes {
    pub fn note(&self) {
        self.0.notify_one();
    }

    /// Waits for a change, noted before or after the call, and then until there was none for
    /// [`QUIET`]; at most [`LONGEST`] after the first.
    pub async fn settled(&self) {
        self.0.notified().await;
        let mut burst = Burst::begin(Instant::now());
        while timeout_at(burst.ends(), self.0.notified()).await.is_ok() {
            let now = Instant::now();
            if now >= burst.ends() {
                return;
            }
            burst.goes_on(now);
        }
    }
}

/// Changes that belong together.
struct Burst {
    quiet: Instant,
    latest: Instant,
}

impl Burst {
    fn begin(now: Instant) -> Self {
        Self { quiet: now + QUIET, latest: now + LONGEST }
    }

    /// Another change.
    fn goes_on(&mut self, now: Instant) {
        self.quiet = now + QUIET;
    }

    /// When it is over, unless it goes on.
    fn ends(&self) -> Instant {
        self.quiet.min(self.latest)
    }
}

/// Why nothing can be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The system's limit on watched directories.
    #[error("the system watches no more directories for this user")]
    TooManyDirectories,
    /// The system's limit on programs that watch, or this process's on open files.
    #[error("the system lets no more programs of this user watch directories")]
    TooManyWatchers,
    #[error("{0}")]
    Other(String),
}

impl WatchError {
    fn of(error: notify::Error) -> Self {
        match error.kind {
            ErrorKind::MaxFilesWatch => Self::TooManyDirectories,
            ErrorKind::Io(cause) if is_out_of_files(&cause) => Self::TooManyWatchers,
            _ => Self::Other(error.to_string()),
        }
    }
}

/// `ENFILE` or `EMFILE`, which are the same on every Unix; the standard library has no kind for them.
fn is_out_of_files(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(23 | 24))
}

/// Directories that are watched, until it is dropped.
pub struct Watch {
    watcher: RecommendedWatcher,
    /// With everything below them.
    tops: HashSet<PathBuf>,
    entered: usize,
    failed: Option<WatchError>,
    /// Closed when the system's resources are free again.
    freed: Receiver<()>,
}

impl Watch {
    /// Notes changes of paths that `concerns` says yes to; it is asked on another thread.
    pub fn new(
        changes: Changes,
        mut concerns: impl FnMut(&Path) -> bool + Send + 'static,
    ) -> Result<Self, WatchError> {
        let (held, freed) = channel();
        let on_event = move |event: notify::Result<Event>| {
            let _held: &Sender<()> = &held;
            let noted = match event {
                Ok(event) if event.need_rescan() => true,
                Ok(event) => is_change(event.kind) && event.paths.iter().any(|path| concerns(path)),
                // Something is not heard of any more.
                Err(_) => true,
            };
            if noted {
                changes.note();
            }
        };
        let watcher = notify::recommended_watcher(on_event).map_err(WatchError::of)?;
        Ok(Self { watcher, tops: HashSet::new(), entered: 0, failed: None, freed })
    }

    /// Blocks until nothing is watched any more: another watch is not to be refused for what this
    /// one still had.
    pub fn end(self) {
        drop(self.watcher);
        let _ = self.freed.recv_timeout(FREED_WITHIN);
    }

    /// Watches the entries of a directory.
    pub fn entries(&mut self, directory: &Path) {
        self.add(directory, RecursiveMode::NonRecursive);
    }

    /// Watches the entries of a directory whose subdirectories are added too, where they are to be
    /// watched: inotify takes directories one by one. Elsewhere the first one stands for all.
    pub fn tree(&mut self, directory: &Path) {
        self.entered += 1;
        if RecommendedWatcher::kind() == WatcherKind::Inotify {
            self.add(directory, RecursiveMode::NonRecursive);
        } else if !directory.ancestors().any(|above| self.tops.contains(above)) {
            self.tops.insert(directory.to_owned());
            self.add(directory, RecursiveMode::Recursive);
        }
    }

    /// What cannot be entered is not a concern of this: whoever reads it finds that out.
    fn add(&mut self, directory: &Path, mode: RecursiveMode) {
        if self.failed.is_some() {
            return;
        }
        match self.watcher.watch(directory, mode) {
            Err(error) if !is_shut(&error) => self.failed = Some(WatchError::of(error)),
            _ => {}
        }
    }

    /// Everything was added.
    pub fn complete(mut self) -> Result<Self, WatchError> {
        self.failed.take().map_or(Ok(self), Err)
    }

    /// How many directories of trees there are.
    pub fn directories(&self) -> usize {
        self.entered
    }
}

/// The directory is gone, or closed to this user.
fn is_shut(error: &notify::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(cause) => {
            matches!(cause.kind(), NotFound | NotADirectory | PermissionDenied)
        }
        _ => false,
    }
}

/// Reading is not one: whoever runs after a change reads.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests;
