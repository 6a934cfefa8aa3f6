//! What a page draws, as the layout sees it: letters with a place. No type of the interpreter gets this far, so
//! another interpreter could replace it.

use super::pictures::PdfPictures;
use super::tables::PageRules;

/// The letters that one glyph stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Letters {
    /// Unknown: the file has no table for it.
    Unknown,
    /// It means nothing by itself, such as the second glyph of a replaced text.
    Nothing,
    One(char),
    Many(Box<str>),
}

impl Letters {
    pub(super) fn new(text: &str) -> Self {
        let mut letters = text.chars();
        match (letters.next(), letters.next()) {
            (None, _) => Self::Nothing,
            (Some(letter), None) => Self::One(letter),
            _ => Self::Many(text.into()),
        }
    }

    pub(super) fn first(&self) -> Option<char> {
        match self {
            Self::Unknown | Self::Nothing => None,
            Self::One(letter) => Some(*letter),
            Self::Many(text) => text.chars().next(),
        }
    }

    pub(super) fn push_to(&self, text: &mut String) {
        match self {
            Self::Unknown | Self::Nothing => {}
            Self::One(letter) => text.push(*letter),
            Self::Many(letters) => text.push_str(letters),
        }
    }

    pub(super) fn all(&self, is: impl Fn(char) -> bool) -> bool {
        match self {
            Self::Unknown | Self::Nothing => false,
            Self::One(letter) => is(*letter),
            Self::Many(text) => text.chars().all(is),
        }
    }

    /// A blank that was drawn, as opposed to a gap that was left.
    pub(super) fn is_blank(&self) -> bool {
        self.all(char::is_whitespace)
    }
}

/// A point or a vector on the page as it is viewed: origin at the top left, y downwards, in points.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct PagePoint {
    pub(super) x: f32,
    pub(super) y: f32,
}

impl PagePoint {
    pub(super) fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y
    }

    pub(super) fn times(self, factor: f32) -> Self {
        Self { x: self.x * factor, y: self.y * factor }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { x: self.x + other.x, y: self.y + other.y }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self { x: self.x - other.x, y: self.y - other.y }
    }

    pub(super) fn length(self) -> f32 {
        self.dot(self).sqrt()
    }
}

/// A glyph in its place.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Glyph {
    pub(super) letters: Letters,
    /// The position of the pen on the base line before it draws the glyph.
    pub(super) at: PagePoint,
    /// How far the pen moves along `right`.
    pub(super) advance: f32,
    /// The direction in which the text runs, of length one.
    pub(super) right: PagePoint,
    /// The direction in which lines follow each other, of length one.
    pub(super) down: PagePoint,
    /// Height of the font.
    pub(super) size: f32,
    /// Index into [`PageDrawing::fonts`].
    pub(super) font: u16,
    /// Whether it is seen; the text behind the picture of a scanned page is not.
    pub(super) visible: bool,
}

impl Glyph {
    /// The position of the pen after the glyph.
    pub(super) fn end(&self) -> PagePoint {
        self.at.plus(self.right.times(self.advance))
    }
}

/// The style of a font, as far as it is known: for Type 1 fonts, only from their names.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct FontLook {
    pub(super) bold: bool,
    pub(super) italic: bool,
}

/// Everything that a page draws, in drawing order.
#[derive(Debug, Default)]
pub(super) struct PageDrawing {
    pub(super) width: f32,
    pub(super) height: f32,
    pub(super) glyphs: Vec<Glyph>,
    pub(super) fonts: Vec<FontLook>,
    /// Notes and fields that are not drawn, a line for each.
    pub(super) notes: Vec<String>,
    pub(super) pictures: PdfPictures,
    /// Points of the filled shapes, some of which may be letters.
    pub(super) shapes: usize,
    /// Lines drawn across the page, and edges of filled shapes.
    pub(super) rules: PageRules,
    /// Whether the page was not drawn completely because time was up, or it had too many glyphs.
    pub(super) stopped: bool,
    /// Whether the page was not drawn completely because the interpreter panicked.
    pub(super) broken: bool,
}

impl PageDrawing {
    /// Whether its glyphs have no letters, or nearly all have the same one.
    pub(super) fn says_nothing(&self) -> bool {
        // Fewer glyphs are a mark or two.
        const FEW: usize = 20;
        let (mut unknown, mut count) = (0, [0_usize; 128]);
        for glyph in &self.glyphs {
            match glyph.letters {
                Letters::Unknown => unknown += 1,
                Letters::One(letter) if letter.is_ascii_alphabetic() => count[letter as usize] += 1,
                _ => {}
            }
        }
        let (all, most) = (count.iter().sum::<usize>(), count.iter().max().copied());
        self.glyphs.len() >= FEW
            && (unknown * 4 > self.glyphs.len() || all >= FEW && most > Some(all / 2))
    }
}
