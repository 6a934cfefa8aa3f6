//! Versions of a collection on a server: switched by one request, cut off after any of them.

#![allow(clippy::unwrap_used, reason = "tests")]

use qdrant_client::qdrant::CreateCollection;

use super::*;
use crate::store::AdoptedVersion;
use crate::types::{Manifest, Ownership};

pub(super) fn rebuilt() -> Manifest {
    Manifest { docent: "0.2.0".to_owned(), ..manifest() }
}

pub(super) fn points(count: u32) -> Vec<crate::types::Point> {
    (0..count).map(|n| point(chunk("a.md", n, &format!("{n}")), [1.0; DIMENSIONS], &[])).collect()
}

/// A collection of three chunks on a server of its own, and its writer.
pub(super) struct Filled {
    pub(super) script: Script,
    pub(super) options: ServerOptions,
    pub(super) store: ServerStore,
    pub(super) writer: Arc<dyn CollectionWriter>,
}

pub(super) async fn filled() -> Filled {
    let script = Script::new("1.18.3", []);
    let options = ServerOptions {
        retry: RetryPolicy { attempts: 1, ..RetryPolicy::default() },
        ..listen(&script)
    };
    let store = connect(options.clone(), "docs").unwrap();
    let writer = store.write().await.unwrap();
    writer.create(&manifest()).await.unwrap();
    writer.upsert(points(3)).await.unwrap();
    writer.flush().await.unwrap();
    Filled { script, options, store, writer }
}

/// A whole rebuild, into five chunks.
async fn rebuild(store: &ServerStore) -> Result<(), BackendError> {
    replace(&*store.write().await?).await
}

async fn replace(writer: &dyn CollectionWriter) -> Result<(), BackendError> {
    let successor = writer.successor().await?;
    successor.create(&rebuilt()).await?;
    successor.upsert(points(5)).await?;
    successor.publish(0).await
}

pub(super) async fn reader(store: &ServerStore) -> CollectionReader {
    store.read().await.unwrap().unwrap()
}

pub(super) fn versions(script: &Script) -> Vec<String> {
    let mut names = script.memory.lock().unwrap().names();
    names.retain(|name| name.starts_with("docs@v"));
    names
}

#[tokio::test]
async fn the_alias_is_switched_by_one_request() {
    let Filled { script, writer, .. } = filled().await;
    let start = script.requests();
    replace(&*writer).await.unwrap();
    let asked = script.asked_since(start);
    assert_eq!(asked.iter().filter(|method| **method == "update_aliases").count(), 1);
    let switched = asked.iter().position(|method| *method == "update_aliases").unwrap();
    let removed = asked.iter().position(|method| *method == "delete_collection").unwrap();
    assert!(switched < removed, "{asked:?}");
    assert_eq!(versions(&script), ["docs@v2"]);
}

#[tokio::test]
async fn cut_off_anywhere_the_collection_is_the_old_or_the_new_one() {
    let Filled { script, store, writer, .. } = filled().await;
    writer.close().await.unwrap();
    let start = script.requests();
    rebuild(&store).await.unwrap();
    let whole = script.requests() - start;
    assert!(whole > 10, "{whole}");
    let mut outcomes = Vec::new();
    for after in 0..whole {
        let Filled { script, options, store, writer } = filled().await;
        writer.close().await.unwrap();
        *script.gone_after.lock().unwrap() = script.requests() + after;
        let result = rebuild(&store).await;
        *script.gone_after.lock().unwrap() = usize::MAX;

        let reader = reader(&connect(options.clone(), "docs").unwrap()).await;
        let manifest_now = &**reader.manifest();
        let is_new = *manifest_now == rebuilt();
        assert!(is_new || *manifest_now == manifest(), "{after}: {manifest_now:?}");
        let expected = if is_new { ("docs@v2", 5) } else { ("docs@v1", 3) };
        assert_eq!(reader.count_chunks().await, Ok(expected.1), "{after}");
        assert!(is_new || result.is_err());
        outcomes.push(is_new);

        // The next writer removes what is left over.
        let next = connect(options, "docs").unwrap().lease_life(Duration::from_millis(1));
        let next = next.write().await.unwrap();
        assert_eq!(versions(&script), [expected.0], "{after}");
        assert_eq!(next.count_chunks().await, Ok(expected.1));
        assert_eq!(reader.count_chunks().await, Ok(expected.1));
    }
    assert!(outcomes.is_sorted() && outcomes.contains(&false) && outcomes.contains(&true));
}

