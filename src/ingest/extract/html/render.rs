//! Tokens → Markdown with the source lines of every line of it. Pure.

use std::collections::HashSet;

use super::role::{Role, Skip};
use super::tokens::{ElementId, Token};
use super::{entities, writer::Writer};
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
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Rendered {
    pub(super) title: String,
    pub(super) text: String,
    pub(super) marks: Vec<Mark>,
}

/// Empty where the page has nothing in scope.
pub(super) fn render(source: &str, tokens: &[Token], scope: Scope) -> Rendered {
    let opens =
        |token: &Token| matches!(token, Token::Open { role, .. } if scope.begins_with(*role));
    if !tokens.iter().any(opens) && matches!(scope, Scope::Main | Scope::Articles) {
        return Rendered::default();
    }
    let mut renderer = Renderer {
        source,
        scope,
        layout_tables: layout_tables(tokens),
        stack: Vec::new(),
        skipped: 0,
        main_parts: 0,
        in_scope: 0,
        in_title: false,
        title: String::new(),
        writer: Writer::new(source),
    };
    for token in tokens {
        match token {
            Token::Open { id, role, skip, void } => renderer.open(*id, *role, *skip, *void),
            Token::Close { id } => renderer.close(*id),
            Token::Text { range, literal } => renderer.text(range.start, range.end, *literal),
        }
    }
    renderer.finish()
}

/// How far an implied end looks up the stack: deeper nesting than this is no real page.
const LOOK_UP: usize = 64;

/// An open element.
struct Open {
    id: ElementId,
    role: Role,
    skipped: bool,
    in_scope: bool,
}

struct Renderer<'a> {
    source: &'a str,
    scope: Scope,
    layout_tables: HashSet<ElementId>,
    /// Ordered by id.
    stack: Vec<Open>,
    /// How many open elements are skipped; text counts where it is 0.
    skipped: usize,
    /// How many `<main>` and `<article>` are open.
    main_parts: usize,
    /// How many open elements are in scope.
    in_scope: usize,
    in_title: bool,
    title: String,
    writer: Writer,
}

impl Renderer<'_> {
    fn open(&mut self, id: ElementId, role: Role, skip: Skip, void: bool) {
        self.end_implied(role);
        if void {
            match role {
                Role::Break if self.writes() => self.writer.line_break(),
                role if role.is_block() => self.writer.end_block(),
                _ => {}
            }
            return;
        }
        if role == Role::Title {
            self.in_title = self.skipped == 0 && self.title.is_empty();
        }
        let skipped = match skip {
            Skip::Content => false,
            Skip::Header => self.scope != Scope::Everything && self.main_parts == 0,
            Skip::Furniture => self.scope != Scope::Everything,
            Skip::Always => true,
        };
        let in_scope = self.scope.begins_with(role);
        if skipped && self.skipped == 0 && role.is_block() {
            self.writer.boundary();
        }
        self.skipped += usize::from(skipped);
        self.in_scope += usize::from(in_scope);
        self.main_parts += usize::from(matches!(role, Role::Main | Role::Article));
        self.stack.push(Open { id, role, skipped, in_scope });
        if self.skipped == 0 {
            self.writer.open(role, self.layout_tables.contains(&id));
        }
    }

    /// Closes what the start of an element of this role closes without an end tag.
    fn end_implied(&mut self, next: Role) {
        let above = self.stack.iter().rev().take(LOOK_UP).enumerate();
        let mut ended = 0;
        for (depth, open) in above {
            if open.role.is_ended_by(next) {
                ended = depth + 1;
            } else if open.role.is_scope() {
                break;
            }
        }
        for _ in 0..ended {
            self.pop();
        }
    }

    fn close(&mut self, id: ElementId) {
        if let Ok(index) = self.stack.binary_search_by_key(&id, |open| open.id) {
            while self.stack.len() > index {
                self.pop();
            }
        }
    }

    fn pop(&mut self) {
        let Some(open) = self.stack.pop() else { return };
        if self.skipped == 0 {
            self.writer.close(open.role);
        }
        if open.role == Role::Title {
            self.in_title = false;
        }
        self.skipped -= usize::from(open.skipped);
        self.in_scope -= usize::from(open.in_scope);
        self.main_parts -= usize::from(matches!(open.role, Role::Main | Role::Article));
    }

    /// Text outside of every element is text of the body.
    fn writes(&self) -> bool {
        let everywhere = matches!(self.scope, Scope::Body | Scope::Everything);
        self.skipped == 0 && (everywhere || self.in_scope > 0)
    }

    fn text(&mut self, start: usize, end: usize, literal: bool) {
        let Some(raw) = self.source.get(start..end) else { return };
        if self.in_title {
            for_characters(raw, literal, |character, _| self.title.push(character));
            return;
        }
        let in_link = self.stack.last().is_some_and(|open| open.role == Role::Link);
        if !self.writes() || in_link && is_permalink(raw.trim()) {
            return;
        }
        let writer = &mut self.writer;
        for_characters(raw, literal, |character, at| writer.push(character, start + at));
    }

    fn finish(mut self) -> Rendered {
        while !self.stack.is_empty() {
            self.pop();
        }
        let (text, marks, heading) = self.writer.finish();
        let title = self.title.split_whitespace().collect::<Vec<_>>().join(" ");
        Rendered { title: if title.is_empty() { heading } else { title }, text, marks }
    }
}

/// The sign that documentation tools put behind headings.
fn is_permalink(text: &str) -> bool {
    matches!(text, "¶" | "§" | "#" | "🔗" | "&para;" | "&sect;" | "&#182;" | "&#167;" | "&#xb6;")
}

/// Calls `each` with every character of `raw` and its offset, references resolved.
fn for_characters(raw: &str, literal: bool, mut each: impl FnMut(char, usize)) {
    let mut at = 0;
    while let Some(character) = raw[at..].chars().next() {
        let reference =
            (character == '&' && !literal).then(|| entities::reference(&raw[at..])).flatten();
        let (character, length) = reference.unwrap_or((character, character.len_utf8()));
        each(character, at);
        at += length;
    }
}

/// Tables that lay out the page: those that hold other tables, headings or preformatted text.
/// Their cells are blocks, not columns.
fn layout_tables(tokens: &[Token]) -> HashSet<ElementId> {
    let mut layout = HashSet::new();
    let mut open: Vec<ElementId> = Vec::new();
    for token in tokens {
        match token {
            Token::Open { id, role, .. } => {
                if matches!(role, Role::Table | Role::Heading(_) | Role::Pre) {
                    // Those further out hold this table already.
                    layout.extend(open.last());
                }
                if *role == Role::Table {
                    open.push(*id);
                }
            }
            Token::Close { id } => {
                while open.last().is_some_and(|table| table >= id) {
                    open.pop();
                }
            }
            Token::Text { .. } => {}
        }
    }
    layout
}
