//! Measures how much text is in each part of a page, and how much of it is links. Pure.

use super::role::{ElementRole, Skip};
use super::tree::{HtmlTree, NodeContent};
use crate::ingest::extract::blobs::without_blobs;

/// Characters outside of links that make a block of text a paragraph.
const PARAGRAPH: usize = 80;

/// Numbers of characters of text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct TextWeight {
    pub(super) all: usize,
    /// Characters in links.
    pub(super) linked: usize,
    /// Characters in headings, outside of links.
    pub(super) headings: usize,
    /// Characters in paragraphs and preformatted text, outside of links.
    pub(super) paragraphs: usize,
}

impl TextWeight {
    pub(super) fn unlinked(self) -> usize {
        self.all - self.linked
    }

    /// Whether this is a list of links: a menu, related pages.
    pub(super) fn is_links(self) -> bool {
        self.linked * 10 > self.all * 7 && self.paragraphs * 10 < self.all
    }
}

/// How many characters each text has without base64, by node. Counted once: the texts do not change with the
/// meanings of elements, as the weights do.
pub(super) struct Lengths(Vec<usize>);

impl Lengths {
    /// Counts the texts that are not always skipped.
    pub(super) fn of(tree: &HtmlTree, meanings: &[(ElementRole, Skip)]) -> Self {
        let nodes = tree.nodes();
        let mut lengths = vec![0; nodes.len()];
        let mut index = 0;
        while let Some(node) = nodes.get(index) {
            index = match &node.content {
                NodeContent::Element(..) if meanings[index].1 == Skip::Always => node.end,
                NodeContent::Element(..) => index + 1,
                NodeContent::Text(range) => {
                    lengths[index] = length(&without_blobs(tree.text(range)));
                    index + 1
                }
            };
        }
        Self(lengths)
    }
}

/// The characters of its words, plus one for each word.
fn length(text: &str) -> usize {
    let (mut length, mut in_word) = (0, false);
    for character in text.chars() {
        let is_part = !character.is_whitespace();
        // The start of a word counts one more.
        length += usize::from(is_part) + usize::from(is_part && !in_word);
        in_word = is_part;
    }
    length
}

/// The sum of the weights of all nodes before each node.
pub(super) struct NodeWeights(Vec<TextWeight>);

impl NodeWeights {
    /// Weighs what is skipped less than `limit`.
    pub(super) fn of(
        tree: &HtmlTree,
        lengths: &Lengths,
        meanings: &[(ElementRole, Skip)],
        limit: Skip,
    ) -> Self {
        let nodes = tree.nodes();
        let weights = vec![TextWeight::default(); nodes.len() + 1];
        let mut scan =
            Scan { weights, open: Vec::new(), links: 0, headings: 0, pre: 0, block: Vec::new() };
        let mut index = 0;
        while let Some(node) = nodes.get(index) {
            scan.close_before(index);
            let (role, skip) = meanings[index];
            match &node.content {
                NodeContent::Text(_) => scan.text(index, lengths.0[index]),
                NodeContent::Element(..) if skip >= limit => {
                    scan.boundary(role);
                    index = node.end;
                    continue;
                }
                NodeContent::Element(..) => scan.open(node.end, role),
            }
            index += 1;
        }
        scan.close_before(usize::MAX);
        let mut sum = TextWeight::default();
        for weight in &mut scan.weights {
            sum.all += weight.all;
            sum.linked += weight.linked;
            sum.headings += weight.headings;
            sum.paragraphs += weight.paragraphs;
            *weight = sum;
        }
        Self(scan.weights)
    }

    /// The weight of the nodes from `start` up to `end`.
    pub(super) fn within(&self, start: usize, end: usize) -> TextWeight {
        let (from, to) = (self.0[start], self.0[end]);
        TextWeight {
            all: to.all - from.all,
            linked: to.linked - from.linked,
            headings: to.headings - from.headings,
            paragraphs: to.paragraphs - from.paragraphs,
        }
    }
}

struct Scan {
    /// The weight of a node is at the index after it.
    weights: Vec<TextWeight>,
    /// The ends and roles of the open elements.
    open: Vec<(usize, ElementRole)>,
    links: usize,
    headings: usize,
    pre: usize,
    /// The texts outside of links in the current block.
    block: Vec<usize>,
}

impl Scan {
    fn open(&mut self, end: usize, role: ElementRole) {
        self.boundary(role);
        self.links += usize::from(role == ElementRole::Link);
        self.headings += usize::from(matches!(role, ElementRole::Heading(_)));
        self.pre += usize::from(role == ElementRole::Pre);
        self.open.push((end, role));
    }

    fn close_before(&mut self, index: usize) {
        while let Some((_, role)) = self.open.pop_if(|(end, _)| *end <= index) {
            self.boundary(role);
            self.links -= usize::from(role == ElementRole::Link);
            self.headings -= usize::from(matches!(role, ElementRole::Heading(_)));
            self.pre -= usize::from(role == ElementRole::Pre);
        }
    }

    fn text(&mut self, index: usize, length: usize) {
        let weight = &mut self.weights[index + 1];
        weight.all = length;
        if self.links > 0 {
            weight.linked = length;
        } else if length > 0 {
            if self.headings > 0 {
                weight.headings = length;
            }
            self.block.push(index + 1);
        }
    }

    /// Ends the block if an element of this role starts or ends one.
    fn boundary(&mut self, role: ElementRole) {
        if role.is_block() || role == ElementRole::Cell {
            let length: usize = self.block.iter().map(|text| self.weights[*text].all).sum();
            if length >= PARAGRAPH || self.pre > 0 {
                for text in &self.block {
                    self.weights[*text].paragraphs = self.weights[*text].all;
                }
            }
            self.block.clear();
        }
    }
}
