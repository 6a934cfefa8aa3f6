//! Finds the title of each panel in a set of tabs: titles are together before the panels, and a panel without
//! its title (`Linux`, `macOS`) says little. Pure.

use std::collections::HashMap;

use super::names::has_class;
use super::role::{ElementRole, Skip};
use super::tree::{Element, HtmlTree};

/// The title of each panel, both by node. Titles are skipped where they were.
pub(super) fn titles(
    tree: &HtmlTree,
    meanings: &mut [(ElementRole, Skip)],
) -> HashMap<usize, usize> {
    let nodes = tree.nodes();
    let mut titles = HashMap::new();
    // Most pages have no tabs.
    if !LISTS.iter().any(|word| tree.mentions(word)) {
        return titles;
    }
    // Indexes of the open elements.
    let mut open: Vec<usize> = Vec::new();
    for list in 0..nodes.len() {
        let Some(element) = tree.element(list) else { continue };
        while open.pop_if(|around| nodes[*around].end <= list).is_some() {}
        if is_list(element) {
            let end = nodes[list].end;
            let is_tab = |index: &usize| tree.element(*index).is_some_and(is_tab);
            let tabs: Vec<usize> = (list + 1..end).filter(is_tab).collect();
            // The list of titles may have a wrapper of its own.
            let panels =
                open.iter().rev().take(2).map(|around| panels(tree, end, nodes[*around].end));
            let panels = panels.into_iter().find(|panels| !panels.is_empty()).unwrap_or_default();
            if panels.len() == tabs.len() {
                for tab in &tabs {
                    meanings[*tab].1 = Skip::Always;
                }
                titles.extend(panels.into_iter().zip(tabs));
            }
        }
        open.push(list);
    }
    titles
}

/// The panels between two nodes, up to the next set of tabs.
fn panels(tree: &HtmlTree, start: usize, end: usize) -> Vec<usize> {
    let mut panels = Vec::new();
    let mut index = start;
    while index < end {
        match tree.element(index) {
            Some(element) if is_list(element) => break,
            Some(element) if is_panel(element) => {
                panels.push(index);
                index = tree.nodes()[index].end;
            }
            _ => index += 1,
        }
    }
    panels
}

// These are the tabs of ARIA, and of Material for MkDocs, which has no roles.

/// The role, or else the class, of the element with the titles.
const LISTS: [&str; 2] = ["tablist", "tabbed-labels"];

fn is_list(element: Element<'_>) -> bool {
    let [role, class] = LISTS;
    element.attribute("role") == Some(role) || has_class(element, class)
}

fn is_tab(element: Element<'_>) -> bool {
    element.attribute("role") == Some("tab") || element.name == "label"
}

fn is_panel(element: Element<'_>) -> bool {
    element.attribute("role") == Some("tabpanel") || has_class(element, "tabbed-block")
}
