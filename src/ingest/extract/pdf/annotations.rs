//! Reads what a page has besides its contents: values of form fields that nothing draws, and notes.

use hayro_interpret::hayro_syntax::object::{
    Array, Dict, Name, Object, Stream, String as PdfString,
};

use super::strings::text_string;
use crate::ingest::document::single_spaced;

/// Flags for hidden, and for not shown on a screen.
const UNSEEN: u32 = 1 << 1 | 1 << 5;

/// A flag of fields: what is typed is not shown.
const PASSWORD: i32 = 1 << 13;

/// Most ancestors of a field, which may supply its name and value.
const MAX_PARENTS: usize = 8;

/// Most annotations; no page has as many.
const MAX: usize = 2000;

/// The texts of annotations that the interpreter does not draw, a line for each.
pub(super) fn texts(page: &Dict<'_>) -> Vec<String> {
    let Some(annotations) = page.get::<Array<'_>>(b"Annots") else { return Vec::new() };
    annotations.iter::<Dict<'_>>().take(MAX).filter_map(|annotation| text(&annotation)).collect()
}

fn text(annotation: &Dict<'_>) -> Option<String> {
    if annotation.get::<u32>(b"F").unwrap_or(0) & UNSEEN != 0 {
        return None;
    }
    let looks = annotation.get::<Dict<'_>>(b"AP");
    let is_drawn = looks.as_ref().is_some_and(|looks| looks.contains_key(b"N"));
    match annotation.get::<Name<'_>>(b"Subtype")?.as_ref() {
        b"Widget" if !looks.is_some_and(|looks| shows_text(&looks)) => field(annotation),
        b"FreeText" if !is_drawn => string(annotation, b"Contents"),
        // These are drawn as a sign only; a click opens the note.
        b"Text" | b"Highlight" | b"Underline" | b"StrikeOut" | b"Squiggly" | b"Caret" => {
            Some(format!("Note: {}", string(annotation, b"Contents")?))
        }
        _ => None,
    }
}

/// Whether the appearance of a field shows text. Programs that fill in forms may leave appearances without
/// text, since each viewer makes its own.
fn shows_text(looks: &Dict<'_>) -> bool {
    const OPERATORS: [&[u8]; 5] = [b"Tj", b"TJ", b"'", b"\"", b"Do"];
    let Some(stream) = looks.get::<Stream<'_>>(b"N") else { return looks.contains_key(b"N") };
    let Ok(content) = stream.decoded() else { return true };
    OPERATORS.iter().any(|operator| content.windows(operator.len()).any(|part| part == *operator))
}

/// A field as `label: value`.
fn field(widget: &Dict<'_>) -> Option<String> {
    let kind = inherited(widget, b"FT")?.into_name()?;
    let flags = inherited(widget, b"Ff").and_then(Object::into_i32).unwrap_or(0);
    if !matches!(kind.as_ref(), b"Tx" | b"Ch") || flags & PASSWORD != 0 {
        return None;
    }
    let value = match inherited(widget, b"V")? {
        Object::String(text) => plain(&text_string(text.as_bytes())),
        // Several selected entries of a list.
        Object::Array(values) => {
            let values = values.iter::<PdfString<'_>>();
            plain(&values.map(|value| text_string(value.as_bytes())).collect::<Vec<_>>().join(", "))
        }
        _ => None,
    }?;
    let label = [&b"TU"[..], b"T"].into_iter().find_map(|key| {
        let label = inherited(widget, key)?.into_string()?;
        plain(&text_string(label.as_bytes()))
    });
    Some(label.map_or(value.clone(), |label| format!("{label}: {value}")))
}

fn inherited<'a>(field: &Dict<'a>, key: &[u8]) -> Option<Object<'a>> {
    let mut field = field.clone();
    for _ in 0..MAX_PARENTS {
        if let Some(value) = field.get::<Object<'_>>(key) {
            return Some(value);
        }
        field = field.get::<Dict<'_>>(b"Parent")?;
    }
    None
}

fn string(dictionary: &Dict<'_>, key: &[u8]) -> Option<String> {
    plain(&text_string(dictionary.get::<PdfString<'_>>(key)?.as_bytes()))
}

/// The text on one line; `None` if it is empty.
fn plain(text: &str) -> Option<String> {
    let text = single_spaced(text);
    (!text.is_empty()).then_some(text)
}
