//! The meanings of an RTF's paragraph styles.

use std::collections::HashMap;

use crate::ingest::extract::prose::ParagraphRole;

#[derive(Default, Debug)]
struct Style {
    name: String,
    based_on: Option<i32>,
    /// Outline level, from 0.
    outline: Option<u8>,
}

/// The styles by number, and the one being defined.
#[derive(Default, Debug)]
pub(super) struct RtfStyles {
    styles: HashMap<i32, Style>,
    current: Style,
    number: Option<i32>,
}

impl RtfStyles {
    /// Handles a word within the style sheet.
    pub(super) fn word(&mut self, word: &str, number: Option<i32>) {
        match word {
            "s" => self.number = number,
            // Styles of letters, sections and tables have separate numbers.
            "cs" | "ds" | "ts" => self.number = None,
            "sbasedon" => self.current.based_on = number,
            "outlinelevel" => self.current.outline = number.and_then(|n| u8::try_from(n).ok()),
            _ => {}
        }
    }

    /// The name of a style, which ends with `;`.
    pub(super) fn text(&mut self, text: &str) {
        for part in text.split_inclusive(';') {
            self.current.name.push_str(part.trim_end_matches(';'));
            if part.ends_with(';') {
                let style = std::mem::take(&mut self.current);
                // The style without a number is the default.
                self.styles.insert(self.number.take().unwrap_or(0), style);
            }
        }
    }

    pub(super) fn meaning(&self, number: i32) -> ParagraphRole {
        /// Longest chain; a longer one is a cycle.
        const MAX_CHAIN: usize = 16;
        let base = |style: &&Style| self.styles.get(&style.based_on?);
        let mut chain = std::iter::successors(self.styles.get(&number), base).take(MAX_CHAIN);
        chain.find_map(Style::meaning).unwrap_or_default()
    }
}

impl Style {
    fn meaning(&self) -> Option<ParagraphRole> {
        let name = self.name.trim().to_ascii_lowercase();
        if name == "title" {
            return Some(ParagraphRole::Title);
        }
        let named = name.strip_prefix("heading ").and_then(|level| level.parse().ok());
        let level = named.or(self.outline.filter(|level| *level < 9).map(|level| level + 1));
        level.map(ParagraphRole::Heading)
    }
}
