//! The table of what can be asked: which path needs which right, and who answers it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::{MethodFilter, on};
use futures::FutureExt as _;
use futures::future::ready;
use http::{Method, Request};

use super::call::{Handler, Server};
use super::dispatch::dispatch;
use super::keys::Right;
use super::openai::stores;
use super::page as pages;
use super::{chat, health, metrics, native, openai, usage};

/// What a request costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Work {
    /// Next to nothing: it never waits for its turn.
    Light,
    /// Retrieval, and perhaps an answer.
    Question,
}

/// A row of the table.
pub(super) struct Route {
    pub(super) method: Method,
    /// As axum writes it: `{name}` for a part, `{*name}` for the rest.
    pub(super) path: &'static str,
    /// `None`: for whoever reaches the server.
    pub(super) right: Option<Right>,
    pub(super) work: Work,
    /// People open it in a browser: it is there with `serve.ui` only, and is refused in HTML. Where it
    /// needs a right, a signed link to the document that it names may stand for a key.
    pub(super) page: bool,
    pub(super) handler: Handler,
}

const fn get(path: &'static str, right: Option<Right>, handler: Handler) -> Route {
    Route { method: Method::GET, path, right, work: Work::Light, page: false, handler }
}

const fn page(path: &'static str, right: Option<Right>, handler: Handler) -> Route {
    Route { method: Method::GET, path, right, work: Work::Light, page: true, handler }
}

const fn ask(path: &'static str, right: Right, handler: Handler) -> Route {
    let right = Some(right);
    Route { method: Method::POST, path, right, work: Work::Question, page: false, handler }
}

/// What would change a collection, and says how that is done.
const fn change(method: Method, path: &'static str) -> Route {
    let handler: Handler = |call| ready(stores::read_only(&call)).boxed();
    let right = Some(Right::Ingest);
    Route { method, path, right, work: Work::Light, page: false, handler }
}

/// All of them.
pub(super) static ROUTES: &[Route] = &[
    page("/", None, |_| ready(Ok(pages::ask::page())).boxed()),
    page("/s/{collection}/{*source}", Some(Right::Search), |call| {
        pages::document::show(call).boxed()
    }),
    get("/livez", None, |_| ready(Ok(health::live())).boxed()),
    get("/readyz", None, |call| health::ready(call).boxed()),
    get("/metrics", Some(Right::Admin), |call| ready(Ok(metrics::metrics(&call))).boxed()),
    get("/v1/docent/usage", Some(Right::Admin), |call| ready(usage::usage(&call)).boxed()),
    get("/v1/models", Some(Right::Search), |call| ready(Ok(openai::models::list(&call))).boxed()),
    get("/v1/models/{*id}", Some(Right::Search), |call| ready(openai::models::one(&call)).boxed()),
    ask("/v1/chat/completions", Right::Answer, |call| openai::chat::complete(call).boxed()),
    ask("/v1/responses", Right::Answer, |call| openai::responses::respond(call).boxed()),
    get("/v1/vector_stores", Some(Right::Search), |call| stores::list(call).boxed()),
    get("/v1/vector_stores/{id}", Some(Right::Search), |call| stores::one(call).boxed()),
    ask("/v1/vector_stores/{id}/search", Right::Search, |call| {
        stores::search::search(call).boxed()
    }),
    get("/v1/vector_stores/{id}/files", Some(Right::Search), |call| {
        stores::files::list_in_store(call).boxed()
    }),
    get("/v1/vector_stores/{id}/files/{file_id}", Some(Right::Search), |call| {
        stores::files::one_in_store(call).boxed()
    }),
    get("/v1/vector_stores/{id}/files/{file_id}/content", Some(Right::Search), |call| {
        stores::files::content(call).boxed()
    }),
    get("/v1/files", Some(Right::Search), |call| stores::files::list(call).boxed()),
    get("/v1/files/{file_id}", Some(Right::Search), |call| stores::files::one(call).boxed()),
    change(Method::POST, "/v1/vector_stores"),
    change(Method::POST, "/v1/vector_stores/{id}"),
    change(Method::DELETE, "/v1/vector_stores/{id}"),
    change(Method::POST, "/v1/vector_stores/{id}/files"),
    change(Method::POST, "/v1/vector_stores/{id}/file_batches"),
    change(Method::POST, "/v1/vector_stores/{id}/files/{file_id}"),
    change(Method::DELETE, "/v1/vector_stores/{id}/files/{file_id}"),
    change(Method::POST, "/v1/files"),
    change(Method::DELETE, "/v1/files/{file_id}"),
    ask("/v1/embeddings", Right::Search, |call| openai::embeddings::embed(call).boxed()),
    ask("/v1/rerank", Right::Search, |call| openai::rerank::rerank(call).boxed()),
    ask("/v2/rerank", Right::Search, |call| openai::rerank::rerank(call).boxed()),
    ask("/rerank", Right::Search, |call| openai::rerank::rerank(call).boxed()),
    ask("/v1/docent/search", Right::Search, |call| native::search::search(call).boxed()),
    ask("/v1/docent/query", Right::Answer, |call| native::query::query(call).boxed()),
    ask("/v1/docent/explain", Right::Search, |call| native::explain::explain(call).boxed()),
    ask("/v1/docent/batch", Right::Answer, |call| ready(native::batch::batch(call)).boxed()),
    get("/v1/docent/chat", Some(Right::Answer), |call| ready(chat::open(call)).boxed()),
    get("/v1/docent/status", Some(Right::Search), |call| native::status::status(call).boxed()),
];

/// The methods that a path is asked by.
pub(super) fn methods_of(path: &str) -> Vec<&'static str> {
    let matches = |route: &&Route| {
        let (mut asked, mut parts) = (path.split('/'), route.path.split('/'));
        loop {
            match (asked.next(), parts.next()) {
                (None, None) => return true,
                (Some(_), Some(part)) if part.starts_with("{*") => return true,
                (Some(_), Some(part)) if part.starts_with('{') => {}
                (Some(asked), Some(part)) if asked == part => {}
                _ => return false,
            }
        }
    };
    ROUTES.iter().filter(matches).map(|route| route.method.as_str()).collect()
}

/// What turns a request over to its row.
pub(super) fn router(server: &Arc<Server>) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let (server, method) = (Arc::clone(server), route.method.clone());
        let filter = MethodFilter::try_from(method).unwrap_or(MethodFilter::GET);
        // What a browser asks first is asked by a method of its own.
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
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_row_is_there_once_and_all_but_probes_need_a_right() {
        let mut seen = HashSet::new();
        for route in ROUTES {
            assert!(seen.insert((route.method.clone(), route.path)), "{}", route.path);
            let open = ["/livez", "/readyz", "/"].contains(&route.path);
            assert_eq!(route.right.is_none(), open, "{}", route.path);
        }
    }

    #[test]
    fn a_path_has_its_methods() {
        assert_eq!(methods_of("/v1/chat/completions"), ["POST"]);
        assert_eq!(methods_of("/v1/models/docent/docs"), ["GET"]);
        assert_eq!(methods_of("/s/docs/a/b.md"), ["GET"]);
        assert!(methods_of("/v1/nothing").is_empty());
    }
}
