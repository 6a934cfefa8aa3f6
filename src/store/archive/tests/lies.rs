//! Forged files: the checksum is right, but the content is something that docent would never write.

use serde_json::{Value, json};

use super::*;
use crate::store::payload;

type ChangePoint = fn(&mut Point);

/// The second argument is the index of the end entry.
type ChangeEntries = fn(&mut Vec<(u8, Vec<u8>)>, usize);

/// Kinds and bodies, as [`ArchiveWriter`] writes them.
fn bodies(head: &ArchiveHeader, entries: &[ArchiveEntry]) -> Vec<(u8, Vec<u8>)> {
    let json = |value: Value| value.to_string().into_bytes();
    let mut bodies = vec![(HEAD, json(serde_json::to_value(head).unwrap()))];
    bodies.extend(entries.iter().map(|entry| match entry {
        ArchiveEntry::Document(it) => (DOCUMENT, json(serde_json::to_value(it).unwrap())),
        ArchiveEntry::Failure(it) => (FAILURE, json(serde_json::to_value(it).unwrap())),
        ArchiveEntry::Point(it) => (POINT, point(it)),
    }));
    bodies.push((END, Vec::new()));
    bodies
}

fn point(Point { chunk, dense, sparse }: &Point) -> Vec<u8> {
    let payload = serde_json::to_vec(&payload::of_chunk(chunk.clone())).unwrap();
    let floats = |values: &[f32]| values.iter().flat_map(|it| it.to_le_bytes()).collect::<Vec<_>>();
    let dense = dense.clone().unwrap_or_default();
    let count = |items: usize| (items as u32).to_le_bytes().to_vec();
    let terms: Vec<u8> = sparse.indices.iter().flat_map(|it| it.to_le_bytes()).collect();
    [
        count(payload.len()),
        payload,
        count(dense.len()),
        floats(&dense),
        count(sparse.indices.len()),
        terms,
        floats(&sparse.values),
    ]
    .concat()
}

