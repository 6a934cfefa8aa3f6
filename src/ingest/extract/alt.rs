//! The alternative text of pictures: what somebody wrote to describe them.

use std::path::Path;

use super::detect;
use crate::ingest::document::single_spaced;

/// What programs append to descriptions that they generated; how sure they are follows.
const MACHINES: &[&str] = &[
    "description automatically generated",
    "ai-generated content may be incorrect",
    "automatisch generierte beschreibung",
    "ki-generierte inhalte können fehlerhaft sein",
    "description générée automatiquement",
    "descripción generada automáticamente",
    "descrizione generata automaticamente",
    "automatisch gegenereerde beschrijving",
];

/// What programs call pictures, before a number.
const NAMES: &[&str] = &[
    "picture",
    "image",
    "img",
    "photo",
    "graphic",
    "graphics",
    "clipart",
    "screenshot",
    "screen shot",
    "chart",
    "diagram",
    "object",
    "logo",
    "icon",
    "bild",
    "grafik",
    "abbildung",
    "imagen",
    "immagine",
    "afbeelding",
    "рисунок",
    "图片",
    "図",
    "그림",
];

/// Precedes a description that a person wrote.
pub(super) const MARK: &str = "Picture: ";

/// A line for the text; `None` for generated descriptions and for names of files.
pub(super) fn line(text: &str) -> Option<String> {
    let text = single_spaced(text);
    let lower = text.to_lowercase();
    let is_address =
        lower.starts_with("http:") || lower.starts_with("https:") || lower.starts_with("cid:");
    let is_file = detect::is_picture(Path::new(&lower));
    let name = lower.trim_end_matches(|c: char| c.is_numeric() || " #_-.:()".contains(c));
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let by_machine = MACHINES.iter().any(|words| lower.contains(words));
    let says_nothing = letters < 2 || is_file || is_address || NAMES.contains(&name) || by_machine;
    (!says_nothing).then(|| format!("{MARK}{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_wrote_is_kept() {
        for (text, expected) in [
            ("A map of\n the harbour", Some("Picture: A map of the harbour")),
            ("Quay 4", Some("Picture: Quay 4")),
            ("図書館の地図", Some("Picture: 図書館の地図")),
            ("", None),
            ("Picture 12", None),
            ("Grafik 1", None),
            ("image", None),
            ("temp_pptx3_1.png", None),
            ("C:\\Users\\Ann\\My map.JPG", None),
            ("https://example.com/a", None),
            ("A dog on a quay\n\nDescription automatically generated with low confidence", None),
            ("Ein Hund. KI-generierte Inhalte können fehlerhaft sein.", None),
            ("42", None),
        ] {
            assert_eq!(line(text).as_deref(), expected, "{text}");
        }
    }
}
