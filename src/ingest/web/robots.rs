//! What a host's `robots.txt` (RFC 9309) allows docent, and how fast. The only user of `robotxt`.

use std::time::Duration;

use robotxt::Robots;
use url::Url;

/// The name of docent in rules.
pub(super) const AGENT: &str = "docent";

/// Maximum number of bytes that are read of a file.
pub(super) const LONGEST: u64 = robotxt::BYTE_LIMIT as u64 + 1;

#[derive(Clone, Debug)]
pub(super) struct RobotsRules(Robots);

impl RobotsRules {
    pub(super) fn parse(text: &[u8]) -> Self {
        Self(Robots::parse(text, AGENT))
    }

    /// The rules of a host without a `robots.txt`.
    pub(super) fn none() -> Self {
        Self(Robots::allow_all())
    }

    pub(super) fn allow(&self, page: &Url) -> bool {
        self.0.is_url_allowed(page)
    }

    /// Minimum time between two requests.
    pub(super) fn delay(&self) -> Duration {
        self.0.crawl_delay().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn rules_for_docent_take_precedence_over_those_for_all() {
        let text = b"User-agent: *\nDisallow: /\nCrawl-delay: 9\n\n\
                     User-agent: Docent\nDisallow: /private/\nAllow: /private/open\nCrawl-delay: 0.5\n";
        let rules = RobotsRules::parse(text);
        let allowed =
            |path: &str| rules.allow(&Url::parse(&format!("https://host.example{path}")).unwrap());
        assert!(allowed("/") && allowed("/a?b") && allowed("/private/open"));
        assert!(!allowed("/private/x"));
        assert_eq!(rules.delay(), Duration::from_millis(500));
    }

    #[test]
    fn patterns_and_queries() {
        let rules = RobotsRules::parse(b"user-agent: *\ndisallow: /*.pdf$\ndisallow: /search?\n");
        let allowed =
            |path: &str| rules.allow(&Url::parse(&format!("https://host.example{path}")).unwrap());
        assert!(!allowed("/a/b.pdf") && !allowed("/search?q=x"));
        assert!(allowed("/a/b.pdf.html") && allowed("/search"));
    }

    #[test]
    fn a_file_without_rules_allows_everything() {
        let page = Url::parse("https://host.example/a").unwrap();
        for text in [&b""[..], b"<!doctype html><p>Not found", b"\xff\xfe\0", b"Disallow: /"] {
            assert!(RobotsRules::parse(text).allow(&page), "{text:?}");
            assert_eq!(RobotsRules::parse(text).delay(), Duration::ZERO);
        }
        assert!(RobotsRules::none().allow(&page));
    }
}
