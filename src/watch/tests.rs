#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::sync::mpsc::RecvTimeoutError;

use futures::FutureExt as _;
use proptest::prelude::*;

use super::*;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

proptest! {
    /// Whatever the rhythm of the changes, a burst ends after a pause, or when it has gone on for the
    /// longest time.
    #[test]
    fn a_burst_ends_when_it_is_quiet_or_too_long(
        gaps in prop::collection::vec(0_u64..700, 0..60),
    ) {
        let first = Instant::now();
        let mut burst = Burst::begin(first);
        let mut last = first;
        for gap in gaps {
            let now = last + Duration::from_millis(gap);
            if now >= burst.ends() {
                prop_assert!(now - last >= QUIET || now - first >= LONGEST);
                break;
            }
            burst.goes_on(now);
            last = now;
            prop_assert!(burst.ends() > now);
        }
        prop_assert_eq!(burst.ends(), (last + QUIET).min(first + LONGEST));
    }
}

#[test]
fn many_changes_are_one_and_none_is_lost() {
    runtime().block_on(async {
        let changes = Changes::default();
        assert!(changes.settled().now_or_never().is_none(), "nothing changed");
        changes.note();
        changes.note();
        let begun = Instant::now();
        changes.settled().await;
        assert!(begun.elapsed() >= QUIET);
        assert!(changes.settled().now_or_never().is_none(), "it was one change");
    });
}

/// Changes without a pause do not delay the end for ever, and the next call sees the rest.
#[test]
fn what_never_rests_is_looked_at_all_the_same() {
    runtime().block_on(async {
        let changes = Changes::default();
        changes.note();
        let begun = Instant::now();
        let restless = async {
            loop {
                changes.note();
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = changes.settled() => {}
            () = restless => {}
        }
        assert!(begun.elapsed() >= LONGEST);
    });
}

/// A watch of a directory, and the paths that it asks about.
fn watched(directory: &Path) -> (DirectoryWatcher, Changes, Receiver<PathBuf>) {
    let (sender, asked) = channel();
    let changes = Changes::default();
    let concerns = move |path: &Path| sender.send(path.to_owned()).is_ok();
    let mut watch = DirectoryWatcher::new(changes.clone(), concerns).unwrap();
    watch.tree(directory);
    let watch = watch.complete().unwrap();
    assert_eq!(watch.directories(), 1);
    (watch, changes, asked)
}

#[test]
fn reading_is_no_change_and_writing_is() {
    let dir = tempfile::tempdir().unwrap();
    let top = dir.path().canonicalize().unwrap();
    fs::write(top.join("a"), "text").unwrap();
    let (_watch, changes, asked) = watched(&top);
    fs::read(top.join("a")).unwrap();
    assert_eq!(fs::read_dir(&top).unwrap().count(), 1);
    fs::write(top.join("b"), "text").unwrap();
    assert_eq!(
        asked.recv_timeout(Duration::from_secs(20)).unwrap(),
        top.join("b"),
        "the first it hears of"
    );
    runtime().block_on(changes.settled());
}

/// The thread that received notices has ended, and the system has freed what it held for it.
#[test]
fn an_ended_watch_holds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (watch, _changes, asked) = watched(&dir.path().canonicalize().unwrap());
    watch.end();
    let ended = asked.recv_timeout(Duration::from_secs(20));
    assert_eq!(ended, Err(RecvTimeoutError::Disconnected));
}

#[test]
fn a_directory_that_is_gone_or_closed_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "text").unwrap();
    let mut watch = DirectoryWatcher::new(Changes::default(), |_| true).unwrap();
    for missing in ["gone", "file/below"] {
        watch.entries(&dir.path().join(missing));
    }
    assert!(watch.complete().is_ok());
}

#[test]
fn limits_of_the_system_are_told_apart() {
    let of = |kind| WatchError::of(notify::Error::new(kind));
    assert!(matches!(of(ErrorKind::MaxFilesWatch), WatchError::TooManyDirectories));
    for number in [23, 24] {
        let error = ErrorKind::Io(io::Error::from_raw_os_error(number));
        assert!(matches!(of(error), WatchError::TooManyWatchers));
    }
    let other = ErrorKind::Io(io::Error::from_raw_os_error(5));
    assert!(matches!(of(other), WatchError::Other(_)));
}
