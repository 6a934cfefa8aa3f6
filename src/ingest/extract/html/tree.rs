//! HTML → a tree of elements and texts, each text with its place in the source. The only user of
//! `html5gum`.
//!
//! Tokens are those of the standard. The tree is simpler: an element without an end tag ends where the standard
//! says, but nothing is moved out of tables, and no formatting element is opened again.

use std::collections::HashMap;
use std::convert::Infallible;
use std::ops::Range;

use html5gum::{Emitter, Error, State, Tokenizer};
use memchr::memmem;

use super::role::ElementRole;

/// Longest attribute value that is kept: longer ones are images, not words or addresses.
const LONGEST_VALUE: usize = 64 * 1024;

/// How far up an end tag looks for its element: no real page is nested deeper than this.
const LOOK_UP: usize = 256;

/// A parsed page. Nodes are in document order: an element is followed by everything in it.
#[derive(Default)]
pub(in crate::ingest) struct HtmlTree {
    nodes: Vec<HtmlNode>,
    names: Vec<String>,
    attributes: Vec<Attribute>,
    /// Names and values of attributes.
    words: String,
    /// All texts, with character references resolved.
    text: String,
    /// Where the tags of pictures are in the source, by node.
    images: Vec<(usize, usize)>,
    /// Offsets of `text` with the offsets of the source that they come from, each valid up to the next. The
    /// last is the end.
    origins: Vec<(usize, usize)>,
}

pub(super) struct HtmlNode {
    pub(super) content: NodeContent,
    /// The first node after this one that is not in it.
    pub(super) end: usize,
}

pub(super) enum NodeContent {
    /// Index of the name, and the range of its attributes.
    Element(usize, Range<usize>),
    /// Range of [`HtmlTree::text`].
    Text(Range<usize>),
}

/// An attribute: its name precedes `value` in [`HtmlTree::words`].
struct Attribute {
    start: usize,
    value: Range<usize>,
}

#[derive(Clone, Copy)]
pub(in crate::ingest) struct Element<'a> {
    tree: &'a HtmlTree,
    pub(in crate::ingest) name: &'a str,
    attributes: &'a [Attribute],
    /// The nodes in it.
    nodes: &'a [HtmlNode],
}

impl<'a> Element<'a> {
    pub(in crate::ingest) fn attribute(self, name: &str) -> Option<&'a str> {
        let words = &self.tree.words;
        let named = |attribute: &&Attribute| {
            words.get(attribute.start..attribute.value.start) == Some(name)
        };
        self.attributes.iter().find(named).and_then(|found| words.get(found.value.clone()))
    }

    /// All text in it.
    pub(in crate::ingest) fn text(self) -> String {
        let texts = self.nodes.iter().filter_map(|node| match &node.content {
            NodeContent::Text(range) => Some(self.tree.text(range)),
            NodeContent::Element(..) => None,
        });
        texts.collect()
    }
}

impl HtmlTree {
    pub(in crate::ingest) fn of(source: &str) -> Self {
        let mut tree = Self::default();
        let Ok(()) = Tokenizer::new_with_emitter(source, Builder::new(source, &mut tree)).finish();
        tree
    }

    pub(super) fn nodes(&self) -> &[HtmlNode] {
        &self.nodes
    }

    pub(in crate::ingest) fn elements(&self) -> impl Iterator<Item = Element<'_>> {
        (0..self.nodes.len()).filter_map(|index| self.element(index))
    }

    /// All elements except those with this name and their contents.
    pub(in crate::ingest) fn elements_outside(
        &self,
        name: &str,
    ) -> impl Iterator<Item = Element<'_>> {
        let mut next = 0;
        std::iter::from_fn(move || {
            loop {
                let index = next;
                let end = self.nodes.get(index)?.end;
                let element = self.element(index);
                let is_outside = element.is_none_or(|element| element.name != name);
                next = if is_outside { index + 1 } else { end };
                if is_outside && element.is_some() {
                    return element;
                }
            }
        })
    }

    pub(super) fn element(&self, index: usize) -> Option<Element<'_>> {
        let HtmlNode { content: NodeContent::Element(name, attributes), end } =
            self.nodes.get(index)?
        else {
            return None;
        };
        Some(Element {
            tree: self,
            name: &self.names[*name],
            attributes: &self.attributes[attributes.clone()],
            nodes: &self.nodes[index + 1..*end],
        })
    }

    /// The offset of a picture's tag in the source.
    pub(super) fn image_at(&self, node: usize) -> Option<usize> {
        let at = self.images.binary_search_by_key(&node, |(node, _)| *node).ok()?;
        Some(self.images[at].1)
    }

    /// Whether the name or the value of any attribute may contain this.
    pub(super) fn mentions(&self, word: &str) -> bool {
        memmem::find(self.words.as_bytes(), word.as_bytes()).is_some()
    }

    pub(super) fn text(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// Splits a text into parts, each with its offset in the source.
    pub(super) fn parts(&self, range: &Range<usize>) -> impl Iterator<Item = (&str, usize)> {
        let first = self.origins.partition_point(|(text, _)| *text <= range.start);
        let origins = &self.origins[first.saturating_sub(1)..];
        let parts = origins.windows(2).take_while(|pair| pair[0].0 < range.end);
        parts.map(|pair| {
            let (start, end) = (range.start.max(pair[0].0), range.end.min(pair[1].0));
            (self.text.get(start..end).unwrap_or_default(), pair[0].1 + start - pair[0].0)
        })
    }
}

