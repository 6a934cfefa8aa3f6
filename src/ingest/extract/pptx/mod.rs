//! PPTX → Markdown by slide, with the speaker notes under a heading of their own. The XML of a slide is read in
//! `slide`. Hidden slides are left out, with a warning.

mod comments;
mod slide;

use std::collections::HashMap;
use std::path::Path;

use self::comments::Authors;
use super::chart::Drawings;
use super::package::ZipPackage;
use super::parts::PartsBuilder;
use super::relations::{Relation, relations};
use super::slide::{SlidePosition, SlideShape};
use super::xml::{self, Element, XmlHandler};
use super::{ExtractError, detect, hidden, no_text};
use crate::ingest::document::{Document, LocatorUnit, Syntax};

/// `comments`: whether reviewers' comments are read, too.
pub(super) fn document(
    source: &str,
    bytes: &[u8],
    comments: bool,
) -> Result<Document, ExtractError> {
    let extension = detect::extension(Path::new(source));
    let mut package = ZipPackage::open(bytes, &extension, "PPTX", "ppt")?;
    let mut parts = PartsBuilder::new(LocatorUnit::Slide);
    let mut layouts = Layouts::default();
    let (mut hidden, mut pictures) = (Vec::new(), Vec::new());
    let mut first_title = String::new();
    let main = main_part(&mut package)?;
    let authors = if comments { Authors::of(&mut package, &main) } else { Authors::default() };
    for (number, name) in (1..).zip(slides(&mut package, &main, bytes, &extension)?) {
        let Some(part) = package.part(&name)? else {
            return Err(ExtractError::damaged(&format!("it lacks {name}")));
        };
        let mut slide = slide::read(&part)?;
        if slide.hidden {
            hidden.push(number);
            continue;
        }
        let (mut notes, mut remarks) = (String::new(), String::new());
        let mut drawings = Drawings::default();
        for relation in relations(&mut package, &name)? {
            match relation.kind.as_str() {
                "notesSlide" => {
                    let part = package.part(&relation.target)?.unwrap_or_default();
                    notes = slide::read(&part)?.notes();
                }
                "slideLayout" if slide.shapes().iter().any(|shape| shape.place.is_none()) => {
                    let layout = layouts.of(&mut package, &relation.target)?;
                    slide.place(|shape| layout.place(shape));
                }
                "comments" if comments => {
                    let part = package.part(&relation.target)?.unwrap_or_default();
                    remarks = comments::read(&part, &authors);
                }
                _ => drawings.add(&mut package, &relation)?,
            }
        }
        if first_title.is_empty() {
            first_title = slide.title();
        }
        let text = slide.with_notes(&drawings, &notes, &remarks);
        if slide.has_pictures && slide.with_notes(&drawings, "", "").is_empty() {
            pictures.push(number);
        }
        parts.push(number, Vec::new(), &text);
    }
    let core = package.part("docProps/core.xml")?.unwrap_or_default();
    let title = xml::element_text(&core, "title").filter(|title| !is_default(title));
    let mut document = parts.finish(title.unwrap_or(first_title), Syntax::Markdown);
    document.warnings.extend(hidden::slides(&hidden));
    document.warnings.extend(no_text::slides(&pictures));
    Ok(document)
}

/// Whether this is the title that `PowerPoint` gives a presentation without one.
fn is_default(title: &str) -> bool {
    let title = title.to_lowercase();
    title == "powerpoint presentation" || title == "powerpoint-präsentation"
}

/// The places of the placeholders in layouts, by the part of the layout.
#[derive(Default)]
struct Layouts(HashMap<String, Layout>);

/// Placeholders by their types and numbers; those of the master follow those of the layout.
#[derive(Default)]
struct Layout(Vec<((String, String), SlidePosition)>);

impl Layouts {
    fn of(&mut self, package: &mut ZipPackage<'_>, part: &str) -> Result<&Layout, ExtractError> {
        if !self.0.contains_key(part) {
            let mut layout = Layout::default();
            layout.add(package, part)?;
            let master = relations(package, part)?.into_iter();
            if let Some(Relation { target, .. }) =
                master.into_iter().find(|found| found.kind == "slideMaster")
            {
                layout.add(package, &target)?;
            }
            self.0.insert(part.to_owned(), layout);
        }
        Ok(&self.0[part])
    }
}

impl Layout {
    /// Adds the placeholders of a part, as far as it can be read: the text is on the slide.
    fn add(&mut self, package: &mut ZipPackage<'_>, part: &str) -> Result<(), ExtractError> {
        let part = package.part(part)?.unwrap_or_default();
        let Ok(slide) = slide::read(&part) else { return Ok(()) };
        let placed = slide.shapes().into_iter();
        self.0.extend(placed.filter_map(|shape| Some((shape.placeholder.clone()?, shape.place?))));
        Ok(())
    }

    fn place(&self, shape: &SlideShape) -> Option<SlidePosition> {
        let (kind, number) = shape.placeholder.as_ref()?;
        let is_same = |((its_kind, its_number), _): &&((String, String), SlidePosition)| {
            if number.is_empty() { its_kind == kind } else { its_number == number }
        };
        let by_kind = |((its_kind, _), _): &&((String, String), SlidePosition)| {
            its_kind == kind || (kind.is_empty() && its_kind == "body")
        };
        let found = self.0.iter().find(is_same).or_else(|| self.0.iter().find(by_kind));
        found.map(|(_, place)| *place)
    }
}

/// The part that lists the slides.
fn main_part(package: &mut ZipPackage<'_>) -> Result<String, ExtractError> {
    let main = relations(package, "")?.into_iter().find(|found| found.kind == "officeDocument");
    Ok(main.map_or_else(|| "ppt/presentation.xml".to_owned(), |found| found.target))
}

/// The parts of the slides, in the order in which they are shown.
fn slides(
    package: &mut ZipPackage<'_>,
    main: &str,
    bytes: &[u8],
    extension: &str,
) -> Result<Vec<String>, ExtractError> {
    let part = package.part(main)?;
    let Some(part) = part.filter(|part| part.contains("presentation")) else {
        return Err(ZipPackage::lacks(bytes, extension, "presentation"));
    };
    if !part.contains("sldIdLst") {
        return Err(ExtractError::new("empty: it has no slides"));
    }
    let relations = relations(package, main)?;
    let mut order = Order::default();
    xml::read(&part, &mut order)?;
    let target = |id: &String| relations.iter().find(|found| found.id == *id);
    Ok(order.0.iter().filter_map(target).map(|found| found.target.clone()).collect())
}

/// The ids of the slides in `presentation.xml`.
#[derive(Default)]
struct Order(Vec<String>);

impl XmlHandler for Order {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        if name == "sldId" {
            // `id` without a prefix is a number that does not refer to a relation.
            self.0.extend(xml::prefixed_attribute(element, "id"));
        }
    }

    fn end(&mut self, _: &str) {}

    fn text(&mut self, _: &str) {}
}

#[cfg(test)]
pub(super) mod tests;
