//! The meanings of `OpenDocument` styles: titles, hidden letters, and the numbering of lists.

use std::collections::HashMap;

use crate::ingest::extract::formatting::{Formatting, Script};
use crate::ingest::extract::numeral::NumeralStyle;
use crate::ingest::extract::xml::{Element, attribute};

/// Levels of a list.
pub(super) const LEVELS: usize = 10;

/// Longest text before or after a number, in bytes: every paragraph repeats it.
const LONGEST: usize = 50;

/// The name of the outline's style, which no list can have.
pub(super) const OUTLINE: &str = "\0outline";

/// The numbering of a list level.
#[derive(Clone, Debug)]
pub(super) struct Level {
    pub(super) numeral: NumeralStyle,
    before: String,
    after: String,
    /// How many levels are shown; this level is the last of them.
    shown: usize,
    pub(super) start: u32,
}

impl Default for Level {
    fn default() -> Self {
        let (before, after) = (String::new(), String::new());
        Self { numeral: NumeralStyle::Bullet, before, after, shown: 1, start: 1 }
    }
}

#[derive(Default, Debug)]
struct Style {
    parent: Option<String>,
    /// Whether its letters or its slides are hidden.
    hidden: bool,
    script: Option<Script>,
    struck: Option<bool>,
}

/// The script for a `text-position`: `super 58%`, `33% 58%`, `-33% 58%`.
fn script(position: &str) -> Option<Script> {
    let place = position.split_whitespace().next()?;
    match place.trim_end_matches('%').parse::<f64>() {
        Ok(raised) if raised > 0.0 => Some(Script::Super),
        Ok(lowered) if lowered < 0.0 => Some(Script::Sub),
        Ok(_) => None,
        Err(_) if place == "super" => Some(Script::Super),
        Err(_) => (place == "sub").then_some(Script::Sub),
    }
}

/// The styles of a document: common ones, and those of its parts.
#[derive(Default, Debug)]
pub(super) struct OdfStyles {
    /// Styles by family and name.
    styles: HashMap<(String, String), Style>,
    lists: HashMap<String, [Level; LEVELS]>,
    style: Option<(String, String)>,
    list: Option<String>,
}

impl OdfStyles {
    /// Reads an element that defines styles; other elements are ignored.
    pub(super) fn start(&mut self, name: &str, element: &Element<'_>) {
        match name {
            "style" => {
                let value = |name| attribute(element, name).unwrap_or_default();
                let key = (value("family"), value("name"));
                let parent = attribute(element, "parent-style-name");
                self.styles.insert(key.clone(), Style { parent, ..Style::default() });
                self.style = Some(key);
            }
            "text-properties" | "drawing-page-properties" => {
                let hidden = attribute(element, "display").as_deref() == Some("none")
                    || attribute(element, "visibility").as_deref() == Some("hidden");
                if let Some(style) = self.style.as_ref().and_then(|key| self.styles.get_mut(key)) {
                    style.hidden |= hidden;
                    let position = attribute(element, "text-position");
                    style.script = position.and_then(|position| script(&position)).or(style.script);
                    let line = attribute(element, "text-line-through-style")
                        .or_else(|| attribute(element, "text-line-through-type"));
                    style.struck = line.map(|line| line != "none").or(style.struck);
                }
            }
            "list-style" | "outline-style" => {
                let name = match name {
                    "outline-style" => OUTLINE.to_owned(),
                    _ => attribute(element, "name").unwrap_or_default(),
                };
                self.lists.insert(name.clone(), <[Level; LEVELS]>::default());
                (self.list, self.style) = (Some(name), None);
            }
            "list-level-style-number" | "outline-level-style" => self.add_level(element),
            _ => {}
        }
    }

    fn add_level(&mut self, element: &Element<'_>) {
        let value = |name| attribute(element, name);
        let number = |name| value(name).and_then(|number| number.parse::<usize>().ok());
        let text = |name| {
            let text = value(name).unwrap_or_default();
            text[..text.floor_char_boundary(LONGEST)].to_owned()
        };
        let Some(level @ 1..=LEVELS) = number("level") else { return };
        let Some(levels) = self.list.as_ref().and_then(|list| self.lists.get_mut(list)) else {
            return;
        };
        levels[level - 1] = Level {
            numeral: NumeralStyle::sampled(&value("num-format").unwrap_or_default()),
            before: text("num-prefix"),
            after: text("num-suffix"),
            shown: number("display-levels").unwrap_or(1).clamp(1, level),
            start: value("start-value").and_then(|start| start.parse().ok()).unwrap_or(1),
        };
    }

    /// The numbering of a list level (from 0); `None` if the list is unknown.
    pub(super) fn level(&self, list: &str, level: usize) -> Option<&Level> {
        self.lists.get(list).map(|levels| &levels[level.min(LEVELS - 1)])
    }

    /// The number of a paragraph on a level; empty for a bullet.
    pub(super) fn label(&self, list: &str, level: usize, counts: &[Option<u32>; LEVELS]) -> String {
        let level = level.min(LEVELS - 1);
        let Some(levels) = self.lists.get(list) else { return String::new() };
        let here = &levels[level];
        if matches!(here.numeral, NumeralStyle::Bullet | NumeralStyle::None) {
            return String::new();
        }
        let numbers = (level + 1 - here.shown..=level).filter_map(|at| {
            let number = levels[at].numeral.of(counts[at].unwrap_or(levels[at].start));
            Some(number).filter(|number| !number.is_empty())
        });
        let numbers = numbers.collect::<Vec<_>>().join(".");
        format!("{}{numbers}{}", here.before, here.after).trim().to_owned()
    }

    pub(super) fn is_title(&self, style: &str) -> bool {
        self.chain("paragraph", style).any(|(name, _)| name == "Title")
    }

    pub(super) fn is_hidden(&self, family: &str, style: &str) -> bool {
        self.chain(family, style).any(|(_, style)| style.hidden)
    }

    /// The formatting of letters in a style.
    pub(super) fn formatting(&self, family: &str, style: &str) -> Formatting {
        let script = self.chain(family, style).find_map(|(_, style)| style.script);
        let struck = self.chain(family, style).find_map(|(_, style)| style.struck);
        Formatting { script, struck: struck.unwrap_or(false) }
    }

    /// A style and those that it inherits from.
    fn chain(&self, family: &str, style: &str) -> impl Iterator<Item = (String, &Style)> {
        /// Longest chain; a longer one is a cycle.
        const MAX_CHAIN: usize = 16;
        let family = family.to_owned();
        let find = move |name: String| {
            let style = self.styles.get(&(family.clone(), name.clone()))?;
            Some((name, style))
        };
        let first = find(style.to_owned());
        std::iter::successors(first, move |(_, style)| find(style.parent.clone()?)).take(MAX_CHAIN)
    }
}