#[tokio::test]
async fn a_former_version_that_stays_is_not_an_error() {
    let Filled { script, store, writer, .. } = filled().await;
    let former = reader(&store).await;
    *script.refused.lock().unwrap() = vec!["delete_collection"];
    replace(&*writer).await.unwrap();
    assert_eq!(versions(&script), ["docs@v1", "docs@v2"]);
    let counted = (former.count_chunks().await, reader(&store).await.count_chunks().await);
    assert_eq!(counted, (Ok(3), Ok(5)));
    script.refused.lock().unwrap().clear();
    writer.close().await.unwrap();
    store.write().await.unwrap().close().await.unwrap();
    assert_eq!(versions(&script), ["docs@v2"]);
    assert_eq!(former.count_chunks().await.unwrap_err().fault, Fault::Replaced);
}

#[tokio::test]
async fn versions_that_somebody_named_stay() {
    let Filled { script, writer, .. } = filled().await;
    let alias = ("production".to_owned(), "docs@v1".to_owned());
    script.memory.lock().unwrap().alias(alias.0, alias.1).unwrap();
    replace(&*writer).await.unwrap();
    assert_eq!(versions(&script), ["docs@v1", "docs@v2"]);
}

/// Beside the collection, and in its place.
#[tokio::test]
async fn a_collection_of_another_tool_with_such_a_name_stays() {
    let Filled { script, store, writer, .. } = filled().await;
    let foreign = |name: &str| CreateCollection {
        collection_name: name.to_owned(),
        ..CreateCollection::default()
    };
    script.memory.lock().unwrap().create(foreign("docs@v3")).unwrap();
    writer.close().await.unwrap();
    rebuild(&store).await.unwrap();
    assert_eq!(versions(&script), ["docs@v3", "docs@v4"]);
    store.write().await.unwrap().close().await.unwrap();
    assert_eq!(versions(&script), ["docs@v3", "docs@v4"]);

    script.memory.lock().unwrap().alias("docs".to_owned(), "docs@v3".to_owned()).unwrap();
    let error = store.write().await.err().unwrap();
    assert_eq!(error.fault, Fault::Taken);
    assert!(error.message.contains("was not made by docent"), "{error}");
    assert_eq!(versions(&script), ["docs@v3", "docs@v4"]);
}

/// Whoever removed the version with that number, and whoever creates the next one.
#[tokio::test]
async fn no_other_gets_the_number_of_a_version_that_was_read() {
    let Filled { script, options, store, writer } = filled().await;
    let former = reader(&store).await;
    writer.close().await.unwrap();
    for number in 2..5 {
        let removed =
            script.memory.lock().unwrap().delete_collection(&format!("docs@v{}", number - 1));
        assert!(removed && store.read().await.unwrap().is_none());
        let writer = connect(options.clone(), "docs").unwrap().write().await.unwrap();
        writer.create(&manifest()).await.unwrap();
        writer.close().await.unwrap();
        assert_eq!(reader(&store).await.version(), number);
        assert_eq!(former.count_chunks().await.unwrap_err().fault, Fault::Replaced);
    }
    // A number that nobody noted: it is higher than any that exists.
    script.memory.lock().unwrap().only_payload("docs@lease").remove("number");
    rebuild(&store).await.unwrap();
    assert_eq!(reader(&store).await.version(), 5);
}

#[tokio::test]
async fn a_collection_that_lost_its_name_is_refused_until_it_is_given_it_again() {
    let Filled { script, store, writer, .. } = filled().await;
    writer.close().await.unwrap();
    script.memory.lock().unwrap().unname("docs");
    for refused in [store.read().await.err(), store.write().await.err()] {
        let error = refused.unwrap();
        assert_eq!(error.fault, Fault::Taken);
        assert!(error.message.contains("docent index adopt --collection docs"), "{error}");
    }
    assert_eq!(versions(&script), ["docs@v1"]);
    let adopted = adopt(&store).await.unwrap();
    assert_eq!((adopted.physical.as_str(), adopted.named), ("docs@v1", true));
    assert_eq!(reader(&store).await.count_chunks().await, Ok(3));
    rebuild(&store).await.unwrap();
    assert_eq!(versions(&script), ["docs@v2"]);
}

