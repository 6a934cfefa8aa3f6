//! The XML of a slide, its layout or its notes → [`Slide`].

use crate::ingest::document::single_spaced;
use crate::ingest::extract::ExtractError;
use crate::ingest::extract::alt;
use crate::ingest::extract::formatting::{Formatted, Formatting, Script};
use crate::ingest::extract::math::OmmlFormula;
use crate::ingest::extract::slide::{
    Bullet, DEEPEST, ListNumbering, ShapeRole, Slide, SlideBlock, SlideItem, SlideLine,
    SlidePosition, SlideShape,
};
use crate::ingest::extract::symbols;
use crate::ingest::extract::table::{Grid, GridCell};
use crate::ingest::extract::xml::{self, Element, XmlHandler, attribute, prefixed_attribute};

pub(super) fn read(part: &str) -> Result<Slide, ExtractError> {
    let mut reading = Reading::default();
    xml::read(part, &mut reading)?;
    reading.end_shape();
    Ok(reading.slide)
}

fn is_set(element: &Element<'_>, name: &str) -> bool {
    matches!(attribute(element, name).as_deref(), Some("1" | "true"))
}

/// The formatting of a run, from its properties. `baseline` is in thousandths of a percent of the letters'
/// height.
fn formatting(element: &Element<'_>) -> Formatting {
    let baseline = attribute(element, "baseline");
    let baseline = baseline.and_then(|value| value.trim_end_matches('%').parse::<f64>().ok());
    let script = match baseline.unwrap_or(0.0) {
        raised if raised > 0.0 => Some(Script::Super),
        lowered if lowered < 0.0 => Some(Script::Sub),
        _ => None,
    };
    let strike = attribute(element, "strike");
    Formatting { script, struck: strike.is_some_and(|strike| strike != "noStrike") }
}

/// Deepest nesting of groups that are told apart.
const DEEPEST_GROUP: usize = 32;

/// An open group.
#[derive(Default)]
struct Group {
    place: Option<SlidePosition>,
    items: Vec<SlideItem>,
}

#[derive(Default)]
struct Reading {
    slide: Slide,
    groups: Vec<Group>,
    /// How many groups are open below the deepest level.
    deeper: usize,
    shape: Option<SlideShape>,
    /// The alternative text of the shape, if it has no text.
    alt: Option<String>,
    line: Option<SlideLine>,
    /// The formatting at the end of the line so far; then that of the current run.
    formatted: Formatted,
    formatting: Formatting,
    /// The upper left corner, until the size is known.
    corner: (f64, f64),
    /// The row being read.
    row: Option<Vec<GridCell>>,
    grid: Grid,
    /// Whether the first row of the table is drawn as a header.
    has_header: bool,
    in_text: bool,
    formula: Option<OmmlFormula>,
    /// The symbol font of the run, if it has one.
    font: String,
    /// Depth of open elements that repeat what is already there.
    skipped: usize,
}

