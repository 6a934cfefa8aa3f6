//! Uploads on disk.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn upload(id: &str) -> Upload {
    Upload {
        id: id.to_owned(),
        name: "a.md".to_owned(),
        directory: String::new(),
        bytes: 2,
        created_at: 1,
        purpose: "assistants".to_owned(),
        owner: None,
        places: BTreeMap::new(),
    }
}

#[test]
fn what_was_promised_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let place = UploadPlace {
        source: "uploads/0123456789ab/a.md".to_owned(),
        tags: Vec::new(),
        created_at: 1,
        state: UploadState::Waiting,
        asked_by: UploadRequest::default(),
    };
    let uploads = Uploads::open(dir.path().join("uploads")).unwrap();
    for id in ["0123456789ab", "0123456789ac"] {
        let mut file = uploads.new_file().unwrap();
        file.write_all(b"hi").unwrap();
        uploads.add(file, upload(id)).unwrap();
        uploads.place(id, "docs", place.clone()).unwrap();
    }
    uploads.settle("0123456789ac", "docs", &place, Some(UploadState::Stored)).unwrap();
    let other = UploadPlace { tags: vec!["x".to_owned()], ..place.clone() };
    uploads.settle("0123456789ab", "docs", &other, Some(UploadState::Stored)).unwrap();

    drop(uploads);
    let again = Uploads::open(dir.path().join("uploads")).unwrap();
    assert_eq!(again.waiting(), 1, "what was asked for since is still to be done");
    assert_eq!(again.get("0123456789ac").unwrap().places["docs"].state, UploadState::Stored);
    again.displace("0123456789ab", "docs", UploadRequest::default()).unwrap();
    let place = again.get("0123456789ab").unwrap().places["docs"].clone();
    again.settle("0123456789ab", "docs", &place, None).unwrap();
    again.remove("0123456789ab").unwrap();
    drop(again);
    let last = Uploads::open(dir.path().join("uploads")).unwrap();
    assert_eq!(last.all().len(), 1);
    last.remove("0123456789ab").unwrap();
    std::fs::remove_dir_all(dir.path()).unwrap();
    assert_eq!((last.all().len(), last.waiting()), (0, 0), "removed with the data directory");
}

#[test]
fn one_server_at_a_time_takes_uploads() {
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().join("uploads");
    let first = Uploads::open(directory.clone()).unwrap();
    let refused = Uploads::open(directory.clone()).err().unwrap();
    assert_eq!(refused.exit, Exit::Config);
    let process = format!("process {}", std::process::id());
    assert!(refused.message.contains(&process), "{}", refused.message);
    assert!(refused.hint.unwrap().contains("without --ingest"));
    first.add(first.new_file().unwrap(), upload("0123456789ab")).unwrap();

    // Removed by another process, and created again by another server.
    std::fs::remove_dir_all(&directory).unwrap();
    let second = Uploads::open(directory.clone()).unwrap();
    assert!(first.all().is_empty(), "what it had is gone");
    let error = first.new_file().err().unwrap().to_string();
    assert!(error.contains(&process), "{error}");
    drop(second);
    // The lock file still exists, and keeps nobody out.
    assert!(directory.join(".lock").is_file());
    first.new_file().unwrap();
    assert!(Uploads::open(directory.clone()).is_err(), "it has it again");
    first.add(first.new_file().unwrap(), upload("0123456789ad")).unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    first.new_file().unwrap();
    assert!(first.all().is_empty(), "nothing of before is in the new one");
}
