//! URLs that open cited places.

use std::sync::Arc;

use http::HeaderMap;
use http::header::HOST;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::access::Caller;
use super::call::Server;
use super::keys::ApiKey;
use super::signature::Signer;
use crate::types::{Locator, is_url};

/// Characters that are not escaped in a path.
const IN_PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Makes the links of one response.
pub(super) struct Links {
    base: String,
    /// Set if a link needs a signature in place of a key, with the key that it is made for.
    signer: Option<(Signer, Arc<ApiKey>)>,
    /// Seconds since the Unix epoch.
    now: i64,
}

impl Links {
    /// Links begin with the configured public URL, or else with the host that the caller used.
    pub(super) fn new(server: &Server, caller: &Caller, headers: &HeaderMap) -> Self {
        let host = || headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        let public = server.settings.public_url.clone();
        let scheme = if server.settings.tls.is_some() { "https" } else { "http" };
        Self {
            base: public.unwrap_or_else(|| format!("{scheme}://{}", host())),
            signer: caller.key().map(|key| (server.signer.clone(), Arc::clone(key))),
            now: chrono::Utc::now().timestamp(),
        }
    }

    #[cfg(test)]
    pub(super) fn at(base: &str) -> Self {
        Self { base: base.to_owned(), signer: None, now: 0 }
    }

    /// The URL of a place in a document: for a web page its own URL, for any other document the page of
    /// this server that shows the stored text.
    pub(super) fn to(&self, collection: &str, source: &str, locator: Locator) -> String {
        if is_url(source) {
            return locator.cite(source);
        }
        let cited = locator.cite("");
        format!("{}#{}", self.stored(collection, source), cited.trim_start_matches([':', '#']))
    }

    /// The same without signatures, for a caller that may not hand on access: new links would let the
    /// holder of an expiring link keep access for ever.
    pub(super) fn unsigned(self) -> Self {
        Self { signer: None, ..self }
    }

    /// The URL of this server.
    pub(super) fn home(&self) -> String {
        format!("{}/", self.base)
    }

    /// The URL at which this server shows the stored text of a document.
    pub(super) fn stored(&self, collection: &str, source: &str) -> String {
        let encoded = |text| utf8_percent_encode(text, IN_PATH).to_string();
        let query = match &self.signer {
            Some((signer, key)) => {
                format!("?{}", signer.query(key, collection, source, self.now))
            }
            None => String::new(),
        };
        let (collection, mut source) = (encoded(collection), encoded(source));
        // Not every program on the way keeps an empty part of a path.
        if source.starts_with('/') {
            source.replace_range(..1, "%2F");
        }
        format!("{}/s/{collection}/{source}{query}", self.base)
    }

    /// The URL of a document: for a web page its own URL, for any other document the page of this server.
    pub(super) fn to_whole(&self, collection: &str, source: &str) -> String {
        if is_url(source) { source.to_owned() } else { self.stored(collection, source) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_the_place() {
        let links = Links::at("http://localhost:7400");
        for (source, locator, url) in [
            (
                "a b/ü.md",
                Locator::Lines(3, 9),
                "http://localhost:7400/s/docs/a%20b/%C3%BC.md#L3-L9",
            ),
            ("a#?.pdf", Locator::Page(2), "http://localhost:7400/s/docs/a%23%3F.pdf#page=2"),
            ("/else/b.md", Locator::Lines(3, 3), "http://localhost:7400/s/docs/%2Felse/b.md#L3"),
            ("https://example.org/a", Locator::Lines(3, 3), "https://example.org/a#L3"),
        ] {
            assert_eq!(links.to("docs", source, locator), url);
        }
    }

    #[test]
    fn a_link_is_signed_where_keys_are_needed() {
        let key = Arc::new(ApiKey::of_nobody());
        let signer = Signer::new(std::time::Duration::from_mins(1)).ok();
        let signer = signer.map(|signer| (signer, Arc::clone(&key)));
        let links = Links { base: String::new(), signer, now: 1_000 };
        let url = links.to("docs", "a.md", Locator::Page(3));
        let query = url.strip_prefix("/s/docs/a.md?").and_then(|rest| rest.strip_suffix("#page=3"));
        let checked = query
            .zip(links.signer.as_ref())
            .map(|(query, (signer, _))| signer.check(Some(&key), "docs", "a.md", query, 1_001));
        assert_eq!(checked, Some(Ok(())), "{url}");
    }
}
