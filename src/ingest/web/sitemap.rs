//! Sitemaps (sitemaps.org): a site's list of its pages.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};
use url::Url;

use super::canonical::canonical;

/// The protocol's limit for one file.
const MOST: usize = 50_000;

/// The content of a file; URLs are canonical.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Sitemap {
    Pages(Vec<Url>),
    /// A sitemap index.
    Sitemaps(Vec<Url>),
}

/// Reads a sitemap; `None` for other XML. A broken file is read up to the error.
pub(super) fn parse(xml: &str) -> Option<Sitemap> {
    let mut reader = Reader::from_str(xml);
    let mut kind: Option<fn(Vec<Url>) -> Sitemap> = None;
    let mut urls = Vec::new();
    // The text of a `loc` element. Those of images and videos have a prefix.
    let mut location: Option<String> = None;
    while urls.len() < MOST {
        let mut push =
            |text: &str| location.iter_mut().for_each(|location| location.push_str(text));
        match reader.read_event() {
            Ok(Event::Start(element)) => match (kind, element.name().0) {
                (None, name) => kind = Some(kind_of(name)?),
                (Some(_), "loc") => location = Some(String::new()),
                _ => {}
            },
            Ok(Event::Text(text)) => push(&text),
            Ok(Event::CData(text)) => push(&text),
            Ok(Event::GeneralRef(reference)) => push(&character(&reference)),
            Ok(Event::End(_)) => {
                let url = location.take().and_then(|text| Url::parse(text.trim()).ok());
                urls.extend(url.and_then(canonical));
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    kind.map(|kind| kind(urls))
}

fn kind_of(root: &str) -> Option<fn(Vec<Url>) -> Sitemap> {
    match root.rsplit(':').next() {
        Some("urlset") => Some(Sitemap::Pages),
        Some("sitemapindex") => Some(Sitemap::Sitemaps),
        _ => None,
    }
}

fn character(reference: &BytesRef<'_>) -> String {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => character.to_string(),
        _ => resolve_predefined_entity(reference).unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(xml: &str) -> Vec<String> {
        match parse(xml) {
            Some(Sitemap::Pages(urls) | Sitemap::Sitemaps(urls)) => {
                urls.into_iter().map(String::from).collect()
            }
            None => panic!("not a sitemap: {xml}"),
        }
    }

    #[test]
    fn pages_are_listed_in_order() {
        let xml = r#"<?xml version="1.0" encoding="UTF-8"?>
            <!-- made by a generator -->
            <urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
                    xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
              <url><loc>https://h.example/</loc><lastmod>2026-01-01</lastmod></url>
              <url>
                <loc> https://h.example/a?x=1&amp;y=2&#x26;z=3#part </loc>
                <image:image><image:loc>https://h.example/a.png</image:loc></image:image>
              </url>
              <url><loc><![CDATA[https://h.example/b&c]]></loc></url>
              <url><loc>not a url</loc></url>
              <url><loc></loc></url>
            </urlset>"#;
        assert!(matches!(parse(xml), Some(Sitemap::Pages(_))));
        let expected =
            ["https://h.example/", "https://h.example/a?x=1&y=2&z=3", "https://h.example/b&c"];
        assert_eq!(listed(xml), expected);
    }

    #[test]
    fn an_index_lists_sitemaps() {
        let xml = "<sitemapindex><sitemap><loc>https://h.example/1.xml</loc></sitemap>\
                   <sitemap><loc>https://h.example/2.xml.gz</loc></sitemap></sitemapindex>";
        assert!(matches!(parse(xml), Some(Sitemap::Sitemaps(_))));
        assert_eq!(listed(xml), ["https://h.example/1.xml", "https://h.example/2.xml.gz"]);
    }

    #[test]
    fn other_xml_is_not_a_sitemap_and_broken_xml_is_read_up_to_the_error() {
        for xml in ["", "plain text", "<rss><channel/></rss>", "<html><loc>https://h/</loc></html>"]
        {
            assert_eq!(parse(xml), None, "{xml}");
        }
        let cut = "<urlset><url><loc>https://h.example/a</loc></url><url><loc>https://h.exa";
        assert_eq!(listed(cut), ["https://h.example/a"]);
        assert!(listed("<sm:urlset></sm:urlset>").is_empty());
    }

    #[test]
    fn custom_entities_are_not_expanded() {
        let bomb = "<!DOCTYPE urlset [<!ENTITY a 'https://h.example/'>]>\
                    <urlset><url><loc>&a;&a;&a;</loc></url></urlset>";
        assert!(listed(bomb).is_empty());
    }
}
