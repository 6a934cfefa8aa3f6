//! The one name of a page, and which pages belong to a site. Pure.
//!
//! Pages are known by the URL that answered with them, after redirects, in canonical form: scheme
//! and host in lower case, no default port, no user or password, no fragment, no empty query, `.`
//! and `..` resolved, and percent-encoding only where it is needed, in upper case (RFC 3986,
//! section 6.2.2). The query is kept as it is: it often chooses the page.

use std::fmt;

use percent_encoding::{percent_decode, percent_decode_str, percent_encode_byte};
use url::Url;

use crate::types::{Reach, Site};

/// Longer ones are machine-made, and nothing that a person could cite.
const LONGEST: usize = 2048;

/// What a person asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Start {
    /// Canonical.
    pub(super) url: Url,
    /// Sent to this origin and to no other.
    pub(super) credentials: Option<Credentials>,
    pub(super) reach: Reach,
}

/// User and password of a URL. Has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: String,
}

impl fmt::Debug for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Start").field(&self.url.as_str()).finish()
    }
}

/// What was typed is not a URL of a page. The text completes "URL: ...".
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadUrl(String);

impl Start {
    /// Whether an input means a page and not a file.
    pub fn is_url(input: &str) -> bool {
        let scheme = input.split_once("://").map(|(scheme, _)| scheme);
        scheme.is_some_and(|scheme| {
            scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        })
    }

    pub fn parse(input: &str, reach: Reach) -> Result<Self, BadUrl> {
        let url = Url::parse(input.trim()).map_err(|error| BadUrl(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            let scheme = url.scheme();
            return Err(BadUrl(format!("{scheme}: is not fetched, only http and https are")));
        }
        let credentials = credentials(&url);
        match canonical(url) {
            Some(url) => Ok(Self { url, credentials, reach }),
            None => Err(BadUrl(format!("longer than {LONGEST} characters"))),
        }
    }

    /// The name in records, reports and citations: without credentials.
    pub fn source(&self) -> &str {
        self.url.as_str()
    }

    /// Whether another one is on the same host and port.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        self.url.origin() == other.url.origin()
    }

    /// What a manifest remembers: no credentials.
    pub fn site(&self) -> Site {
        Site { url: self.source().to_owned(), reach: self.reach }
    }
}

fn credentials(url: &Url) -> Option<Credentials> {
    let password = url.password().unwrap_or_default();
    if url.username().is_empty() && password.is_empty() {
        return None;
    }
    Some(Credentials { user: decoded(url.username()), password: decoded(password) })
}

/// Without its percent-encoding.
fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// `None` where it is too long to be of use.
pub(super) fn canonical(mut url: Url) -> Option<Url> {
    url.set_fragment(None);
    // Fails only where there is no host to hold them.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let path = normalized(url.path());
    url.set_path(&path);
    let query = url.query().filter(|query| !query.is_empty()).map(normalized);
    url.set_query(query.as_deref());
    (url.as_str().len() <= LONGEST).then_some(url)
}

/// Percent-encoding in upper case, and none of what needs none.
fn normalized(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let length = match encoded_byte(escape) {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                out.push(char::from(byte));
                3
            }
            Some(byte) => {
                out.push_str(percent_encode_byte(byte));
                3
            }
            None => {
                out.push('%');
                1
            }
        };
        rest = &escape[length..];
    }
    out.push_str(rest);
    out
}

/// The byte that the first three of `text` encode.
fn encoded_byte(text: &str) -> Option<u8> {
    let mut bytes = percent_decode(text.as_bytes().get(..3)?);
    let byte = bytes.next()?;
    bytes.next().is_none().then_some(byte)
}

/// A site, or a part of one: what a crawl stays in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Territory {
    host: String,
    port: Option<u16>,
    /// Ends with a slash.
    directory: String,
}

impl Territory {
    /// The host of `page` from its directory down; all of it with `whole_host`.
    pub(super) fn around(page: &Url, whole_host: bool) -> Self {
        let path = page.path();
        let directory = if whole_host { "/" } else { &path[..=path.rfind('/').unwrap_or(0)] };
        Self {
            host: page.host_str().unwrap_or_default().to_owned(),
            port: page.port(),
            directory: directory.to_owned(),
        }
    }