fn error_of(file: &[u8]) -> String {
    read(file).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn a_forgery_that_is_written_correctly_is_accepted() {
    let (head, entries) = small();
    let (_, same, _) = read(&forged(&bodies(&head, &entries), packed)).unwrap();
    assert_eq!(same, entries);
}

/// Changes an entry of a good file and checks the error.
#[test]
fn entries_that_docent_would_not_write_are_refused() {
    let (head, entries) = small();
    let first = entries.iter().position(|entry| matches!(entry, ArchiveEntry::Point(_))).unwrap();
    let lies: [(ChangePoint, &str); 14] = [
        (|it| it.dense = Some(vec![f32::NAN, 0.0, 0.0, 0.0]), "unit length"),
        (|it| it.dense = Some(vec![f32::INFINITY; 4]), "unit length"),
        (|it| it.dense = Some(vec![1e38; 4]), "unit length"),
        (|it| it.dense = Some(vec![2.0, 0.0, 0.0, 0.0]), "unit length"),
        (|it| it.dense = Some(vec![1.0]), "other dimensions"),
        (|it| it.dense = Some(vec![0.0; 1 << 20]), "other dimensions"),
        (|it| it.sparse = terms(&[1, 1], &[1.0, 1.0]), "sparse vector is damaged"),
        (|it| it.sparse = terms(&[1], &[f32::NAN]), "sparse vector is damaged"),
        (|it| it.sparse = terms(&[1, 2], &[1.0]), "another length than it states"),
        (|it| it.chunk.text.push('!'), "its text is not the one"),
        (|it| it.chunk.document_hash = ContentHash::of(b"other"), "another version"),
        (|it| it.chunk.source = "d.md".to_owned(), "no record"),
        (|it| it.chunk.source = "b.md".to_owned(), "another version"),
        (|it| it.chunk.headings.clear(), "its text is not the one"),
    ];
    for (change, why) in lies {
        // The chunk comes last: its place among others depends on its id.
        let mut entries = entries[..=first].to_vec();
        let ArchiveEntry::Point(it) = &mut entries[first] else { unreachable!() };
        change(it);
        let error = error_of(&forged(&bodies(&head, &entries), packed));
        assert!(error.contains(why), "{why}: {error}");
    }
}

fn terms(indices: &[u32], values: &[f32]) -> SparseVector {
    SparseVector { indices: indices.to_vec(), values: values.to_vec() }
}

#[test]
fn records_that_docent_would_not_write_are_refused() {
    let (head, entries) = small();
    let good = bodies(&head, &entries);
    for (at, field, value, why) in [
        (0, "documents", json!(2), "more than the 2 documents"),
        (0, "documents", json!(4), "were announced"),
        (0, "failures", json!(0), "more than the 0 failures"),
        (0, "chunks", json!(3), "more than the 3 chunks"),
        (0, "chunks", json!(5), "were announced"),
        (0, "chunks", json!(-5), "can't be read"),
        (0, "manifest", json!(null), "can't be read"),
        (1, "source", json!("b.md"), "twice"),
        (1, "source", json!(7), "can't be read"),
        (1, "document_hash", json!("<script>"), "64 hexadecimal digits"),
        (1, "size", json!(u64::MAX), "is too large"),
        (1, "terms", json!(u64::MAX), "is too large"),
        (1, "chunks", json!(4), "1 of its chunks are missing"),
        (1, "chunks", json!(2), "more chunks than its record"),
        (4, "document_hash", json!("x"), "64 hexadecimal digits"),
        (4, "size", json!(u64::MAX), "is too large"),
    ] {
        let mut bodies = good.clone();
        let mut object: Value = serde_json::from_slice(&bodies[at].1).unwrap();
        object[field] = value.clone();
        bodies[at].1 = object.to_string().into_bytes();
        let error = error_of(&forged(&bodies, packed));
        assert!(error.contains(why), "{field} {value}: {error}");
    }
}

#[test]
fn a_manifest_that_no_collection_has_is_refused() {
    let (head, entries) = small();
    for (pointer, value, why) in [
        ("/schema_version", json!(2), "version 2"),
        ("/embedder/dimensions", json!(0), "0 dimensions"),
        ("/embedder/dimensions", json!(1 << 17), "can't be stored"),
        ("/embedder/dimensions", json!(3), "other dimensions"),
    ] {
        let mut bodies = bodies(&head, &entries);
        let mut object: Value = serde_json::from_slice(&bodies[0].1).unwrap();
        *object["manifest"].pointer_mut(pointer).unwrap() = value.clone();
        bodies[0].1 = object.to_string().into_bytes();
        let error = error_of(&forged(&bodies, packed));
        assert!(error.contains(why), "{pointer} {value}: {error}");
    }
}

/// Whoever imports a file decides who owns it.
#[test]
fn a_file_belongs_to_nobody() {
    let (mut head, mut entries) = small();
    head.manifest.owner = Ownership::of("mine");
    for entry in &mut entries {
        match entry {
            ArchiveEntry::Document(record) => record.project = Some("mine".to_owned()),
            ArchiveEntry::Failure(record) => record.project = Some("mine".to_owned()),
            ArchiveEntry::Point(_) => {}
        }
    }
    let (nobody, nobodys) = small();
    let (head, entries, _) = read(&forged(&bodies(&head, &entries), packed)).unwrap();
    assert_eq!((head, entries), (nobody, nobodys));
}

#[test]
fn entries_in_another_order_or_number_are_refused() {
    let (head, entries) = small();
    let good = bodies(&head, &entries);
    let end = good.len() - 1;
    let lies: [(ChangeEntries, &str); 9] = [
        (|it, _| it.swap(1, 2), "twice, or in the wrong place"),
        (|it, end| it.swap(end - 1, end - 2), "wrong place"),
        (|it, end| it.insert(end, it[end - 1].clone()), "twice"),
        (|it, end| it.insert(end, it[4].clone()), "wrong place"),
        (|it, _| drop(it.remove(0)), "its head is missing"),
        (|it, end| it.insert(end, it[0].clone()), "kind"),
        (|it, end| it.insert(end, (b'?', Vec::new())), "kind"),
        (|it, end| it[end].1.push(0), "kind"),
        (|it, end| it.push(it[end].clone()), "follows its end"),
    ];
    for (number, (change, why)) in lies.into_iter().enumerate() {
        let mut bodies = good.clone();
        change(&mut bodies, end);
        let error = error_of(&forged(&bodies, packed));
        assert!(error.contains(why), "{number} {why}: {error}");
    }
}

#[test]
fn lengths_that_lie_cost_no_memory() {
    let (head, entries) = small();
    let good = bodies(&head, &entries);
    // The content ends before the stated length of an entry.
    let lengths = [(u32::MAX, "too long"), (LONGEST as u32, "is incomplete")];
    for (length, why) in lengths {
        let lie = |mut content: Vec<u8>| {
            let at = 5 + good[0].1.len() + 1;
            content[at..at + 4].copy_from_slice(&length.to_le_bytes());
            packed(content)
        };
        let error = error_of(&forged(&good, lie));
        assert!(error.contains(why), "{error}");
    }
    // The length of a part of an entry.
    let at = good.iter().position(|(kind, _)| *kind == POINT).unwrap();
    for length in [u32::MAX, 1 << 30, 0] {
        let mut bodies = good.clone();
        bodies[at].1[..4].copy_from_slice(&length.to_le_bytes());
        assert!(read(&forged(&bodies, packed)).is_err(), "{length}");
    }
}

#[test]
fn what_unpacks_to_too_much_is_refused() {
    let failure = |n: u32| FailureRecord {
        reason: "a".repeat(8 << 20),
        ..contract::failure(&format!("{n:03}"), "")
    };
    let entries: Vec<ArchiveEntry> = (0..12).map(|n| ArchiveEntry::Failure(failure(n))).collect();
    let head = ArchiveHeader::new(&contract::manifest(), 0, 12, 0);
    let bomb = forged(&bodies(&head, &entries), packed);
    assert!(bomb.len() < 100_000, "{} bytes", bomb.len());
    let error = error_of(&bomb);
    assert!(error.contains("a thousand times its size"), "{error}");
    // A window that would take 128 MiB.
    let (head, entries) = small();
    let wide = |content: Vec<u8>| {
        let mut packed = Encoder::new(Vec::new(), 3).unwrap();
        packed.window_log(27).unwrap();
        packed.write_all(&content).unwrap();
        packed.finish().unwrap()
    };
    let error = error_of(&forged(&bodies(&head, &entries), wide));
    assert!(error.contains("damaged"), "{error}");
}
