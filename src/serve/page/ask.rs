//! `GET /`: the page for asking questions.

use std::sync::LazyLock;

use axum::body::Body;
use axum::response::Response;

use super::html::ServedPage;
use crate::serve::openapi::ApiOperation;

static PAGE: LazyLock<ServedPage> = LazyLock::new(|| {
    ServedPage::new(
        &[include_str!("base.css"), include_str!("ask.css")],
        &[
            include_str!("text.js"),
            include_str!("place.js"),
            include_str!("reflow.js"),
            include_str!("server.js"),
            include_str!("reader.js"),
            include_str!("turn.js"),
            include_str!("ask.js"),
        ],
    )
});

/// The whole page: it requests nothing else but answers.
static HTML: LazyLock<String> = LazyLock::new(|| {
    format!("{}{}{}", PAGE.head("docent"), include_str!("ask.html"), ServedPage::END)
});

pub(in crate::serve) fn described(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation.named("getPage", "A page that asks").answers_text("text/html; charset=utf-8")
}

pub(in crate::serve) fn page() -> Response {
    PAGE.response(Body::from(HTML.as_str()))
}
