//! RTF → Markdown by paragraph. `reader` interprets the control words.

mod fonts;
mod lexer;
mod reader;
mod rows;
mod styles;
mod words;

pub(super) use self::fonts::code_page;
use self::lexer::{Lexer, Token};
use self::reader::Reader;
pub(super) use self::rows::Rows;
use super::ExtractError;
use crate::ingest::document::{Document, Places, Syntax, Unit};

/// Deepest nesting of groups; Word writes a few dozen levels.
const DEEPEST: usize = 5000;

/// `comments`: whether reviewers' comments are read, too.
pub(super) fn document(bytes: &[u8], comments: bool) -> Result<Document, ExtractError> {
    let start = bytes.trim_ascii_start();
    if !start.starts_with(b"{\\rtf") {
        return Err(ExtractError::lie("rtf", "RTF", bytes));
    }
    let mut reader = Reader::new(comments);
    for token in Lexer::new(start) {
        match token {
            Token::Open => reader.open(),
            Token::Close => reader.close(),
            Token::Ignorable => reader.set_ignorable(),
            Token::Byte(byte) => reader.byte(byte),
            Token::Word(word, number) => reader.word(word, number),
        }
        match reader.depth() {
            0 => {
                let (title, prose) = reader.finish();
                return Ok(Document {
                    title: title.unwrap_or(prose.title),
                    text: prose.text,
                    syntax: Syntax::Markdown,
                    places: Places::Marked(Unit::Paragraph, prose.marks),
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
