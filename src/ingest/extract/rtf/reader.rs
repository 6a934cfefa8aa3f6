//! Control words and letters of an RTF → paragraphs.

use super::fonts::{Font, Fonts, character_set, code_page};
use super::rows::Rows;
use super::styles::RtfStyles;
use super::words::{RtfDestination, destination, sign};
use crate::ingest::document::single_spaced;
use crate::ingest::extract::formatting::{Formatted, Formatting, Script};
use crate::ingest::extract::prose::{Paragraph, ParagraphRole, Prose};

/// The state of a group, which ends with it.
#[derive(Clone, Copy)]
struct State {
    destination: RtfDestination,
    /// How many letters after a Unicode letter repeat it for old readers.
    fallback: usize,
    font: i32,
    hidden: bool,
    deleted: bool,
    formatting: Formatting,
    paragraph: Properties,
    /// Whether this group is the note that the group around it has started.
    begins_note: bool,
}

/// Properties of a paragraph.
#[derive(Clone, Copy, Default)]
struct Properties {
    style: i32,
    /// Outline level, from 0.
    outline: Option<u8>,
    level: usize,
    in_list: bool,
    in_table: bool,
}

/// A text being read: that of the document, or of a note.
#[derive(Default)]
struct Text {
    paragraph: Paragraph,
    /// The formatting at the end of its text so far.
    formatted: Formatted,
    /// The finished paragraphs of a note.
    note: String,
    author: String,
}

pub(super) struct RtfReader {
    /// Whether comments are text, besides other notes.
    comments: bool,
    state: State,
    states: Vec<State>,
    fonts: Fonts,
    defined_font: i32,
    styles: RtfStyles,
    /// The open texts, the current one last.
    texts: Vec<Text>,
    prose: Prose,
    rows: Rows,
    count: u32,
    title: String,
    author: String,
    /// Letters waiting to be decoded.
    bytes: Vec<u8>,
    /// The first half of a surrogate pair.
    half: Option<u16>,
    /// How many letters are still skipped, because they repeat a Unicode letter.
    skip: usize,
    /// Whether only `\*` has been read of the group.
    ignorable: bool,
    first: bool,
}

impl RtfReader {
    /// `comments`: whether reviewers' comments are text.
    pub(super) fn new(comments: bool) -> Self {
        let state = State {
            destination: RtfDestination::Text,
            fallback: 1,
            font: 0,
            hidden: false,
            deleted: false,
            formatting: Formatting::default(),
            paragraph: Properties::default(),
            begins_note: false,
        };
        Self {
            comments,
            state,
            states: Vec::new(),
            fonts: Fonts::default(),
            defined_font: 0,
            styles: RtfStyles::default(),
            texts: vec![Text::default()],
            prose: Prose::default(),
            rows: Rows::default(),
            count: 0,
            title: String::new(),
            author: String::new(),
            bytes: Vec::new(),
            half: None,
            skip: 0,
            ignorable: false,
            first: false,
        }
    }

    pub(super) fn depth(&self) -> usize {
        self.states.len()
    }

    pub(super) fn open(&mut self) {
        self.flush();
        self.skip = 0;
        self.states.push(self.state);
        self.state.begins_note = false;
        (self.first, self.ignorable) = (true, false);
    }

    pub(super) fn close(&mut self) {
        self.flush();
        self.skip = 0;
        if self.state.begins_note {
            self.end_note();
        }
        if let Some(state) = self.states.pop() {
            self.state = state;
        }
        (self.first, self.ignorable) = (false, false);
    }

    pub(super) fn set_ignorable(&mut self) {
        self.ignorable = self.first;
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.first = false;
        if self.skip > 0 {
            self.skip -= 1;
        } else if self.state.destination != RtfDestination::Nothing {
            self.bytes.push(byte);
        }
    }

