//! Notices of the operating system that something changed on disk, gathered until changes pause.

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

/// Pause that ends a change: an editor that saves, or a checkout, makes many notices of one change.
const QUIET: Duration = Duration::from_millis(300);

/// Longest wait for such a pause.
const LONGEST: Duration = Duration::from_secs(5);

/// Longer than any system takes to stop watching.
const FREED_WITHIN: Duration = Duration::from_secs(2);

/// Notes that something changed. Takes the same memory however often that happens.
#[derive(Clone, Default)]
pub struct Changes(Arc<Notify>);

impl Changes {
    pub fn note(&self) {
        self.0.notify_one();
    }

    /// Waits for a change, noted before or after the call, and then until there was none for [`QUIET`],
    /// but at most [`LONGEST`] after the first.
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

/// A burst of changes that count as one.
struct Burst {
    quiet: Instant,
    latest: Instant,
}

impl Burst {
    fn begin(now: Instant) -> Self {
        Self { quiet: now + QUIET, latest: now + LONGEST }
    }

    /// Notes another change.
    fn goes_on(&mut self, now: Instant) {
        self.quiet = now + QUIET;
    }

    /// When the burst is over, unless another change comes.
    fn ends(&self) -> Instant {
        self.quiet.min(self.latest)
    }
}

/// Why nothing can be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The system's limit on watched directories.
    #[error("this user's limit of watched directories is reached")]
    TooManyDirectories,
    /// The system's limit on programs that watch, or this process's on open files.
    #[error("this user's limit of programs that watch directories is reached")]
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

/// Watched directories, until this is dropped.
pub struct DirectoryWatcher {
    watcher: RecommendedWatcher,
    /// Directories that are watched with everything below them.
    tops: HashSet<PathBuf>,
    entered: usize,
    failed: Option<WatchError>,
    /// Closed when the system's resources are freed.
    freed: Receiver<()>,
}

impl DirectoryWatcher {
    /// Watches for changes of paths for which `concerns` is true; it is called on another thread.
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
                // Notices were lost.
                Err(_) => true,
            };
            if noted {
                changes.note();
            }
        };
        let watcher = notify::recommended_watcher(on_event).map_err(WatchError::of)?;
        Ok(Self { watcher, tops: HashSet::new(), entered: 0, failed: None, freed })
    }

    /// Blocks until nothing is watched any more, so that another watch is not refused because of this
    /// one.
    pub fn end(self) {
        drop(self.watcher);
        let _ = self.freed.recv_timeout(FREED_WITHIN);
    }

    /// Watches the entries of a directory.
    pub fn entries(&mut self, directory: &Path) {
        self.add(directory, RecursiveMode::NonRecursive);
    }

    /// Watches the entries of a directory of a tree. With inotify, subdirectories have to be added one
    /// by one; on other systems the first directory covers them.
    pub fn tree(&mut self, directory: &Path) {
        self.entered += 1;
        if RecommendedWatcher::kind() == WatcherKind::Inotify {
            self.add(directory, RecursiveMode::NonRecursive);
        } else if !directory.ancestors().any(|above| self.tops.contains(above)) {
            self.tops.insert(directory.to_owned());
            self.add(directory, RecursiveMode::Recursive);
        }
    }

    /// A directory that cannot be entered is not an error here: reading it reports that.
    fn add(&mut self, directory: &Path, mode: RecursiveMode) {
        if self.failed.is_some() {
            return;
        }
        match self.watcher.watch(directory, mode) {
            Err(error) if !is_shut(&error) => self.failed = Some(WatchError::of(error)),
            _ => {}
        }
    }

    /// Ends the adding of directories, and reports the first error.
    pub fn complete(mut self) -> Result<Self, WatchError> {
        self.failed.take().map_or(Ok(self), Err)
    }

    /// How many directories of trees are watched.
    pub fn directories(&self) -> usize {
        self.entered
    }
}

/// Whether the directory is gone, or this user may not enter it.
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

/// Whether an event is a change. Reading is not one: a run after a change reads files.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests;
