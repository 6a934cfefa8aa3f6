//! DOCX → Markdown by paragraph. The XML is read in `body` and `styles`.

mod body;
mod styles;

use super::package::Package;
use super::{ExtractError, xml};
use crate::ingest::document::{Document, Places, Syntax, Unit};

pub(super) fn document(bytes: &[u8]) -> Result<Document, ExtractError> {
    let mut package = Package::open(bytes, "docx", "DOCX", "doc")?;
    let Some(main) = main_part(&package) else {
        return Err(ExtractError::new("named .docx, but it holds no Word document"));
    };
    let styles = package.part("word/styles.xml")?.map(|xml| styles::read(&xml));
    let core = package.part("docProps/core.xml")?.unwrap_or_default();
    let body = package.part(&main)?.unwrap_or_default();
    let body = body::read(&body, &styles.unwrap_or_default())?;
    let title = xml::element_text(&core, "title").unwrap_or(body.title);
    Ok(Document {
        title,
        text: body.text,
        syntax: Syntax::Markdown,
        places: Places::Marked(Unit::Paragraph, body.marks),
        ..Document::default()
    })
}

/// `word/document.xml`; some writers number it.
fn main_part(package: &Package<'_>) -> Option<String> {
    let is_main = |name: &String| name.starts_with("word/document") && !name.contains(".rels");
    package.names().filter(is_main).min_by_key(String::len)
}

#[cfg(test)]
mod tests;