async fn adopt(store: &ServerStore) -> Result<AdoptedVersion, BackendError> {
    store.adopt(|_| Ok::<_, BackendError>(())).await
}

/// Nobody named it, and it is empty: a run was cut off before it gave it the name.
#[tokio::test]
async fn an_empty_version_without_a_name_is_in_nobodys_way() {
    let script = Script::new("1.18.3", []);
    let store = connect(listen(&script), "docs").unwrap();
    *script.refused.lock().unwrap() = vec!["update_aliases"];
    assert!(store.write().await.unwrap().create(&manifest()).await.is_err());
    assert_eq!(versions(&script), ["docs@v1"]);
    script.refused.lock().unwrap().clear();
    let store = store.lease_life(Duration::from_millis(1));
    assert!(store.read().await.unwrap().is_none());
    let writer = store.write().await.unwrap();
    writer.create(&manifest()).await.unwrap();
    assert_eq!(versions(&script), ["docs@v2"]);
}

/// It was being filled to become the collection, where there was none.
#[tokio::test]
async fn a_version_cut_off_before_it_was_published_is_removed_by_the_next_run() {
    let script = Script::new("1.18.3", []);
    let owned = |by: &str| Manifest { owner: Ownership::of(by), ..manifest() };
    let store = connect(listen(&script), "docs").unwrap().lease_life(Duration::from_millis(1));
    for (owner, left) in [("mine", "docs@v1"), ("theirs", "docs@v2")] {
        let successor = store.write().await.unwrap().successor().await.unwrap();
        successor.create(&owned(owner)).await.unwrap();
        successor.upsert(points(3)).await.unwrap();
        successor.flush().await.unwrap();
        assert!(versions(&script).contains(&left.to_owned()));
    }
    assert!(store.read().await.unwrap().is_none());
    let writer = store.write().await.unwrap();
    let successor = writer.successor().await.unwrap();
    successor.create(&owned("mine")).await.unwrap();
    assert_eq!(versions(&script), ["docs@v2", "docs@v3"], "what is another's stays");
    successor.publish(0).await.unwrap();
    assert_eq!(reader(&store).await.version(), 3);
}

/// Made by a writer of the same collection, and one that no metadata mentions.
#[tokio::test]
async fn only_what_a_writer_has_noted_is_removed() {
    let Filled { script, store, writer, .. } = filled().await;
    writer.close().await.unwrap();
    rebuild(&store).await.unwrap();
    script.memory.lock().unwrap().recover("docs", "docs@v1");
    script.memory.lock().unwrap().recover("docs", "docs@v7");
    for _ in 0..2 {
        store.write().await.unwrap().close().await.unwrap();
        assert_eq!(versions(&script), ["docs@v1", "docs@v2", "docs@v7"]);
    }
    rebuild(&store).await.unwrap();
    assert_eq!(versions(&script), ["docs@v1", "docs@v7", "docs@v8"]);
    assert_eq!(reader(&store).await.version(), 8);
}

#[tokio::test]
async fn a_version_of_another_owner_is_not_removed() {
    let Filled { script, store, writer, .. } = filled().await;
    let successor = writer.successor().await.unwrap();
    let owner = Ownership::of("another project");
    successor.create(&Manifest { owner, ..rebuilt() }).await.unwrap();
    writer.close().await.unwrap();
    store.write().await.unwrap().close().await.unwrap();
    assert_eq!(versions(&script), ["docs@v1", "docs@v2"]);
}

/// Under the plain name, which then can't be an alias.
#[tokio::test]
async fn a_recovered_snapshot_is_read_and_written_where_it_is() {
    let Filled { script, options, writer, .. } = filled().await;
    writer.close().await.unwrap();
    script.memory.lock().unwrap().recover("docs", "plain");
    let plain = connect(options, "plain").unwrap();
    for _ in ["as it was recovered", "written since"] {
        assert_eq!(reader(&plain).await.count_chunks().await, Ok(3));
        let writer = plain.write().await.unwrap();
        writer.upsert(points(3)).await.unwrap();
        let refused = writer.successor().await.err().unwrap();
        assert!(refused.message.contains("recovered from a snapshot"), "{refused}");
        writer.put_manifest(&manifest()).await.unwrap();
        writer.close().await.unwrap();
    }
    let names = script.memory.lock().unwrap().names();
    assert_eq!(names, ["docs@lease", "docs@v1", "plain", "plain@lease"]);
    let start = script.requests();
    reader(&plain).await;
    assert_eq!(script.asked_since(start), ["collection_info"]);
}

