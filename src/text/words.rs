//! The words of a text, for comparing texts.

use std::ops::Range;

use memchr::memmem;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::{fold, is_unspaced, links, markup, visible};

/// A text reduced to what a quotation must share with its source: words in lower case without accents,
/// separated by single spaces. Punctuation, typography, markup and link targets are removed; signs that
/// change the meaning (`<`, `=`, `%`, `$`...) stay.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Words {
    /// Begins and ends with a space, so that only whole words are found.
    pub(super) text: String,
    /// For each byte of `text`, the bytes of the original it came from.
    origin: Vec<Origin>,
    /// The same without tags, comments and labels of links, if it has any: a reader does not see them, but in
    /// code they may be what is quoted.
    untagged: Option<Box<Self>>,
}

/// Offset of the first byte, and after the last. Texts are smaller than 4 GB.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Origin {
    start: u32,
    end: u32,
}

impl From<&Range<usize>> for Origin {
    fn from(range: &Range<usize>) -> Self {
        Self { start: range.start as u32, end: range.end as u32 }
    }
}

impl Words {
    pub fn of(text: &str) -> Self {
        let (mut words, is_tagged) = Self::read(text, true);
        if is_tagged {
            words.untagged = Some(Box::new(Self::read(text, false).0));
        }
        words
    }

    /// The words of a text, with or without its tags, and whether it has any tags.
    fn read(text: &str, with_tags: bool) -> (Self, bool) {
        let mut is_tagged = false;
        // Nearly always as long as the text, with a space at either end.
        let room = text.len() + 2;
        let mut words = Self {
            text: String::with_capacity(room),
            origin: Vec::with_capacity(room),
            untagged: None,
        };
        words.push(' ', &(0..0));
        let mut target_end = 0;
        // Position of the `>>` that closes `<<id,`.
        let mut hidden = usize::MAX;
        let mut line_start = true;
        for (at, c) in text.char_indices() {
            if at < target_end {
                continue;
            }
            // A shortcut for most characters of most texts, with the same result as the code below.
            if c.is_ascii_alphanumeric() {
                line_start = false;
                words.push(c.to_ascii_lowercase(), &(at..at + 1));
                continue;
            }
            if is_invisible(c) {
                continue;
            }
            if at == hidden {
                target_end = at + ">>".len();
                continue;
            }
            let of_macro =
                if c == ':' { links::link_macro(&text[..at], &text[at..]) } else { None };
            if let Some((name, length)) = of_macro {
                is_tagged = true;
                if !with_tags {
                    words.text.truncate(words.text.len() - name);
                    words.origin.truncate(words.text.len());
                    target_end = at + length;
                    continue;
                }
            }
            let may_be_tag = matches!(c, '<' | ':' | ']');
            if let Some(tag) = may_be_tag.then(|| markup::inline(&text[at..])).flatten() {
                is_tagged = true;
                if !with_tags {
                    target_end = at + tag.length;
                    if let Some((_, length)) = links::cross_reference(&text[at..]) {
                        hidden = at + length - ">>".len();
                    }
                    if tag.parts_words {
                        words.space(&(at..target_end));
                    }
                    continue;
                }
            }
            let entity = if c == '&' { entity(&text[at..]) } else { None };
            let (c, length) = entity.unwrap_or((c, c.len_utf8()));
            target_end = at + length;
            if text[at..].starts_with("](") {
                target_end = at + links::link_target(&text[at..]).unwrap_or(1);
            }
            let quote_marker = c == '>' && length == 1 && line_start;
            let blank = c.is_whitespace() || c.is_control();
            line_start = c == '\n' || (line_start && (blank || quote_marker));
            let origin = at..at + length;
            if quote_marker || !is_telling(c) {
                words.space(&origin);
                continue;
            }
            let before = words.text.len();
            for part in c.nfkd().filter(|&part| !is_combining_mark(part)) {
                for lower in part.to_lowercase().filter_map(fold::letter) {
                    words.push(lower, &origin);
                }
            }
            // `< s>` equals `<s>`, and `x < 5` becomes `x <5`.
            if words.text.ends_with('<') {
                words.space(&(origin.end..origin.end));
            }
            // A mark belongs to its letter.
            if words.text.len() == before
                && !words.text.ends_with(' ')
                && let Some(last) = words.origin.last_mut()
            {
                last.end = origin.end as u32;
            }
        }
        let end = text.len();
        words.space(&(end..end));
        (words, is_tagged)
    }

    /// Finds these words in the original, next to each other and in this order.
    pub fn find(&self, quote: &Self) -> Option<Range<usize>> {
        self.find_in_order(std::slice::from_ref(quote))
    }

    /// Finds these quotations in the original one after the other, with anything between them.
    pub fn find_in_order(&self, quotes: &[Self]) -> Option<Range<usize>> {
        let untagged = || self.untagged.as_ref()?.find_as_read(quotes);
        self.find_as_read(quotes).or_else(untagged)
    }

    fn find_as_read(&self, quotes: &[Self]) -> Option<Range<usize>> {
        let mut from = 0;
        let mut found: Option<Range<usize>> = None;
        for quote in quotes.iter().filter(|quote| !quote.is_empty()) {
            let wanted = quote.wanted();
            let at = from + memmem::find(&self.text.as_bytes()[from..], wanted.as_bytes())?;
            let first = at + usize::from(wanted.starts_with(' '));
            // The space at the end of one may be the start of the next.
            from = at + wanted.trim_end_matches(' ').len();
            let (start, end) =
                (self.origin[first].start as usize, self.origin[from - 1].end as usize);
            found = Some(found.map_or(start..end, |first| first.start..end));
        }
        found
    }

    /// The part of a quotation that must be found: whole words, where spaces separate words.
    fn wanted(&self) -> &str {
        let words = self.text.trim_matches(' ');
        let start = usize::from(words.starts_with(is_unspaced));
        let end = self.text.len() - usize::from(words.ends_with(is_unspaced));
        &self.text[start..end]
    }

    pub fn is_empty(&self) -> bool {
        self.text.len() < 2
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.text.split_ascii_whitespace()
    }

    fn space(&mut self, origin: &Range<usize>) {
        if !self.text.ends_with(' ') {
            self.push(' ', origin);
        }
    }

    fn push(&mut self, c: char, origin: &Range<usize>) {
        self.text.push(c);
        self.origin.extend(std::iter::repeat_n(Origin::from(origin), c.len_utf8()));
    }
}

fn is_telling(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || "<>=+%$".contains(c);
    }
    c.is_alphanumeric() || is_combining_mark(c) || "€£¥°＜＞＝＋％＄￡￥".contains(c)
}

/// Emphasis and invisible characters: inside a word, but not part of it.
fn is_invisible(c: char) -> bool {
    if c.is_ascii() {
        return matches!(c, '*' | '`');
    }
    fold::is_invisible(c) || visible::is_nothing(c)
}

/// The character of the entity at the start of a text, and the length of the entity. A model may write `&lt;`
/// for `<`, or the other way round.
fn entity(text: &str) -> Option<(char, usize)> {
    const ENTITIES: [(&str, char); 5] =
        [("&lt;", '<'), ("&gt;", '>'), ("&amp;", '&'), ("&quot;", '"'), ("&#39;", '\'')];
    let (name, sign) = ENTITIES.into_iter().find(|(name, _)| text.starts_with(name))?;
    Some((sign, name.len()))
}
