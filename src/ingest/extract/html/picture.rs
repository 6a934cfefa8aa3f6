//! The alternative text of a picture on a page, if it says something that the text beside it does not. Pure.

use super::role::{ElementRole, Skip};
use super::tree::{Element, HtmlTree, NodeContent};
use crate::ingest::document::single_spaced;
use crate::ingest::extract::alt;

/// Pixels up to which a picture is an icon of the page, and not part of the text.
const SIGN: u32 = 40;

/// A picture in the text.
pub(super) struct HtmlPicture {
    pub(super) text: String,
    /// Whether it is within a line of text, and not a block of its own.
    pub(super) is_in_line: bool,
}

/// The picture at node `image`; `open` are the open elements, the innermost last. `follows`: text precedes it.
pub(super) fn of(
    tree: &HtmlTree,
    meanings: &[(ElementRole, Skip)],
    open: &[usize],
    image: usize,
    follows: bool,
) -> Option<HtmlPicture> {
    let element = tree.element(image)?;
    let described = alt::line(element.attribute("alt")?)?;
    let role = element.attribute("role");
    let is_sign = matches!(role, Some("presentation" | "none")) || is_small(element);
    if is_sign || leads_elsewhere(tree, open) || is_in_caption(tree, open, &described) {
        return None;
    }
    let is_in_line = follows || is_before_text(tree, meanings, open, image);
    let text = if is_in_line { described.trim_start_matches(alt::MARK) } else { &described };
    Some(HtmlPicture { text: text.to_owned(), is_in_line })
}

fn is_small(element: Element<'_>) -> bool {
    let pixels = |name: &str| {
        let value = element.attribute(name)?.trim().trim_end_matches("px");
        value.parse::<u32>().ok()
    };
    ["width", "height"].into_iter().filter_map(pixels).any(|size| size <= SIGN)
}

/// Whether the picture labels a link to a page, and not to the picture itself.
fn leads_elsewhere(tree: &HtmlTree, open: &[usize]) -> bool {
    let links = open.iter().filter_map(|index| tree.element(*index)).filter(|it| it.name == "a");
    let href = links.filter_map(|link| link.attribute("href")).next_back();
    href.is_some_and(|href| {
        let path = href.split(['?', '#']).next().unwrap_or_default();
        !crate::ingest::extract::detect::is_picture(std::path::Path::new(path))
    })
}

/// Whether the caption of its figure says the same.
fn is_in_caption(tree: &HtmlTree, open: &[usize], described: &str) -> bool {
    let figure = open
        .iter()
        .rev()
        .copied()
        .find(|index| tree.element(*index).is_some_and(|element| element.name == "figure"));
    let Some(figure) = figure else { return false };
    let described = described.trim_start_matches(alt::MARK).to_lowercase();
    (figure..tree.nodes()[figure].end).filter_map(|index| tree.element(index)).any(|element| {
        element.name == "figcaption" && {
            let caption = single_spaced(&element.text()).to_lowercase();
            caption.contains(&described) || !caption.is_empty() && described.contains(&caption)
        }
    })
}

/// Whether text follows in the same block.
fn is_before_text(
    tree: &HtmlTree,
    meanings: &[(ElementRole, Skip)],
    open: &[usize],
    image: usize,
) -> bool {
    let nodes = tree.nodes();
    let is_block =
        |index: usize| meanings[index].0.is_block() || meanings[index].0 == ElementRole::Cell;
    let around = open.iter().rev().copied().find(|index| is_block(*index));
    let end = around.map_or(nodes.len(), |block| nodes[block].end);
    let is_text = |index: usize| match &nodes[index].content {
        NodeContent::Text(range) => !tree.text(range).trim().is_empty(),
        NodeContent::Element(..) => false,
    };
    let ends = |index: &usize| is_block(*index) || meanings[*index].0 == ElementRole::Break;
    (image + 1..end).take(NEAR).take_while(|index| !ends(index)).any(is_text)
}

/// How many nodes after a picture are looked at.
const NEAR: usize = 50;