    pub(super) fn word(&mut self, word: &str, number: Option<i32>) {
        let (first, ignorable) = (self.first, self.ignorable);
        (self.first, self.ignorable) = (false, false);
        if word == "u" {
            return self.unicode(number.unwrap_or(0));
        }
        self.flush();
        self.skip = 0;
        if self.state.destination == RtfDestination::Nothing && word != "ud" {
            return;
        }
        match destination(word) {
            Some(RtfDestination::Note) => return self.begin_note(String::new()),
            Some(destination) => {
                if destination == RtfDestination::Author {
                    self.author.clear();
                }
                return self.state.destination = destination;
            }
            None if first && ignorable && word == "annotation" && self.comments => {
                let author = std::mem::take(&mut self.author);
                return self.begin_note(author);
            }
            None if first && ignorable => return self.state.destination = RtfDestination::Nothing,
            None => {}
        }
        match self.state.destination {
            RtfDestination::Fonts => self.define_font(word, number),
            RtfDestination::Styles => self.styles.word(word, number),
            RtfDestination::Info if word == "title" => {
                self.state.destination = RtfDestination::Title;
            }
            RtfDestination::Info => self.state.destination = RtfDestination::Nothing,
            _ => self.text_word(word, number),
        }
    }

    fn begin_note(&mut self, author: String) {
        self.state.destination = RtfDestination::Note;
        self.state.begins_note = true;
        self.texts.push(Text { author, ..Text::default() });
    }

    fn define_font(&mut self, word: &str, number: Option<i32>) {
        let number = number.unwrap_or(0);
        if word == "f" {
            self.defined_font = number;
        }
        let font = self.fonts.fonts.entry(self.defined_font).or_default();
        match word {
            "f" => *font = Font::default(),
            "fcharset" => (font.encoding, font.is_symbol) = (character_set(number), number == 2),
            "cpg" => font.encoding = code_page(number).or(font.encoding),
            _ => {}
        }
    }

    fn text_word(&mut self, word: &str, number: Option<i32>) {
        let is_on = number != Some(0);
        if let Some(sign) = sign(word) {
            return self.push(sign);
        }
        if self.rows.define(word, number) {
            return;
        }
        let state = &mut self.state;
        match word {
            "ansicpg" => {
                self.fonts.encoding = number.and_then(code_page).unwrap_or(self.fonts.encoding);
            }
            "mac" => self.fonts.encoding = code_page(10_000).unwrap_or(self.fonts.encoding),
            "uc" => state.fallback = number.and_then(|n| usize::try_from(n).ok()).unwrap_or(1),
            "f" | "deff" => state.font = number.unwrap_or(0),
            "plain" => {
                (state.hidden, state.deleted) = (false, false);
                state.formatting = Formatting::default();
            }
            "super" => state.formatting.script = is_on.then_some(Script::Super),
            "sub" => state.formatting.script = is_on.then_some(Script::Sub),
            // Raised or lowered, in half points.
            "up" => state.formatting.script = is_on.then_some(Script::Super),
            "dn" => state.formatting.script = is_on.then_some(Script::Sub),
            "nosupersub" => state.formatting.script = None,
            "strike" | "striked" => state.formatting.struck = is_on,
            "v" => state.hidden = is_on,
            "deleted" => state.deleted = is_on,
            "pard" => state.paragraph = Properties::default(),
            "s" => state.paragraph.style = number.unwrap_or(0),
            "outlinelevel" => state.paragraph.outline = number.and_then(|n| u8::try_from(n).ok()),
            "ls" => state.paragraph.in_list = number.is_some_and(|list| list > 0),
            "ilvl" => {
                state.paragraph.level = number.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
            }
            "intbl" => state.paragraph.in_table = is_on,
            "par" | "sect" => self.end_paragraph(),
            "cell" => {
                self.end_paragraph_in(true);
                if self.texts.len() == 1 {
                    self.rows.end_cell();
                }
            }
            "nestcell" => self.end_paragraph_in(true),
            "row" if self.texts.len() == 1 => self.rows.end_row(),
            _ => {}
        }
    }

    fn unicode(&mut self, number: i32) {
        self.flush();
        let unit = number as u16;
        let letter = match (self.half.take(), unit) {
            (None, 0xD800..=0xDBFF) => {
                self.half = Some(unit);
                None
            }
            (half, unit) => {
                let units = half.into_iter().chain([unit]);
                char::decode_utf16(units).filter_map(Result::ok).last()
            }
        };
        let letter = letter.and_then(|letter| self.fonts.unicode(self.state.font, letter));
        if let Some(letter) = letter {
            self.push(letter.encode_utf8(&mut [0; 4]));
        }
        self.skip = self.state.fallback;
    }

