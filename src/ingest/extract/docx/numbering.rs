//! The numbers of paragraphs, as defined in `word/numbering.xml`: `2.1`, `§ 4.2`, `Article 7`, `(a)`, `iv.`

use std::collections::{HashMap, HashSet};

use super::styles::DocxStyles;
use crate::ingest::extract::numeral::NumeralStyle;
use crate::ingest::extract::xml::{self, Element, XmlHandler, attribute};

/// Levels of a list.
pub(super) const LEVELS: usize = 9;

/// Longest pattern of a number, in bytes: every paragraph repeats it.
const LONGEST_PATTERN: usize = 100;

#[derive(Clone, Debug)]
struct Level {
    start: u32,
    numeral: NumeralStyle,
    /// `%1.%2`: where the numbers of the levels go.
    pattern: String,
    /// Whether all of its numbers are decimal.
    legal: bool,
    /// The level (from 1) whose paragraphs restart this one; 0 for none. If it is not given, all higher levels
    /// do.
    restart: Option<usize>,
    /// The style whose paragraphs are on this level.
    style: Option<String>,
}

impl Default for Level {
    fn default() -> Self {
        Self {
            start: 0,
            numeral: NumeralStyle::Decimal,
            pattern: String::new(),
            legal: false,
            restart: None,
            style: None,
        }
    }
}

#[derive(Default, Debug)]
struct Abstract {
    levels: [Level; LEVELS],
    /// The style whose levels are used instead.
    link: Option<String>,
}

#[derive(Default, Debug)]
struct Num {
    of: String,
    starts: [Option<u32>; LEVELS],
    levels: HashMap<usize, Level>,
}

/// The lists of a document, and how far each has been counted.
#[derive(Default, Debug)]
pub(super) struct DocxNumbering {
    abstracts: HashMap<String, Abstract>,
    nums: HashMap<String, Num>,
    /// Counters by abstract list: lists that share one continue each other's numbers.
    counts: HashMap<String, [Option<u32>; LEVELS]>,
    /// Lists and levels whose own start value has been used.
    started: HashSet<(String, usize)>,
}

/// The lists of a document. They are read when the first paragraph needs them: most documents define lists that
/// no paragraph uses.
pub(super) struct DocxLists<'a> {
    read: Option<&'a mut dyn FnMut() -> DocxNumbering>,
    numbering: DocxNumbering,
}

impl<'a> DocxLists<'a> {
    pub(super) fn new(read: &'a mut dyn FnMut() -> DocxNumbering) -> Self {
        Self { read: Some(read), numbering: DocxNumbering::default() }
    }

    /// For text whose paragraphs are not numbered.
    pub(super) fn none() -> Self {
        Self { read: None, numbering: DocxNumbering::default() }
    }

    pub(super) fn numbering(&mut self) -> &mut DocxNumbering {
        if let Some(read) = self.read.take() {
            self.numbering = read();
        }
        &mut self.numbering
    }
}

impl DocxNumbering {
    /// The level of the list that belongs to a style.
    pub(super) fn level_of(&self, num: &str, style: &str, styles: &DocxStyles) -> Option<usize> {
        let (_, list) = self.resolved(num, styles)?;
        list.levels.iter().position(|level| level.style.as_deref() == Some(style))
    }

    /// Counts a paragraph and returns its number; empty for a bullet, `None` if there is no such list.
    pub(super) fn count(&mut self, num: &str, level: usize, styles: &DocxStyles) -> Option<String> {
        let level = level.min(LEVELS - 1);
        let (of, list) = self.resolved(num, styles)?;
        let own = self.nums.get(num)?;
        let at = |index: usize| own.levels.get(&index).unwrap_or(&list.levels[index]);
        let here = at(level);
        let mut counts = self.counts.get(of).copied().unwrap_or_default();
        let key = (num.to_owned(), level);
        let start = own.starts[level].filter(|_| !self.started.contains(&key));
        counts[level] = Some(match (start, counts[level]) {
            (Some(start), _) => start,
            (None, Some(count)) => count.saturating_add(1),
            (None, None) => here.start,
        });
        for (deeper, count) in counts.iter_mut().enumerate().skip(level + 1) {
            if level < at(deeper).restart.unwrap_or(deeper).min(deeper) {
                *count = None;
            }
        }
        let number = |index: usize| {
            let its = at(index);
            let numeral = if here.legal && its.numeral != NumeralStyle::Bullet {
                NumeralStyle::Decimal
            } else {
                its.numeral
            };
            numeral.of(counts[index].unwrap_or(its.start))
        };
        let label = match here.numeral {
            NumeralStyle::Bullet => String::new(),
            _ => filled(&here.pattern, number),
        };
        let of = of.to_owned();
        self.started.insert(key);
        self.counts.insert(of, counts);
        Some(label)
    }

