//! URLs by which what is cited can be opened.

use http::HeaderMap;
use http::header::HOST;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::settings::Serve;
use crate::types::{Locator, is_url};

/// What stands in a path as it is.
const IN_PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Makes the links of one response.
pub(super) struct Links {
    base: String,
}

impl Links {
    /// They begin with the public URL that is set, or else with what the caller used.
    pub(super) fn new(settings: &Serve, headers: &HeaderMap) -> Self {
        let host = || headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        let base = settings.public_url.clone().unwrap_or_else(|| format!("http://{}", host()));
        Self { base }
    }

    /// A place in a document: of a page of the web, where it is; of any other, where this server shows
    /// what was read of it.
    pub(super) fn to(&self, collection: &str, source: &str, locator: Locator) -> String {
        if is_url(source) {
            return locator.cite(source);
        }
        let encoded = |text| utf8_percent_encode(text, IN_PATH);
        let cited = locator.cite("");
        let place = cited.trim_start_matches([':', '#']);
        let (collection, source) = (encoded(collection), encoded(source.trim_start_matches('/')));
        format!("{}/s/{collection}/{source}#{place}", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_the_place() {
        let links = Links { base: "http://localhost:7400".to_owned() };
        for (source, locator, url) in [
            (
                "a b/ü.md",
                Locator::Lines(3, 9),
                "http://localhost:7400/s/docs/a%20b/%C3%BC.md#L3-L9",
            ),
            ("a#?.pdf", Locator::Page(2), "http://localhost:7400/s/docs/a%23%3F.pdf#page=2"),
            ("https://example.org/a", Locator::Lines(3, 3), "https://example.org/a#L3"),
        ] {
            assert_eq!(links.to("docs", source, locator), url);
        }
    }
}
