//! Contract: what is done to the collection of a tenant neither reads nor changes those of other tenants.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::*;
use crate::store::{FormerVersion, Intent, each_chunk};

/// Number of sequences of operations to try, and operations in each.
const ROUNDS: usize = 3;
const OPERATIONS: usize = 8;

/// Two tenants with a collection of the same name each, and the collection of that name without a tenant.
const TENANTS: [&str; 3] = ["acme", "globex", "nobody"];
const COLLECTIONS: [&str; 3] = ["docs~acme", "docs~globex", "docs"];

/// Each operation that changes a collection.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Upsert(u8),
    PutDocuments(u8),
    DeleteChunks(u8),
    DeleteDocuments(u8),
    PutFailures(u8),
    DeleteFailures(u8),
    PutManifest(u8),
    Intend(u8),
    Checkpoint,
    Optimize,
    Scrub,
    NewVersion { keep: usize },
    SetAside,
    GiveUp,
    Switch(u32),
    TakeOutOf(u32, u8),
    RemoveVersion(u32),
    LogVersion(u32),
    DropCollection,
}

/// All tenants have documents with the same names.
fn source(number: u8) -> String {
    format!("handbook/{number}.md")
}

fn operations() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let number = 0..3_u8;
    prop_oneof![
        4 => number.clone().prop_map(Upsert),
        4 => number.clone().prop_map(PutDocuments),
        2 => number.clone().prop_map(DeleteChunks),
        2 => number.clone().prop_map(DeleteDocuments),
        1 => number.clone().prop_map(PutFailures),
        1 => number.clone().prop_map(DeleteFailures),
        1 => number.clone().prop_map(PutManifest),
        1 => number.prop_map(Intend),
        1 => select(vec![Checkpoint, Optimize, Scrub]),
        2 => (0..2_usize).prop_map(|keep| NewVersion { keep }),
        1 => select(vec![SetAside, GiveUp]),
        1 => (1..4_u32).prop_map(Switch),
        1 => (1..4_u32, 0..3_u8).prop_map(|(version, number)| TakeOutOf(version, number)),
        1 => (1..4_u32).prop_map(RemoveVersion),
        1 => (1..4_u32).prop_map(LogVersion),
        1 => Just(DropCollection),
    ]
}

/// What the tenant writes into a document: each writes something else.
fn text(tenant: &str, number: u8) -> String {
    format!("What {tenant} keeps as number {number}.")
}

/// Runs it as the tenant. Operations that are impossible at the moment are refused, which is fine here.
async fn operate(
    collection: &dyn Collection,
    operation: Operation,
    tenant: &str,
) -> Result<(), BackendError> {
    use Operation::*;
    let writer = collection.write().await?;
    if writer.manifest().await?.is_none() {
        writer.create(&manifest()).await?;
    }
    let done = async {
        match operation {
            Upsert(number) => {
                let chunk = chunk(&source(number), 0, &text(tenant, number));
                writer.upsert(vec![point(chunk, [1.0, 0.0, 0.0, 0.0], &[(7, 1.0)])]).await
            }
            PutDocuments(number) => writer.put_documents(&[document(&source(number), 1)]).await,
            DeleteChunks(number) => writer.delete_chunks(&[source(number)], &[]).await,
            DeleteDocuments(number) => writer.delete_documents(&[source(number)]).await,
            PutFailures(number) => writer.put_failures(&[failure(&source(number), "odd")]).await,
            DeleteFailures(number) => writer.delete_failures(&[source(number)]).await,
            PutManifest(number) => {
                let roots = vec![text(tenant, number)];
                writer.put_manifest(&Manifest { roots, ..manifest() }).await
            }
            Intend(number) => {
                let intent = Intent {
                    source: source(number),
                    run_id: Uuid::from_u128(7),
                    replaces_all_but: Some(Vec::new()),
                    moved_from: None,
                    in_parts: false,
                };
                writer.will_store(&[intent]).await?;
                writer.have_stored(&[source(number)]).await
            }
            Checkpoint => writer.checkpoint().await,
            Optimize => writer.optimize().await,
            Scrub => writer.scrub().await,
            NewVersion { keep } => successor(&*writer).await?.publish(keep).await,
            SetAside => successor(&*writer).await?.set_aside(FormerVersion::Built, 1).await,
            GiveUp => successor(&*writer).await?.drop_collection().await,
            Switch(version) => writer.switch(version).await,
            TakeOutOf(version, number) => {
                writer.beside(version).await?.delete_documents(&[source(number)]).await
            }
            RemoveVersion(version) => writer.remove_versions(&[version]).await,
            LogVersion(version) => writer.log_version(&event(version)).await,
            DropCollection => writer.drop_collection().await,
        }
    };
    let done = done.await;
    writer.close().await.and(done)
}

