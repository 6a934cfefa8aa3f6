#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::audit::{aside, path_of, verify};
use crate::serve::log::RequestNotes;

fn entry(question: &str) -> LogEntry {
    let notes = RequestNotes { question: Some(question.to_owned()), ..RequestNotes::default() };
    LogEntry { status: 200, notes, ..LogEntry::default() }
}

/// The number of lines of an intact chain, or the line that is wrong.
fn lines(path: &Path) -> Result<u64, usize> {
    verify(path).unwrap().map(|verified| verified.lines).map_err(|broken| broken.line)
}

#[test]
fn lines_are_a_chain_and_what_was_changed_shows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    RequestAudit::open(&path, false).unwrap().add(&entry("one"));
    let audit = RequestAudit::open(&path, true).unwrap();
    audit.add(&entry("two"));
    audit.add(&entry("three"));
    assert_eq!(audit.problem(), None);
    assert!(RequestAudit::open(&path, true).is_err(), "another server");
    drop(audit);
    let verified = verify(&path).unwrap().unwrap();
    assert_eq!((verified.lines, verified.first, verified.end_is_known), (3, 1, true));
    assert_eq!(verified.last.unwrap().number, 3);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("one") && text.contains("\"question\":\"two\""), "{text}");
    let all: Vec<&str> = text.lines().collect();
    for (changed, line) in [
        (text.replace("two", "ten"), 2),
        (format!("{}\n{}\n", all[0], all[2]), 2),
        (format!("{}\n{}\n{}\n", all[0], all[2], all[1]), 2),
        (format!("{}\nnothing\n", all[0]), 2),
        (format!("{}\n{}\n", all[0], all[1]), 3),
        (String::new(), 1),
    ] {
        std::fs::write(&path, changed).unwrap();
        assert_eq!(lines(&path), Err(line));
    }
    std::fs::remove_file(path_of(&path)).unwrap();
    std::fs::write(&path, format!("{}\n{}\n", all[0], all[1])).unwrap();
    assert!(!verify(&path).unwrap().unwrap().end_is_known);
    std::fs::write(&path, "nothing\n").unwrap();
    assert!(RequestAudit::open(&path, false).is_err());
}

#[test]
fn half_a_line_left_by_a_crash_does_not_end_the_chain() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    RequestAudit::open(&path, false).unwrap().add(&entry("one"));
    let mut text = std::fs::read_to_string(&path).unwrap();
    text += &text.clone()[..20];
    std::fs::write(&path, &text).unwrap();
    // Also if the file is opened more than once before a line is added.
    drop(RequestAudit::open(&path, false).unwrap());
    let audit = RequestAudit::open(&path, false).unwrap();
    audit.add(&entry("two"));
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 3);
    assert_eq!(lines(&path), Err(2), "it is seen, and not hidden");
}

#[test]
fn a_crash_between_a_line_and_the_head_does_not_count_as_cut() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let audit = RequestAudit::open(&path, false).unwrap();
    audit.add(&entry("one"));
    let head = std::fs::read(path_of(&path)).unwrap();
    audit.add(&entry("two"));
    drop(audit);
    std::fs::write(path_of(&path), head).unwrap();
    assert_eq!(lines(&path), Ok(2));
    RequestAudit::open(&path, false).unwrap().add(&entry("three"));
    assert_eq!(lines(&path), Ok(3));
}

#[test]
fn a_file_that_goes_away_is_missed_and_the_next_one_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let audit = RequestAudit::open(&path, false).unwrap();
    let one = entry("one");
    let add = || audit.add(&one).warning;
    for _ in 0..3 {
        assert_eq!(add(), None);
    }
    std::fs::rename(&path, dir.path().join("moved.jsonl")).unwrap();
    let warning = add().unwrap();
    assert!(warning.contains("moved") && warning.contains("after 3 lines"), "{warning}");
    assert_eq!(add(), None, "said once");
    let verified = verify(&path).unwrap().unwrap();
    assert_eq!((verified.first, verified.lines), (4, 3), "a notice, and two requests");
    assert!(std::fs::read_to_string(&path).unwrap().lines().next().unwrap().contains("notice"));

    let text = std::fs::read_to_string(&path).unwrap();
    let all: Vec<&str> = text.lines().collect();
    std::fs::write(&path, format!("{}\n{}", all[0], &all[1][..10])).unwrap();
    assert!(add().unwrap().contains("cut off"));
    assert_eq!(lines(&path), Err(2), "half a line");

    std::fs::write(dir.path().join("other"), "something\n").unwrap();
    std::fs::rename(dir.path().join("other"), &path).unwrap();
    let added = audit.add(&one);
    assert!(added.failed && added.warning.is_some_and(|it| it.contains("not a line of an audit")));
    assert!(audit.problem().is_some());
    assert_eq!(add(), None, "said once");
    std::fs::remove_file(&path).unwrap();
    assert!(add().unwrap().contains("moved"));
    assert_eq!(audit.problem(), None);
}

#[test]
fn lines_that_went_while_no_server_ran_are_missed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let audit = RequestAudit::open(&path, false).unwrap();
    for question in ["one", "two"] {
        audit.add(&entry(question));
    }
    drop(audit);
    std::fs::remove_file(&path).unwrap();
    let warning = RequestAudit::open(&path, false).unwrap().add(&entry("three")).warning.unwrap();
    assert!(warning.contains("the last here was 0, and 2 were written"), "{warning}");
    let verified = verify(&path).unwrap().unwrap();
    assert_eq!((verified.first, verified.lines), (3, 2));
}

#[test]
fn files_that_were_moved_aside_are_verified_together() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let audit = RequestAudit::open(&path, false).unwrap();
    let long = LogEntry { path: "/".repeat(4_000), ..entry("") };
    for until in [2, 11] {
        audit.add(&long);
        audit.add(&long);
        audit.end.lock().unwrap().chain.pretend_large();
        if until == 2 {
            (0..7).for_each(|_| drop(audit.add(&long)));
        } else {
            audit.add(&long);
        }
        let moved = std::fs::OpenOptions::new().write(true).open(aside(&path, until)).unwrap();
        let text = std::fs::read(aside(&path, until)).unwrap();
        let whole = text.iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        moved.set_len(whole as u64).unwrap();
    }
    let verified = verify(&path).unwrap().unwrap();
    assert_eq!((verified.files.len(), verified.lines), (3, 12));
    let old = aside(&path, 2);
    let text = std::fs::read_to_string(&old).unwrap();
    std::fs::remove_file(&old).unwrap();
    assert_eq!(
        verify(&path).unwrap().unwrap().first,
        3,
        "an audit of the last year lacks the first line"
    );
    std::fs::write(&old, text.replacen("200", "201", 1)).unwrap();
    assert_eq!(verify(&path).unwrap().unwrap_err().file, old);
    std::fs::write(&old, text).unwrap();
    std::fs::remove_file(aside(&path, 11)).unwrap();
    assert_eq!(lines(&path), Err(1));
}
