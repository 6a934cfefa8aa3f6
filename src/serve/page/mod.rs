//! The pages for browsers. Every text of a document, an answer or a request is shown as text only: here it
//! is escaped, in the scripts it becomes text nodes, and the policy that is sent along lets no script run
//! but the page's own.

pub(super) mod ask;
pub(super) mod document;
mod html;
mod policy;

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};

use super::refusal::RequestRefusal;
use html::{ServedPage, escaped};

/// A refusal for a browser.
pub(super) fn refused(refusal: &RequestRefusal, request_id: &str) -> Response {
    let mut response = refusal.response(request_id);
    let what = match refusal.status.as_u16() {
        401 => "A key is needed",
        403 => "You may not open this",
        404 => "There is no such document",
        _ => "This did not work",
    };
    let mut html = document::PAGE.head(what);
    html.push_str(&format!(
        "<main class=\"refused\"><h1>{what}</h1><p>{}.</p>",
        escaped(&sentence(&refusal.message))
    ));
    for more in std::iter::once(refusal.what_next()).chain(refusal.causes.iter().map(|it| &**it)) {
        html.push_str(&format!("<p class=\"quiet\">{}</p>", escaped(&sentence(more))));
    }
    html.push_str(&format!("<p class=\"quiet\"><small>{}</small></p></main>", escaped(request_id)));
    html.push_str(ServedPage::END);
    *response.body_mut() = Body::from(html);
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    document::PAGE.protect(&mut response);
    response
}

/// With a capital letter.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
