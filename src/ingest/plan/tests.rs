#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::ingest::discover::{DiscoverOptions, discover};
use crate::types::{ChunkTally, DocumentKind};

/// A file as the tests see it: name, content, modification time (never 0).
type Row = (u8, u8, i64);

/// Contents 0..4 have the same size two by two, so that size alone does not decide.
fn size(content: u8) -> u64 {
    u64::from(content / 2)
}

fn hash(content: u8) -> ContentHash {
    ContentHash::of(&[content])
}

/// Names from 10 on are outside the scope.
fn source(name: u8) -> String {
    if name < 10 { format!("docs/{name}") } else { format!("other/{name}") }
}

fn file(&(name, content, mtime): &Row) -> FoundFile {
    FoundFile { source: source(name), size: size(content), mtime, page: None, named: false }
}

fn record(&(name, content, mtime): &Row) -> DocumentRecord {
    DocumentRecord {
        project: None,
        source: source(name),
        document_hash: hash(content),
        size: size(content),
        mtime,
        kind: DocumentKind::Text,
        chunks: 1,
        terms: 1,
        tags: Vec::new(),
        text_fields: Vec::new(),
        ingested_at: String::new(),
        run_id: Uuid::nil(),
        web: None,
        secrets: None,
        warnings: Vec::new(),
        ocr: None,
        language: None,
        content_hash: None,
    }
}

fn scope() -> SourceScope {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("docs")).unwrap();
    discover(&DiscoverOptions {
        root: dir.path().to_owned(),
        inputs: vec!["docs".into()],
        cwd: dir.path().to_owned(),
        include: Vec::new(),
        exclude: Vec::new(),
        max_file_size: 1,
        hidden: false,
        known: Vec::new(),
        named: Vec::new(),
        allow_gone: false,
        remembered: false,
        outside: Vec::new(),
        own: Vec::new(),
        expiry: None,
    })
    .unwrap()
    .scope
}

fn hashes(needed: &[&FoundFile], rows: &[Row]) -> HashMap<String, ContentHash> {
    let contents: HashMap<_, _> = rows.iter().map(|row| (source(row.0), row.1)).collect();
    needed.iter().map(|file| (file.source.clone(), hash(contents[&file.source]))).collect()
}

fn run(on_disk: &[Row], stored: &[Row], checksum: bool) -> Plan {
    let files: Vec<_> = on_disk.iter().map(file).collect();
    let records: Vec<_> = stored.iter().map(record).collect();
    let scope = scope();
    let compared = PlanInputs { checksum, ..compared(&scope) };
    let pairs = pairs(files, &records);
    let hashes = hashes(&to_hash(&compared, &pairs), on_disk);
    super::plan(&compared, pairs, &hashes)
}

/// Plans without any hash.
fn plan(compared: &PlanInputs<'_>, files: &[FoundFile], records: &[DocumentRecord]) -> Plan {
    super::plan(compared, pairs(files.to_vec(), records), &HashMap::new())
}

fn compared(scope: &SourceScope) -> PlanInputs<'_> {
    PlanInputs {
        scope,
        failures: &[],
        damaged: &[],
        wanted: RequestedAttributes::default(),
        checksum: false,
        retry_failed: false,
    }
}

#[test]
fn documents_that_are_not_files_are_neither_compared_nor_missed() {
    let (files, scope) = ([file(&(0, 0, 5))], scope());
    let records = [(0, 0, 0), (1, 0, 0)].map(|row| record(&row));
    let compared = compared(&scope);
    let plan = plan(&compared, &files, &records);
    assert!(to_hash(&compared, &pairs(files.to_vec(), &records)).is_empty());
    assert_eq!((plan.added.len(), plan.deleted.len()), (1, 0));
}

#[test]
fn each_case_lands_in_its_list() {
    let stored = [(0, 0, 5), (1, 2, 5), (2, 0, 5), (3, 0, 5), (4, 4, 5), (5, 6, 5), (11, 8, 5)];
    //            same        same size   other size  touched     moved to 8  deleted
    let on_disk = [(0, 0, 5), (1, 3, 6), (2, 4, 6), (3, 0, 6), (8, 4, 9), (9, 5, 9)];
    let plan = run(&on_disk, &stored, false);
    let names = |files: &[FoundFile]| -> Vec<String> {
        files.iter().map(|file| file.source.clone()).collect()
    };
    assert_eq!(names(&plan.unchanged), ["docs/0"]);
    assert_eq!(names(&plan.changed), ["docs/1", "docs/2"]);
    assert_eq!(names(&plan.touched), ["docs/3"]);
    assert_eq!(names(&plan.added), ["docs/9"]);
    assert_eq!(plan.moved, [MovedDocument { from: "docs/4".into(), to: file(&(8, 4, 9)) }]);
    assert_eq!(plan.deleted, ["docs/5"]);
}

