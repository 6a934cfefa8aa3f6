//! A paragraph of a DOCX while its properties are read.

use super::numbering::{DocxLists, is_off};
use super::styles::{DocxStyles, StyleNumbers};
use crate::ingest::extract::formatting::{Formatted, Formatting};
use crate::ingest::extract::prose::{Paragraph, ParagraphRole};
use crate::ingest::extract::xml::{Element, attribute};

/// A paragraph being read.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own")]
pub(super) struct OpenParagraph {
    pub(super) paragraph: Paragraph,
    style: Option<String>,
    /// The list that its own properties name; `0` means none.
    num: Option<String>,
    level: Option<usize>,
    /// Whether its own properties set the outline level.
    outlined: bool,
    /// Whether the style hides its letters.
    pub(super) hidden: bool,
    /// The formatting of letters in its style.
    pub(super) formatting: Formatting,
    /// The formatting at the end of its text so far.
    formatted: Formatted,
    /// Whether it is a drop cap, the first letter of the next paragraph.
    pub(super) is_drop_cap: bool,
    /// Whether its mark is hidden or deleted, so that it has no number of its own.
    pub(super) unmarked: bool,
    pub(super) in_properties: bool,
    described: bool,
}

impl OpenParagraph {
    pub(super) fn new(paragraph: Paragraph) -> Self {
        Self { paragraph, ..Self::default() }
    }

    pub(super) fn push(&mut self, text: &str, formatting: Formatting) {
        self.formatted.set(&mut self.paragraph.text, formatting);
        self.paragraph.text.push_str(text);
    }

    /// Returns the paragraph, which has ended.
    pub(super) fn finish(mut self) -> Paragraph {
        self.formatted.end(&mut self.paragraph.text);
        self.paragraph
    }

    /// Reads one of its properties.
    pub(super) fn describe(&mut self, name: &str, element: &Element<'_>) {
        let value = || attribute(element, "val").unwrap_or_default();
        match name {
            "framePr" => {
                let drop_cap = attribute(element, "dropCap");
                self.is_drop_cap = matches!(drop_cap.as_deref(), Some("drop" | "margin"));
            }
            "pStyle" => self.style = Some(value()),
            "outlineLvl" => {
                if let Ok(level @ 0..9) = value().parse::<u8>() {
                    self.paragraph.meaning = ParagraphRole::Heading(level + 1);
                    self.outlined = true;
                }
            }
            "ilvl" => self.level = value().parse().ok(),
            "numId" => self.num = Some(value()),
            // This applies to the mark at the end of the paragraph.
            "vanish" => self.unmarked |= !is_off(&value()),
            _ => {}
        }
    }

    /// Applies the style and the list. `counts`: whether the list counts this paragraph.
    pub(super) fn end_properties(
        &mut self,
        styles: &DocxStyles,
        lists: &mut DocxLists<'_>,
        counts: bool,
    ) {
        self.in_properties = false;
        if std::mem::replace(&mut self.described, true) {
            return;
        }
        let mut own = StyleNumbers::default();
        if let Some(style) = &self.style {
            if !self.outlined {
                self.paragraph.meaning = styles.meaning(style);
            }
            self.hidden = styles.hides(style) == Some(true);
            self.formatting = styles.formatting(style);
            own = styles.numbers(style);
        }
        let is_own = self.num.is_some();
        let Some(num) = self.num.take().or(own.num) else { return };
        if num == "0" {
            if self.paragraph.meaning == ParagraphRole::Item {
                self.paragraph.meaning = ParagraphRole::Plain;
            }
            return;
        }
        if self.paragraph.meaning == ParagraphRole::Plain {
            self.paragraph.meaning = ParagraphRole::Item;
        }
        let numbering = lists.numbering();
        let of_style = || if is_own { None } else { numbering.level_of(&num, &own.style, styles) };
        let level = self.level.or_else(of_style).or(own.level).unwrap_or(0);
        self.paragraph.level = level;
        if !self.unmarked && counts {
            self.paragraph.label = numbering.count(&num, level, styles).unwrap_or_default();
        }
    }
}
