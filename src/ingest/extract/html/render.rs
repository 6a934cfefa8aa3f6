//! A tree → Markdown with the source lines of each of its lines. Pure.

use std::collections::HashMap;
use std::ops::Range;

use super::role::{ElementRole, Skip};
use super::rows::{HtmlCell, HtmlTable};
use super::text_density::{Lengths, NodeWeights};
use super::tree::{Element, HtmlTree, NodeContent};
use super::writer::HtmlWriter;
use super::{article, aside, furniture, markup, math, picture, tabs};
use crate::ingest::document::{UnitMark, single_spaced};
use crate::ingest::extract::blobs;

/// Which part of the page is rendered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RenderScope {
    /// The page's text, without furniture.
    Text,
    /// Everything that is text, menus and forms included.
    Everything,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Rendered {
    pub(super) title: String,
    pub(super) text: String,
    pub(super) marks: Vec<UnitMark>,
}

/// A page with the meanings of its elements.
pub(super) struct HtmlPage<'a> {
    source: &'a str,
    tree: HtmlTree,
    /// One for each node.
    meanings: Vec<(ElementRole, Skip)>,
    /// The titles of the panels of tabs.
    titles: HashMap<usize, usize>,
    /// The weights of what is not furniture.
    weights: NodeWeights,
    /// Whether the page declares itself an article.
    is_article: bool,
    /// The article that the page is named after, if there are several.
    titled: Option<usize>,
}

impl<'a> HtmlPage<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        let tree = HtmlTree::of(source);
        let meaning = |index| {
            tree.element(index).map_or((ElementRole::Inline, Skip::Content), |element| {
                let attribute = |name: &str| element.attribute(name);
                (ElementRole::of(element.name, attribute), Skip::of(element.name, attribute))
            })
        };
        let mut meanings: Vec<_> = (0..tree.nodes().len()).map(meaning).collect();
        let is_article = article::is_article(&tree);
        markup::correct(&tree, &mut meanings);
        let titles = tabs::titles(&tree, &mut meanings);
        let lengths = Lengths::of(&tree, &meanings);
        let all = NodeWeights::of(&tree, &lengths, &meanings, Skip::Always);
        let titled =
            if is_article { article::titled_article(&tree, &all, &meanings) } else { None };
        if !is_article {
            aside::keep(&tree, &all, &mut meanings);
        }
        article::mark(&tree, &all, &mut meanings, is_article, titled);
        let weights = furniture::correct(&tree, &lengths, &all, &mut meanings);
        Self { source, tree, meanings, titles, weights, is_article, titled }
    }

    pub(super) fn render(&self, scope: RenderScope) -> Rendered {
        let range = match scope {
            RenderScope::Text => furniture::text(
                &self.tree,
                &self.weights,
                &self.meanings,
                self.is_article,
                self.titled,
            ),
            RenderScope::Everything => 0..self.tree.nodes().len(),
        };
        let writer = HtmlWriter::new(self.source);
        let (open, title) = (Vec::new(), String::new());
        let mut renderer = Renderer { page: self, scope, range, open, title, writer };
        let mut index = 0;
        while let Some(node) = self.tree.nodes().get(index) {
            renderer.close_before(index);
            index = match &node.content {
                NodeContent::Element(..) if !renderer.open(index, node.end) => node.end,
                NodeContent::Element(..) => index + 1,
                NodeContent::Text(text) => {
                    renderer.text(index, text);
                    index + 1
                }
            };
        }
        renderer.finish()
    }

    /// The nodes of a formula's TeX, if it has some beside what is shown.
    fn formula(&self, math: usize, end: usize) -> Option<Range<usize>> {
        let mut inside = (math + 1..end).take(MOST_OF_A_FORMULA);
        let annotation = inside.find(|index| {
            self.tree.element(*index).is_some_and(|element| {
                element.name == "annotation"
                    && element.attribute("encoding") == Some("application/x-tex")
            })
        })?;
        Some(annotation + 1..self.tree.nodes()[annotation].end)
    }

    /// Whether a table is used for layout: it contains another table, a heading or preformatted text. Its cells
    /// are blocks, not columns.
    fn is_layout(&self, table: usize, end: usize) -> bool {
        let mut inside = self.meanings[table + 1..end].iter();
        inside.any(|(role, _)| {
            matches!(role, ElementRole::Table | ElementRole::Heading(_) | ElementRole::Pre)
        })
    }
}

