//! The table of routes: which path needs which right, and which handler answers it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::{MethodFilter, on};
use futures::FutureExt as _;
use futures::future::ready;
use http::{Method, Request};

use super::call::{HandlerFuture, Server};
use super::dispatch::dispatch;
use super::keys::KeyRight;
use super::openai::{models, rerank, stores};
use super::openapi::{self, Describe};
use super::page as pages;
use super::{agents, chat, drift, feedback, health, metrics, native, openai, usage};

/// The kind of work that a request causes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RequestCost {
    /// Almost none: it never waits for its turn.
    Light,
    /// The same, with a file as its body, which the handler reads.
    File,
    /// Retrieval, and perhaps an answer.
    Question,
}

/// A row of the table.
pub(super) struct Route {
    pub(super) method: Method,
    /// In axum's notation: `{name}` for a part, `{*name}` for the rest.
    pub(super) path: &'static str,
    /// `None`: for anyone who reaches the server.
    pub(super) right: Option<KeyRight>,
    pub(super) work: RequestCost,
    /// A page for a browser: served with `serve.ui` only, and refused in HTML. If it needs a right, a
    /// signed link to the document that it names may replace the key.
    pub(super) page: bool,
    pub(super) handler: HandlerFuture,
    /// Describes the route in `/openapi.json`.
    pub(super) describe: Describe,
}

impl Route {
    const fn new(
        method: Method,
        path: &'static str,
        right: Option<KeyRight>,
        work: RequestCost,
        handler: HandlerFuture,
    ) -> Self {
        // Replaced by `described`.
        let describe: Describe = |operation| operation;
        Self { method, path, right, work, page: false, handler, describe }
    }

    const fn described(mut self, describe: Describe) -> Self {
        self.describe = describe;
        self
    }
}

const fn get(path: &'static str, right: Option<KeyRight>, handler: HandlerFuture) -> Route {
    Route::new(Method::GET, path, right, RequestCost::Light, handler)
}

const fn page(path: &'static str, right: Option<KeyRight>, handler: HandlerFuture) -> Route {
    let mut route = get(path, right, handler);
    route.page = true;
    route
}

const fn ask(path: &'static str, right: KeyRight, handler: HandlerFuture) -> Route {
    Route::new(Method::POST, path, Some(right), RequestCost::Question, handler)
}

/// A row that asks nothing.
const fn tell(path: &'static str, right: KeyRight, handler: HandlerFuture) -> Route {
    Route::new(Method::POST, path, Some(right), RequestCost::Light, handler)
}

/// A row that changes a collection, with `serve.ingest`.
const fn change(method: Method, path: &'static str, handler: HandlerFuture) -> Route {
    Route::new(method, path, Some(KeyRight::Ingest), RequestCost::Light, handler)
}

/// For what cannot be done by request: the response says how it is done.
const NOT_BY_REQUEST: HandlerFuture = |call| ready(stores::not_by_request(&call)).boxed();