#[test]
fn other_tags_are_a_change() {
    let (files, records) = ([file(&(0, 0, 5))], [record(&(0, 0, 5))]);
    let scope = scope();
    let tagged = |tags: Option<&[String]>| {
        let wanted = RequestedAttributes { tags, ..RequestedAttributes::default() };
        plan(&PlanInputs { wanted, ..compared(&scope) }, &files, &records)
    };
    assert_eq!(tagged(Some(&["team=a".into()])).changed.len(), 1);
    assert_eq!(tagged(Some(&[])).unchanged.len(), 1);
    assert_eq!(tagged(None).unchanged.len(), 1);
}

#[test]
fn what_may_hold_secrets_is_a_change_where_they_are_kept_out() {
    use crate::ingest::secrets::REVISION;
    use crate::types::SecretScreening;
    let (files, scope) = ([file(&(0, 0, 5))], scope());
    let changed = |revision: Option<u32>, stored: u32, on_secret: OnSecret| {
        let secrets = revision.map(|revision| SecretScreening { revision, stored });
        let records = [DocumentRecord { secrets, ..record(&(0, 0, 5)) }];
        let wanted = RequestedAttributes { on_secret, ..RequestedAttributes::default() };
        let compared = PlanInputs { wanted, ..compared(&scope) };
        !plan(&compared, &files, &records).changed.is_empty()
    };
    for policy in OnSecret::ALL {
        let strict = policy != OnSecret::Warn;
        assert!(!changed(Some(REVISION), 0, policy), "clean under {policy:?}");
        assert_eq!(changed(Some(REVISION), 1, policy), strict, "with one under {policy:?}");
        assert_eq!(changed(Some(REVISION - 1), 0, policy), strict, "older rules under {policy:?}");
        assert_eq!(changed(None, 0, policy), strict, "never screened under {policy:?}");
    }
}

fn failure(row: &Row, hash: Option<ContentHash>) -> FailureRecord {
    let FoundFile { source, size, mtime, .. } = file(row);
    FailureRecord {
        project: None,
        source,
        reason: "damaged".to_owned(),
        size,
        mtime,
        document_hash: hash,
        docent: env!("CARGO_PKG_VERSION").to_owned(),
        failed_at: String::new(),
        run_id: Uuid::nil(),
    }
}

#[test]
fn what_failed_is_not_tried_again_while_it_is_the_same() {
    let (same, edited, unreadable, gone) = ((0, 1, 5), (1, 2, 5), (2, 2, 5), (3, 2, 5));
    let files = [same, (1, 4, 6), unreadable].map(|row| file(&row));
    let known = Some(hash(9));
    let failures = [
        failure(&same, known.clone()),
        failure(&edited, known.clone()),
        failure(&unreadable, None),
        failure(&gone, known.clone()),
    ];
    let scope = scope();
    let first = PlanInputs { failures: &failures, ..compared(&scope) };
    let planned = plan(&first, &files, &[]);
    assert_eq!(planned.failed, [failures[0].clone()]);
    assert_eq!(planned.added, files[1..]);
    assert_eq!(planned.forgotten, ["docs/3"]);
    let retried = plan(&PlanInputs { retry_failed: true, ..first }, &files, &[]);
    assert_eq!((retried.added.as_slice(), retried.failed.len()), (&files[..], 0));

    let older = [FailureRecord { docent: "0.0.1".to_owned(), ..failures[0].clone() }];
    let upgraded = PlanInputs { failures: &older, ..first };
    assert_eq!(plan(&upgraded, &files, &[]).added.len(), 3);

    // An edit that failed keeps the version before it; taking the edit back ends the failure.
    let (records, edits) = ([record(&(0, 4, 4))], [failure(&same, known)]);
    let kept = PlanInputs { failures: &edits, ..first };
    assert_eq!(plan(&kept, &files, &records).failed.len(), 1);
    let undone = plan(&kept, &[file(&(0, 4, 4))], &records);
    assert_eq!((undone.unchanged.len(), undone.forgotten.len()), (1, 1));
}

#[test]
fn a_retry_touches_only_what_failed() {
    let stored = [(0, 0, 5), (1, 2, 5)].map(|row| record(&row));
    let (on_disk, failures) = ([file(&(1, 4, 6)), file(&(2, 4, 6))], [failure(&(2, 0, 1), None)]);
    let scope = scope();
    let compared = PlanInputs { failures: &failures, retry_failed: true, ..compared(&scope) };
    let plan = plan(&compared, &on_disk, &stored);
    assert_eq!(plan, Plan { added: vec![file(&(2, 4, 6))], ..Plan::default() });
}

#[test]
fn a_damaged_document_is_a_change() {
    let (files, records) = ([file(&(0, 0, 5))], [record(&(0, 0, 5))]);
    let (scope, damaged) = (scope(), ["docs/0".to_owned()]);
    let compared = PlanInputs { damaged: &damaged, ..compared(&scope) };
    assert_eq!(plan(&compared, &files, &records).changed.len(), 1);
}

