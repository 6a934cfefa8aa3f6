//! Finds the text of a page by where its paragraphs are, since names of elements only hint at it. Pure.

use std::ops::Range;

use super::role::{ElementRole, Skip};
use super::text_density::{Lengths, NodeWeights, TextWeight};
use super::tree::{HtmlTree, NodeContent};

/// Characters that make a part of a page worth extracting alone.
const ENOUGH: usize = 200;

/// Smallest share of a page's paragraphs, and of all its text outside of links, that a part needs to stand for the
/// page, in percent.
const PARAGRAPHS: usize = 80;
const TEXT: usize = 70;

/// Corrects what names say of elements: what holds most paragraphs is not furniture, and lists of links are.
/// `weights` are those of all text. Returns the weights of what is not furniture.
pub(super) fn correct(
    tree: &HtmlTree,
    lengths: &Lengths,
    weights: &NodeWeights,
    meanings: &mut [(ElementRole, Skip)],
) -> NodeWeights {
    let end = tree.nodes().len();
    let page = weights.within(0, end);
    let are_comments =
        |index: usize| meanings[index].1 == Skip::Furniture && is_comments(tree, index);
    // There may be more comments than text.
    let without_comments = (0..end).any(are_comments) && {
        let rest = NodeWeights::of(tree, lengths, meanings, Skip::Furniture);
        rest.within(0, end).paragraphs >= ENOUGH
    };
    for (index, node) in tree.nodes().iter().enumerate() {
        let weight = weights.within(index, node.end);
        let (role, skip) = meanings[index];
        if without_comments && skip == Skip::Furniture && is_comments(tree, index) {
            continue;
        }
        // Documentation has headings that link to the types they name, and other headings in a header.
        let has_heading = weight.headings > 2;
        if skip >= Skip::Header {
            let holds_most = weight.paragraphs * 2 > page.paragraphs;
            if skip < Skip::Always && holds_most || skip == Skip::Header && has_heading {
                meanings[index].1 = Skip::Content;
            }
        } else if page.paragraphs > ENOUGH && weight.is_links() {
            let is_menu = match role {
                ElementRole::List { .. } => true,
                ElementRole::Block | ElementRole::Table => !has_heading,
                _ => false,
            };
            if is_menu {
                meanings[index].1 = Skip::Furniture;
            }
        }
    }
    let weights = NodeWeights::of(tree, lengths, meanings, Skip::Furniture);
    if lone_headings(tree, &weights, meanings) {
        return NodeWeights::of(tree, lengths, meanings, Skip::Furniture);
    }
    weights
}

/// Whether an element is called `comments` and nothing else.
fn is_comments(tree: &HtmlTree, index: usize) -> bool {
    let Some(element) = tree.element(index) else { return false };
    let names = ["class", "id"].map(|name| element.attribute(name).unwrap_or_default());
    let mut names = names.iter().flat_map(|names| names.split_ascii_whitespace());
    names.any(|name| name.eq_ignore_ascii_case("comments"))
}

/// Marks headings over nothing but furniture as furniture. Returns whether there are any.
fn lone_headings(
    tree: &HtmlTree,
    weights: &NodeWeights,
    meanings: &mut [(ElementRole, Skip)],
) -> bool {
    let nodes = tree.nodes();
    let mut are_there = false;
    let is_heading = |role| matches!(role, ElementRole::Heading(_));
    // Where the open elements end.
    let mut open: Vec<usize> = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        while open.pop_if(|end| *end <= index).is_some() {}
        if is_heading(meanings[index].0) {
            let around = open.last().copied().unwrap_or(nodes.len());
            let (mut next, mut over_furniture) = (node.end, false);
            while next < around && !is_heading(meanings[next].0) {
                if weights.within(next, nodes[next].end).all > 0 {
                    over_furniture = false;
                    break;
                }
                // A link beside the heading, such as `edit`, belongs to the heading.
                over_furniture |=
                    meanings[next].1 == Skip::Furniture && meanings[next].0.is_block();
                next = nodes[next].end;
            }
            if over_furniture {
                meanings[index].1 = Skip::Furniture;
                are_there = true;
            }
        }
        open.push(node.end);
    }
    are_there
}

/// The nodes of the page's text: those of its `<main>`, or of the smallest part with nearly all paragraphs,
/// from the heading of the page on. On an article, what is in `<main>` outside of that part belongs to other
/// articles. `titled`: if there are several articles, the one that the page is named after.
pub(super) fn text(
    tree: &HtmlTree,
    weights: &NodeWeights,
    meanings: &[(ElementRole, Skip)],
    is_article: bool,
    titled: Option<usize>,
) -> Range<usize> {
    let nodes = tree.nodes();
    let length = |index: &usize| weights.within(*index, nodes[*index].end).all;
    let mains = (0..nodes.len()).filter(|index| meanings[*index].0 == ElementRole::Main);
    let mut range = 0..nodes.len();
    // A short main part stands for a short page.
    let stands_for_it = |main: &usize| {
        let (its, all) = (weights.within(*main, nodes[*main].end), weights.within(0, nodes.len()));
        its.all >= ENOUGH || its.all > 0 && its.unlinked() * 100 >= all.unlinked() * TEXT
    };
    if let Some(main) = mains.max_by_key(length).filter(stands_for_it) {
        range = main..nodes[main].end;
        if !is_article {
            return range;
        }
    }
    if let Some(article) = titled {
        range = article..nodes[article].end;
    }
    let page = weights.within(range.start, range.end);
    if page.paragraphs < ENOUGH {
        return range;
    }
    let mut beginning = titled;
    let mut inside = range.start + usize::from(range.start > 0)..range.end;
    while let Some(part) = main_part(tree, weights, meanings, inside, page) {
        range = part..nodes[part].end;
        if meanings[part].0 == ElementRole::Article {
            beginning = beginning.or(Some(part));
        }
        if !is_article && meanings[part].0 != ElementRole::Block {
            break;
        }
        inside = part + 1..range.end;
    }
    // The text between the heading and the paragraphs is their beginning, and so is the text before them in an
    // `<article>`.
    let is_heading =
        |index: &usize| meanings[*index].0 == ElementRole::Heading(1) && length(index) > 0;
    let heading = (titled.unwrap_or(0)..range.start).rev().find(is_heading);
    let start = beginning.unwrap_or(range.start);
    if is_article {
        // A heading without text below it is that of a part that was left out.
        let is_text = |index: &usize| {
            let weight = weights.within(*index, index + 1);
            weight.all > weight.headings
        };
        range.end = range.clone().rev().find(is_text).map_or(range.end, |last| last + 1);
    }
    heading.map_or(start, |heading| heading.min(start))..range.end
}

/// The part directly inside of these nodes that can stand for the page.
fn main_part(
    tree: &HtmlTree,
    weights: &NodeWeights,
    meanings: &[(ElementRole, Skip)],
    inside: Range<usize>,
    page: TextWeight,
) -> Option<usize> {
    let mut found = None;
    let mut index = inside.start;
    while index < inside.end {
        let node = &tree.nodes()[index];
        let weight = weights.within(index, node.end);
        let is_part = matches!(node.content, NodeContent::Element(..))
            && matches!(
                meanings[index].0,
                ElementRole::Block | ElementRole::Main | ElementRole::Article
            );
        if !is_part && weight.paragraphs > 0 {
            // Paragraphs beside the part belong to it.
            return None;
        }
        if is_part
            && weight.paragraphs * 100 >= page.paragraphs * PARAGRAPHS
            && weight.unlinked() * 100 >= page.unlinked() * TEXT
        {
            found = Some(index);
        }
        index = node.end;
    }
    found
}
