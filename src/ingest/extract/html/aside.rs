//! Decides which asides belong to the text and which are beside it. Pure.

use super::role::{ElementRole, Skip, has_furniture_name};
use super::text_density::NodeWeights;
use super::tree::HtmlTree;

/// Smallest share of text in an aside that is outside of links, in percent: asides of links lead elsewhere.
const TEXT: usize = 70;

/// An open element.
struct Open {
    end: usize,
    in_main_part: bool,
    /// The last block in it so far.
    last: Option<usize>,
}

/// Marks asides as content if they are mostly text and follow a paragraph, or in the main part precede one.
/// `weights` are those of all text.
pub(super) fn keep(tree: &HtmlTree, weights: &NodeWeights, meanings: &mut [(ElementRole, Skip)]) {
    let nodes = tree.nodes();
    let mut open: Vec<Open> = Vec::new();
    for index in 0..nodes.len() {
        let Some(element) = tree.element(index) else { continue };
        while open.pop_if(|around| around.end <= index).is_some() {}
        let (role, skip) = meanings[index];
        let (last, in_main_part) =
            open.last().map(|around| (around.last, around.in_main_part)).unwrap_or_default();
        if element.name == "aside" && skip == Skip::Furniture {
            let weight = weights.within(index, nodes[index].end);
            let is_text = weight.all > 0 && weight.unlinked() * 100 >= weight.all * TEXT;
            let is_beside = element.attribute("role").is_some()
                || has_furniture_name("aside", |name| element.attribute(name));
            let is_before = || in_main_part && next(tree, meanings, index).is_some();
            let is_in_flow =
                || last.is_some_and(|last| is_text_block(meanings[last])) || is_before();
            if is_text && !is_beside && is_in_flow() {
                meanings[index].1 = Skip::Content;
            }
        }
        // Asides may follow each other, so they are not counted as blocks.
        let is_block = role.is_block() && skip < Skip::Always && element.name != "aside";
        if let Some(around) = open.last_mut().filter(|_| is_block) {
            around.last = Some(index);
        }
        let in_main_part = in_main_part || matches!(role, ElementRole::Main | ElementRole::Article);
        open.push(Open { end: nodes[index].end, in_main_part, last: None });
    }
}

/// The block after an element, if it is text.
fn next(tree: &HtmlTree, meanings: &[(ElementRole, Skip)], index: usize) -> Option<usize> {
    /// White space may be between them.
    const NEAR: usize = 2;
    let end = tree.nodes()[index].end;
    let next = (end..tree.nodes().len()).take(NEAR).find(|at| tree.element(*at).is_some())?;
    is_text_block(meanings[next]).then_some(next)
}

fn is_text_block((role, skip): (ElementRole, Skip)) -> bool {
    let is_text = matches!(
        role,
        ElementRole::Paragraph
            | ElementRole::Pre
            | ElementRole::List { .. }
            | ElementRole::Table
            | ElementRole::Heading(2..)
    );
    is_text && skip == Skip::Content
}
