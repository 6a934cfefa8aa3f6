//! Relations between the parts of a package.

use super::ExtractError;
use super::package::{ZipPackage, resolve};
use super::xml::{self, Element, XmlHandler, attribute};

/// A part that another part refers to.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    pub(super) id: String,
    /// The last segment of its type: `slide`, `notesSlide`.
    pub(super) kind: String,
    /// Name of the part.
    pub(super) target: String,
}

/// The parts that `part` refers to; for an empty name, those of the package itself.
pub(super) fn relations(
    package: &mut ZipPackage<'_>,
    part: &str,
) -> Result<Vec<Relation>, ExtractError> {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    let listed = package.part(&resolve("", &format!("{folder}/_rels/{name}.rels")))?;
    let mut relations = Relations { part, found: Vec::new() };
    xml::read(&listed.unwrap_or_default(), &mut relations)?;
    Ok(relations.found)
}

struct Relations<'a> {
    part: &'a str,
    found: Vec<Relation>,
}

impl XmlHandler for Relations<'_> {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        let value = |name| attribute(element, name).unwrap_or_default();
        if name != "Relationship" || value("TargetMode") == "External" {
            return;
        }
        let kind = value("Type").rsplit('/').next().unwrap_or_default().to_owned();
        let target = resolve(self.part, &value("Target"));
        self.found.push(Relation { id: value("Id"), kind, target });
    }

    fn end(&mut self, _: &str) {}

    fn text(&mut self, _: &str) {}
}