/// An element whose end was not reached.
struct Open {
    node: usize,
    name: usize,
    role: ElementRole,
    /// Whether its content is SVG or `MathML`.
    foreign: bool,
}

/// Builds the tree from the tokens.
struct Builder<'a> {
    source: &'a [u8],
    tree: &'a mut HtmlTree,
    /// How far the source is read.
    position: usize,
    text: Vec<u8>,
    /// Whether the next characters belong to the text in the last node.
    in_text: bool,
    words: Vec<u8>,
    names: HashMap<Vec<u8>, usize>,
    open: Vec<Open>,
    /// The tag being read.
    name: Vec<u8>,
    is_end: bool,
    is_self_closing: bool,
    /// Index of the tag's first attribute.
    attributes: usize,
    last_start: Vec<u8>,
}

impl<'a> Builder<'a> {
    fn new(source: &'a str, tree: &'a mut HtmlTree) -> Self {
        Self {
            source: source.as_bytes(),
            tree,
            position: 0,
            text: Vec::with_capacity(source.len() / 2),
            in_text: false,
            words: Vec::new(),
            names: HashMap::new(),
            open: Vec::new(),
            name: Vec::new(),
            is_end: false,
            is_self_closing: false,
            attributes: 0,
            last_start: Vec::new(),
        }
    }

    fn start(&mut self) -> Option<State> {
        let index = self.name_index();
        let role = ElementRole::named(&self.tree.names[index]);
        // A block ends a drawing that was left open.
        while role.is_block() && self.in_foreign() {
            self.pop();
        }
        self.end_implied(role);
        let name = self.tree.names[index].as_str();
        let foreign = self.in_foreign() || matches!(name, "svg" | "math");
        if name == "img" {
            self.tree.images.push((self.tree.nodes.len(), self.position.saturating_sub(1)));
        }
        let empty = if foreign { self.is_self_closing } else { is_void(name) };
        let node = self.tree.nodes.len();
        if !empty {
            let foreign = foreign && !is_integration_point(name);
            self.open.push(Open { node, name: index, role, foreign });
        }
        let content = NodeContent::Element(index, self.attributes..self.tree.attributes.len());
        self.tree.nodes.push(HtmlNode { content, end: node + 1 });
        if foreign { None } else { next_state(name) }
    }

    fn name_index(&mut self) -> usize {
        if let Some(index) = self.names.get(&self.name) {
            return *index;
        }
        let index = self.tree.names.len();
        self.names.insert(self.name.clone(), index);
        self.tree.names.push(String::from_utf8_lossy(&self.name).into_owned());
        index
    }

    fn in_foreign(&self) -> bool {
        self.open.last().is_some_and(|open| open.foreign)
    }

    /// Ends the elements that the start of an element of this role ends.
    fn end_implied(&mut self, next: ElementRole) {
        if !next.is_block() && next != ElementRole::Cell {
            return;
        }
        let mut ended = 0;
        for (depth, open) in self.open.iter().rev().take(LOOK_UP).enumerate() {
            if open.role.is_ended_by(next) {
                ended = depth + 1;
            } else if open.role.is_scope() {
                break;
            }
        }
        (0..ended).for_each(|_| self.pop());
    }

    /// Ends the innermost element of that name, and everything in it.
    fn end(&mut self) {
        let Some(name) = self.names.get(&self.name).copied() else { return };
        let role = ElementRole::named(&self.tree.names[name]);
        for (depth, open) in self.open.iter().rev().take(LOOK_UP).enumerate() {
            if open.name == name {
                return (0..=depth).for_each(|_| self.pop());
            }
            if open.role.confines(role) {
                return;
            }
        }
    }

    fn pop(&mut self) {
        if let Some(open) = self.open.pop() {
            self.tree.nodes[open.node].end = self.tree.nodes.len();
        }
    }

    fn end_attribute(&mut self) {
        if let Some(last) =
            self.tree.attributes.get_mut(self.attributes..).and_then(<[_]>::last_mut)
        {
            last.value.end = self.words.len();
            if last.value.len() > LONGEST_VALUE {
                self.words.truncate(last.start);
                self.tree.attributes.pop();
            }
        }
    }