    /// `http` and `https` are one site where both have their usual port.
    pub(super) fn contains(&self, page: &Url) -> bool {
        page.host_str() == Some(&self.host)
            && page.port() == self.port
            && page.path().starts_with(&self.directory)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    fn name(input: &str) -> String {
        Start::parse(input, Reach::default()).unwrap().source().to_owned()
    }

    #[test]
    fn one_page_one_name() {
        for (input, expected) in [
            ("https://example.org", "https://example.org/"),
            ("HTTPS://Example.ORG:443/a", "https://example.org/a"),
            ("http://example.org:80/a#part", "http://example.org/a"),
            ("http://example.org:8080/a?", "http://example.org:8080/a"),
            ("https://example.org/a/../b/./c", "https://example.org/b/c"),
            ("https://example.org/%7euser/%e4%b8%ad", "https://example.org/~user/%E4%B8%AD"),
            ("https://example.org/中", "https://example.org/%E4%B8%AD"),
            ("https://example.org/a b?q=x y&r=%41", "https://example.org/a%20b?q=x%20y&r=A"),
            ("https://example.org/?b=2&a=1", "https://example.org/?b=2&a=1"),
            ("https://example.org/100%", "https://example.org/100%"),
            ("https://me:secret@example.org/a", "https://example.org/a"),
            ("https://bücher.example/", "https://xn--bcher-kva.example/"),
            (" https://example.org/a\n", "https://example.org/a"),
            ("https://example.org\\a", "https://example.org/a"),
        ] {
            assert_eq!(name(input), expected, "{input}");
        }
    }

    #[test]
    fn what_is_no_url_says_why() {
        for (input, why) in [
            ("https://", "empty host"),
            ("https://exa mple.org/", "invalid international domain name"),
            ("http://1.2.3.256/", "invalid IPv4 address"),
            ("ftp://example.org/", "ftp: is not fetched"),
            (&format!("https://example.org/{}", "a".repeat(2048)), "longer than 2048"),
        ] {
            let error = Start::parse(input, Reach::default()).unwrap_err().to_string();
            assert!(error.contains(why), "{input}: {error}");
        }
    }

    #[test]
    fn inputs_that_mean_pages() {
        for (input, expected) in [
            ("https://example.org", true),
            ("HTTP://example.org", true),
            ("ftp://example.org", true),
            ("docs/a.md", false),
            ("./https://example.org", false),
            ("-", false),
            ("C:\\docs", false),
        ] {
            assert_eq!(Start::is_url(input), expected, "{input}");
        }
    }

    #[test]
    fn credentials_are_taken_off_and_never_shown() {
        let start = Start::parse("https://me:s%40cret@example.org/", Reach::default()).unwrap();
        let Credentials { user, password } = start.credentials.clone().unwrap();
        assert_eq!((user.as_str(), password.as_str()), ("me", "s@cret"));
        assert!(!format!("{start:?}").contains("cret"));
        assert!(
            Start::parse("https://example.org/", Reach::default()).unwrap().credentials.is_none()
        );
    }

    #[test]
    fn territories() {
        for (page, whole_host, other, expected) in [
            ("https://a.org/guide/", false, "https://a.org/guide/x/y", true),
            ("https://a.org/guide/", false, "https://a.org/guide", false),
            ("https://a.org/guide/", false, "https://a.org/guides/", false),
            ("https://a.org/guide/", true, "https://a.org/", true),
            ("https://a.org/guide/index.html", false, "https://a.org/guide/x", true),
            ("https://a.org/guide", false, "https://a.org/other", true),
            ("https://a.org/", false, "http://a.org/x", true),
            ("https://a.org/", false, "https://www.a.org/x", false),
            ("https://a.org/", false, "https://a.org.evil.example/x", false),
            ("https://a.org/", false, "https://a.org:8443/x", false),
            ("https://a.org:8443/", false, "https://a.org:8443/x", true),
        ] {
            let url = |text: &str| Url::parse(text).unwrap();
            let territory = Territory::around(&url(page), whole_host);
            assert_eq!(territory.contains(&url(other)), expected, "{page} {other}");
        }
    }

    proptest! {
        #[test]
        fn canonical_is_final(
            tail in "[a-zA-Z0-9%/?#&=._~ :@!$'()*+,;中é\\\\-]{0,60}",
            user in "([a-z]{1,5}(:[a-z]{1,5})?@)?",
            port in prop::sample::select(vec!["", ":80", ":443", ":8080"]),
        ) {
            for scheme in ["http", "https"] {
                let Ok(start) = Start::parse(&format!("{scheme}://{user}Host.example{port}/{tail}"), Reach::default()) else {
                    continue;
                };
                let once = start.source().to_owned();
                prop_assert_eq!(&name(&once), &once);
                prop_assert!(!once.contains('#') && !once.contains('@') || tail.contains('@'));
                prop_assert!(start.url.username().is_empty() && start.url.password().is_none());
                prop_assert!(once.bytes().all(|b| b.is_ascii_graphic()), "{}", once);
            }
        }

        /// The fragment, the case of the host and needless encoding make no difference.
        #[test]
        fn spelling_makes_no_difference(path in "[a-z0-9~._-]{1,20}", part in "[a-z]{0,5}") {
            let plain = name(&format!("https://host.example/x/{path}z"));
            let encoded = path.bytes().map(|b| format!("%{b:02x}")).collect::<Vec<_>>().concat();
            prop_assert_eq!(&name(&format!("HTTPS://HOST.example:443/x/{encoded}z#{part}")), &plain);
        }

        #[test]
        fn a_page_is_in_its_own_territory(path in "(/[a-z]{0,5}){1,4}") {
            let url = Url::parse(&format!("https://host.example{path}")).unwrap();
            prop_assert!(Territory::around(&url, false).contains(&url));
        }
    }
}