/// All routes. A new row needs three things: the handler; a function `described` beside it, which names the
/// types that it reads and sends (see [`openapi`]); and `.described(...)` here. A test checks for each.
pub(super) static ROUTES: &[Route] = &[
    page("/", None, |_| ready(Ok(pages::ask::page())).boxed()).described(pages::ask::described),
    page("/s/{collection}/{*source}", Some(KeyRight::Search), |call| {
        pages::document::show(call).boxed()
    })
    .described(pages::document::described),
    get("/livez", None, |_| ready(Ok(health::live())).boxed()).described(health::described_live),
    get("/readyz", None, |call| health::ready(call).boxed()).described(health::described_ready),
    get("/openapi.json", None, |call| ready(Ok(openapi::show(&call))).boxed())
        .described(openapi::described),
    get("/metrics", Some(KeyRight::Admin), |call| ready(Ok(metrics::metrics(&call))).boxed())
        .described(metrics::described),
    get("/v1/docent/drift", Some(KeyRight::Admin), |call| drift::drift(call).boxed())
        .described(drift::described),
    tell("/v1/docent/feedback", KeyRight::Answer, |call| feedback::feedback(call).boxed())
        .described(feedback::described),
    get("/v1/docent/usage", Some(KeyRight::Admin), |call| ready(usage::usage(&call)).boxed())
        .described(usage::described),
    get("/v1/models", Some(KeyRight::Search), |call| models::list(call).map(Ok).boxed())
        .described(models::described_list),
    get("/v1/models/{*id}", Some(KeyRight::Search), |call| models::one(call).boxed())
        .described(models::described_one),
    ask("/v1/chat/completions", KeyRight::Answer, |call| openai::chat::complete(call).boxed())
        .described(openai::chat::described),
    ask("/v1/responses", KeyRight::Answer, |call| openai::responses::respond(call).boxed())
        .described(openai::responses::described),
    get("/v1/vector_stores", Some(KeyRight::Search), |call| stores::list(call).boxed())
        .described(stores::described_list),
    get("/v1/vector_stores/{id}", Some(KeyRight::Search), |call| stores::one(call).boxed())
        .described(stores::described_one),
    ask("/v1/vector_stores/{id}/search", KeyRight::Search, |call| {
        stores::search::search(call).boxed()
    })
    .described(stores::search::described),
    get("/v1/vector_stores/{id}/files", Some(KeyRight::Search), |call| {
        stores::files::list_in_store(call).boxed()
    })
    .described(stores::files::described_list_in_store),
    get("/v1/vector_stores/{id}/files/{file_id}", Some(KeyRight::Search), |call| {
        stores::files::one_in_store(call).boxed()
    })
    .described(stores::files::described_one_in_store),
    get("/v1/vector_stores/{id}/files/{file_id}/content", Some(KeyRight::Search), |call| {
        stores::files::content(call).boxed()
    })
    .described(stores::files::described_content),
    get("/v1/files", Some(KeyRight::Search), |call| stores::files::list(call).boxed())
        .described(stores::files::described_list),
    get("/v1/files/{file_id}", Some(KeyRight::Search), |call| stores::files::one(call).boxed())
        .described(stores::files::described_one),
    change(Method::POST, "/v1/vector_stores", NOT_BY_REQUEST)
        .described(|it| stores::unchanged(it, "createVectorStore")),
    change(Method::POST, "/v1/vector_stores/{id}", NOT_BY_REQUEST)
        .described(|it| stores::unchanged(it, "modifyVectorStore")),
    change(Method::DELETE, "/v1/vector_stores/{id}", NOT_BY_REQUEST)
        .described(|it| stores::unchanged(it, "deleteVectorStore")),
    change(Method::POST, "/v1/vector_stores/{id}/files", |call| {
        stores::changes::attach(call).boxed()
    })
    .described(stores::changes::described_attach),
    change(Method::POST, "/v1/vector_stores/{id}/files/{file_id}", |call| {
        stores::changes::update(call).boxed()
    })
    .described(stores::changes::described_update),
    change(Method::DELETE, "/v1/vector_stores/{id}/files/{file_id}", |call| {
        stores::changes::detach(call).boxed()
    })
    .described(stores::changes::described_detach),
    change(Method::POST, "/v1/vector_stores/{id}/file_batches", |call| {
        stores::batches::create(call).boxed()
    })
    .described(stores::batches::described_create),
    get("/v1/vector_stores/{id}/file_batches/{batch_id}", Some(KeyRight::Search), |call| {
        stores::batches::one(call).boxed()
    })
    .described(stores::batches::described_one),
    get("/v1/vector_stores/{id}/file_batches/{batch_id}/files", Some(KeyRight::Search), |call| {
        stores::batches::files(call).boxed()
    })
    .described(stores::batches::described_files),
    Route::new(Method::POST, "/v1/files", Some(KeyRight::Ingest), RequestCost::File, |call| {
        stores::changes::upload(call).boxed()
    })
    .described(stores::changes::described_upload),
    change(Method::DELETE, "/v1/files/{file_id}", |call| stores::changes::delete(call).boxed())
        .described(stores::changes::described_delete),
    ask("/v1/embeddings", KeyRight::Search, |call| openai::embeddings::embed(call).boxed())
        .described(openai::embeddings::described),
    ask("/v1/rerank", KeyRight::Search, |call| rerank::rerank(call).boxed())
        .described(|it| rerank::described(it, "rerank")),
    ask("/v2/rerank", KeyRight::Search, |call| rerank::rerank(call).boxed())
        .described(|it| rerank::described(it, "rerankV2")),
    ask("/rerank", KeyRight::Search, |call| rerank::rerank(call).boxed())
        .described(|it| rerank::described(it, "rerankWithoutVersion")),
    ask("/v1/docent/search", KeyRight::Search, |call| native::search::search(call).boxed())
        .described(native::search::described),
    ask("/v1/docent/query", KeyRight::Answer, |call| native::query::query(call).boxed())
        .described(native::query::described),
    ask("/v1/docent/explain", KeyRight::Search, |call| native::explain::explain(call).boxed())
        .described(native::explain::described),
    ask("/v1/docent/batch", KeyRight::Answer, |call| ready(native::batch::batch(call)).boxed())
        .described(native::batch::described),
    tell("/mcp", KeyRight::Search, |call| agents::mcp(call).boxed()).described(agents::described),
    get("/v1/docent/chat", Some(KeyRight::Answer), |call| ready(chat::open(call)).boxed())
        .described(chat::described),
    get("/v1/docent/status", Some(KeyRight::Search), |call| native::status::status(call).boxed())
        .described(native::status::described),
];

