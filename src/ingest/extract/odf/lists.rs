//! Lists of an `OpenDocument`, and how far each has been counted.

use std::collections::HashMap;

use super::styles::{LEVELS, OUTLINE, OdfStyles};
use crate::ingest::extract::xml::{Element, attribute};

type Counts = [Option<u32>; LEVELS];

#[derive(Default, Debug)]
pub(super) struct OdfLists {
    /// Open lists, each within the one before it.
    open: Vec<List>,
    counts: Counts,
    /// The counters of lists that have ended, by their ids and by their styles.
    ended: HashMap<String, Counts>,
    ended_of_style: HashMap<String, Counts>,
    headings: Counts,
    /// The number of the item that has started, until a paragraph takes it.
    label: Option<String>,
}

#[derive(Default, Debug)]
struct List {
    style: String,
    id: Option<String>,
}

/// Deepest nesting that is counted; deeper lists share this level.
const DEEPEST: usize = 100;

impl OdfLists {
    /// Handles the start of an element; returns whether it belongs to a list.
    pub(super) fn start(&mut self, name: &str, element: &Element<'_>, styles: &OdfStyles) -> bool {
        match name {
            "list" => self.begin(element),
            "list-item" => {
                let start = attribute(element, "start-value").and_then(|start| start.parse().ok());
                self.begin_item(start, styles);
            }
            "list-header" => self.label = None,
            _ => return false,
        }
        true
    }

    pub(super) fn end(&mut self, name: &str) {
        if name != "list" {
            return;
        }
        let Some(list) = self.open.pop() else { return };
        if self.open.is_empty() {
            self.ended.extend(list.id.map(|id| (id, self.counts)));
            self.ended_of_style.insert(list.style, self.counts);
        }
    }

    fn begin(&mut self, element: &Element<'_>) {
        let named = attribute(element, "style-name");
        let goes_on = attribute(element, "continue-numbering").as_deref() == Some("true");
        let before = attribute(element, "continue-list");
        let outer = self.open.last().map(|list| list.style.clone());
        let is_outermost = outer.is_none();
        let style = named.or(outer).unwrap_or_default();
        if is_outermost {
            let before = before.as_ref().and_then(|id| self.ended.get(id));
            let before = before.or_else(|| self.ended_of_style.get(&style).filter(|_| goes_on));
            self.counts = before.copied().unwrap_or_default();
        } else if !goes_on {
            self.counts[self.open.len().min(LEVELS - 1)] = None;
        }
        if self.open.len() < DEEPEST {
            self.open.push(List { style, id: attribute(element, "id") });
        } else {
            // A placeholder, which the end of the list removes.
            self.open.push(List::default());
        }
    }

    fn begin_item(&mut self, start: Option<u32>, styles: &OdfStyles) {
        let Some(list) = self.open.last() else { return };
        let level = (self.open.len() - 1).min(LEVELS - 1);
        let first = styles.level(&list.style, level).map_or(1, |level| level.start);
        count(&mut self.counts, level, start, first);
        self.label = Some(styles.label(&list.style, level, &self.counts));
    }

    /// Depth of the innermost open list, from 0; `None` outside of lists.
    pub(super) fn level(&self) -> Option<usize> {
        self.open.len().checked_sub(1)
    }

    /// The number of the item that starts with this paragraph; `None` for a paragraph that continues one.
    pub(super) fn take_label(&mut self) -> Option<String> {
        self.label.take()
    }

    /// The number of a heading; `level` counts from 0.
    pub(super) fn heading(
        &mut self,
        level: usize,
        start: Option<u32>,
        styles: &OdfStyles,
    ) -> String {
        let level = level.min(LEVELS - 1);
        let Some(its) = styles.level(OUTLINE, level) else { return String::new() };
        count(&mut self.headings, level, start, its.start);
        styles.label(OUTLINE, level, &self.headings)
    }
}

fn count(counts: &mut Counts, level: usize, start: Option<u32>, first: u32) {
    counts[level] = Some(match (start, counts[level]) {
        (Some(start), _) => start,
        (None, Some(count)) => count.saturating_add(1),
        (None, None) => first,
    });
    counts[level + 1..].fill(None);
}
