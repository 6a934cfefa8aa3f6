//! How a document was read: what was left out, and what a machine recognized in pictures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which text in pictures is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OcrPolicy {
    /// None: pages that have nothing else are named in a warning.
    Off,
    /// Text on pages without letters or mostly of pictures, and in picture files that are named.
    #[default]
    Auto,
    /// Also text in all pictures beside text, and in picture files below a directory.
    Always,
}

impl OcrPolicy {
    /// Whether a picture is a document; `named`: it is an input by itself.
    pub fn reads_image(self, named: bool) -> bool {
        match self {
            Self::Off => false,
            Self::Auto => named,
            Self::Always => true,
        }
    }
}

/// Something in a document that was not read, or that was guessed. The rest is stored, and a person should
/// know.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ReadingWarning {
    /// For programs.
    pub code: WarningCode,
    /// For people: what was not read or was guessed, why, and what to do.
    pub message: String,
    /// The affected pages, from 1; empty where no page is affected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<u32>,
}

/// What kind of thing was not read or was guessed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// Pages that consist of pictures, or mostly, while text in pictures is not read (`--ocr off`).
    ScannedPages,
    /// Pages whose letters the file does not identify, while text in pictures is not read.
    UnknownLetters,
    /// Pages with pictures beside their text, which are read by `--ocr always` only.
    PicturesBesideText,
    /// Pages that consist of pictures, in which no text was found.
    NothingRecognized,
    /// Pages that could not be read as pictures.
    OcrFailed,
    /// Pages that were not reached within the time limit, or not drawn completely.
    PagesLeftOut,
    /// Contents that unpack to more than is read.
    UnpacksToTooMuch,
    /// Sheets, rows, columns and slides that are not shown.
    HiddenContent,
    /// Formulas that have not been calculated: the file has no values for them.
    UncalculatedFormulas,
    /// Bytes that are invalid in the encoding of the text, or halves of a character.
    BadBytes,
    /// An encoding that the file does not name, detected by its letters.
    GuessedEncoding,
    /// A file that violates the rules of its format, and was read as far as possible.
    NotWellFormed,
    /// Attachments of a mail, or parts of a document in another format, that could not be read.
    AttachmentsNotRead,
    /// Pictures that are the only content of a page or slide, in a format whose pages are not drawn.
    PicturesNotRead,
}

impl WarningCode {
    /// Whether reading text in pictures, as far as `policy` allows it, would help.
    pub fn wants_ocr(self, policy: OcrPolicy) -> bool {
        match self {
            Self::ScannedPages | Self::UnknownLetters => policy != OcrPolicy::Off,
            Self::PicturesBesideText => policy == OcrPolicy::Always,
            _ => false,
        }
    }

    /// Whether it is shown only to users who look at the document: half of all papers have figures.
    pub fn is_note(self) -> bool {
        self == Self::PicturesBesideText
    }

    /// Whether nothing is missing: everything was read, but perhaps not as intended.
    pub fn is_guess(self) -> bool {
        self == Self::GuessedEncoding
    }

    /// Whether the same file may be read completely with other settings, or at another time.
    pub fn may_pass(self) -> bool {
        self.wants_ocr(OcrPolicy::Auto) || matches!(self, Self::OcrFailed | Self::PagesLeftOut)
    }
}

/// Pages of a document that were read as pictures.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct OcrRecord {
    /// What read them: `pp-ocrv6-tiny`, `openai:gpt-4o-mini`.
    pub model: String,
    /// From 1.
    pub pages: Vec<u32>,
}

/// Details of a chunk whose text was recognized in a picture.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Recognition {
    /// Mean confidence of its words, in percent; null where the model does not report it.
    pub confidence: Option<u8>,
    /// Words that may be wrong, as ranges of bytes of the chunk's text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubtful: Vec<(u32, u32)>,
}

/// A rectangle on a page, from the upper left corner: in points (1/72 inch) of a PDF's page, in pixels of a
/// picture.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
pub struct PageArea {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

impl PageArea {
    /// The smallest rectangle that covers both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        let (left, top) = (self.left.min(other.left), self.top.min(other.top));
        let right = self.right().max(other.right());
        let bottom = self.bottom().max(other.bottom());
        Self { left, top, width: right - left, height: bottom - top }
    }

    pub fn overlaps(self, other: Self) -> bool {
        self.left < other.right()
            && other.left < self.right()
            && self.top < other.bottom()
            && other.top < self.bottom()
    }

    fn right(self) -> u32 {
        self.left.saturating_add(self.width)
    }

    fn bottom(self) -> u32 {
        self.top.saturating_add(self.height)
    }
}

/// Numbers as people write them: `1, 3-5, 9`.
pub fn ranges(numbers: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if number == last.saturating_add(1) => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let word = |&(first, last): &(u32, u32)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    ranges.iter().map(word).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_row_are_a_range() {
        for (numbers, words) in
            [(&[][..], ""), (&[4], "4"), (&[1, 2, 3], "1-3"), (&[1, 3, 4, 9], "1, 3-4, 9")]
        {
            assert_eq!(ranges(numbers), words);
        }
    }

    #[test]
    fn areas_cover_both() {
        let area = |left, top, width, height| PageArea { left, top, width, height };
        assert_eq!(area(10, 10, 5, 5).union(area(0, 12, 3, 30)), area(0, 10, 15, 32));
        assert!(area(0, 0, 10, 10).overlaps(area(9, 9, 1, 1)));
        assert!(!area(0, 0, 10, 10).overlaps(area(10, 0, 5, 5)));
    }
}
