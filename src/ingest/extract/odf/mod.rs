//! `OpenDocument`: texts (ODT) → Markdown by paragraph, presentations (ODP) → Markdown by slide. The file is a
//! package, or a single XML file (FODT, FODP).

mod body;
mod formula;
mod lists;
mod shapes;
mod slides;
mod spans;
mod styles;

use std::collections::HashMap;
use std::path::Path;

use self::styles::OdfStyles;
use super::encoding::decode;
use super::package::ZipPackage;
use super::xml::{self, Element, XmlHandler};
use super::{ExtractError, detect, hidden, no_text};
use crate::ingest::document::{Document, LocatorUnit, SourceMap, Syntax};

/// The objects drawn in a text, by the folder of their part.
type Objects = HashMap<String, Object>;

#[derive(Default)]
struct Object {
    formula: Option<String>,
    /// The title and table of a chart, or the rows of a sheet.
    text: String,
}

/// Most objects that are read.
const MOST_OBJECTS: usize = 1000;

/// The parts of a document.
struct Parts {
    content: String,
    styles: OdfStyles,
    objects: Objects,
    title: Option<String>,
}

/// `comments`: whether reviewers' comments are read, too.
pub(super) fn text(source: &str, bytes: &[u8], comments: bool) -> Result<Document, ExtractError> {
    let Parts { content, styles, objects, title } = parts(source, bytes, "ODT", ":text>")?;
    let prose = body::read(&content, styles, &objects, comments)?;
    Ok(Document {
        title: title.unwrap_or(prose.title),
        text: prose.text,
        syntax: Syntax::Markdown,
        places: SourceMap::Marked(LocatorUnit::Paragraph, prose.marks),
        ..Document::default()
    })
}

pub(super) fn presentation(source: &str, bytes: &[u8]) -> Result<Document, ExtractError> {
    let Parts { content, styles, objects, title } = parts(source, bytes, "ODP", ":presentation>")?;
    let slides = slides::read(&content, styles, &objects)?;
    let mut document = slides.parts.finish(title.unwrap_or(slides.title), Syntax::Markdown);
    document.warnings.extend(hidden::slides(&slides.hidden));
    document.warnings.extend(no_text::slides(&slides.pictures));
    Ok(document)
}

/// Reads the parts of a file. `name` is what it should be; the tags of its body element end with `body`.
fn parts(source: &str, bytes: &[u8], name: &str, body: &str) -> Result<Parts, ExtractError> {
    let extension = detect::extension(Path::new(source));
    let nothing = || {
        let reason = format!("named .{extension}, but it is not an {name}");
        ExtractError::new(&reason)
    };
    if extension.starts_with('f') && detect::magic(bytes).is_none() {
        let content = decode(bytes, None).text;
        let title = xml::element_text(&content, "title");
        let is_one = content.contains("office:document") && content.contains(body);
        return if is_one {
            Ok(Parts { content, styles: OdfStyles::default(), objects: Objects::default(), title })
        } else {
            Err(nothing())
        };
    }
    let mut package = ZipPackage::open(bytes, &extension, name, "doc")?;
    let manifest = package.part("META-INF/manifest.xml")?.unwrap_or_default();
    if manifest.contains("encryption-data") {
        return Err(ExtractError::encrypted());
    }
    let content = package.part("content.xml")?.filter(|content| content.contains(body));
    let Some(content) = content else { return Err(nothing()) };
    let common = package.part("styles.xml")?.unwrap_or_default();
    let mut reading = StylesOnly(OdfStyles::default());
    // Styles are used as far as they can be read.
    let _ = xml::read(&common, &mut reading);
    let objects =
        if content.contains(":object ") { objects(&mut package)? } else { Objects::default() };
    let meta = package.part("meta.xml")?.unwrap_or_default();
    let title = xml::element_text(&meta, "title");
    Ok(Parts { content, styles: reading.0, objects, title })
}

/// Reads objects, but not objects within them.
fn objects(package: &mut ZipPackage<'_>) -> Result<Objects, ExtractError> {
    let names: Vec<String> = package.names().collect();
    let folders = names.iter().filter_map(|name| name.strip_suffix("/content.xml"));
    let mut objects = Objects::default();
    for folder in folders.take(MOST_OBJECTS) {
        let part = package.part(&format!("{folder}/content.xml"))?.unwrap_or_default();
        let formula = formula::read(&part);
        let text = if formula.is_some() {
            String::new()
        } else {
            let read = body::read(&part, OdfStyles::default(), &Objects::default(), false);
            read.map(|prose| prose.text).unwrap_or_default()
        };
        objects.insert(folder.to_owned(), Object { formula, text });
    }
    Ok(objects)
}

/// A reader for parts that contain only styles.
struct StylesOnly(OdfStyles);

impl XmlHandler for StylesOnly {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        self.0.start(name, element);
    }

    fn end(&mut self, _: &str) {}

    fn text(&mut self, _: &str) {}
}

#[cfg(test)]
pub(super) mod tests;
