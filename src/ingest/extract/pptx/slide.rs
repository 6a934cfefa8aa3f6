//! The XML of a slide, its notes or a diagram → shapes → Markdown.

use crate::ingest::document::single_spaced;
use crate::ingest::extract::ExtractError;
use crate::ingest::extract::table::{Cell, Grid};
use crate::ingest::extract::xml::{self, Element, Handler, attribute};

/// The shapes of a slide, from back to front: mostly the order in which they are read.
#[derive(Default, Debug)]
pub(super) struct Slide(Vec<Shape>);

#[derive(Default, Debug)]
struct Shape {
    role: Role,
    blocks: Vec<Block>,
}

/// What a shape is for, by its placeholder.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum Role {
    Title,
    /// The text of a layout, in bullets unless it says otherwise; on a page of notes, the notes.
    Body,
    /// Date, footer, number: the same on every slide.
    Furniture,
    #[default]
    Other,
}

#[derive(Debug)]
enum Block {
    /// `bullet` is `None` where the shape decides.
    Paragraph {
        text: String,
        level: usize,
        bullet: Option<bool>,
    },
    Table(String),
}

pub(super) fn read(part: &str) -> Result<Slide, ExtractError> {
    let mut reading = Reading::default();
    xml::read(part, &mut reading)?;
    Ok(reading.slide)
}

impl Slide {
    /// On one line; empty where the slide has none.
    pub(super) fn title(&self) -> String {
        let titles = self.0.iter().filter(|shape| shape.role == Role::Title);
        single_spaced(&titles.flat_map(Shape::texts).collect::<Vec<_>>().join(" "))
    }

    /// The title and the other shapes, without furniture.
    pub(super) fn markdown(&self) -> String {
        let mut blocks = Vec::new();
        let title = self.title();
        if !title.is_empty() {
            blocks.push(format!("# {title}"));
        }
        let others = self.0.iter().filter(|s| matches!(s.role, Role::Body | Role::Other));
        blocks.extend(others.map(Shape::markdown).filter(|text| !text.is_empty()));
        blocks.join("\n\n")
    }

    /// The text of a page of notes; the rest of it is a picture of the slide.
    pub(super) fn notes(&self) -> String {
        let notes = self.0.iter().filter(|shape| shape.role == Role::Body);
        notes.flat_map(Shape::texts).collect::<Vec<_>>().join("\n\n")
    }

    /// The texts of a diagram are in a part of their own.
    pub(super) fn add_diagram(&mut self, diagram: Self) {
        let blocks = diagram.0.into_iter().flat_map(|shape| shape.blocks).collect();
        self.0.push(Shape { role: Role::Body, blocks });
    }
}

impl Shape {
    fn texts(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Paragraph { text, .. } => Some(text.as_str()),
            Block::Table(_) => None,
        })
    }

    fn markdown(&self) -> String {
        let mut text = String::new();
        let mut tight = false;
        for block in &self.blocks {
            let (line, joins) = match block {
                Block::Table(rows) => (rows.clone(), false),
                Block::Paragraph { text, level, bullet } => {
                    if bullet.unwrap_or(self.role == Role::Body) {
                        (format!("{}- {}", "  ".repeat(*level), text.replace('\n', " ")), true)
                    } else {
                        (text.clone(), false)
                    }
                }
            };
            if !text.is_empty() {
                text.push_str(if tight && joins { "\n" } else { "\n\n" });
            }
            text.push_str(&line);
            tight = joins;
        }
        text
    }
}

fn is_set(element: &Element<'_>, name: &str) -> bool {
    matches!(attribute(element, name).as_deref(), Some("1" | "true"))
}

/// Deepest level of a list.
const DEEPEST: usize = 8;

#[derive(Default)]
struct Reading {
    slide: Slide,
    paragraph: Option<(String, usize, Option<bool>)>,
    /// The row being read.
    row: Option<Vec<Cell>>,
    grid: Grid,
    /// The table's first row is drawn as a header.
    has_header: bool,
    in_text: bool,
    /// Depth of open elements that repeat what is there already.
    skipped: usize,
}

impl Handler for Reading {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        match name {
            "Fallback" => self.skipped += 1,
            "sp" | "graphicFrame" => self.slide.0.push(Shape::default()),
            "ph" => self.set_role(attribute(element, "type").as_deref()),
            "p" => self.paragraph = Some((String::new(), 0, None)),
            "pPr" => self.describe(|paragraph| {
                let level = attribute(element, "lvl").and_then(|level| level.parse().ok());
                paragraph.1 = level.unwrap_or(0).min(DEEPEST);
            }),
            "buNone" => self.describe(|paragraph| paragraph.2 = Some(false)),
            "buChar" | "buAutoNum" => self.describe(|paragraph| paragraph.2 = Some(true)),
            "t" => self.in_text = true,
            "br" => self.push("\n"),
            "tab" => self.push(" "),
            "tr" => self.row = Some(Vec::new()),
            "tblPr" => self.has_header = is_set(element, "firstRow"),
            // One with `hMerge` lies below the cell before it.
            "tc" if !is_set(element, "hMerge") => {
                let columns = attribute(element, "gridSpan").and_then(|span| span.parse().ok());
                let above = is_set(element, "vMerge");
                let cell = Cell { columns: columns.unwrap_or(1), above, ..Cell::default() };
                self.row.get_or_insert_default().push(cell);
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "Fallback" => self.skipped = self.skipped.saturating_sub(1),
            "p" => self.end_paragraph(),
            "t" => self.in_text = false,
            "tr" => {
                let header = self.has_header && self.grid.is_empty();
                self.grid.push(&self.row.take().unwrap_or_default(), header, 0, 0);
            }
            "tbl" => {
                let lines = std::mem::take(&mut self.grid).into_lines();
                if !lines.text.is_empty() {
                    self.add(Block::Table(lines.text));
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_text {
            self.push(text);
        }
    }
}

impl Reading {
    fn set_role(&mut self, kind: Option<&str>) {
        let role = match kind {
            Some("title" | "ctrTitle") => Role::Title,
            Some("dt" | "ftr" | "hdr" | "sldNum" | "sldImg") => Role::Furniture,
            Some("subTitle" | "tbl" | "chart" | "dgm" | "media" | "pic" | "clipArt") => Role::Other,
            _ => Role::Body,
        };
        if let Some(shape) = self.slide.0.last_mut() {
            shape.role = role;
        }
    }

    fn describe(&mut self, change: impl FnOnce(&mut (String, usize, Option<bool>))) {
        if let Some(paragraph) = &mut self.paragraph {
            change(paragraph);
        }
    }

    fn push(&mut self, text: &str) {
        self.describe(|paragraph| paragraph.0.push_str(text));
    }

    fn end_paragraph(&mut self) {
        let Some((text, level, bullet)) = self.paragraph.take() else { return };
        let lines = text.lines().map(single_spaced).filter(|line| !line.is_empty());
        let text = lines.collect::<Vec<_>>().join("\n");
        if text.is_empty() || self.skipped > 0 {
            return;
        }
        match &mut self.row {
            Some(row) => {
                if let Some(cell) = row.last_mut() {
                    if !cell.text.is_empty() {
                        cell.text.push(' ');
                    }
                    cell.text.push_str(&text);
                }
            }
            None => self.add(Block::Paragraph { text, level, bullet }),
        }
    }

    fn add(&mut self, block: Block) {
        if self.skipped > 0 {
            return;
        }
        if self.slide.0.is_empty() {
            self.slide.0.push(Shape::default());
        }
        if let Some(shape) = self.slide.0.last_mut() {
            shape.blocks.push(block);
        }
    }
}
