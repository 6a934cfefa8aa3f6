//! HTML → the main text as Markdown, with the source lines of each of its lines.

mod article;
mod aside;
mod furniture;
mod inline;
mod markup;
mod math;
mod names;
mod picture;
mod render;
mod role;
mod rows;
mod tabs;
mod text_density;
mod tree;
mod writer;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use self::render::{HtmlPage, RenderScope, Rendered};
pub(in crate::ingest) use self::tree::{Element, HtmlTree};
use super::encoding::{self, Decoded};
use super::{ExtractError, binary};
use crate::ingest::document::{Document, LocatorUnit, SourceMap, Syntax};

/// Within how many bytes a page declares its encoding (the HTML standard says 1024; pages exceed it).
const DECLARED_WITHIN: usize = 4096;

/// Bytes of text that make a part of a page worth extracting alone: a paragraph.
const ENOUGH: usize = 200;

pub(super) fn document(bytes: &[u8]) -> Result<Document, ExtractError> {
    if let Some(error) = ExtractError::disguised("html", bytes) {
        return Err(error);
    }
    if let Some(what) = binary::reason(&bytes[..bytes.len().min(encoding::SAMPLE)]) {
        return Err(ExtractError::new(&format!("named as html, but it is {what}")));
    }
    let Decoded { text: source, warnings } = decoded(bytes);
    let Rendered { title, text, marks } = main_text(&source);
    Ok(Document {
        title,
        text,
        syntax: Syntax::Markdown,
        places: SourceMap::Marked(LocatorUnit::Line, marks),
        warnings,
        ..Document::default()
    })
}

/// A page in the encoding it declares.
pub(in crate::ingest) fn decode(bytes: &[u8]) -> String {
    decoded(bytes).text
}

/// The same, with warnings.
pub(super) fn decoded(bytes: &[u8]) -> Decoded {
    encoding::decode(bytes, declared_encoding(bytes))
}

/// The character that a named reference of HTML stands for: `eacute` is `é`.
pub(super) fn named_character(name: &str) -> Option<String> {
    const LONGEST: usize = 32;
    if name.len() > LONGEST || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let reference = format!("&{name};");
    let tree = HtmlTree::of(&reference);
    let text = tree.parts(&(0..usize::MAX)).map(|(part, _)| part).collect::<String>();
    (text != reference && !text.is_empty()).then_some(text)
}

/// The main text of a page that is part of another document, as Markdown.
pub(super) fn markdown(source: &str) -> String {
    main_text(source).text
}

/// All of the text of a page of a book: nothing in it leads elsewhere.
pub(super) fn whole_markdown(source: &str) -> String {
    HtmlPage::new(source).render(RenderScope::Everything).text
}

/// The same with the title of the page.
pub(super) fn titled_markdown(source: &str) -> (String, String) {
    let Rendered { title, text, .. } = main_text(source);
    (title, text)
}

/// The page's text without furniture, or all of its text if that leaves next to nothing.
fn main_text(source: &str) -> Rendered {
    let page = HtmlPage::new(source);
    let text = page.render(RenderScope::Text);
    if text.text.len() >= ENOUGH {
        return text;
    }
    let everything = page.render(RenderScope::Everything);
    let stands_for_it = !text.text.is_empty() && text.text.len() * 10 >= everything.text.len();
    if stands_for_it { text } else { everything }
}

/// The encoding declared by `<meta charset=..>`, `<meta http-equiv content="..; charset=..">` or `<?xml
/// encoding=..?>`.
fn declared_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes[..bytes.len().min(DECLARED_WITHIN)].to_ascii_lowercase();
    let head = String::from_utf8_lossy(&head);
    let label = if let Some(declaration) = head.strip_prefix("<?xml") {
        let declaration = declaration.split('>').next().unwrap_or_default();
        after(declaration, "encoding=").or_else(|| after(&head, "charset="))
    } else {
        after(&head, "charset=")
    }?;
    let encoding = Encoding::for_label(label.as_bytes())?;
    // A file that could be read up to here is not UTF-16, whatever it declares.
    Some(if encoding == UTF_16LE || encoding == UTF_16BE { UTF_8 } else { encoding })
}

/// The word after `key`, without quotes.
fn after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let (_, value) = text.split_once(key)?;
    let value = value.trim_start_matches(['"', '\'', ' ']);
    let end = value.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c)));
    Some(&value[..end.unwrap_or(value.len())])
}

#[cfg(test)]
mod tests;
