//! HTML from text.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderValue};

use super::policy;
use crate::text::{is_visible, joins};

/// A page with its own style and script, and the headers that protect it.
pub(super) struct ServedPage {
    style: String,
    script: String,
    policy: String,
}

/// A quotation mark, as a picture of a few bytes.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' rx='7' fill='%231f5c56'/%3E%3Cpath d='M8 21v-5q0-5 5-6v3q-2 .6-2 3h2v5zm10 0v-5q0-5 5-6v3q-2 .6-2 3h2v5z' fill='%23fff'/%3E%3C/svg%3E";

impl ServedPage {
    pub(super) const END: &'static str = "</body></html>\n";

    /// A page made of these pieces, in order.
    pub(super) fn new(styles: &[&str], scripts: &[&str]) -> Self {
        let style = styles.concat();
        // One function, so that nothing outside can reach its contents.
        let script = format!("'use strict';(() => {{\n{}}})();\n", scripts.concat());
        let policy = policy::of(&style, &script);
        Self { style, script, policy }
    }

    /// The page up to the inside of `body`. The script runs when everything has been parsed.
    pub(super) fn head(&self, title: &str) -> String {
        let Self { style, script, .. } = self;
        let title = escaped(title);
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light dark\"><meta name=\"robots\" content=\"noindex\">\
             <title>{title}</title><link rel=\"icon\" href=\"{ICON}\">\
             <style>{style}</style><script type=\"module\">{script}</script></head><body>\n"
        )
    }

    pub(super) fn protect(&self, response: &mut Response) {
        policy::protect(response, &self.policy);
    }

    pub(super) fn response(&self, body: Body) -> Response {
        let mut response = Response::new(body);
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, html);
        self.protect(&mut response);
        response
    }
}

/// A text as HTML, for content and quoted attributes. Characters that control a terminal or change the
/// direction of text are replaced by their names, and invisible ones are left out. `shown` in the scripts
/// does the same.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 16);
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\r' => {}
            c if is_visible(c) || joins(c) => html.push(c),
            c if directs(c) => html.push_str(&format!("⟨U+{:04X}⟩", u32::from(c))),
            _ => {}
        }
    }
    html
}

/// Control characters, characters that change the direction of text, and the tags that hide text.
fn directs(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_shown_and_does_nothing() {
        for (text, html) in [
            ("a < b & c > \"d\" 'e'", "a &lt; b &amp; c &gt; &quot;d&quot; &#39;e&#39;"),
            (
                "</section><script>alert(1)</script>",
                "&lt;/section&gt;&lt;script&gt;alert(1)&lt;/script&gt;",
            ),
            ("\u{1b}[31mred\u{7}", "⟨U+001B⟩[31mred⟨U+0007⟩"),
            ("user\u{202e}fdp.exe", "user⟨U+202E⟩fdp.exe"),
            ("a\u{ad}b\u{200b}c", "abc"),
            ("\u{0915}\u{094d}\u{200d}", "\u{0915}\u{094d}\u{200d}"),
            ("one\r\ntwo\tthree", "one\ntwo\tthree"),
        ] {
            assert_eq!(escaped(text), html);
        }
    }
}
