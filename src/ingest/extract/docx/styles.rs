//! The meanings of the styles of a document.

use std::collections::HashMap;

use super::numbering::is_off;
use crate::ingest::extract::formatting::{Formatting, Script};
use crate::ingest::extract::prose::ParagraphRole;
use crate::ingest::extract::xml::{self, Element, XmlHandler, attribute};

/// A style as it is declared.
#[derive(Clone, Default, Debug)]
struct Style {
    /// The meaning that its name alone gives.
    named: ParagraphRole,
    based_on: Option<String>,
    /// Outline level, from 0.
    outline: Option<u8>,
    /// Its list, and the level in that list.
    num: Option<String>,
    level: Option<usize>,
    /// Whether its letters are hidden.
    hidden: Option<bool>,
    script: Option<Script>,
    struck: Option<bool>,
}

/// The script for a value of `vertAlign`; `None` for normal text.
pub(super) fn script(value: &str) -> Option<Script> {
    match value {
        "superscript" => Some(Script::Super),
        "subscript" => Some(Script::Sub),
        _ => None,
    }
}

/// The list that a style sets.
#[derive(Clone, Default, Debug)]
pub(super) struct StyleNumbers {
    pub(super) num: Option<String>,
    pub(super) level: Option<usize>,
    /// The style that sets the list, which may be a base style.
    pub(super) style: String,
}

/// The styles of a document, by id. Ids are localised (`berschrift1`); the names of the built-in
/// styles are not.
#[derive(Default, Debug)]
pub(super) struct DocxStyles(HashMap<String, Style>);

impl DocxStyles {
    pub(super) fn meaning(&self, id: &str) -> ParagraphRole {
        if !self.0.contains_key(id) {
            return by_name(id);
        }
        let mut in_list = None;
        for (_, style) in self.chain(id) {
            // Bases that are not declared are identified by their ids.
            let base = style.based_on.as_ref().filter(|base| !self.0.contains_key(*base));
            let outline = style.outline.filter(|level| *level < 9);
            in_list = in_list.or(style.num.as_ref().map(|num| num != "0"));
            match (style.named, outline, base.map_or(ParagraphRole::Plain, |base| by_name(base))) {
                (ParagraphRole::Plain | ParagraphRole::Item, Some(level), _) => {
                    return ParagraphRole::Heading(level + 1);
                }
                (ParagraphRole::Item, ..) | (ParagraphRole::Plain, _, ParagraphRole::Item) => {
                    in_list = in_list.or(Some(true));
                }
                (ParagraphRole::Plain, _, found) | (found, ..) if found != ParagraphRole::Plain => {
                    return found;
                }
                _ => {}
            }
        }
        if in_list == Some(true) { ParagraphRole::Item } else { ParagraphRole::Plain }
    }

    /// Whether the style hides its letters; `None` if it does not say.
    pub(super) fn hides(&self, id: &str) -> Option<bool> {
        self.chain(id).find_map(|(_, style)| style.hidden)
    }

    /// The formatting of letters in this style.
    pub(super) fn formatting(&self, id: &str) -> Formatting {
        let script = self.chain(id).find_map(|(_, style)| style.script);
        let struck = self.chain(id).find_map(|(_, style)| style.struck);
        Formatting { script, struck: struck.unwrap_or(false) }
    }

    pub(super) fn numbers(&self, id: &str) -> StyleNumbers {
        let mut numbers = StyleNumbers::default();
        for (id, style) in self.chain(id) {
            numbers.level = numbers.level.or(style.level);
            if let Some(num) = &style.num {
                numbers.num = Some(num.clone()).filter(|num| num != "0");
                id.clone_into(&mut numbers.style);
                break;
            }
        }
        numbers
    }

    /// A style and its bases.
    fn chain<'a>(&'a self, id: &'a str) -> impl Iterator<Item = (&'a str, &'a Style)> {
        /// A chain of `basedOn` longer than this is a cycle.
        const MAX_CHAIN: usize = 16;
        let next = |(_, style): &(&str, &'a Style)| {
            let base = style.based_on.as_deref()?;
            Some((base, self.0.get(base)?))
        };
        std::iter::successors(self.0.get(id).map(|style| (id, style)), next).take(MAX_CHAIN)
    }
}

fn by_name(name: &str) -> ParagraphRole {
    let name = name.to_ascii_lowercase().replace(' ', "");
    if name == "title" {
        return ParagraphRole::Title;
    }
    if let Some(level) = name.strip_prefix("heading").and_then(|level| level.parse().ok()) {
        return ParagraphRole::Heading(level);
    }
    if name.starts_with("listbullet") || name.starts_with("listnumber") {
        return ParagraphRole::Item;
    }
    ParagraphRole::Plain
}

/// Reads `word/styles.xml` as far as possible.
pub(super) fn read(part: &str) -> DocxStyles {
    let mut reading = Reading::default();
    let _ = xml::read(part, &mut reading);
    reading.styles.extend(reading.current);
    DocxStyles(reading.styles)
}

#[derive(Default)]
struct Reading {
    styles: HashMap<String, Style>,
    current: Option<(String, Style)>,
}

impl XmlHandler for Reading {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        if name == "style" {
            self.styles.extend(self.current.take());
            self.current = attribute(element, "styleId").map(|id| (id, Style::default()));
        } else if let Some((_, style)) = &mut self.current {
            describe(style, name, element);
        }
    }

    fn end(&mut self, _: &str) {}

    fn text(&mut self, _: &str) {}
}

fn describe(style: &mut Style, name: &str, element: &Element<'_>) {
    let value = || attribute(element, "val");
    match name {
        "name" => style.named = by_name(&value().unwrap_or_default()),
        "basedOn" => style.based_on = value(),
        "outlineLvl" => style.outline = value().and_then(|level| level.parse().ok()),
        "numId" => style.num = value(),
        "ilvl" => style.level = value().and_then(|level| level.parse().ok()),
        "vanish" => style.hidden = Some(!value().is_some_and(|value| is_off(&value))),
        "strike" | "dstrike" => {
            let is_on = !value().is_some_and(|value| is_off(&value));
            // Writers give both properties: a `dstrike` that is off does not undo `strike`.
            if is_on || name == "strike" {
                style.struck = Some(is_on);
            }
        }
        "vertAlign" => style.script = script(&value().unwrap_or_default()),
        _ => {}
    }
}