/// Its metadata says that it is a version of that name, but the collection has the name itself.
#[tokio::test]
async fn a_snapshot_that_was_recovered_in_place_of_its_alias_is_taken_up() {
    let Filled { script, store, writer, .. } = filled().await;
    writer.close().await.unwrap();
    {
        let mut memory = script.memory.lock().unwrap();
        memory.recover("docs", "kept");
        assert!(memory.delete_collection("docs@v1"));
        memory.recover("kept", "docs");
        assert!(memory.delete_collection("kept"));
    }
    let error = reader(&store).await.count_chunks().await.unwrap_err();
    assert_eq!(error.fault, Fault::Taken);
    assert!(error.message.contains("docent index adopt --collection docs"), "{error}");
    let adopted = adopt(&store).await.unwrap();
    assert_eq!((adopted.physical.as_str(), adopted.named), ("docs", false));
    assert_eq!(reader(&store).await.count_chunks().await, Ok(3));
}

#[tokio::test]
async fn an_alias_of_somebody_goes_with_no_collection() {
    let Filled { script, writer, .. } = filled().await;
    let alias = ("production".to_owned(), "docs@v1".to_owned());
    script.memory.lock().unwrap().alias(alias.0, alias.1).unwrap();
    let error = writer.drop_collection().await.unwrap_err();
    assert!(error.message.contains("\"production\""), "{error}");
    assert_eq!(versions(&script), ["docs@v1"]);
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_goes_on() {
    let script = Script::new("1.18.3", []);
    let store = connect(listen(&script), "docs").unwrap();
    let writer = store.write().await.unwrap();
    script.lost.lock().unwrap().push("create");
    writer.create(&manifest()).await.unwrap();
    assert_eq!(versions(&script), ["docs@v1"]);
    assert_eq!(**reader(&store).await.manifest(), manifest());
}

#[tokio::test]
async fn one_request_tells_a_reader_its_version() {
    let Filled { script, store, writer, .. } = filled().await;
    replace(&*writer).await.unwrap();
    let start = script.requests();
    assert_eq!(reader(&store).await.version(), 2);
    assert_eq!(script.asked_since(start), ["collection_info"]);
}

/// Its metadata does not say which version it is; the alias does.
#[tokio::test]
async fn a_collection_from_before_versions_were_noted_is_read_and_replaced() {
    let Filled { script, store, writer, .. } = filled().await;
    for key in ["docent_version", "docent_physical"] {
        script.memory.lock().unwrap().forget_metadata("docs", key);
    }
    let start = script.requests();
    let former = reader(&store).await;
    let asked = script.asked_since(start);
    assert_eq!(asked, ["collection_info", "list_aliases", "collection_info"]);
    assert_eq!((former.version(), &**former.manifest()), (1, &manifest()));
    assert_eq!(former.count_chunks().await, Ok(3));
    // A run that changes the manifest keeps it so.
    writer.put_manifest(&manifest()).await.unwrap();
    assert_eq!(reader(&store).await.version(), 1);

    replace(&*writer).await.unwrap();
    assert_eq!(reader(&store).await.version(), 2);
    assert_eq!(former.count_chunks().await.unwrap_err().fault, Fault::Replaced);
}

/// A collection of that name without an alias.
#[tokio::test]
async fn a_collection_of_somebody_else_is_not_read() {
    let script = Script::new("1.18.3", []);
    let name = "docs".to_owned();
    let foreign = CreateCollection { collection_name: name, ..CreateCollection::default() };
    script.memory.lock().unwrap().create(foreign).unwrap();
    let error = connect(listen(&script), "docs").unwrap().read().await.err().unwrap();
    assert!(error.message.contains("was not made by docent"), "{error}");
}
