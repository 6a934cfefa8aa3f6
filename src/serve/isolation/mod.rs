//! No key reads what it may not see, whatever it asks: every row of the table of routes is asked with keys
//! of every kind, for visible and for hidden documents.

#![allow(clippy::unwrap_used, reason = "tests")]

mod asked;

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use chrono::{TimeDelta, Utc};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request};
use proptest::prelude::*;
use proptest::sample::subsequence;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use self::asked::{BOUNDARY, DOCUMENTS, Document, QUESTION, asked, form};
use super::keys::{ApiKey, KeyFile, KeyRight, Secret, tests::key};
use super::routes::{ROUTES, Route, router};
use super::{BoundServer, ServeConfig};
use crate::cancel;
use crate::hub::Hub;
use crate::query::cache::RetrievalCache;
use crate::record::Recording;
use crate::service::sync::{SyncInputs, SyncOptions};
use crate::service::{Context, Engine};
use crate::settings::{self, Layers, ListenAddress};
use crate::types::CrawlReach;

/// Number of keys; each of them asks every route.
const KEYS: usize = 28;

/// How many times each key asks them.
const ROUNDS: usize = 2;

/// Whether a key sees a document, by rules written for the tests.
fn sees(key: &ApiKey, document: &Document) -> bool {
    let within = |source: &String| match &**source {
        "**/nameelephant.md" => document.name == "nameelephant",
        directory => {
            document.source.starts_with(&format!("{directory}/")) || document.source == directory
        }
    };
    let name = document.collection.trim_end_matches("~acme");
    let named = |known: &String| match &key.tenant {
        Some(_) => known == name || known == document.collection,
        None => known == document.collection,
    };
    (key.tenant.is_none() || (key.tenant.as_deref() == Some("acme") && name != document.collection))
        && (key.collections.is_empty() || key.collections.iter().any(named))
        && (key.sources.is_empty() || key.sources.iter().any(within))
        && key.tags.iter().all(|tag| tag == document.tag)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    InForce,
    Expired,
    Revoked,
}

#[derive(Clone, Debug)]
struct Caller {
    key: ApiKey,
    secret: String,
    standing: Standing,
}

fn callers() -> impl Strategy<Value = Caller> {
    let list = |all: &'static [&'static str]| {
        let named = subsequence(all, 0..=all.len().min(2));
        named.prop_map(|names| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
    };
    let standing = prop_oneof![
        6 => Just(Standing::InForce),
        1 => Just(Standing::Expired),
        1 => Just(Standing::Revoked),
    ];
    let rights = subsequence(KeyRight::ALL.to_vec(), 1..=4);
    (
        rights,
        prop_oneof![3 => Just(None), 1 => Just(Some("acme")), 1 => Just(Some("other"))],
        list(&["alpha", "beta", "alpha~acme", "nowhere"]),
        list(&["open", "secret", "open/nameaardvark.md", "**/nameelephant.md", "none"]),
        prop_oneof![2 => Just(Vec::new()), 1 => list(&["team=a", "team=b"])],
        standing,
    )
        .prop_map(|(rights, tenant, collections, sources, tags, standing)| {
            let secret = Secret::new().unwrap();
            let expired = standing == Standing::Expired;
            let expires_at = expired.then(|| Utc::now() - TimeDelta::hours(1));
            let name = format!("key{}", secret.id);
            let tenant = tenant.map(str::to_owned);
            let key = key(&name, &secret);
            let key = ApiKey { expires_at, rights, tenant, collections, sources, tags, ..key };
            Caller { key, secret: secret.reveal(), standing }
        })
}

/// The response to a request.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// Head and body.
    pub(super) text: String,
    body: Value,
}

/// A server with two collections and one of a tenant, asked without a connection.
pub(super) struct Tenants {
    pub(super) running: BoundServer,
    router: Router,
    _dir: tempfile::TempDir,
}

