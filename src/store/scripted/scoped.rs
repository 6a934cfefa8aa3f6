//! Tokens for some collections, and read-only ones: what they allow works, and nothing else is requested.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::testing::qdrant::rights::{token, token_on};
use crate::types::Manifest;

/// A collection on a server that requires a key, made with a key for everything.
async fn made() -> (Script, ServerOptions) {
    let script = Script::new("1.18.3", []).require_key(KEY);
    let options = listen(&script);
    let writer = connect(options.clone(), "docs").unwrap().write().await.unwrap();
    writer.create(&manifest()).await.unwrap();
    writer.upsert(vec![point(chunk("a.md", 0, "x"), [1.0; DIMENSIONS], &[])]).await.unwrap();
    writer.close().await.unwrap();
    (script, options)
}

fn with(options: &ServerOptions, token: String) -> ServerStore {
    connect(ServerOptions { api_key: Some(token), ..options.clone() }, "docs").unwrap()
}

fn changed() -> Manifest {
    Manifest { roots: vec!["docs".to_owned()], ..manifest() }
}

#[tokio::test]
async fn a_token_for_the_alias_or_for_the_version_writes_what_everybody_reads() {
    for names in [&["docs", "docs@lease"][..], &["docs", "docs@v1", "docs@lease"]] {
        let (script, options) = made().await;
        let access: Vec<_> = names.iter().map(|name| (*name, "rw")).collect();
        let scoped = with(&options, token_on(&access));
        let start = script.requests();
        let writer = scoped.write().await.unwrap();
        assert_eq!(writer.manifest().await, Ok(Some(manifest())));
        writer.upsert(vec![point(chunk("b.md", 0, "y"), [1.0; DIMENSIONS], &[])]).await.unwrap();
        writer.delete_documents(&["a.md".to_owned()]).await.unwrap();
        writer.put_manifest(&changed()).await.unwrap();
        writer.close().await.unwrap();
        let asked = script.asked_since(start);
        let of_server = ["create", "update", "update_aliases", "delete_collection"];
        assert!(!asked.iter().any(|method| of_server.contains(method)), "{asked:?}");
        let key = connect(options.clone(), "docs").unwrap();
        for store in [&scoped, &key] {
            let reader = store.read().await.unwrap().unwrap();
            assert_eq!((reader.version(), &**reader.manifest()), (1, &changed()));
            assert_eq!(reader.count_chunks().await, Ok(1));
            assert_eq!(reader.foreign_points().await, Ok(ForeignPoints::default()));
        }
        // Where there is a point for it, every writer keeps the manifest there, until a rebuild.
        let writer = key.write().await.unwrap();
        writer.put_manifest(&manifest()).await.unwrap();
        assert_eq!(**scoped.read().await.unwrap().unwrap().manifest(), manifest());
        let successor = writer.successor().await.unwrap();
        successor.create(&changed()).await.unwrap();
        successor.publish(0).await.unwrap();
        let start = script.requests();
        assert_eq!(**key.read().await.unwrap().unwrap().manifest(), changed());
        assert_eq!(script.asked_since(start), ["collection_info"]);
    }
}

#[tokio::test]
async fn a_reader_by_the_alias_learns_that_it_names_another_version() {
    let (_, options) = made().await;
    let scoped = with(&options, token_on(&[("docs", "r")]));
    let reader = scoped.read().await.unwrap().unwrap();
    assert_eq!(reader.count_chunks().await, Ok(1));
    let writer = connect(options.clone(), "docs").unwrap().write().await.unwrap();
    let successor = writer.successor().await.unwrap();
    successor.create(&manifest()).await.unwrap();
    successor.publish(0).await.unwrap();
    assert_eq!(reader.count_chunks().await.unwrap_err().fault, Fault::Replaced);
    assert_eq!(scoped.read().await.unwrap().unwrap().version(), 2);
}

#[tokio::test]
async fn a_missing_right_is_named_with_those_that_the_token_has() {
    let (_, options) = made().await;
    let lacks = |error: BackendError, words: &str| {
        assert_eq!(error.fault, Fault::Unauthorized);
        assert_eq!(error.message, format!("lacks a right: {words}"));
    };
    let read_only = with(&options, token(&"r".into()));
    assert_eq!(read_only.read().await.unwrap().unwrap().count_chunks().await, Ok(1));
    lacks(
        read_only.write().await.err().unwrap(),
        "needs manage on the whole server: Forbidden: Global manage access is required; this token has r on the whole server",
    );
    let without_lease = with(&options, token_on(&[("docs", "rw")]));
    lacks(
        without_lease.write().await.err().unwrap(),
        "Forbidden: Access to collection docs@lease is required; this token has rw on docs",
    );
    let scoped = with(&options, token_on(&[("docs", "rw"), ("docs@lease", "rw")]));
    let writer = scoped.write().await.unwrap();
    lacks(
        writer.successor().await.err().unwrap(),
        "manage on the whole server is needed to make a collection; this token has rw on docs, rw on docs@lease",
    );
    writer.close().await.unwrap();
    let elsewhere = with(&options, token_on(&[("other", "rw")]));
    lacks(
        elsewhere.read().await.err().unwrap(),
        "Forbidden: Access to collection docs is required; this token has rw on other",
    );
}

/// Its manifest is in a point, like everything else in the snapshot.
#[tokio::test]
async fn a_recovered_collection_is_taken_up_with_its_manifest() {
    let (script, options) = made().await;
    let scoped = with(&options, token_on(&[("docs", "rw"), ("docs@lease", "rw")]));
    let writer = scoped.write().await.unwrap();
    writer.put_manifest(&changed()).await.unwrap();
    writer.close().await.unwrap();
    script.memory.lock().unwrap().recover("docs", "plain");
    let plain = connect(options, "plain").unwrap();
    let adopted = plain.adopt(|manifest| {
        manifest.sites.clear();
        manifest.docent = "adopted".to_owned();
        Ok::<_, BackendError>(())
    });
    assert_eq!(adopted.await.unwrap().manifest.roots, changed().roots);
    let reader = plain.read().await.unwrap().unwrap();
    assert_eq!(
        (&*reader.manifest().docent, &reader.manifest().roots),
        ("adopted", &changed().roots)
    );
}

/// A token that may only write points may not index a field, and so can't tell anybody that the manifest is
/// in a point.
#[tokio::test]
async fn a_token_for_points_alone_may_not_keep_a_manifest() {
    let (_, options) = made().await;
    let points = with(&options, token_on(&[("docs", "prw"), ("docs@lease", "prw")]));
    let writer = points.write().await.unwrap();
    writer.upsert(vec![point(chunk("b.md", 0, "y"), [1.0; DIMENSIONS], &[])]).await.unwrap();
    writer.flush().await.unwrap();
    let error = writer.put_manifest(&changed()).await.unwrap_err();
    assert!(error.message.contains("Only points access is allowed for collection docs"), "{error}");
}