async fn successor(
    writer: &dyn CollectionWriter,
) -> Result<Arc<dyn CollectionWriter>, BackendError> {
    let successor = writer.successor().await?;
    successor.create(&manifest()).await?;
    Ok(successor)
}

/// All that can be read of a version.
#[derive(PartialEq, Debug)]
struct VersionContents {
    number: u32,
    manifest: Manifest,
    records: Vec<DocumentRecord>,
    failures: Vec<FailureRecord>,
    tally: Vec<ChunkTally>,
}

/// All that can be read of a collection.
#[derive(PartialEq, Debug, Default)]
struct Contents {
    versions: Vec<VersionContents>,
    texts: Vec<String>,
    versions_listed: Vec<VersionEntry>,
    log: Vec<VersionEvent>,
}

async fn contents(collection: &dyn Collection, tenant: &str) -> Contents {
    let mut read = Contents { log: collection.version_log().await.unwrap(), ..Contents::default() };
    let entries = collection.versions().await.unwrap();
    let live = collection.read().await.unwrap().map(|reader| reader.version());
    for number in live.into_iter().chain(entries.iter().map(|entry| entry.number)) {
        let Some(reader) = collection.read_version(number).await.unwrap() else { continue };
        read.versions.push(VersionContents {
            number,
            manifest: Manifest::clone(reader.manifest()),
            records: reader.documents().await.unwrap(),
            failures: reader.failures().await.unwrap(),
            tally: reader.tally().await.unwrap(),
        });
        let texts = &mut read.texts;
        each_chunk(&**reader.store(), Filter::default(), |chunk| texts.push(chunk.text))
            .await
            .unwrap();
        let legs = reader.search(ask(Some([1.0, 0.0, 0.0, 0.0]), &[(7, 1.0)])).await.unwrap();
        let mut found: Vec<String> = legs.chunks.into_values().map(|chunk| chunk.text).collect();
        found.sort_unstable();
        texts.extend(found);
        // What others have stored is not reused, either.
        for other in TENANTS.iter().filter(|other| **other != tenant) {
            let hashes: Vec<ContentHash> =
                (0..3).map(|number| hash(&text(other, number))).collect();
            assert!(reader.vectors(&hashes).await.unwrap().is_empty(), "vectors of {other}");
        }
    }
    let own = |text: &String| text.starts_with(&format!("What {tenant} "));
    read.versions_listed = entries;
    assert!(read.texts.iter().all(own), "{tenant} reads {:?}", read.texts);
    read
}

/// Random operations of random tenants: after each of them, everybody else's collection is unchanged.
async fn nobody_touches_anothers<C: Collection>(open: impl Fn(&str) -> C) {
    let collections = COLLECTIONS.map(open);
    let mut known = Vec::new();
    for (collection, tenant) in collections.iter().zip(TENANTS) {
        known.push(contents(collection, tenant).await);
    }
    let mut runner = TestRunner::deterministic();
    let (mut done, mut refused) = (0, 0);
    for (at, tenant) in TENANTS.iter().enumerate().cycle().take(TENANTS.len() * ROUNDS) {
        for _ in 0..OPERATIONS {
            let operation = operations().new_tree(&mut runner).unwrap().current();
            match operate(&collections[at], operation, tenant).await {
                Ok(()) => done += 1,
                Err(_) => refused += 1,
            }
            for (other, collection) in collections.iter().enumerate() {
                let now = contents(collection, TENANTS[other]).await;
                if other == at {
                    known[at] = now;
                } else {
                    assert_eq!(
                        now, known[other],
                        "{} after {operation:?} of {tenant}",
                        COLLECTIONS[other]
                    );
                }
            }
        }
    }
    assert!(done > refused && refused > 0, "{done} were done, {refused} refused");
    for collection in &collections {
        remove(collection).await;
    }
}

#[tokio::test]
async fn embedded_collections_of_tenants_are_apart() {
    let dir = tempfile::tempdir().unwrap();
    let open = |name: &str| EdgeStore::open(dir.path(), name, EdgeOptions::default()).unwrap();
    nobody_touches_anothers(open).await;
}

#[tokio::test]
async fn collections_of_tenants_on_a_scripted_server_are_apart() {
    let open = crate::store::scripted::well_behaved_for_all();
    nobody_touches_anothers(open).await;
}

#[tokio::test]
async fn collections_of_tenants_on_a_server_are_apart() {
    let Some(options) = server_options() else { return };
    let unique = Uuid::now_v7();
    let open = |name: &str| {
        server::connect(options.clone(), &format!("docent-test-{unique}-{name}")).unwrap()
    };
    nobody_touches_anothers(open).await;
}