impl Tenants {
    pub(super) async fn new(keys: Vec<ApiKey>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let cache = Arc::new(RetrievalCache::new(1 << 20));
        let mut engines = Vec::new();
        for name in ["alpha", "beta", "alpha~acme"] {
            let engine = collection(dir.path(), name, &cache).await;
            engines.push((name.to_owned(), engine));
        }
        let file = dir.path().join("keys.toml");
        KeyFile { keys }.write(&file).unwrap();
        let mut settings = engines[0].1.context.settings.serve.clone();
        settings.listen = vec![ListenAddress::Tcp("127.0.0.1:0".parse().unwrap())];
        settings.ingest = true;
        let service = ServeConfig {
            engines,
            keys: Some(file),
            needs_keys: true,
            usage: None,
            watched: Vec::new(),
            cache: Some(cache),
            settings,
            log: Arc::new(|_| ()),
        };
        let running = service.listen().await.unwrap();
        Self { router: router(&running.server), running, _dir: dir }
    }

    pub(super) async fn ask(
        &self,
        method: &Method,
        path: &str,
        secret: Option<&str>,
        body: String,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path).header(HOST, "localhost");
        if let Some(secret) = secret {
            request = request.header(AUTHORIZATION, format!("Bearer {secret}"));
        }
        if body.starts_with("--") {
            let form = format!("multipart/form-data; boundary={BOUNDARY}");
            request = request.header(CONTENT_TYPE, form);
        }
        let request = request.body(Body::from(body)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = to_bytes(body, 16 << 20).await.unwrap();
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Reply {
            status: head.status.as_u16(),
            text: format!("{:?}\n{body}", head.headers),
            body: serde_json::from_str(&body).unwrap_or_default(),
        }
    }
}

async fn collection(root: &Path, name: &str, cache: &Arc<RetrievalCache>) -> Arc<Engine> {
    let root = root.join(name);
    let mut settings = settings::resolve(&Layers(Vec::new()), true).unwrap();
    settings.take_collection(name);
    let context = Context {
        settings,
        data_dir: root.join(".docent"),
        cwd: root.clone(),
        outside: Vec::new(),
        sites: None,
        user: None,
        project: None,
        tape: Arc::new(Recording::default()),
        hub: Hub::default(),
        root: root.clone(),
    };
    let engine = Engine::open(context, Arc::new(|_| ())).unwrap().remembering(cache);
    let engine = Arc::new(engine);
    for document in DOCUMENTS.iter().filter(|document| document.collection == name) {
        let path = root.join(document.source);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text =
            format!("# Backups\n\nLedger backups are kept for 400 days by {}.\n", document.word);
        std::fs::write(path, text).unwrap();
        let inputs =
            SyncInputs::parse(vec![document.source.to_owned()], CrawlReach::default()).unwrap();
        let options = SyncOptions { tags: vec![document.tag.to_owned()], ..SyncOptions::default() };
        let report = engine.sync(inputs, &options, &cancel::pair().1, &mut drop).await.unwrap();
        assert_eq!((report.aborted, report.failed.len()), (None, 0));
    }
    engine
}

/// Checks that the response contains nothing of a document that the caller may not see.
fn check_nothing_foreign(caller: &Caller, asked: &str, reply: &Reply) {
    let in_force = caller.standing == Standing::InForce;
    for document in DOCUMENTS.iter().filter(|it| !in_force || !sees(&caller.key, it)) {
        let context = || format!("{caller:?} asked {asked} and got {reply:#?}");
        assert!(!reply.text.contains(document.word), "a word of {document:?}: {}", context());
        // A response may repeat a name from the request, to say that there is no such document.
        let has_its_name = |it: &&Document| it.name == document.name && sees(&caller.key, it);
        let own = in_force && DOCUMENTS.iter().any(|it| has_its_name(&it));
        let named = own || asked.contains(document.name);
        assert!(named || !reply.text.contains(document.name), "{document:?}: {}", context());
    }
}

