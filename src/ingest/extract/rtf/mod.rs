//! RTF → Markdown by paragraph. `reader` interprets the control words.

mod fonts;
mod lexer;
mod reader;
mod rows;
mod styles;
mod words;

pub(super) use self::fonts::code_page;
use self::lexer::{Lexer, RtfToken};
use self::reader::RtfReader;
pub(super) use self::rows::Rows;
use super::ExtractError;
use crate::ingest::document::{Document, LocatorUnit, SourceMap, Syntax};

/// Deepest nesting of groups; Word writes a few dozen levels.
const DEEPEST: usize = 5000;

/// `comments`: whether reviewers' comments are read, too.
pub(super) fn document(bytes: &[u8], comments: bool) -> Result<Document, ExtractError> {
    let start = bytes.trim_ascii_start();
    if !start.starts_with(b"{\\rtf") {
        return Err(ExtractError::lie("rtf", "RTF", bytes));
    }
    let mut reader = RtfReader::new(comments);
    for token in Lexer::new(start) {
        match token {
            RtfToken::Open => reader.open(),
            RtfToken::Close => reader.close(),
            RtfToken::Ignorable => reader.set_ignorable(),
            RtfToken::Byte(byte) => reader.byte(byte),
            RtfToken::Word(word, number) => reader.word(word, number),
        }
        match reader.depth() {
            0 => {
                let (title, prose) = reader.finish();
                return Ok(Document {
                    title: title.unwrap_or(prose.title),
                    text: prose.text,
                    syntax: Syntax::Markdown,
                    places: SourceMap::Marked(LocatorUnit::Paragraph, prose.marks),
                    ..Document::default()
                });
            }
            depth if depth > DEEPEST => return Err(ExtractError::new("nested too deeply")),
            _ => {}
        }
    }
    Err(ExtractError::damaged(&"it ends within a group"))
}

#[cfg(test)]
pub(super) mod tests;
