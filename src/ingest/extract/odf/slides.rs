//! The pages of an ODP → [`Slide`]s.

use std::collections::HashSet;

use super::Objects;
use super::formula::OdfFormula;
use super::lists::OdfLists;
use super::shapes::{centimetres, is_shape, is_skipped};
use super::spans::Spans;
use super::styles::OdfStyles;
use crate::ingest::document::{LocatorUnit, single_spaced};
use crate::ingest::extract::ExtractError;
use crate::ingest::extract::alt;
use crate::ingest::extract::chart::Drawings;
use crate::ingest::extract::formatting::{Formatted, Formatting};
use crate::ingest::extract::numeral::NumeralStyle;
use crate::ingest::extract::parts::PartsBuilder;
use crate::ingest::extract::slide::{
    Bullet, DEEPEST, ListNumbering, ShapeRole, Slide, SlideBlock, SlideItem, SlideLine,
    SlidePosition, SlideShape,
};
use crate::ingest::extract::table::{Grid, GridCell};
use crate::ingest::extract::xml::{self, Element, XmlHandler, attribute};

/// The slides of a presentation.
pub(super) struct Slides {
    pub(super) parts: PartsBuilder,
    /// The title of the first slide that has one.
    pub(super) title: String,
    /// Numbers of slides that are hidden, and of slides that are only pictures.
    pub(super) hidden: Vec<u32>,
    pub(super) pictures: Vec<u32>,
}

pub(super) fn read(
    xml: &str,
    styles: OdfStyles,
    objects: &Objects,
) -> Result<Slides, ExtractError> {
    let mut reading = Reading {
        styles,
        objects,
        drawn: HashSet::new(),
        lists: OdfLists::default(),
        parts: PartsBuilder::new(LocatorUnit::Slide),
        first_title: String::new(),
        left_out: Vec::new(),
        pictures: Vec::new(),
        alt: None,
        in_alt: false,
        number: 0,
        slide: None,
        groups: Vec::new(),
        deeper: 0,
        shape: None,
        notes: None,
        line: None,
        formatted: Formatted::default(),
        spans: Vec::new(),
        row: None,
        grid: Grid::default(),
        cells: Spans::default(),
        in_header: false,
        formula: None,
        skipped: 0,
    };
    xml::read(xml, &mut reading)?;
    let Reading { parts, first_title: title, left_out: hidden, pictures, .. } = reading;
    Ok(Slides { parts, title, hidden, pictures })
}

struct Reading<'a> {
    styles: OdfStyles,
    objects: &'a Objects,
    /// The objects that were already written.
    drawn: HashSet<&'a str>,
    lists: OdfLists,
    parts: PartsBuilder,
    first_title: String,
    left_out: Vec<u32>,
    pictures: Vec<u32>,
    /// The alternative text of the shape, if it has no text.
    alt: Option<String>,
    in_alt: bool,
    number: u32,
    slide: Option<Slide>,
    /// Open groups.
    groups: Vec<Vec<SlideItem>>,
    /// How many groups are open below the deepest level.
    deeper: usize,
    shape: Option<SlideShape>,
    /// The speaker notes, since they started.
    notes: Option<String>,
    line: Option<SlideLine>,
    /// The formatting at the end of the line so far.
    formatted: Formatted,
    /// For each open span, whether its letters are hidden, and their formatting.
    spans: Vec<(bool, Formatting)>,
    row: Option<Vec<GridCell>>,
    grid: Grid,
    cells: Spans,
    in_header: bool,
    formula: Option<OdfFormula>,
    skipped: usize,
}

/// Deepest nesting of groups that are told apart.
const DEEPEST_GROUP: usize = 32;

