//! The sections of a Markdown text.
//!
//! Headings are found line by line: ATX (`# Title`) and setext (`Title` underlined with `=` or `-`),
//! neither inside fenced code nor in HTML comments.

use super::sections::Sections;

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

/// What a line comes after.
#[derive(Clone, Copy)]
enum Above {
    /// Nothing that it could belong to.
    Blank,
    /// A paragraph that began there: a setext underline turns it into a heading.
    Paragraph(usize),
    /// A list item, a quote, a table.
    Block,
}

/// Cuts a text at its headings, without its front matter.
pub(super) fn sections(text: &str) -> Sections {
    let start = front_matter(text);
    let mut sections = Sections::new(start);
    let mut fence: Option<&str> = None;
    let mut comment = false;
    let mut above = Above::Blank;
    let mut at = start;
    for line in text[start..].split_inclusive('\n') {
        let (begin, end) = (at, at + line.len());
        at = end;
        if let Some(marker) = fence {
            if closes(line, marker) {
                fence = None;
            }
        } else if comment {
            comment = !line.contains("-->");
        } else if let Some(marker) = opening_fence(line) {
            (fence, above) = (Some(marker), Above::Blank);
        } else if let Some((level, title)) = atx(line) {
            sections.open(begin, end, level, plain(title));
            above = Above::Blank;
        } else if let (Above::Paragraph(from), Some(level)) = (above, setext(line)) {
            sections.open(from, end, level, plain(&text[from..begin]));
            above = Above::Blank;
        } else if line.trim_start().starts_with("<!--") {
            (comment, above) = (!line.contains("-->"), Above::Blank);
        } else if line.trim().is_empty() {
            above = Above::Blank;
        } else if starts_other_block(line) {
            above = Above::Block;
        } else if matches!(above, Above::Blank) {
            above = if indent(line) < 4 { Above::Paragraph(begin) } else { Above::Block };
        }
    }
    sections
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Level and raw title of an ATX heading.
fn atx(line: &str) -> Option<(usize, &str)> {
    let rest = line.trim_start_matches(' ');
    let title = rest.trim_start_matches('#');
    let level = rest.len() - title.len();
    let is_heading = indent(line) < 4
        && (1..=6).contains(&level)
        && (title.is_empty() || title.starts_with(char::is_whitespace));
    if !is_heading {
        return None;
    }
    let title = title.trim();
    let open = title.trim_end_matches('#');
    // Closing marks count as such only after a space.
    let closed = open.is_empty() || open.ends_with(char::is_whitespace);
    Some((level, if closed { open.trim_end() } else { title }))
}

fn setext(line: &str) -> Option<usize> {
    let mark = line.trim();
    let all = |c: char| !mark.is_empty() && mark.chars().all(|m| m == c);
    match () {
        () if indent(line) >= 4 => None,
        () if all('=') => Some(1),
        () if all('-') => Some(2),
        () => None,
    }
}

/// The run of backticks or tildes that opens fenced code.
fn opening_fence(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches(' ');
    let mark = rest.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let info = rest.trim_start_matches(mark);
    let marker = &rest[..rest.len() - info.len()];
    let inline = mark == '`' && info.contains('`');
    (indent(line) < 4 && marker.len() >= 3 && !inline).then_some(marker)
}

fn closes(line: &str, marker: &str) -> bool {
    let mark = line.trim();
    indent(line) < 4
        && mark.len() >= marker.len()
        && mark.trim_start_matches(&marker[..1]).is_empty()
}

/// List items, quotes and table rows: an underline below them is none.
fn starts_other_block(line: &str) -> bool {
    let line = line.trim_start();
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with(['>', '|'])
        || line.starts_with("- ")
        || line.starts_with("* ")
        || line.starts_with("+ ")
        || (digits.len() < line.len() && (digits.starts_with(". ") || digits.starts_with(") ")))
}

/// The words of a heading, without inline markup.
fn plain(title: &str) -> String {
    let title = match title.trim_end().rfind("{#") {
        Some(id) if title.trim_end().ends_with('}') => &title[..id],
        _ => title,
    };
    let mut words = String::with_capacity(title.len());
    let mut code = false;
    let mut rest = title;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        rest = after;
        match character {
            '`' => code = !code,
            _ if code => words.push(character),
            '\\' if after.starts_with(|next: char| next.is_ascii_punctuation()) => {
                words.push_str(&after[..1]);
                rest = &after[1..];
            }
            ']' if after.starts_with('(') => {
                rest = after.find(')').map_or(after, |close| &after[close + 1..]);
            }
            '<' if after.starts_with(|next: char| next.is_ascii_alphabetic() || next == '/') => {
                rest = after.find('>').map_or(after, |close| &after[close + 1..]);
            }
            '!' if after.starts_with('[') => {}
            '*' | '[' | ']' => {}
            _ => words.push(character),
        }
    }
    words.trim().to_owned()
}
