//! A slide → Markdown: its title, then everything else on it, in reading order.

mod order;

use std::collections::HashSet;

pub(super) use self::order::SlidePosition;
use super::chart::Drawings;
use super::numeral::NumeralStyle;
use crate::ingest::document::single_spaced;

/// The contents of a slide, from back to front.
#[derive(Default, Debug)]
pub(super) struct Slide {
    pub(super) items: Vec<SlideItem>,
    /// Whether it is not shown.
    pub(super) hidden: bool,
    /// Whether it has pictures, or what other programs draw.
    pub(super) has_pictures: bool,
}

/// Something with a place on a slide.
#[derive(Debug)]
pub(super) enum SlideItem {
    Shape(SlideShape),
    /// Items that belong together.
    Group(Option<SlidePosition>, Vec<SlideItem>),
}

#[derive(Default, Debug)]
pub(super) struct SlideShape {
    pub(super) role: ShapeRole,
    /// The placeholder of the layout that it fills: its type and its number.
    pub(super) placeholder: Option<(String, String)>,
    pub(super) place: Option<SlidePosition>,
    pub(super) blocks: Vec<SlideBlock>,
}

/// The purpose of a shape, from its placeholder.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum ShapeRole {
    Title,
    /// The body text of a layout, in bullets unless it says otherwise; on a notes page, the notes.
    Body,
    /// Date, footer, number: the same on every slide.
    Furniture,
    #[default]
    Other,
}

#[derive(Debug)]
pub(super) enum SlideBlock {
    Paragraph(SlideLine),
    /// Rows of a table, or other Markdown.
    Rows(String),
    /// A chart or a diagram, by the id of its relation.
    Drawing(String),
}

/// A paragraph.
#[derive(Clone, Default, Debug)]
pub(super) struct SlideLine {
    pub(super) text: String,
    /// Level in a list, from 0.
    pub(super) level: usize,
    /// `None` if the shape decides.
    pub(super) bullet: Option<Bullet>,
}

/// What precedes a paragraph.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Bullet {
    None,
    Sign,
    Number(ListNumbering),
}

/// The numbering of the paragraphs of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ListNumbering {
    pub(super) numeral: NumeralStyle,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) start: u32,
}

/// Deepest level of a list.
pub(super) const DEEPEST: usize = 8;

impl Slide {
    /// The title on one line; empty if the slide has none.
    pub(super) fn title(&self) -> String {
        let shapes = self.shapes();
        let titles = shapes.iter().filter(|shape| shape.role == ShapeRole::Title);
        single_spaced(&titles.flat_map(|shape| shape.texts()).collect::<Vec<_>>().join(" "))
    }

    /// The title and the other shapes in reading order, without furniture. Drawings that no shape refers to
    /// come last.
    fn markdown(&self, drawings: &Drawings) -> String {
        let mut blocks = Vec::new();
        let title = self.title();
        if !title.is_empty() {
            blocks.push(format!("# {title}"));
        }
        let mut drawn = HashSet::new();
        for shape in order::shapes(&self.items) {
            let text = shape.markdown(drawings, &mut drawn);
            if matches!(shape.role, ShapeRole::Body | ShapeRole::Other) && !text.is_empty() {
                blocks.push(text);
            }
        }
        blocks.extend(drawings.except(&drawn));
        blocks.join("\n\n")
    }

    /// The same, with the speaker notes and reviewers' comments under headings of their own.
    pub(super) fn with_notes(&self, drawings: &Drawings, notes: &str, comments: &str) -> String {
        let mut text = self.markdown(drawings);
        for (heading, behind) in [("Notes", notes), ("Comments", comments)] {
            if !behind.is_empty() {
                text += &format!("\n\n## {heading}\n\n{behind}");
            }
        }
        text
    }

    /// The text of a notes page; the rest of the page is a picture of the slide.
    pub(super) fn notes(&self) -> String {
        let shapes = self.shapes();
        let notes = shapes.iter().filter(|shape| shape.role == ShapeRole::Body);
        notes.flat_map(|shape| shape.texts()).collect::<Vec<_>>().join("\n\n")
    }

    /// All shapes, including those in groups.
    pub(super) fn shapes(&self) -> Vec<&SlideShape> {
        let mut shapes = Vec::new();
        // A stack: the last one is visited first.
        let mut waiting: Vec<&SlideItem> = self.items.iter().rev().collect();
        while let Some(item) = waiting.pop() {
            match item {
                SlideItem::Shape(shape) => shapes.push(shape),
                SlideItem::Group(_, items) => waiting.extend(items.iter().rev()),
            }
        }
        shapes
    }