/// The methods of a path.
pub(super) fn methods_of(path: &str) -> Vec<&'static str> {
    let rows = ROUTES.iter().filter(|route| matches(path, route.path));
    let methods = rows.flat_map(|route| match route.method.as_str() {
        // axum answers HEAD like GET, without a body.
        "GET" => vec!["GET", "HEAD"],
        method => vec![method],
    });
    methods.collect()
}

/// The value of `Allow` for a path that does not take a method, or whose row only says why not: then the
/// methods that read.
pub(super) fn allowed(path: &str, route: Option<&Route>) -> String {
    let may = |method: &&str| route.is_none() || ["GET", "HEAD"].contains(method);
    methods_of(path).into_iter().filter(may).collect::<Vec<_>>().join(", ")
}

/// Whether a path matches the path of a row.
fn matches(asked: &str, row: &str) -> bool {
    let (mut asked, mut parts) = (asked.split('/'), row.split('/'));
    loop {
        match (asked.next(), parts.next()) {
            (None, None) => return true,
            (Some(_), Some(part)) if part.starts_with("{*") => return true,
            (Some(_), Some(part)) if part.starts_with('{') => {}
            (Some(asked), Some(part)) if asked == part => {}
            _ => return false,
        }
    }
}

/// The row whose path is nearest to an unknown one: with a part too many or too few before it, as when the
/// `/v1` of a base URL is missing or doubled, or with a letter or two wrong.
pub(super) fn nearest(path: &str) -> Option<&'static Route> {
    let bare = path.trim_end_matches('/');
    let rows = || ROUTES.iter().filter(|route| !route.page);
    let ends = |long: &str, short: &str| {
        short.len() > 1 && long.strip_suffix(short).is_some_and(|rest| !rest.ends_with('/'))
    };
    let shifted = rows().find(|row| {
        matches(bare, row.path) || ends(row.path, bare) || (row.path != "/" && ends(bare, row.path))
    });
    let distance = |row: &str| {
        let (asked, parts): (Vec<&str>, Vec<&str>) =
            (bare.split('/').collect(), row.split('/').collect());
        let is_variable = |part: &str| part.starts_with('{');
        (asked.len() == parts.len()).then(|| {
            let pairs = asked.iter().zip(&parts).filter(|(_, part)| !is_variable(part));
            pairs.map(|(asked, part)| strsim::osa_distance(asked, part)).sum::<usize>()
        })
    };
    let near = || {
        let near = rows().filter_map(|row| Some((distance(row.path)?, row)));
        near.min_by_key(|(distance, _)| *distance).filter(|(distance, _)| *distance <= 3)
    };
    shifted.or_else(|| near().map(|(_, row)| row))
}