    /// Decodes the waiting letters.
    fn flush(&mut self) {
        if self.bytes.is_empty() {
            return;
        }
        let font = match self.state.destination {
            RtfDestination::Fonts => self.defined_font,
            _ => self.state.font,
        };
        let bytes = std::mem::take(&mut self.bytes);
        let text = if self.state.destination == RtfDestination::Fonts {
            String::from_utf8_lossy(&bytes).into_owned()
        } else {
            self.fonts.decode(font, &bytes)
        };
        self.push(&text);
    }

    fn push(&mut self, text: &str) {
        let Some(current) = self.texts.last_mut() else { return };
        match self.state.destination {
            RtfDestination::Text | RtfDestination::Note => {
                if !self.state.hidden && !self.state.deleted {
                    current.formatted.set(&mut current.paragraph.text, self.state.formatting);
                    current.paragraph.text.push_str(text);
                }
            }
            RtfDestination::Label => current.paragraph.label.push_str(text),
            RtfDestination::Fonts => {
                let name = text.split(';').next().unwrap_or_default();
                let font = self.fonts.fonts.entry(self.defined_font).or_default();
                // Alternative names of the font follow.
                if font.name.is_empty() {
                    name.trim().clone_into(&mut font.name);
                }
            }
            RtfDestination::Styles => self.styles.text(text),
            RtfDestination::Title => self.title.push_str(text),
            RtfDestination::Author => self.author.push_str(text),
            RtfDestination::Info | RtfDestination::Nothing => {}
        }
    }

    fn end_paragraph(&mut self) {
        self.end_paragraph_in(self.state.paragraph.in_table);
    }

    fn end_paragraph_in(&mut self, in_table: bool) {
        let is_note = self.texts.len() > 1;
        let Some(current) = self.texts.last_mut() else { return };
        current.formatted.end(&mut current.paragraph.text);
        let mut paragraph = std::mem::take(&mut current.paragraph);
        if is_note {
            current.note.push_str(&paragraph.text);
            current.note.push('\n');
            return;
        }
        self.count += 1;
        paragraph.number = self.count;
        self.describe(&mut paragraph);
        if in_table {
            self.rows.add(paragraph);
        } else {
            if !self.rows.is_empty() {
                self.rows.write(&mut self.prose);
            }
            self.prose.add(paragraph);
        }
    }

    /// Applies its properties to a paragraph.
    fn describe(&self, paragraph: &mut Paragraph) {
        let properties = self.state.paragraph;
        let label = single_spaced(&paragraph.label);
        let has_label = !label.is_empty();
        // A label without letters or digits is a bullet.
        let is_number = label.contains(char::is_alphanumeric);
        paragraph.label = if is_number { label } else { String::new() };
        paragraph.level = properties.level;
        paragraph.meaning = match properties.outline {
            Some(level @ 0..9) => ParagraphRole::Heading(level + 1),
            _ => self.styles.meaning(properties.style),
        };
        if paragraph.meaning == ParagraphRole::Plain && (has_label || properties.in_list) {
            paragraph.meaning = ParagraphRole::Item;
        }
    }

    fn end_note(&mut self) {
        if self.texts.len() < 2 {
            return;
        }
        let Some(Text { mut paragraph, mut formatted, note, author }) = self.texts.pop() else {
            return;
        };
        formatted.end(&mut paragraph.text);
        let within = paragraph.notes.join(" ");
        let text = single_spaced(&format!("{note}{}\n{within}", paragraph.text));
        let Some(current) = self.texts.last_mut() else { return };
        if !text.is_empty() {
            let author = single_spaced(&author);
            current.paragraph.notes.push(if author.is_empty() {
                text
            } else {
                format!("Comment by {author}: {text}")
            });
        }
    }

    /// The document's own title, and its text.
    pub(super) fn finish(mut self) -> (Option<String>, Prose) {
        while self.texts.len() > 1 {
            self.end_note();
        }
        let rest = &self.texts[0].paragraph;
        if !rest.text.trim().is_empty() || !rest.notes.is_empty() {
            self.end_paragraph();
        }
        if !self.rows.is_empty() {
            self.rows.write(&mut self.prose);
        }
        let title = single_spaced(&self.title);
        (Some(title).filter(|title| !title.is_empty()), self.prose.finish())
    }
}
