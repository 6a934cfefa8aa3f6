//! Where an HTML page leads, and what it says to robots. Streams over the page; nothing of it is
//! kept but the links.

use std::cell::RefCell;

use lol_html::html_content::Element;
use lol_html::{HtmlRewriter, MemorySettings, Settings, element, text};
use url::Url;

use super::canonical::canonical;
use super::directives::Directives;
use crate::ingest::extract::reference;

/// More links than this are not looked at.
const MOST: usize = 10_000;

/// What leads on, and what says something of the page. The table of contents of some sites is in a
/// frame.
const LOOKED_AT: &str = "a[href], area[href], iframe[src], frame[src], base[href], meta[content]";

/// The parser buffers no more than this: the longest tag.
const MEMORY: usize = 1 << 20;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Scan {
    pub(super) directives: Directives,
    /// Canonical, http and https only, in order of appearance; without those marked `nofollow`.
    pub(super) links: Vec<Url>,
    /// The page is only a pointer to this one: `<meta http-equiv=refresh content="0; url=...">`.
    pub(super) refresh: Option<Url>,
}

/// Reads the page that `url` answered with, as far as the parser can.
pub(super) fn scan(url: &Url, page: &[u8]) -> Scan {
    let mut reading =
        Reading { scan: Scan::default(), base: url.clone(), unscripted: String::new() };
    reading.read(page);
    // The parser takes it for text, as browsers do that run scripts.
    let unscripted = std::mem::take(&mut reading.unscripted);
    let refresh = reading.scan.refresh.take();
    reading.read(unscripted.as_bytes());
    // A refresh in there leads to a page that asks for scripts to be run.
    Scan { refresh, ..reading.scan }
}

/// A page that is being read.
struct Reading {
    scan: Scan,
    /// What links are relative to.
    base: Url,
    /// What is in `<noscript>`.
    unscripted: String,
}

impl Reading {
    fn read(&mut self, html: &[u8]) {
        let reading = RefCell::new(self);
        let settings = Settings::new()
            .with_strict(false)
            .with_memory_settings(MemorySettings::new().with_max_allowed_memory_usage(MEMORY))
            .append_element_content_handler(element!(LOOKED_AT, |element| {
                let reading = &mut **reading.borrow_mut();
                look(element, &mut reading.scan, &mut reading.base);
                Ok(())
            }))
            .append_element_content_handler(text!("noscript", |text| {
                let unscripted = &mut reading.borrow_mut().unscripted;
                if unscripted.len() < MEMORY {
                    unscripted.push_str(text.as_str());
                }
                Ok(())
            }));
        let mut parser = HtmlRewriter::new(settings, |_: &[u8]| {});
        // Where the parser gives up, what it has found counts: extraction has its own opinion.
        if html.chunks(64 * 1024).all(|part| parser.write(part).is_ok()) {
            let _ = parser.end();
        }
    }
}

fn look(element: &Element<'_, '_>, scan: &mut Scan, base: &mut Url) {
    let attribute = |name: &str| plain(&element.get_attribute(name).unwrap_or_default());
    match element.tag_name().as_str() {
        "base" => {
            if let Ok(url) = base.join(attribute("href").trim()) {
                *base = url;
            }
        }
        "meta" if attribute("http-equiv").trim().eq_ignore_ascii_case("refresh") => {
            scan.refresh = scan.refresh.take().or_else(|| refresh(base, &attribute("content")));
        }
        "meta" => {
            let said = Directives::of_meta(&attribute("name"), &attribute("content"));
            scan.directives = scan.directives.and(said);
        }
        _ => {
            let nofollow = attribute("rel").to_ascii_lowercase();
            let nofollow = nofollow.split_ascii_whitespace().any(|word| word == "nofollow");
            if !nofollow && scan.links.len() < MOST {
                let target = attribute("href");
                let target = if target.is_empty() { attribute("src") } else { target };
                scan.links.extend(link(base, &target));
            }
        }
    }
}

/// An attribute without its character references. Those that do not end in `;` are none here: a
/// query may hold `&copy=1`.
fn plain(attribute: &str) -> String {
    let mut text = String::with_capacity(attribute.len());
    let mut rest = attribute;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let found = reference(rest).filter(|(_, length)| rest[..*length].ends_with(';'));
        let (character, length) = found.unwrap_or(('&', 1));
        text.push(character);
        rest = &rest[length..];
    }
    text + rest
}

/// The page behind a link, where it is one.
pub(super) fn link(base: &Url, href: &str) -> Option<Url> {
    let url = base.join(href.trim()).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url).and_then(canonical)
}

/// The target of a refresh that does not wait: `0; url=page.html`.
fn refresh(base: &Url, content: &str) -> Option<Url> {
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
    fn refreshes_that_do_not_wait_are_pointers() {
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
    fn what_is_no_html_has_no_links() {
        assert_eq!(of(""), Scan::default());
        assert_eq!(of("\0\u{1}<<<a href"), Scan::default());
        let huge = format!("<a href='{}'>", "x".repeat(2 << 20));
        assert_eq!(of(&huge), Scan::default());
    }
}
