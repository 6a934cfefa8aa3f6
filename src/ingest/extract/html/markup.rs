//! Removes what documentation tools put around text and code: anchors, line numbers, formulas that are hidden
//! because a picture shows them. Pure.

use super::names::has_class;
use super::role::{ElementRole, Skip};
use super::tree::{HtmlTree, NodeContent};

/// Corrects what the names and styles of elements say about them.
pub(super) fn correct(tree: &HtmlTree, meanings: &mut [(ElementRole, Skip)]) {
    let nodes = tree.nodes();
    // Indexes of the open elements.
    let mut open: Vec<usize> = Vec::new();
    for index in 0..nodes.len() {
        let Some(element) = tree.element(index) else { continue };
        while open.pop_if(|around| nodes[*around].end <= index).is_some() {}
        let (role, skip) = meanings[index];
        match role {
            // docutils: a box with a title, within the text.
            ElementRole::Paragraph if has_class(element, "sidebar-title") => {
                let around = open.last().copied();
                let sidebar = around.filter(|around| {
                    meanings[*around].1 == Skip::Furniture
                        && tree.element(*around).is_some_and(|around| has_class(around, "sidebar"))
                });
                if let Some(sidebar) = sidebar {
                    meanings[sidebar].1 = Skip::Content;
                    meanings[index].1 = Skip::Content;
                }
            }
            // The heading of a section may be its own anchor, as in manual pages.
            ElementRole::Link if skip == Skip::Furniture => {
                let around = open.last().map(|around| meanings[*around].0);
                if matches!(around, Some(ElementRole::Heading(_) | ElementRole::Definition))
                    && any_char(tree, index, char::is_alphanumeric)
                {
                    meanings[index].1 = Skip::Content;
                }
            }
            ElementRole::Pre if is_line_numbers(tree, index) => {
                let cell = open.iter().rfind(|around| meanings[**around].0 == ElementRole::Cell);
                if let Some(cell) = cell.filter(|cell| is_beside_code(tree, meanings, **cell)) {
                    meanings[*cell].1 = Skip::Furniture;
                }
            }
            ElementRole::Inline => {
                let in_code = || open.iter().any(|around| meanings[*around].0 == ElementRole::Pre);
                if skip == Skip::Always && is_math(meanings.get(index + 1)) {
                    meanings[index].1 = Skip::Content;
                } else if element.attribute("style").is_some_and(is_not_copied) && in_code() {
                    meanings[index].1 = Skip::Always;
                }
            }
            _ => {}
        }
        open.push(index);
    }
}

fn is_math(meaning: Option<&(ElementRole, Skip)>) -> bool {
    meaning == Some(&(ElementRole::Math, Skip::Content))
}

/// Whether a style hides content from copying: line numbers and prompts.
fn is_not_copied(style: &str) -> bool {
    style
        .split_once("user-select")
        .is_some_and(|(_, value)| value.trim_start_matches([':', ' ']).starts_with("none"))
}

fn is_line_numbers(tree: &HtmlTree, index: usize) -> bool {
    !any_char(tree, index, |c| !c.is_ascii_digit() && !c.is_whitespace())
        && any_char(tree, index, |c| c.is_ascii_digit())
}

/// Whether the next cell of the row has preformatted text.
fn is_beside_code(tree: &HtmlTree, meanings: &[(ElementRole, Skip)], cell: usize) -> bool {
    let nodes = tree.nodes();
    let is_space = |index: &usize| matches!(nodes[*index].content, NodeContent::Text(_));
    let next = (nodes[cell].end..nodes.len()).find(|index| !is_space(index));
    next.is_some_and(|next| {
        meanings[next].0 == ElementRole::Cell
            && meanings[next..nodes[next].end].iter().any(|(role, _)| *role == ElementRole::Pre)
    })
}

fn any_char(tree: &HtmlTree, index: usize, wanted: impl Fn(char) -> bool) -> bool {
    tree.nodes()[index..tree.nodes()[index].end].iter().any(|node| match &node.content {
        NodeContent::Text(range) => tree.text(range).contains(&wanted),
        NodeContent::Element(..) => false,
    })
}
