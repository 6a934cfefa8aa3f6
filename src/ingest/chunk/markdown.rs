//! The sections of a Markdown text: its headings as `CommonMark` has them.
//!
//! Headings in block quotes belong to the quoted text. Headings in lists count like any other.

use std::ops::Range;

use pulldown_cmark::{BrokenLink, CowStr, Event, Options, Parser, Tag, TagEnd};

use super::sections::Sections;
use crate::ingest::document::single_spaced;

/// Extensions to `CommonMark` that change where headings are or what they say. Attributes (`{#id}`) are left
/// out: `GET /users/{id}` would lose its end.
const OPTIONS: Options =
    Options::ENABLE_TABLES.union(Options::ENABLE_FOOTNOTES).union(Options::ENABLE_STRIKETHROUGH);

/// Length of the front matter (`---` or `+++` around metadata) at the very start.
pub(super) fn front_matter(text: &str) -> usize {
    let mut lines = text.split_inclusive('\n');
    let Some(opening) = lines.next().map(str::trim_end) else { return 0 };
    let closing: &[&str] = match opening {
        "---" => &["---", "..."],
        "+++" => &["+++"],
        _ => return 0,
    };
    let mut end = text.find('\n').map_or(text.len(), |at| at + 1);
    for (number, line) in lines.enumerate() {
        // Text after a thematic break rarely looks like a key, a comment or a table header.
        if number == 0 && !line.starts_with(['#', '[']) && !line.contains([':', '=']) {
            return 0;
        }
        end += line.len();
        if closing.contains(&line.trim_end()) {
            return end;
        }
    }
    0
}

/// Longest front matter that is kept, in bytes: longer ones are settings of a site, not a page's author, date
/// and tags.
const LONGEST_FRONT_MATTER: usize = 4000;

/// Cuts a text at its headings. Front matter is kept in the first section, so that a search finds it together
/// with the page's text.
pub(super) fn sections(text: &str) -> Sections {
    let start = front_matter(text);
    let alone = text[start..].trim().is_empty();
    let kept = if start <= LONGEST_FRONT_MATTER && !alone { 0 } else { start };
    let mut sections = Sections::after(kept, start);
    for Heading { range, level, title } in headings(&text[start..]) {
        sections.open(start + range.start, start + range.end, level, title);
    }
    sections
}

/// The text of the first heading.
pub(super) fn title(text: &str) -> Option<String> {
    headings(&text[front_matter(text)..]).next().map(|heading| heading.title)
}

struct Heading {
    range: Range<usize>,
    level: usize,
    title: String,
}

fn headings(text: &str) -> impl Iterator<Item = Heading> {
    // The brackets of `[1.2.0]` are markup, whether or not a link is defined for it.
    let nowhere = |_: BrokenLink<'_>| Some((CowStr::Borrowed(""), CowStr::Borrowed("")));
    let parser = Parser::new_with_broken_link_callback(text, OPTIONS, Some(nowhere));
    let mut events = parser.into_offset_iter();
    let mut quotes = 0;
    let mut title: Option<String> = None;
    std::iter::from_fn(move || {
        loop {
            let (event, range) = events.next()?;
            match event {
                Event::Start(Tag::BlockQuote(_)) => quotes += 1,
                Event::End(TagEnd::BlockQuote(_)) => quotes -= 1,
                Event::Start(Tag::Heading { .. }) if quotes == 0 => title = Some(String::new()),
                Event::End(TagEnd::Heading(level)) => {
                    // A table whose second line was not finished.
                    let title = title.take().filter(|_| !text[range.clone()].starts_with('|'));
                    if let Some(title) = title {
                        let title = single_spaced(without_id(&title));
                        return Some(Heading { range, level: level as usize, title });
                    }
                }
                Event::Text(words) | Event::Code(words) => say(&mut title, &words),
                Event::SoftBreak | Event::HardBreak => say(&mut title, " "),
                _ => {}
            }
        }
    })
}

/// A title without its id: `Title {#id}`.
fn without_id(title: &str) -> &str {
    let id = title.rfind("{#").filter(|_| title.trim_end().ends_with('}'));
    id.map_or(title, |id| &title[..id])
}

/// Appends to the title of the open heading, if there is one.
fn say(title: &mut Option<String>, words: &str) {
    if let Some(title) = title {
        title.push_str(words);
    }
}
