//! Links of an HTML page, and what it says to robots.

use url::Url;

use super::canonical::canonical;
use super::directives::Directives;
use crate::ingest::extract::{Element, HtmlTree, decode};

/// Maximum number of links that are taken from a page.
const MOST: usize = 10_000;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Scan {
    pub(super) directives: Directives,
    /// Canonical, only http and https, in order of appearance; without links marked `nofollow`.
    pub(super) links: Vec<Url>,
    /// The page only redirects to this one: `<meta http-equiv=refresh content="0; url=...">`.
    pub(super) refresh: Option<Url>,
}

/// Reads the page that `url` answered with.
pub(super) fn scan(url: &Url, page: &[u8]) -> Scan {
    let mut reading = Reading { scan: Scan::default(), base: url.clone() };
    let page = HtmlTree::of(&decode(page));
    page.elements().for_each(|element| reading.look(element));
    // Inside `noscript`, the target is a page that asks for scripts to be enabled.
    let refresh =
        page.elements_outside("noscript").find_map(|element| refresh(&reading.base, element));
    Scan { refresh, ..reading.scan }
}

/// A page that is being read.
struct Reading {
    scan: Scan,
    /// The URL that links are relative to.
    base: Url,
}

impl Reading {
    fn look(&mut self, element: Element<'_>) {
        match element.name {
            "a" | "area" => self.link(element, "href"),
            // Some sites have their table of contents in a frame.
            "iframe" | "frame" => self.link(element, "src"),
            "base" => self.base(element),
            "meta" => self.meta(element),
            _ => {}
        }
    }

    fn link(&mut self, element: Element<'_>, attribute: &str) {
        let Some(target) = element.attribute(attribute) else { return };
        let mut rel = element.attribute("rel").unwrap_or_default().split_ascii_whitespace();
        let nofollow = rel.any(|word| word.eq_ignore_ascii_case("nofollow"));
        if !nofollow && self.scan.links.len() < MOST {
            self.scan.links.extend(link(&self.base, target));
        }
    }

    fn base(&mut self, element: Element<'_>) {
        let href = element.attribute("href").map(|href| self.base.join(href.trim()));
        if let Some(Ok(base)) = href {
            self.base = base;
        }
    }

    fn meta(&mut self, element: Element<'_>) {
        let Some(content) = element.attribute("content") else { return };
        let directives =
            Directives::of_meta(element.attribute("name").unwrap_or_default(), content);
        self.scan.directives = self.scan.directives.and(directives);
    }
}

/// The URL of a link, if it leads to a page.
pub(super) fn link(base: &Url, href: &str) -> Option<Url> {
    let url = base.join(href.trim()).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url).and_then(canonical)
}

/// The target of an immediate refresh: `0; url=page.html`.
fn refresh(base: &Url, element: Element<'_>) -> Option<Url> {
    let is_refresh = element.attribute("http-equiv")?.trim().eq_ignore_ascii_case("refresh");
    let content = element.attribute("content").filter(|_| is_refresh && element.name == "meta")?;
    let (seconds, target) = content.split_once([';', ','])?;
    let target = target.trim_start();
    let target = match target.get(..3) {
        Some(start) if start.eq_ignore_ascii_case("url") => {
            target[3..].trim_start().strip_prefix('=')?.trim()
        }
        _ => target.trim(),
    };
    let target = target.trim_matches(['"', '\'']);
    (seconds.trim().parse() == Ok(0.0) && !target.is_empty()).then(|| link(base, target))?
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn of(html: &str) -> Scan {
        scan(&Url::parse("https://h.example/guide/page.html").unwrap(), html.as_bytes())
    }

    fn links(html: &str) -> Vec<String> {
        of(html).links.into_iter().map(String::from).collect()
    }

    #[test]
    fn links_are_resolved_and_canonical() {
        let html = r##"<!DOCTYPE html><p><a href="next.html">next</a>
            <a href="../up/#part">up</a> <A HREF='/root'>root</A> <a href=//other.example/x>other</a>
            <a href=" https://h.example/a&amp;b?x&#61;1&copy=2 ">space</a> <a href="?q=1">query</a>
            <a href="mailto:x@y">mail</a> <a href="javascript:void(0)">script</a> <a>no</a>
            <a rel="external nofollow" href="/ads">ads</a> <a href="#here">here</a>
            <map><area href="area.html"></map> <noscript><iframe src=toc.html></iframe></noscript> <script>"<a href='/in-script'>"</script>"##;
        let expected = [
            "https://h.example/guide/next.html",
            "https://h.example/up/",
            "https://h.example/root",
            "https://other.example/x",
            "https://h.example/a&b?x=1&copy=2",
            "https://h.example/guide/page.html?q=1",
            "https://h.example/guide/page.html",
            "https://h.example/guide/area.html",
            "https://h.example/guide/toc.html",
        ];
        assert_eq!(links(html), expected);
    }

    #[test]
    fn a_base_moves_what_follows_it() {
        let html = r#"<base href="/docs/v2/"><a href="a">a</a><a href="../b">b</a>"#;
        assert_eq!(links(html), ["https://h.example/docs/v2/a", "https://h.example/docs/b"]);
    }

    #[test]
    fn robots_elements() {
        let scan =
            of(r#"<meta name=robots content="noindex"><meta name="docent" content=nofollow>"#);
        assert_eq!(scan.directives, Directives { noindex: true, nofollow: true });
        assert_eq!(of("<meta name=viewport content=none>").directives, Directives::default());
    }

    #[test]
    fn immediate_refreshes_are_redirects() {
        let target = |content: &str| {
            let html = format!("<meta http-equiv=Refresh content=\"{content}\">");
            of(&html).refresh.map(String::from)
        };
        let next = Some("https://h.example/guide/next/".to_owned());
        assert_eq!(target("0; url=next/"), next);
        assert_eq!(target("0;URL='next/'"), next);
        assert_eq!(target("0, next/"), next);
        for content in ["5; url=next/", "0", "0; url=", "; url=next/", "0; url=javascript:x"] {
            assert_eq!(target(content), None, "{content}");
        }
        let nagging = "<noscript><meta http-equiv=refresh content='0; url=/no-js'></noscript>";
        assert_eq!(of(nagging).refresh, None);
    }

    #[test]
    fn what_is_not_html_has_no_links() {
        assert_eq!(of(""), Scan::default());
        assert_eq!(of("\0\u{1}<<<a href"), Scan::default());
        let huge = format!("<a href='{}'>", "x".repeat(2 << 20));
        assert_eq!(of(&huge), Scan::default());
    }
}