/// How many nodes of a formula are searched for its TeX.
const MOST_OF_A_FORMULA: usize = 500;

/// An open element.
struct Open {
    index: usize,
    end: usize,
    role: ElementRole,
    /// Whether it is a main part, or inside of one.
    in_main_part: bool,
}

struct Renderer<'a> {
    page: &'a HtmlPage<'a>,
    scope: RenderScope,
    /// The nodes in scope.
    range: Range<usize>,
    open: Vec<Open>,
    title: String,
    writer: HtmlWriter,
}

impl Renderer<'_> {
    /// Opens an element; returns whether its content counts.
    fn open(&mut self, index: usize, end: usize) -> bool {
        let (role, skip) = self.page.meanings[index];
        let in_main_part = self.open.last().is_some_and(|around| around.in_main_part);
        match role {
            ElementRole::Break => self.writer.line_break(),
            ElementRole::Title if self.title.is_empty() => {
                self.title = self.page.tree.element(index).map(Element::text).unwrap_or_default();
            }
            _ => {}
        }
        let skipped = match skip {
            Skip::Content => false,
            Skip::Header => self.scope != RenderScope::Everything && !in_main_part,
            Skip::Furniture => self.scope != RenderScope::Everything,
            Skip::Always => true,
        };
        if skipped {
            if role.is_block() {
                self.writer.boundary();
            }
            // A hidden cell does not take a column.
            if role == ElementRole::Cell && skip != Skip::Always {
                self.writer.begin_cell(HtmlCell { is_skipped: true, ..self.cell(index) });
            }
            return false;
        }
        if role == ElementRole::Math {
            self.formula(index, end);
            return false;
        }
        if let Some(at) = self.page.tree.image_at(index) {
            self.picture(index, at);
        }
        let in_main_part = in_main_part || matches!(role, ElementRole::Main | ElementRole::Article);
        self.open.push(Open { index, end, role, in_main_part });
        self.writer.open(role);
        if let Some(title) = self.page.titles.get(&index) {
            self.texts(title + 1..self.page.tree.nodes()[*title].end);
            self.writer.boundary();
        }
        match role {
            ElementRole::Table => self.writer.begin_table(HtmlTable {
                is_layout: self.page.is_layout(index, end),
                is_nameless: matches!(self.attribute(index, "role"), Some("presentation" | "none")),
                ..HtmlTable::default()
            }),
            ElementRole::TableSection => {
                let element = self.page.tree.element(index);
                self.writer.begin_section(element.is_some_and(|element| element.name == "thead"));
            }
            ElementRole::Cell => self.writer.begin_cell(self.cell(index)),
            _ => {}
        }
        true
    }

    /// Writes a formula: as its TeX, or as a line.
    fn formula(&mut self, math: usize, end: usize) {
        if let Some(source) = self.page.formula(math, end) {
            self.texts(source);
        } else if self.range.contains(&math) {
            for (character, at) in math::line(&self.page.tree, math) {
                self.writer.push(character, at);
            }
        }
    }

    /// Writes the alternative text of a picture, except on articles, whose photographs have captions.
    fn picture(&mut self, image: usize, at: usize) {
        if self.page.is_article || !self.range.contains(&image) {
            return;
        }
        let HtmlPage { tree, meanings, .. } = self.page;
        let open: Vec<usize> = self.open.iter().map(|open| open.index).collect();
        let follows = self.writer.is_in_line();
        let Some(picture) = picture::of(tree, meanings, &open, image, follows) else { return };
        let space = |writer: &mut HtmlWriter| {
            if picture.is_in_line { writer.push(' ', at) } else { writer.boundary() }
        };
        space(&mut self.writer);
        for character in picture.text.chars() {
            self.writer.push(character, at);
        }
        space(&mut self.writer);
    }

    /// Writes the texts of these nodes, wherever they are.
    fn texts(&mut self, nodes: Range<usize>) {
        for index in nodes {
            if let NodeContent::Text(range) = &self.page.tree.nodes()[index].content {
                self.text(index, range);
            }
        }
    }

    fn attribute(&self, index: usize, name: &str) -> Option<&str> {
        self.page.tree.element(index).and_then(|element| element.attribute(name))
    }

    fn cell(&self, index: usize) -> HtmlCell {
        let name = self.page.tree.element(index).map_or("td", |element| element.name);
        HtmlCell::of(name, |name| self.attribute(index, name))
    }

    /// Closes the elements that end before a node.
    fn close_before(&mut self, index: usize) {
        while let Some(open) = self.open.pop_if(|open| open.end <= index) {
            self.writer.close(open.role);
        }
    }

    fn text(&mut self, index: usize, range: &Range<usize>) {
        if !self.range.contains(&index) {
            return;
        }
        let tree = &self.page.tree;
        let in_link = self.open.last().is_some_and(|open| open.role == ElementRole::Link);
        if in_link && is_permalink(tree.text(range).trim()) {
            return;
        }
        let is_note = self.is_note(tree.text(range).trim());
        let (mut first, mut last) = (is_note.then_some('['), 0);
        for kept in blobs::kept(tree.text(range)) {
            let kept = range.start + kept.start..range.start + kept.end;
            for (part, start) in tree.parts(&kept) {
                for (at, character) in part.char_indices() {
                    last = start + at;
                    if let Some(bracket) = first.take() {
                        self.writer.push(bracket, last);
                    }
                    self.writer.push(character, last);
                }
            }
        }
        if is_note {
            self.writer.push(']', last);
        }
    }

    /// Whether a text is the raised number of a note. Without brackets it would change the word or number
    /// before it.
    fn is_note(&self, text: &str) -> bool {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let [.., outer, inner] = self.open.as_slice() else { return false };
        if !is_number {
            return false;
        }
        let is_raised = |open: &Open| {
            self.page.tree.element(open.index).is_some_and(|element| element.name == "sup")
        };
        let is_link = |open: &Open| {
            open.role == ElementRole::Link
                && self.attribute(open.index, "href").is_some_and(|to| to.contains('#'))
        };
        let is_whole = |open: &Open| {
            let whole = self.page.tree.element(open.index).map(Element::text);
            whole.is_some_and(|whole| whole.trim() == text)
        };
        // Books raise the number by a style.
        let is_mark = |open: &Open| {
            let is_called_note = self.is_called_note(open.index);
            is_link(open)
                && (is_called_note || text.len() <= LONGEST_NUMBER && self.writer.ends_with_word())
                && is_whole(open)
        };
        let are_both = is_raised(outer) && is_link(inner) || is_link(outer) && is_raised(inner);
        are_both && is_whole(inner) || is_mark(inner) || is_mark(outer)
    }

    fn is_called_note(&self, link: usize) -> bool {
        self.attribute(link, "epub:type").is_some_and(|kind| kind.contains("noteref"))
            || self.attribute(link, "role") == Some("doc-noteref")
    }

    fn finish(mut self) -> Rendered {
        self.close_before(usize::MAX);
        let (text, marks, heading) = self.writer.finish();
        let title = single_spaced(&self.title);
        Rendered { title: if title.is_empty() { heading } else { title }, text, marks }
    }
}

/// Most digits in the number of a note.
const LONGEST_NUMBER: usize = 3;

/// The signs that documentation tools put after headings and notes.
fn is_permalink(text: &str) -> bool {
    matches!(text, "¶" | "§" | "#" | "🔗" | "↩" | "↩\u{FE0E}" | "↑" | "^")
}
