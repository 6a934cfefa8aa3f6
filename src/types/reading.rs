//! How a document was read: what of it was left out, and what a machine recognized in pictures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which text in pictures is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OcrPolicy {
    /// None: pages that have nothing else are named in a warning.
    Off,
    /// That of pages without letters or mostly of pictures, and of picture files that are named.
    #[default]
    Auto,
    /// Also that of all pictures beside text, and of picture files below a directory.
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

/// Something of a document that was not read, or that was guessed. The rest is stored; a person should
/// know.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ReadingWarning {
    /// For programs.
    pub code: WarningCode,
    /// For people: what was not read or was guessed, why, and what to do.
    pub message: String,
    /// The pages it is about, from 1; empty where it is about none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<u32>,
}

/// Which kind of thing was not read or was guessed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// Pages that are pictures, or mostly, while text in pictures is not read (`--ocr off`).
    ScannedPages,
    /// Pages whose letters the file does not tell, while text in pictures is not read.
    UnknownLetters,
    /// Pages with pictures beside their text, which are read by `--ocr always` only.
    PicturesBesideText,
    /// Pages that are pictures, in which no text was found.
    NothingRecognized,
    /// Pages that could not be read as pictures.
    OcrFailed,
    /// Pages that were not reached within the limit of time, or not drawn whole.
    PagesLeftOut,
    /// Contents that unpack to more than is read.
    UnpacksToTooMuch,
    /// Sheets, rows, columns and slides that are not shown.
    HiddenContent,
    /// Formulas that have not been calculated: the file has no values for them.
    UncalculatedFormulas,
    /// Bytes that are nothing in the encoding of the text, or halves of a character.
    BadBytes,
    /// An encoding that the file does not name, told by its letters.
    GuessedEncoding,
    /// A file that breaks the rules of its format, and was read as far as they hold.
    NotWellFormed,
    /// Attachments of a mail, or parts of a document in another format, that could not be read.
    AttachmentsNotRead,
    /// Pictures that are all there is on a page or slide, in a format whose pages are not drawn.
    PicturesNotRead,
}

impl WarningCode {
    /// Whether reading text in pictures, as far as `policy` has it read, would help.
    pub fn wants_ocr(self, policy: OcrPolicy) -> bool {
        match self {
            Self::ScannedPages | Self::UnknownLetters => policy != OcrPolicy::Off,
            Self::PicturesBesideText => policy == OcrPolicy::Always,
            _ => false,
        }
    }

    /// Whether it is said only where somebody looks at the document: half of all papers have figures.
    pub fn is_note(self) -> bool {
        self == Self::PicturesBesideText
    }

    /// Whether nothing is missing: all was read, but perhaps not as it was meant.
    pub fn is_guess(self) -> bool {
        self == Self::GuessedEncoding
    }

    /// Whether the same file may be read whole with other settings, or another time.
    pub fn may_pass(self) -> bool {
        self.wants_ocr(OcrPolicy::Auto) || matches!(self, Self::OcrFailed | Self::PagesLeftOut)
    }
}

/// That pages of a document were read as pictures.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct OcrRecord {
    /// What read them: `pp-ocrv6-tiny`, `openai:gpt-4o-mini`.
    pub model: String,
    /// From 1.
    pub pages: Vec<u32>,
}

/// What is known of a chunk whose text was recognized in a picture.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Recognition {
    /// Mean confidence of its words, in percent; null where the model does not tell.
    pub confidence: Option<u8>,
    /// Words that may be wrong, as ranges of bytes of the chunk's text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubtful: Vec<(u32, u32)>,
}

/// A rectangle of a page: in points (1/72 inch) of a PDF's page, in pixels of a picture. From the
/// upper left corner.
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
    /// The smallest that covers both.
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