/// Checks that counts include only what the key sees.
fn check_counts(caller: &Caller, route: &Route, reply: &Reply) {
    if reply.status != 200 {
        return;
    }
    let seen = |collection: &Value| {
        let is_its = |it: &&Document| collection == it.collection && sees(&caller.key, it);
        DOCUMENTS.iter().filter(is_its).count()
    };
    let rows = |name: &str| reply.body[name].as_array().cloned().unwrap_or_default();
    match route.path {
        "/v1/docent/status" => {
            for row in rows("collections") {
                assert_eq!(row["documents"], seen(&row["collection"]), "{caller:?}: {reply:#?}");
                assert_eq!(row["chunks"], seen(&row["collection"]), "{caller:?}: {reply:#?}");
            }
        }
        "/v1/vector_stores" => {
            for row in rows("data") {
                let total = &row["file_counts"]["total"];
                assert_eq!(*total, seen(&row["name"]), "{caller:?}: {reply:#?}");
            }
        }
        "/v1/models" => {
            let all = ["alpha", "beta", "alpha~acme"]
                .iter()
                .filter(|name| caller.key.sees_collection(name));
            assert_eq!(rows("data").len(), all.count(), "{caller:?}: {reply:#?}");
        }
        _ => {}
    }
}

/// Checks that a caller without the right is refused, whatever the handler would have said.
fn check_rights(caller: &Caller, route: &Route, reply: &Reply) {
    let code = reply.body["error"]["code"].as_str().unwrap_or_default();
    let context = || format!("{} {}: {caller:?}: {reply:#?}", route.method, route.path);
    match route.right {
        None => {}
        Some(_) if caller.standing != Standing::InForce => {
            let codes = ["invalid_api_key", "revoked_api_key", "expired_api_key"];
            assert!(reply.status == 401 && codes.contains(&code), "{}", context());
        }
        Some(right) if !caller.key.may(right) => {
            assert_eq!((reply.status, code), (403, "missing_right"), "{}", context());
        }
        Some(_) => assert!(reply.status != 401, "{}", context()),
    }
    assert!(reply.status < 500, "{}", context());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_reads_what_is_not_its_own() {
    let mut runner = TestRunner::deterministic();
    let made: Vec<Caller> =
        (0..KEYS).map(|_| callers().new_tree(&mut runner).unwrap().current()).collect();
    let owner = Secret::new().unwrap();
    let kept = made.iter().filter(|caller| caller.standing != Standing::Revoked);
    let keys = kept.map(|caller| caller.key.clone()).chain([key("owner", &owner)]).collect();
    let tenants = Tenants::new(keys).await;
    let body = json!({ "question": QUESTION, "collection": "beta" }).to_string();
    let answered =
        tenants.ask(&Method::POST, "/v1/docent/query", Some(&owner.reveal()), body).await;
    let answer = answered.body["answer_id"].as_str().unwrap().to_owned();
    assert!(answered.text.contains("name"), "there is something to be seen: {answered:?}");

    let mut shown = 0;
    for caller in &made {
        for route in ROUTES.iter().cycle().take(ROUTES.len() * ROUNDS) {
            let asked = asked().new_tree(&mut runner).unwrap().current();
            let (path, body) = (asked.path(route), asked.body(route, &answer));
            let request = format!("{} {path} {body}", route.method);
            let reply = tenants.ask(&route.method, &path, Some(&caller.secret), body.clone()).await;
            check_rights(caller, route, &reply);
            check_nothing_foreign(caller, &request, &reply);
            check_counts(caller, route, &reply);
            shown += usize::from(reply.text.contains("word"));
            // Tenants may use the same source names.
            let mut same = DOCUMENTS.iter().filter(|it| it.source == asked.document.source);
            let is_foreign = !same.any(|it| sees(&caller.key, it));
            if is_foreign && (path.contains("file-") || path.starts_with("/s/")) {
                // The response must be the same as for a document that does not exist.
                let nowhere = path
                    .replace(&asked.file_id(), &format!("file-{}", "0".repeat(30)))
                    .replace(asked.document.name, "nothing");
                let other = tenants.ask(&route.method, &nowhere, Some(&caller.secret), body).await;
                let code = |reply: &Reply| reply.body["error"]["code"].clone();
                assert_eq!((reply.status, code(&reply)), (other.status, code(&other)), "{request}");
            }
            if route.right.is_some() {
                let without = tenants.ask(&route.method, &path, None, String::new()).await;
                assert_eq!(without.status, 401, "{request}: {without:?}");
            }
        }
    }
    assert!(shown > KEYS, "much was shown: {shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_opens_one_document_for_as_long_as_its_key_could() {
    let mut runner = TestRunner::deterministic();
    let made: Vec<Caller> =
        (0..KEYS).map(|_| callers().new_tree(&mut runner).unwrap().current()).collect();
    let kept = made.iter().filter(|caller| caller.standing != Standing::Revoked);
    let tenants = Tenants::new(kept.map(|caller| caller.key.clone()).collect()).await;
    let signer = &tenants.running.server.signer;
    let now = Utc::now().timestamp();
    let mut opened = 0;
    for caller in &made {
        let asks = caller.key.may(KeyRight::Search) || caller.key.may(KeyRight::Answer);
        for document in DOCUMENTS.iter().filter(|it| sees(&caller.key, it)) {
            let Document { collection, source, .. } = document;
            let query = signer.query(&caller.key, collection, source, now);
            for other in &DOCUMENTS {
                let path = format!("/s/{}/{}?{query}", other.collection, other.source);
                let reply = tenants.ask(&Method::GET, &path, None, String::new()).await;
                let its_own = other.source == *source && other.collection == *collection;
                let opens = its_own && asks && caller.standing == Standing::InForce;
                assert_eq!(reply.status, if opens { 200 } else { 403 }, "{caller:?}: {path}");
                assert_eq!(reply.text.contains(other.word), opens, "{caller:?}: {reply:?}");
                opened += usize::from(opens);
            }
        }
    }
    assert!(opened > 10, "{opened}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_is_of_whoever_brought_it() {
    let mut runner = TestRunner::deterministic();
    let made: Vec<Caller> =
        (0..KEYS).map(|_| callers().new_tree(&mut runner).unwrap().current()).collect();
    let owner = Secret::new().unwrap();
    let whole = ApiKey { rights: KeyRight::ALL.to_vec(), ..key("owner", &owner) };
    let kept = made.iter().filter(|caller| caller.standing != Standing::Revoked);
    let keys = kept.map(|caller| caller.key.clone()).chain([whole]).collect();
    let tenants = Tenants::new(keys).await;
    let file = form("nameokapi.md", "What is not in a collection.");
    let uploaded = tenants.ask(&Method::POST, "/v1/files", Some(&owner.reveal()), file).await;
    let id = uploaded.body["id"].as_str().unwrap().to_owned();
    let mut refused = 0;
    for caller in &made {
        let ApiKey { tenant, collections, sources, tags, .. } = &caller.key;
        let sees_all =
            tenant.is_none() && collections.is_empty() && sources.is_empty() && tags.is_empty();
        if sees_all && caller.standing == Standing::InForce {
            continue;
        }
        let attached = json!({ "file_id": id }).to_string();
        for (method, path, body) in [
            (Method::GET, "/v1/files".to_owned(), String::new()),
            (Method::GET, format!("/v1/files/{id}"), String::new()),
            (Method::POST, "/v1/vector_stores/vs_alpha/files".to_owned(), attached),
            (Method::DELETE, format!("/v1/files/{id}"), String::new()),
        ] {
            let reply = tenants.ask(&method, &path, Some(&caller.secret), body).await;
            let context = format!("{method} {path}: {caller:?}: {reply:#?}");
            assert!(!reply.text.contains("nameokapi"), "{context}");
            assert!(path == "/v1/files" || reply.status >= 400, "{context}");
            refused += usize::from(reply.status == 404);
        }
    }
    assert!(refused > 10, "{refused}");
    let path = format!("/v1/files/{id}");
    let reply = tenants.ask(&Method::GET, &path, Some(&owner.reveal()), String::new()).await;
    assert_eq!(reply.body["filename"], "nameokapi.md", "it is still there: {reply:?}");
}