    /// The abstract list of a list, through a style if it has no levels itself.
    fn resolved<'a>(
        &'a self,
        num: &str,
        styles: &'a DocxStyles,
    ) -> Option<(&'a str, &'a Abstract)> {
        let of = &self.nums.get(num)?.of;
        let (of, list) = self.abstracts.get_key_value(of)?;
        let Some(link) = &list.link else { return Some((of, list)) };
        let num = styles.numbers(link).num?;
        let (of, list) = self.abstracts.get_key_value(&self.nums.get(&num)?.of)?;
        Some((of, list))
    }
}

/// A pattern with the numbers filled in.
fn filled(pattern: &str, number: impl Fn(usize) -> String) -> String {
    let mut out = String::new();
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        let level = characters.peek().and_then(|next| next.to_digit(10));
        match level {
            Some(level @ 1..=9) if character == '%' => {
                out.push_str(&number(level as usize - 1));
                characters.next();
            }
            _ => out.push(character),
        }
    }
    out.trim().to_owned()
}

/// Reads `word/numbering.xml` as far as possible.
pub(super) fn read(part: &str) -> DocxNumbering {
    let mut reading = Reading::default();
    let _ = xml::read(part, &mut reading);
    reading.numbering
}

#[derive(Default)]
struct Reading {
    numbering: DocxNumbering,
    in_abstract: Option<String>,
    in_num: Option<String>,
    level: Option<(usize, Level)>,
    /// The level whose override is being read.
    overridden: Option<usize>,
}

impl XmlHandler for Reading {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        let value = || attribute(element, "val").unwrap_or_default();
        match name {
            "abstractNum" => {
                self.in_abstract = attribute(element, "abstractNumId");
                if let Some(id) = &self.in_abstract {
                    self.numbering.abstracts.insert(id.clone(), Abstract::default());
                }
            }
            "num" => {
                self.in_num = attribute(element, "numId");
                if let Some(id) = &self.in_num {
                    self.numbering.nums.insert(id.clone(), Num::default());
                }
            }
            "abstractNumId" => self.of_num(|num| num.of = value()),
            "numStyleLink" => {
                let list = self.in_abstract.as_ref();
                if let Some(list) = list.and_then(|id| self.numbering.abstracts.get_mut(id)) {
                    list.link = Some(value());
                }
            }
            "lvl" => {
                let level = attribute(element, "ilvl").and_then(|level| level.parse().ok());
                let level = level.filter(|level| *level < LEVELS);
                self.level = level.map(|level| (level, Level::default()));
            }
            "lvlOverride" => {
                let level = attribute(element, "ilvl").and_then(|level| level.parse().ok());
                self.overridden = level.filter(|level| *level < LEVELS);
            }
            "startOverride" => {
                if let Some(level) = self.overridden {
                    self.of_num(|num| num.starts[level] = value().parse().ok());
                }
            }
            _ => {
                if let Some((_, level)) = &mut self.level {
                    describe(level, name, element);
                }
            }
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "lvl" => self.end_level(),
            "lvlOverride" => self.overridden = None,
            "abstractNum" => self.in_abstract = None,
            "num" => self.in_num = None,
            _ => {}
        }
    }

    fn text(&mut self, _: &str) {}
}

impl Reading {
    fn of_num(&mut self, change: impl FnOnce(&mut Num)) {
        if let Some(num) = self.in_num.as_ref().and_then(|id| self.numbering.nums.get_mut(id)) {
            change(num);
        }
    }

    fn end_level(&mut self) {
        let Some((index, level)) = self.level.take() else { return };
        if self.in_num.is_some() {
            self.of_num(|num| {
                num.levels.insert(index, level);
            });
        } else if let Some(id) = &self.in_abstract
            && let Some(list) = self.numbering.abstracts.get_mut(id)
        {
            list.levels[index] = level;
        }
    }
}

fn describe(level: &mut Level, name: &str, element: &Element<'_>) {
    let value = || attribute(element, "val").unwrap_or_default();
    match name {
        "start" => level.start = value().parse().unwrap_or(0),
        "numFmt" => level.numeral = NumeralStyle::named(&value()),
        "lvlText" => {
            let pattern = value();
            let end = pattern.floor_char_boundary(LONGEST_PATTERN);
            pattern[..end].clone_into(&mut level.pattern);
        }
        "isLgl" => level.legal = !is_off(&value()),
        "lvlRestart" => level.restart = value().parse().ok(),
        "pStyle" => level.style = Some(value()),
        _ => {}
    }
}

/// Whether the value of a property turns it off.
pub(super) fn is_off(value: &str) -> bool {
    matches!(value, "0" | "false" | "off")
}