#[test]
fn a_document_is_intact_only_with_exactly_the_chunks_of_its_record() {
    let tally = |name: u8, content: u8, chunks: u32| ChunkTally {
        source: source(name),
        document_hash: hash(content),
        chunks,
    };
    let records = [(0, 0, 5), (1, 0, 5), (2, 0, 5), (3, 0, 5), (4, 0, 5)].map(|row| record(&row));
    let stored = [
        tally(0, 0, 1), // as it should be
        tally(1, 0, 2), // too many
        tally(2, 0, 1), // two versions
        tally(2, 1, 1),
        tally(3, 1, 1), // another version
        tally(7, 0, 3), // no record
    ];
    let found = audit(&records, &stored);
    assert_eq!(found.damaged, ["docs/1", "docs/2", "docs/3", "docs/4"]);
    assert_eq!(found.orphans, ["docs/7"]);
}

#[test]
fn large_deletions_need_permission() {
    let limit = PruneLimit { share: 0.5, allow: false };
    for (deleted, documents, fits) in
        [(10, 10, true), (11, 22, true), (11, 21, false), (0, 0, true), (500, 1_000, true)]
    {
        assert_eq!(limit.check(deleted, documents).is_ok(), fits, "{deleted}/{documents}");
    }
    let allowed = PruneLimit { allow: true, ..limit };
    assert!(allowed.check(11, 11).is_ok());
    assert!(limit.check_unique(&[]).is_ok());
    assert!(limit.check_unique(&["stdin"]).is_err());
    assert!(allowed.check_unique(&["stdin"]).is_ok());
}

#[test]
fn an_edit_that_keeps_size_and_time_needs_the_checksum() {
    let (on_disk, stored) = ([(0, 1, 5)], [(0, 0, 5)]);
    assert_eq!(run(&on_disk, &stored, false).unchanged.len(), 1);
    assert_eq!(run(&on_disk, &stored, true).changed.len(), 1);
}

fn rows(names: std::ops::Range<u8>) -> impl Strategy<Value = Vec<Row>> {
    proptest::collection::btree_map(names, (0u8..4, 1i64..4), 0..8)
        .prop_map(|rows| rows.into_iter().map(|(name, (content, t))| (name, content, t)).collect())
}

/// Two rows with the same name, size and time have the same content unless somebody forged the time; the plan
/// without checksum may take them for equal.
fn forged(on_disk: &[Row], stored: &[Row]) -> bool {
    on_disk.iter().any(|a| {
        stored.iter().any(|b| a.0 == b.0 && a.2 == b.2 && a.1 != b.1 && size(a.1) == size(b.1))
    })
}

proptest! {
    #[test]
    fn carrying_out_the_plan_brings_the_records_in_line(
        on_disk in rows(0..10),
        stored in rows(0..14),
        checksum: bool,
    ) {
        prop_assume!(checksum || !forged(&on_disk, &stored));
        let plan = run(&on_disk, &stored, checksum);
        let mut state: BTreeMap<String, (ContentHash, i64)> =
            stored.iter().map(|row| (source(row.0), (hash(row.1), row.2))).collect();
        let contents: HashMap<String, u8> = on_disk.iter().map(|row| (source(row.0), row.1)).collect();
        for gone in &plan.deleted {
            prop_assert!(state.remove(gone).is_some());
        }
        for step in &plan.moved {
            let (content, _) = state.remove(&step.from).unwrap();
            state.insert(step.to.source.clone(), (content, step.to.mtime));
        }
        for file in &plan.touched {
            state.get_mut(&file.source).unwrap().1 = file.mtime;
        }
        for file in plan.added.iter().chain(&plan.changed) {
            state.insert(file.source.clone(), (hash(contents[&file.source]), file.mtime));
        }
        let expected: BTreeMap<String, (ContentHash, i64)> = on_disk
            .iter()
            .chain(stored.iter().filter(|row| row.0 >= 10))
            .map(|row| (source(row.0), (hash(row.1), row.2)))
            .collect();
        prop_assert_eq!(state, expected);
    }

    #[test]
    fn every_file_is_in_one_list_and_order_is_irrelevant(
        on_disk in rows(0..10),
        stored in rows(0..14),
    ) {
        let forwards = run(&on_disk, &stored, false);
        let mut listed: Vec<String> = [
            &forwards.added, &forwards.changed, &forwards.unchanged, &forwards.touched,
        ]
        .into_iter()
        .flatten()
        .chain(forwards.moved.iter().map(|step| &step.to))
        .map(|file| file.source.clone())
        .collect();
        listed.sort();
        let all: Vec<String> = on_disk.iter().map(|row| source(row.0)).collect();
        prop_assert_eq!(listed, all);

        let reversed = |rows: &[Row]| rows.iter().rev().copied().collect::<Vec<_>>();
        prop_assert_eq!(forwards, run(&reversed(&on_disk), &reversed(&stored), false));
    }
}
