//! A tree → Markdown with the source lines of every line of it. Pure.

use std::ops::Range;

use super::role::{Role, Skip};
use super::tree::{Content, Element, Tree};
use super::writer::Writer;
use crate::ingest::document::Mark;

/// Which part of the page is rendered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scope {
    /// What is inside `<main>`.
    Main,
    /// What is inside any `<article>`.
    Articles,
    /// The page without furniture.
    Body,
    /// All that is text, menus and forms included.
    Everything,
}

impl Scope {
    /// Whether what is inside an element of this role is in scope.
    fn begins_with(self, role: Role) -> bool {
        match self {
            Self::Main => role == Role::Main,
            Self::Articles => role == Role::Article,
            Self::Body | Self::Everything => true,
        }
    }

    /// Whether text outside of every element is in scope.
    fn is_all(self) -> bool {
        matches!(self, Self::Body | Self::Everything)
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Rendered {
    pub(super) title: String,
    pub(super) text: String,
    pub(super) marks: Vec<Mark>,
}

/// A page, and what each of its elements means.
pub(super) struct Page<'a> {
    source: &'a str,
    tree: Tree,
    /// One for each node.
    meanings: Vec<(Role, Skip)>,
}

impl<'a> Page<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        let tree = Tree::of(source);
        let meaning = |index| {
            tree.element(index).map_or((Role::Inline, Skip::Content), |element| {
                let attribute = |name: &str| element.attribute(name);
                (Role::of(element.name, attribute), Skip::of(element.name, attribute))
            })
        };
        let meanings = (0..tree.nodes().len()).map(meaning).collect();
        Self { source, tree, meanings }
    }

    /// Empty where the page has nothing in scope.
    pub(super) fn render(&self, scope: Scope) -> Rendered {
        if !self.meanings.iter().any(|(role, _)| scope.begins_with(*role)) {
            return Rendered::default();
        }
        let writer = Writer::new(self.source);
        let (open, title) = (Vec::new(), String::new());
        let mut renderer = Renderer { page: self, scope, open, title, writer };
        let mut index = 0;
        while let Some(node) = self.tree.nodes().get(index) {
            renderer.close_before(index);
            index = match &node.content {
                Content::Element(..) if !renderer.open(index, node.end) => node.end,
                Content::Element(..) => index + 1,
                Content::Text(range) => {
                    renderer.text(range);
                    index + 1
                }
            };
        }
        renderer.finish()
    }

    /// Whether a table lays out the page: it holds another table, a heading or preformatted text.
    /// Its cells are blocks, not columns.
    fn is_layout(&self, table: usize, end: usize) -> bool {
        let mut inside = self.meanings[table + 1..end].iter();
        inside.any(|(role, _)| matches!(role, Role::Table | Role::Heading(_) | Role::Pre))
    }
}

/// An open element.
struct Open {
    end: usize,
    role: Role,
    /// It, or an element around it, begins what is in scope.
    in_scope: bool,
    /// It is inside of a main part, or is one.
    in_main_part: bool,
}

struct Renderer<'a> {
    page: &'a Page<'a>,
    scope: Scope,
    open: Vec<Open>,
    title: String,
    writer: Writer,
}

impl Renderer<'_> {
    /// Whether what is in the element counts.
    fn open(&mut self, index: usize, end: usize) -> bool {
        let (role, skip) = self.page.meanings[index];
        let (mut in_scope, mut in_main_part) = (self.scope.is_all(), false);
        if let Some(around) = self.open.last() {
            (in_scope, in_main_part) = (around.in_scope, around.in_main_part);
        }
        match role {
            Role::Break if in_scope => self.writer.line_break(),
            Role::Title if self.title.is_empty() => {
                self.title = self.page.tree.element(index).map(Element::text).unwrap_or_default();
            }
            _ => {}
        }
        let skipped = match skip {
            Skip::Content => false,
            Skip::Header => self.scope != Scope::Everything && !in_main_part,
            Skip::Furniture => self.scope != Scope::Everything,
            Skip::Always => true,
        };
        if skipped {
            if role.is_block() {
                self.writer.boundary();
            }
            return false;
        }
        in_scope |= self.scope.begins_with(role);
        in_main_part |= matches!(role, Role::Main | Role::Article);
        self.open.push(Open { end, role, in_scope, in_main_part });
        let layout = role == Role::Table && self.page.is_layout(index, end);
        self.writer.open(role, layout);
        true
    }

    /// Closes the elements that end before a node.
    fn close_before(&mut self, index: usize) {
        while let Some(open) = self.open.pop_if(|open| open.end <= index) {
            self.writer.close(open.role);
        }
    }

    fn text(&mut self, range: &Range<usize>) {
        let around = self.open.last();
        let in_scope = around.map_or(self.scope.is_all(), |open| open.in_scope);
        let tree = &self.page.tree;
        let in_link = around.is_some_and(|open| open.role == Role::Link);
        if !in_scope || in_link && is_permalink(tree.text(range).trim()) {
            return;
        }
        for (part, start) in tree.parts(range) {
            for (at, character) in part.char_indices() {
                self.writer.push(character, start + at);
            }
        }
    }

    fn finish(mut self) -> Rendered {
        self.close_before(usize::MAX);
        let (text, marks, heading) = self.writer.finish();
        let title = self.title.split_whitespace().collect::<Vec<_>>().join(" ");
        Rendered { title: if title.is_empty() { heading } else { title }, text, marks }
    }
}

/// The sign that documentation tools put behind headings.
fn is_permalink(text: &str) -> bool {
    matches!(text, "¶" | "§" | "#" | "🔗")
}
