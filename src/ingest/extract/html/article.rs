//! Finds what is beside the text of an article. Pages that declare themselves articles (news, blogs) have
//! photographs with captions, teasers of other articles and links to them between their paragraphs. Other pages
//! keep all that: in documentation, a caption or a short text with a link is what readers look for. Pure.

use super::names::Names;
use super::role::{ElementRole, Skip};
use super::text_density::NodeWeights;
use super::tree::{Element, HtmlTree, NodeContent};
use crate::ingest::document::single_spaced;

/// Types of schema.org, in data (JSON-LD) and in attributes (microdata).
const TYPES: &[&str] = &["NewsArticle", "BlogPosting", "\"Article\"", "schema.org/Article"];

/// Words for the maker of a picture, and for advertising.
const MAKERS: &[&str] = &["advertising", "copyright", "credit", "credits"];

/// Words for a short text about another article. A few sites use them for the first paragraph, which has no
/// links.
const TEASERS: &[&str] = &["teaser", "teasers", "recirc"];

const CAPTIONS: &[&str] = &["caption", "figcaption"];

/// Characters of paragraphs that make an article a text, and how many articles are looked at.
const ENOUGH: usize = 200;
const MOST_ARTICLES: usize = 50;

/// Characters from which a caption is a text of its own, as in galleries.
const LONG: usize = 300;

/// Words in captions of photographs that captions of figures do not have.
const CREDITS: &[&str] = &[
    "©",
    "foto:",
    "fotos:",
    "photo:",
    "photos:",
    "bild:",
    "image:",
    "credit",
    "crédit",
    "getty",
    "shutterstock",
    "reuters",
    "afp",
];

/// Share of links in a teaser, and in a block that is only a link to elsewhere, in percent.
const SOME_LINKS: usize = 20;
const MOST_LINKS: usize = 70;

/// Whether the page declares itself an article, by Open Graph, schema.org or microformats.
pub(super) fn is_article(tree: &HtmlTree) -> bool {
    let mut in_data = false;
    tree.nodes().iter().enumerate().any(|(index, node)| {
        if let NodeContent::Text(range) = &node.content {
            return in_data && names_type(tree.text(range));
        }
        let Some(element) = tree.element(index) else { return false };
        in_data = element.name == "script"
            && element.attribute("type").is_some_and(|kind| kind.ends_with("ld+json"));
        says_article(element)
    })
}

fn says_article(element: Element<'_>) -> bool {
    if element.name == "meta" {
        let property = element.attribute("property").or_else(|| element.attribute("name"));
        return match property {
            Some("og:type") => element.attribute("content") == Some("article"),
            property => property == Some("article:published_time"),
        };
    }
    let is_entry = |name| matches!(name, "hentry" | "h-entry");
    element.attribute("itemtype").is_some_and(names_type)
        || element
            .attribute("class")
            .is_some_and(|names| names.split_ascii_whitespace().any(is_entry))
}

fn names_type(text: &str) -> bool {
    TYPES.iter().any(|kind| text.contains(kind))
}

/// The article whose heading is in the title of the page, if the page has several: some pages add the next
/// article when a reader reaches the end.
pub(super) fn titled_article(
    tree: &HtmlTree,
    weights: &NodeWeights,
    meanings: &[(ElementRole, Skip)],
) -> Option<usize> {
    let end = |index: usize| tree.nodes()[index].end;
    let text = |index: usize| tree.element(index).map(|element| single_spaced(&element.text()));
    // Open articles, and those that have a heading and paragraphs.
    let (mut open, mut articles) = (Vec::new(), Vec::new());
    for (index, (role, _)) in meanings.iter().enumerate() {
        while open.pop_if(|article| end(*article) <= index).is_some() {}
        match (role, open.last()) {
            (ElementRole::Article, _) => open.push(index),
            (ElementRole::Heading(1), Some(article))
                if articles.len() < MOST_ARTICLES
                    && weights.within(*article, end(*article)).paragraphs >= ENOUGH =>
            {
                articles.push((*article, index));
            }
            _ => {}
        }
    }
    // Several headings may belong to one article.
    if articles.iter().all(|(article, _)| *article == articles[0].0) {
        return None;
    }
    let title = meanings.iter().position(|(role, _)| *role == ElementRole::Title).and_then(text)?;
    let is_in_title =
        |heading: usize| text(heading).is_some_and(|it| !it.is_empty() && title.contains(&it));
    articles.into_iter().find(|(_, heading)| is_in_title(*heading)).map(|(article, _)| article)
}

/// Marks what is beside the text: on every page the captions of photographs, on articles also other captions,
/// teasers and bare links.
pub(super) fn mark(
    tree: &HtmlTree,
    weights: &NodeWeights,
    meanings: &mut [(ElementRole, Skip)],
    is_article: bool,
    titled: Option<usize>,
) {
    let weight = |index: usize| weights.within(index, tree.nodes()[index].end);
    let most = weights.within(0, tree.nodes().len()).paragraphs / 2;
    let is_text =
        |index: usize| meanings[index].0 == ElementRole::Article && weight(index).paragraphs > most;
    let has_text = is_article && (0..meanings.len()).any(is_text);
    for (index, node) in tree.nodes().iter().enumerate() {
        let Some(element) = tree.element(index) else { continue };
        let (role, skip) = meanings[index];
        let weight = weights.within(index, node.end);
        let may_be_beside = is_article || weight.all < LONG;
        if skip != Skip::Content || weight.all == 0 || !may_be_beside {
            continue;
        }
        let is_linked = |part: usize| weight.linked * 100 > weight.all * part;
        // Names are parsed only where they may matter.
        let names = |wanted: &[&str]| Names::of(element).any(wanted);
        let is_beside = match role {
            ElementRole::Main
            | ElementRole::Heading(1)
            | ElementRole::Pre
            | ElementRole::Table
            | ElementRole::TableSection => false,
            // The article that the page is named after is not beside another one.
            ElementRole::Article
                if titled.is_some_and(|titled| (index..node.end).contains(&titled)) =>
            {
                false
            }
            ElementRole::Article => has_text && weight.paragraphs < most && is_linked(SOME_LINKS),
            ElementRole::Paragraph | ElementRole::Heading(_)
                if is_article && is_linked(MOST_LINKS) =>
            {
                true
            }
            _ if matches!(element.name, "html" | "body" | "figure" | "code") => false,
            _ => {
                is_article && is_linked(SOME_LINKS) && names(TEASERS)
                    || is_article && names(MAKERS)
                    || weight.all < LONG
                        && (element.name == "figcaption" || names(CAPTIONS))
                        && is_of_photograph(&element.text(), is_article)
            }
        };
        if is_beside {
            meanings[index].1 = Skip::Furniture;
        }
    }
}

/// Whether a caption is that of a photograph: in articles, figures have numbers and photographs have none.
fn is_of_photograph(caption: &str, in_article: bool) -> bool {
    let lower = caption.to_lowercase();
    in_article && !is_numbered(caption) || CREDITS.iter().any(|credit| lower.contains(credit))
}

/// Whether a caption starts with a word and a number: `Figure 3`, `Abb. 2:`.
fn is_numbered(caption: &str) -> bool {
    let mut words = caption.split_whitespace();
    let is_word = |word: &str| word.trim_end_matches('.').chars().all(char::is_alphabetic);
    words.next().is_some_and(is_word)
        && words.next().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()))
}
