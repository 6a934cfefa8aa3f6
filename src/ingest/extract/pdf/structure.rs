//! The texts that the structure of a document gives for parts of its pages (`ActualText`, ISO 32000-1, 14.9.4).
//! They are used for pages whose letters say nothing.

use std::collections::HashMap;

use hayro_interpret::hayro_syntax::Pdf;
use hayro_interpret::hayro_syntax::object::{Dict, Object, ObjectIdentifier, String as PdfString};

use super::strings::text_string;

/// Most elements that are visited, since they may point back to each other.
const MAX_ELEMENTS: usize = 200_000;

/// The text of marked content, by its page and its number there.
#[derive(Default)]
pub(super) struct Texts(HashMap<(ObjectIdentifier, i64), String>);

/// Elements to be visited, with the page and the text of their parent.
struct Part<'a> {
    object: Object<'a>,
    page: Option<ObjectIdentifier>,
    /// The text for the first content below; the rest of the content gets none.
    text: Option<usize>,
}

impl Texts {
    pub(super) fn of(pdf: &Pdf) -> Self {
        let catalog = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id());
        let root = catalog.and_then(|catalog| catalog.get::<Dict<'_>>(b"StructTreeRoot"));
        let Some(kids) = root.and_then(|root| root.get::<Object<'_>>(b"K")) else {
            return Self::default();
        };
        let (mut found, mut texts) = (HashMap::new(), Vec::new());
        let mut parts = vec![Part { object: kids, page: None, text: None }];
        for _ in 0..MAX_ELEMENTS {
            let Some(Part { object, page, text }) = parts.pop() else { break };
            match object {
                Object::Array(kids) => {
                    let kids: Vec<Object<'_>> =
                        kids.iter::<Object<'_>>().take(MAX_ELEMENTS).collect();
                    let part = |object| Part { object, page, text };
                    parts.extend(kids.into_iter().rev().map(part));
                }
                Object::Dict(element) => {
                    let page = element.get_ref(b"Pg").map(ObjectIdentifier::from).or(page);
                    let own = element.get::<PdfString<'_>>(b"ActualText");
                    let text = own.map_or(text, |own| {
                        texts.push(text_string(own.as_bytes()));
                        Some(texts.len() - 1)
                    });
                    let next = element.get::<Object<'_>>(b"K").or_else(|| element.get(b"MCID"));
                    parts.extend(next.map(|object| Part { object, page, text }));
                }
                Object::Number(number) => {
                    if let (Some(page), Some(text)) = (page, text.and_then(|at| texts.get_mut(at)))
                    {
                        found.insert((page, number.as_i64()), std::mem::take(text));
                    }
                }
                _ => {}
            }
        }
        Self(found)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, page: ObjectIdentifier, content: i64) -> Option<&str> {
        self.0.get(&(page, content)).map(String::as_str)
    }
}