impl XmlHandler for Reading<'_> {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        if let Some(formula) = &mut self.formula {
            return formula.start(name);
        }
        if is_skipped(name) {
            self.in_alt = name == "desc" && self.skipped == 0;
            self.skipped += 1;
        }
        if self.skipped > 0 || self.lists.start(name, element, &self.styles) {
            return;
        }
        match name {
            "page" => self.begin_slide(element),
            "notes" => {
                self.end_shape();
                self.notes = Some(String::new());
            }
            "g" => self.begin_group(),
            name if is_shape(name) => self.begin_shape(element),
            "p" | "h" => self.begin_line(),
            "span" => {
                let style = attribute(element, "style-name").unwrap_or_default();
                let outer = self.spans.last().map(|(_, of_span)| *of_span).unwrap_or_default();
                let formatting = self.styles.formatting("text", &style).within(outer);
                self.spans.push((self.styles.is_hidden("text", &style), formatting));
            }
            "s" | "tab" => self.push(" "),
            "line-break" => self.push("\n"),
            "table-header-rows" => self.in_header = true,
            "table" => {
                let header = attribute(element, "use-first-row-styles");
                self.in_header = header.as_deref() == Some("true");
                self.cells = Spans::default();
            }
            "table-row" => {
                self.cells.begin_row();
                self.row = Some(Vec::new());
            }
            "table-cell" | "covered-table-cell" => {
                let cells = self.cells.cells(name, element);
                self.row.get_or_insert_default().extend(cells);
            }
            "math" => {
                let mut formula = OdfFormula::default();
                formula.start(name);
                self.formula = Some(formula);
            }
            "object" => self.add_object(element),
            "image" => {
                if let Some(slide) = &mut self.slide {
                    slide.has_pictures = true;
                }
            }
            _ => self.styles.start(name, element),
        }
    }

    fn end(&mut self, name: &str) {
        if let Some(formula) = &mut self.formula {
            if formula.end(name) {
                let text = self.formula.take().map(OdfFormula::finish).unwrap_or_default();
                self.add_formula(text);
            }
            return;
        }
        if is_skipped(name) {
            self.in_alt = false;
            self.skipped = self.skipped.saturating_sub(1);
            return;
        }
        if self.skipped > 0 {
            return;
        }
        self.lists.end(name);
        match name {
            "page" => self.end_slide(),
            "g" => self.end_group(),
            name if is_shape(name) => self.end_shape(),
            "p" | "h" => self.end_line(),
            "span" => {
                self.spans.pop();
            }
            "table-header-rows" => self.in_header = false,
            "table-row" => {
                let header = self.in_header && self.grid.is_empty();
                self.grid.push(&self.row.take().unwrap_or_default(), header, 0, 0);
            }
            "table" => {
                let lines = std::mem::take(&mut self.grid).into_lines();
                if !lines.text.is_empty() {
                    self.add(SlideBlock::Rows(lines.text));
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        match &mut self.formula {
            Some(formula) => formula.text(text),
            None if self.in_alt => self.alt.get_or_insert_default().push_str(text),
            None => self.push(text),
        }
    }
}

impl Reading<'_> {
    fn begin_slide(&mut self, element: &Element<'_>) {
        self.number += 1;
        let style = attribute(element, "style-name").unwrap_or_default();
        let hidden = self.styles.is_hidden("drawing-page", &style);
        self.slide = Some(Slide { hidden, ..Slide::default() });
    }

    fn end_slide(&mut self) {
        self.end_shape();
        while !self.groups.is_empty() {
            self.end_group();
        }
        let notes = self.notes.take().unwrap_or_default();
        let Some(slide) = self.slide.take() else { return };
        if slide.hidden {
            self.left_out.push(self.number);
            return;
        }
        if self.first_title.is_empty() {
            self.first_title = slide.title();
        }
        let drawings = Drawings::default();
        if slide.has_pictures && slide.with_notes(&drawings, "", "").is_empty() {
            self.pictures.push(self.number);
        }
        self.parts.push(self.number, Vec::new(), &slide.with_notes(&drawings, &notes, ""));
    }

    fn begin_group(&mut self) {
        self.end_shape();
        if self.groups.len() < DEEPEST_GROUP {
            self.groups.push(Vec::new());
        } else {
            self.deeper += 1;
        }
    }

    fn end_group(&mut self) {
        self.end_shape();
        if self.deeper > 0 {
            self.deeper -= 1;
        } else if let Some(items) = self.groups.pop() {
            let places = items.iter().filter_map(SlideItem::place);
            let place = places.reduce(SlidePosition::union);
            self.add_item(SlideItem::Group(place, items));
        }
    }

    fn begin_shape(&mut self, element: &Element<'_>) {
        self.end_shape();
        let role = match attribute(element, "class").as_deref() {
            Some("title") => ShapeRole::Title,
            Some("outline") => ShapeRole::Body,
            Some("date-time" | "footer" | "header" | "page-number" | "page") => {
                ShapeRole::Furniture
            }
            _ => ShapeRole::Other,
        };
        let length = |name| attribute(element, name).as_deref().and_then(centimetres);
        let place = length("x").zip(length("y")).map(|(left, top)| {
            let (width, height) = (length("width"), length("height"));
            SlidePosition { left, top, width: width.unwrap_or(0.0), height: height.unwrap_or(0.0) }
        });
        self.shape = Some(SlideShape { role, place, ..SlideShape::default() });
    }

    fn end_shape(&mut self) {
        let alt = self.alt.take().and_then(|alt| alt::line(&alt));
        let Some(mut shape) = self.shape.take() else { return };
        if shape.blocks.is_empty() && self.notes.is_none() {
            shape.blocks.extend(alt.map(SlideBlock::Rows));
        }
        match &mut self.notes {
            // The rest of a notes page is a picture of the slide, and furniture.
            Some(notes) if shape.role == ShapeRole::Other => {
                for text in shape.texts() {
                    if !notes.is_empty() {
                        notes.push_str("\n\n");
                    }
                    notes.push_str(text);
                }
            }
            Some(_) => {}
            None => self.add_item(SlideItem::Shape(shape)),
        }
    }

    fn add_item(&mut self, item: SlideItem) {
        if let Some(group) = self.groups.last_mut() {
            group.push(item);
        } else if let Some(slide) = &mut self.slide {
            slide.items.push(item);
        }
    }

    fn begin_line(&mut self) {
        let mut line = SlideLine::default();
        if let Some(level) = self.lists.level() {
            line.level = level.min(DEEPEST);
            line.bullet = Some(match self.lists.take_label() {
                Some(label) if label.is_empty() => Bullet::Sign,
                // The list has counted this item already.
                Some(before) => {
                    let after = String::new();
                    Bullet::Number(ListNumbering {
                        numeral: NumeralStyle::None,
                        before,
                        after,
                        start: 0,
                    })
                }
                None => Bullet::None,
            });
        } else {
            line.bullet = Some(Bullet::None);
        }
        (self.line, self.formatted) = (Some(line), Formatted::default());
    }

    fn push(&mut self, text: &str) {
        if self.skipped > 0 || self.spans.iter().any(|(hidden, _)| *hidden) {
            return;
        }
        if let Some(line) = &mut self.line {
            let formatting = self.spans.last().map(|(_, of_span)| *of_span).unwrap_or_default();
            self.formatted.set(&mut line.text, formatting);
            line.text.push_str(text);
        }
    }

    fn end_line(&mut self) {
        let Some(mut line) = self.line.take() else { return };
        self.formatted.end(&mut line.text);
        let lines = line.text.lines().map(single_spaced).filter(|line| !line.is_empty());
        let text = lines.collect::<Vec<_>>().join("\n");
        if text.is_empty() {
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
            None => self.add(SlideBlock::Paragraph(SlideLine { text, ..line })),
        }
    }

    fn add(&mut self, block: SlideBlock) {
        if self.slide.is_some() {
            self.shape.get_or_insert_default().blocks.push(block);
        }
    }

    fn add_formula(&mut self, text: String) {
        if self.line.is_some() {
            self.push(&text);
        } else if !text.is_empty() {
            self.add(SlideBlock::Rows(text));
        }
    }

    fn add_object(&mut self, element: &Element<'_>) {
        let name = attribute(element, "href").unwrap_or_default();
        let objects = self.objects;
        let Some((name, object)) = objects.get_key_value(name.trim_start_matches("./")) else {
            return;
        };
        // Each object is written once.
        if !self.drawn.insert(name) {
            return;
        }
        if let Some(formula) = &object.formula {
            self.add_formula(formula.clone());
        }
        if !object.text.is_empty() {
            self.add(SlideBlock::Rows(object.text.clone()));
        }
    }
}