    /// Gives shapes that fill a placeholder the place that `of` returns for it.
    pub(super) fn place(&mut self, of: impl Fn(&SlideShape) -> Option<SlidePosition>) {
        for item in &mut self.items {
            if let SlideItem::Shape(shape) = item
                && shape.place.is_none()
            {
                shape.place = of(shape);
            }
        }
    }
}

impl SlideItem {
    pub(super) fn place(&self) -> Option<SlidePosition> {
        match self {
            Self::Shape(shape) => shape.place,
            Self::Group(place, _) => *place,
        }
    }
}

impl SlideShape {
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().filter_map(|block| match block {
            SlideBlock::Paragraph(line) => Some(line.text.as_str()),
            SlideBlock::Rows(_) | SlideBlock::Drawing(_) => None,
        })
    }

    fn markdown<'a>(&'a self, drawings: &Drawings, drawn: &mut HashSet<&'a str>) -> String {
        let mut text = String::new();
        let mut tight = false;
        let mut counts = Counts::default();
        for block in &self.blocks {
            let (block, joins) = match block {
                SlideBlock::Rows(rows) => (rows.clone(), false),
                SlideBlock::Drawing(id) if drawn.insert(id.as_str()) => {
                    (drawings.get(id).cloned().unwrap_or_default(), false)
                }
                // Each drawing is written once.
                SlideBlock::Drawing(_) => continue,
                SlideBlock::Paragraph(line) => self.line(line, &mut counts),
            };
            if block.is_empty() {
                continue;
            }
            if !text.is_empty() {
                text.push_str(if tight && joins { "\n" } else { "\n\n" });
            }
            text.push_str(&block);
            tight = joins;
        }
        text
    }

    /// A paragraph, and whether it belongs to a list.
    fn line(&self, line: &SlideLine, counts: &mut Counts) -> (String, bool) {
        let usual = if self.role == ShapeRole::Body { Bullet::Sign } else { Bullet::None };
        let bullet = line.bullet.as_ref().unwrap_or(&usual);
        let mark = match bullet {
            Bullet::None => {
                counts.clear();
                return (line.text.clone(), false);
            }
            Bullet::Sign => {
                counts.truncate(line.level);
                "-".to_owned()
            }
            Bullet::Number(numbering) => counts.next(line.level, numbering),
        };
        let indent = "  ".repeat(line.level.min(DEEPEST));
        (format!("{indent}{mark} {}", line.text.replace('\n', " ")), true)
    }
}

/// How far the lists of a shape have been counted, by level.
#[derive(Default)]
struct Counts(Vec<Option<(ListNumbering, u32)>>);

impl Counts {
    fn clear(&mut self) {
        self.0.clear();
    }

    fn truncate(&mut self, level: usize) {
        self.0.truncate(level);
    }

    /// The next number of a list, which continues while it is numbered in the same way.
    fn next(&mut self, level: usize, numbering: &ListNumbering) -> String {
        self.0.resize(level.min(DEEPEST) + 1, None);
        let Some(count) = self.0.last_mut() else { return String::new() };
        let number = match count {
            Some((known, number)) if known == numbering => number.saturating_add(1),
            _ => numbering.start,
        };
        *count = Some((numbering.clone(), number));
        format!("{}{}{}", numbering.before, numbering.numeral.of(number), numbering.after)
    }
}

impl ListNumbering {
    /// The numbering named `arabicPeriod`, `alphaLcParenBoth` and so on (ECMA-376 part 1, 20.1.10.61).
    pub(super) fn named(name: &str, start: u32) -> Self {
        let numeral = match name {
            _ if name.starts_with("alphaLc") => NumeralStyle::LowerLetter,
            _ if name.starts_with("alphaUc") => NumeralStyle::UpperLetter,
            _ if name.starts_with("romanLc") => NumeralStyle::LowerRoman,
            _ if name.starts_with("romanUc") => NumeralStyle::UpperRoman,
            _ if name.starts_with("circleNum") => NumeralStyle::Enclosed,
            _ if name.starts_with("ea1Ch") => NumeralStyle::Chinese,
            _ => NumeralStyle::Decimal,
        };
        let (before, after) = match name {
            _ if name.ends_with("ParenBoth") => ("(", ")"),
            _ if name.ends_with("ParenR") => ("", ")"),
            _ if name.ends_with("Period") => ("", "."),
            _ => ("", ""),
        };
        Self { numeral, before: before.to_owned(), after: after.to_owned(), start }
    }
}