/// The router that passes each request to its row.
pub(super) fn router(server: &Arc<Server>) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let (server, method) = (Arc::clone(server), route.method.clone());
        let filter = MethodFilter::try_from(method).unwrap_or(MethodFilter::GET);
        // The preflight request of a browser has a method of its own.
        let answer =
            move |request: Request<Body>| dispatch(Arc::clone(&server), Some(route), request);
        router = router.route(route.path, on(filter, answer));
    }
    let server = Arc::clone(server);
    let unknown = move |request: Request<Body>| dispatch(Arc::clone(&server), None, request);
    router.fallback(unknown.clone()).method_not_allowed_fallback(unknown)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::collections::HashSet;

    use tower::ServiceExt as _;

    use super::*;
    use crate::serve::isolation::Tenants;
    use crate::serve::keys::{ApiKey, Secret, tests::key};

    static PANICS: Route =
        get("/livez", None, |_| std::future::poll_fn(|_| panic!("as a test wants")).boxed());

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_panic_ends_one_request_is_told_and_counted() {
        let secret = Secret::new().unwrap();
        let admin = ApiKey { rights: vec![KeyRight::Admin], ..key("admin", &secret) };
        let tenants = Tenants::new(vec![admin]).await;
        let server = Arc::clone(&tenants.running.server);
        let answer = move |request| dispatch(Arc::clone(&server), Some(&PANICS), request);
        let router: Router = Router::new().route(PANICS.path, on(MethodFilter::GET, answer));
        let request = Request::builder().uri("/livez").header("x-request-id", "r1");
        let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()["x-request-id"], "r1");
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let error: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let docent = &error["error"]["docent"];
        assert_eq!(
            (&error["error"]["code"], &docent["request_id"]),
            (&"internal_error".into(), &"r1".into())
        );
        assert!(docent["hint"].as_str().unwrap().contains("the id of the request"));

        let secret = secret.reveal();
        let told = tenants.ask(&Method::GET, "/metrics", Some(&secret), String::new()).await;
        assert_eq!(told.status, 200);
        let counted = "docent_refusals_total{code=\"internal_error\"} 1";
        assert!(told.text.contains(counted), "{}", told.text);
    }

    #[test]
    fn each_row_is_there_once_and_all_but_probes_need_a_right() {
        let mut seen = HashSet::new();
        for route in ROUTES {
            assert!(seen.insert((route.method.clone(), route.path)), "{}", route.path);
            let open = ["/livez", "/readyz", "/openapi.json", "/"].contains(&route.path);
            assert_eq!(route.right.is_none(), open, "{}", route.path);
        }
    }

    #[test]
    fn a_path_has_its_methods() {
        assert_eq!(methods_of("/v1/chat/completions"), ["POST"]);
        assert_eq!(methods_of("/v1/models/docent/docs"), ["GET", "HEAD"]);
        assert_eq!(methods_of("/s/docs/a/b.md"), ["GET", "HEAD"]);
        assert!(methods_of("/v1/nothing").is_empty());
    }

    #[test]
    fn the_nearest_path_is_what_was_meant() {
        for (asked, meant) in [
            ("/chat/completions", Some("/v1/chat/completions")),
            ("/v1/v1/chat/completions", Some("/v1/chat/completions")),
            ("/v1/chat/completion", Some("/v1/chat/completions")),
            ("/v1/models/", Some("/v1/models")),
            ("/v1/vector_store/vs_docs/search", Some("/v1/vector_stores/{id}/search")),
            ("/v1/docent/serach", Some("/v1/docent/search")),
            ("/openapi.yaml", None),
            ("/favicon.ico", None),
            ("/", None),
        ] {
            assert_eq!(nearest(asked).map(|row| row.path), meant, "{asked}");
        }
    }
}
