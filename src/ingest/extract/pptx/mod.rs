//! PPTX → Markdown by slide, with the speaker notes under a heading of their own. The XML of a slide
//! is read in `slide`.

mod relations;
mod slide;

use self::relations::{Relation, relations};
use super::ExtractError;
use super::package::Package;
use super::parts::Parts;
use super::xml::{self, Element, Handler};
use crate::ingest::document::{Document, Syntax, Unit};

pub(super) fn document(bytes: &[u8]) -> Result<Document, ExtractError> {
    let mut package = Package::open(bytes, "pptx", "PPTX", "ppt")?;
    let mut parts = Parts::new(Unit::Slide);
    let mut first_title = String::new();
    for (number, name) in (1..).zip(slides(&mut package)?) {
        let Some(part) = package.part(&name)? else {
            return Err(ExtractError::damaged(&format!("it lacks {name}")));
        };
        let mut slide = slide::read(&part)?;
        let mut notes = String::new();
        for Relation { kind, target, .. } in relations(&mut package, &name)? {
            match kind.as_str() {
                "notesSlide" => {
                    let part = package.part(&target)?.unwrap_or_default();
                    notes = slide::read(&part)?.notes();
                }
                "diagramData" => {
                    let part = package.part(&target)?.unwrap_or_default();
                    slide.add_diagram(slide::read(&part)?);
                }
                _ => {}
            }
        }
        if first_title.is_empty() {
            first_title = slide.title();
        }
        parts.push(number, Vec::new(), &markdown(&slide, &notes));
    }
    let core = package.part("docProps/core.xml")?.unwrap_or_default();
    let title = xml::element_text(&core, "title").filter(|title| !is_default(title));
    Ok(parts.finish(title.unwrap_or(first_title), Syntax::Markdown))
}

fn markdown(slide: &slide::Slide, notes: &str) -> String {
    let text = slide.markdown();
    if notes.is_empty() { text } else { format!("{text}\n\n## Notes\n\n{notes}") }
}

/// What `PowerPoint` calls a presentation that nobody gave a title.
fn is_default(title: &str) -> bool {
    let title = title.to_lowercase();
    title == "powerpoint presentation" || title == "powerpoint-präsentation"
}

/// The parts of the slides, in the order in which they are shown.
fn slides(package: &mut Package<'_>) -> Result<Vec<String>, ExtractError> {
    let main = relations(package, "")?.into_iter().find(|found| found.kind == "officeDocument");
    let main = main.map_or_else(|| "ppt/presentation.xml".to_owned(), |found| found.target);
    let part = package.part(&main)?.filter(|part| part.contains("sldIdLst"));
    let Some(part) = part else {
        return Err(ExtractError::new("named .pptx, but it holds no slides"));
    };
    let relations = relations(package, &main)?;
    let mut order = Order::default();
    xml::read(&part, &mut order)?;
    let target = |id: &String| relations.iter().find(|found| found.id == *id);
    Ok(order.0.iter().filter_map(target).map(|found| found.target.clone()).collect())
}

/// The ids of the slides in `presentation.xml`.
#[derive(Default)]
struct Order(Vec<String>);

impl Handler for Order {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        if name == "sldId" {
            // `id` is also the name of a number that is none of a relation.
            self.0.extend(xml::prefixed_attribute(element, "id"));
        }
    }

    fn end(&mut self, _: &str) {}

    fn text(&mut self, _: &str) {}
}

#[cfg(test)]
pub(super) mod tests;