impl XmlHandler for Reading {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        if let Some(formula) = &mut self.formula {
            return formula.start(name, element);
        }
        let number = |name| attribute(element, name).and_then(|value| value.parse::<f64>().ok());
        match name {
            "Fallback" => self.skipped += 1,
            "sld" => {
                let shown = attribute(element, "show");
                self.slide.hidden = matches!(shown.as_deref(), Some("0" | "false"));
            }
            "grpSp" => self.begin_group(),
            "sp" | "graphicFrame" | "pic" => {
                self.end_shape();
                self.shape = Some(SlideShape::default());
            }
            "cNvPr" => self.alt = attribute(element, "descr").and_then(|text| alt::line(&text)),
            "blip" | "oleObj" => self.slide.has_pictures = true,
            "ph" => self.set_role(element),
            "off" => self.corner = (number("x").unwrap_or(0.0), number("y").unwrap_or(0.0)),
            "ext" => self.set_place(number("cx"), number("cy")),
            "p" => (self.line, self.formatted) = (Some(SlideLine::default()), Formatted::default()),
            "pPr" => self.describe(|line| {
                let level = attribute(element, "lvl").and_then(|level| level.parse().ok());
                line.level = level.unwrap_or(0).min(DEEPEST);
            }),
            "buNone" => self.describe(|line| line.bullet = Some(Bullet::None)),
            "buChar" | "buBlip" => self.describe(|line| line.bullet = Some(Bullet::Sign)),
            "buAutoNum" => {
                let kind = attribute(element, "type").unwrap_or_default();
                let start = attribute(element, "startAt").and_then(|start| start.parse().ok());
                let numbering = ListNumbering::named(&kind, start.unwrap_or(1));
                self.describe(|line| line.bullet = Some(Bullet::Number(numbering)));
            }
            "r" | "fld" => {
                self.font.clear();
                self.formatting = Formatting::default();
            }
            "rPr" => self.formatting = formatting(element),
            "sym" => self.font = attribute(element, "typeface").unwrap_or_default(),
            "t" => self.in_text = true,
            "oMath" => {
                let mut formula = OmmlFormula::default();
                formula.start(name, element);
                self.formula = Some(formula);
            }
            "br" => self.push("\n"),
            "tab" => self.push(" "),
            "chart" => self.add_drawing(prefixed_attribute(element, "id")),
            "relIds" => self.add_drawing(attribute(element, "dm")),
            "tr" => self.row = Some(Vec::new()),
            "tblPr" => self.has_header = is_set(element, "firstRow"),
            // A cell with `hMerge` is covered by the cell before it.
            "tc" if !is_set(element, "hMerge") => {
                let columns = attribute(element, "gridSpan").and_then(|span| span.parse().ok());
                let above = is_set(element, "vMerge");
                let cell = GridCell { columns: columns.unwrap_or(1), above, ..GridCell::default() };
                self.row.get_or_insert_default().push(cell);
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        if let Some(formula) = &mut self.formula {
            if formula.end(name) {
                let text = self.formula.take().map(OmmlFormula::finish).unwrap_or_default();
                self.push(&text);
            }
            return;
        }
        match name {
            "Fallback" => self.skipped = self.skipped.saturating_sub(1),
            "grpSp" => self.end_group(),
            "sp" | "graphicFrame" | "pic" | "spTree" | "sld" => self.end_shape(),
            "p" => self.end_paragraph(),
            "t" => self.in_text = false,
            "tr" => {
                let header = self.has_header && self.grid.is_empty();
                self.grid.push(&self.row.take().unwrap_or_default(), header, 0, 0);
            }
            "tbl" => {
                let lines = std::mem::take(&mut self.grid).into_lines();
                if !lines.text.is_empty() {
                    self.add(SlideBlock::Rows(lines.text));
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(formula) = &mut self.formula {
            formula.text(text);
        } else if self.in_text && text.contains(symbols::is_private) {
            let sign = |character| {
                if symbols::is_private(character) {
                    symbols::unicode(&self.font, character as u32)
                } else {
                    Some(character)
                }
            };
            let text: String = text.chars().filter_map(sign).collect();
            self.push(&text);
        } else if self.in_text {
            self.push(text);
        }
    }
}

impl Reading {
    fn set_role(&mut self, element: &Element<'_>) {
        let kind = attribute(element, "type").unwrap_or_default();
        let role = match kind.as_str() {
            "title" | "ctrTitle" => ShapeRole::Title,
            "dt" | "ftr" | "hdr" | "sldNum" | "sldImg" => ShapeRole::Furniture,
            "subTitle" | "tbl" | "chart" | "dgm" | "media" | "pic" | "clipArt" => ShapeRole::Other,
            _ => ShapeRole::Body,
        };
        if let Some(shape) = &mut self.shape {
            shape.role = role;
            shape.placeholder = Some((kind, attribute(element, "idx").unwrap_or_default()));
        }
    }

    /// Sets the place. The first one within a shape is its own; `ext` is also the name of schema extensions.
    fn set_place(&mut self, width: Option<f64>, height: Option<f64>) {
        let (Some(width), Some(height)) = (width, height) else { return };
        let (left, top) = self.corner;
        let place = match (&mut self.shape, self.groups.last_mut()) {
            (Some(shape), _) => &mut shape.place,
            (None, Some(group)) if group.items.is_empty() => &mut group.place,
            _ => return,
        };
        if place.is_none() {
            *place = Some(SlidePosition { left, top, width, height });
        }
    }

    fn end_shape(&mut self) {
        let alt = self.alt.take().filter(|_| self.skipped == 0);
        if let Some(mut shape) = self.shape.take() {
            if shape.blocks.is_empty() {
                shape.blocks.extend(alt.map(SlideBlock::Rows));
            }
            self.add_item(SlideItem::Shape(shape));
        }
    }

    fn begin_group(&mut self) {
        self.end_shape();
        if self.groups.len() < DEEPEST_GROUP {
            self.groups.push(Group::default());
        } else {
            self.deeper += 1;
        }
    }

    fn end_group(&mut self) {
        self.end_shape();
        if self.deeper > 0 {
            self.deeper -= 1;
        } else if let Some(Group { place, items }) = self.groups.pop() {
            self.add_item(SlideItem::Group(place, items));
        }
    }

    fn add_item(&mut self, item: SlideItem) {
        match self.groups.last_mut() {
            Some(group) => group.items.push(item),
            None => self.slide.items.push(item),
        }
    }

    fn describe(&mut self, change: impl FnOnce(&mut SlideLine)) {
        if let Some(line) = &mut self.line {
            change(line);
        }
    }

    fn push(&mut self, text: &str) {
        if let Some(line) = &mut self.line {
            self.formatted.set(&mut line.text, self.formatting);
            line.text.push_str(text);
        }
    }

    fn add_drawing(&mut self, id: Option<String>) {
        if let Some(id) = id {
            self.add(SlideBlock::Drawing(id));
        }
    }

    fn end_paragraph(&mut self) {
        let Some(mut line) = self.line.take() else { return };
        self.formatted.end(&mut line.text);
        let lines = line.text.lines().map(single_spaced).filter(|line| !line.is_empty());
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
            None => self.add(SlideBlock::Paragraph(SlideLine { text, ..line })),
        }
    }

    fn add(&mut self, block: SlideBlock) {
        if self.skipped == 0 {
            self.shape.get_or_insert_default().blocks.push(block);
        }
    }
}
