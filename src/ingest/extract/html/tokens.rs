//! HTML → a flat list of tokens, each with its place in the source. The only user of `lol_html`.
//!
//! The parser reports end tags only for elements that have one. What is closed by implication
//! (`<p>`, `<li>`, `<td>` without an end tag) is left to the reader of the tokens.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use lol_html::html_content::{Element, TextType};
use lol_html::{HtmlRewriter, Settings, doc_text, element, end_tag};

use super::role::{Role, Skip};
use crate::ingest::extract::ExtractError;

/// Identifies an element: the number of elements that start before it.
pub(super) type ElementId = u32;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Token {
    /// `void` elements have no content and no [`Token::Close`].
    Open { id: ElementId, role: Role, skip: Skip, void: bool },
    /// The end tag of an element was met. Elements opened since are closed by it too.
    Close { id: ElementId },
    /// Raw text: a range of the source. `literal` text has no character references.
    Text { range: Range<usize>, literal: bool },
}

/// Reads the whole source. Fails only where the parser gives up.
pub(super) fn tokens(source: &str) -> Result<Vec<Token>, ExtractError> {
    let tokens = Rc::new(RefCell::new(Vec::new()));
    let (opened, written) = (Rc::clone(&tokens), Rc::clone(&tokens));
    let mut next = 0;
    let settings = Settings::new()
        .with_strict(false)
        .append_element_content_handler(element!("*", move |element| {
            let id = next;
            next += 1;
            let void = !element.can_have_content();
            let (role, skip) = classify(element);
            opened.borrow_mut().push(Token::Open { id, role, skip, void });
            if !void {
                let closed = Rc::clone(&opened);
                element.on_end_tag(end_tag!(move |_| {
                    closed.borrow_mut().push(Token::Close { id });
                    Ok(())
                }))?;
            }
            Ok(())
        }))
        .append_document_content_handler(doc_text!(move |chunk| {
            let range = chunk.source_location().bytes();
            if !range.is_empty() {
                let literal = !matches!(chunk.text_type(), TextType::Data | TextType::RCData);
                written.borrow_mut().push(Token::Text { range, literal });
            }
            Ok(())
        }));
    let mut parser = HtmlRewriter::new(settings, |_: &[u8]| {});
    let outcome = parser.write(source.as_bytes()).and_then(|()| parser.end());
    outcome.map_err(|error| ExtractError::new(&format!("not readable as HTML: {error}")))?;
    Ok(Rc::into_inner(tokens).map(RefCell::into_inner).unwrap_or_default())
}

fn classify(element: &Element<'_, '_>) -> (Role, Skip) {
    let name = element.tag_name();
    let attribute = |name: &str| element.get_attribute(name);
    (Role::of(&name, attribute), Skip::of(&name, attribute))
}