    fn init_tag(&mut self, is_end: bool) {
        self.name.clear();
        self.is_end = is_end;
        self.is_self_closing = false;
        self.attributes = self.tree.attributes.len();
    }
}

impl Emitter for Builder<'_> {
    type Token = Infallible;

    fn move_position(&mut self, offset: isize) {
        self.position = self.position.saturating_add_signed(offset);
    }

    fn emit_string(&mut self, text: &[u8]) {
        let start = self.position.saturating_sub(text.len());
        let verbatim = self.source.get(start..self.position) == Some(text);
        // Text that is not in the source literally comes from a reference or a carriage return.
        let origin = if verbatim { start } else { self.position.saturating_sub(1) };
        let at = self.text.len();
        let goes_on = |(text, source): &(usize, usize)| at - text + source == origin;
        if !self.tree.origins.last().is_some_and(goes_on) {
            self.tree.origins.push((at, origin));
        }
        self.text.extend_from_slice(text);
        let end = self.text.len();
        match self.tree.nodes.last_mut() {
            Some(HtmlNode { content: NodeContent::Text(range), .. }) if self.in_text => {
                range.end = end;
            }
            _ => {
                let next = self.tree.nodes.len() + 1;
                self.tree.nodes.push(HtmlNode { content: NodeContent::Text(at..end), end: next });
                self.in_text = true;
            }
        }
    }

    fn init_start_tag(&mut self) {
        self.init_tag(false);
    }

    fn init_end_tag(&mut self) {
        self.init_tag(true);
    }

    fn push_tag_name(&mut self, name: &[u8]) {
        self.name.extend_from_slice(name);
    }

    fn set_self_closing(&mut self) {
        self.is_self_closing = true;
    }

    fn init_attribute(&mut self) {
        self.end_attribute();
        let start = self.words.len();
        self.tree.attributes.push(Attribute { start, value: start..start });
    }

    fn push_attribute_name(&mut self, name: &[u8]) {
        self.words.extend_from_slice(name);
        if let Some(last) = self.tree.attributes.last_mut() {
            last.value = self.words.len()..self.words.len();
        }
    }

    fn push_attribute_value(&mut self, value: &[u8]) {
        self.words.extend_from_slice(value);
    }

    fn emit_current_tag(&mut self) -> Option<State> {
        self.in_text = false;
        self.end_attribute();
        if self.is_end {
            self.end();
            return None;
        }
        self.last_start.clone_from(&self.name);
        self.start()
    }

    fn current_is_appropriate_end_tag_token(&mut self) -> bool {
        self.is_end && self.name == self.last_start
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&mut self) -> bool {
        self.in_foreign()
    }

    fn emit_eof(&mut self) {
        while !self.open.is_empty() {
            self.pop();
        }
        self.tree.origins.push((self.text.len(), self.source.len()));
        self.tree.text = string(std::mem::take(&mut self.text));
        self.tree.words = string(std::mem::take(&mut self.words));
    }

    fn pop_token(&mut self) -> Option<Infallible> {
        None
    }

    fn should_emit_errors(&mut self) -> bool {
        false
    }

    fn emit_error(&mut self, _: Error) {}
    fn set_last_start_tag(&mut self, _: Option<&[u8]>) {}
    fn init_comment(&mut self) {}
    fn push_comment(&mut self, _: &[u8]) {}
    fn emit_current_comment(&mut self) {}
    fn init_doctype(&mut self) {}
    fn push_doctype_name(&mut self, _: &[u8]) {}
    fn set_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn set_doctype_system_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_system_identifier(&mut self, _: &[u8]) {}
    fn set_force_quirks(&mut self) {}
    fn emit_current_doctype(&mut self) {}
}

/// The parts of a string, which are valid together.
fn string(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into())
}

/// How the tokenizer reads the content of an HTML element.
fn next_state(name: &str) -> Option<State> {
    match name {
        "title" | "textarea" => Some(State::RcData),
        "style" | "xmp" | "iframe" | "noembed" | "noframes" => Some(State::RawText),
        "script" => Some(State::ScriptData),
        "plaintext" => Some(State::PlainText),
        _ => None,
    }
}

/// Elements of SVG and `MathML` that contain HTML (WHATWG HTML, 13.2.6).
fn is_integration_point(name: &str) -> bool {
    matches!(name, "foreignobject" | "desc" | "title" | "mi" | "mo" | "mn" | "ms" | "mtext")
}

/// Elements without content (WHATWG HTML, 13.1.2), and those that used to be.
fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "basefont"
            | "bgsound"
            | "br"
            | "col"
            | "embed"
            | "frame"
            | "hr"
            | "img"
            | "input"
            | "keygen"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}
