//! The sections of an `AsciiDoc` document.
//!
//! A title is marked with `=` (or `#`, as in Markdown), or underlined in the older style. A delimited block
//! (listing, example, table, comment) contains no titles.

use super::sections::Sections;

/// The characters of the older underlines, by level.
const UNDERLINES: [char; 5] = ['=', '-', '~', '^', '+'];

/// How much longer or shorter than its title an underline may be.
const TOLERANCE: usize = 1;

/// Cuts a text at its section titles.
pub(super) fn sections(text: &str) -> Sections {
    let mut sections = Sections::new(0);
    let mut lines = text.split_inclusive('\n').peekable();
    let mut block: Option<&str> = None;
    let mut open = true;
    let mut start = 0;
    while let Some(raw) = lines.next() {
        let begin = start;
        start += raw.len();
        let line = raw.trim_end();
        if let Some(delimiter) = block {
            if line == delimiter {
                block = None;
            }
            continue;
        }
        let underlined = lines.peek().filter(|_| open).and_then(|next| underlined(line, next));
        if let Some(level) = underlined {
            start += lines.next().map_or(0, str::len);
            sections.open(begin, start, level, plain(line));
        } else if let Some((level, title)) = marked(line) {
            sections.open(begin, start, level, plain(title));
        } else if is_delimiter(line) {
            // The line that opens a fenced block may name its language.
            block = Some(if line.starts_with("```") { "```" } else { line });
        }
        open = line.is_empty() || line.starts_with(['[', ':']) || line.starts_with("//");
    }
    sections
}

/// Level and title of `== Title`.
fn marked(line: &str) -> Option<(usize, &str)> {
    let mark = line.chars().next().filter(|mark| matches!(mark, '=' | '#'))?;
    let title = line.trim_start_matches(mark);
    let level = line.len() - title.len();
    if level > 6 || !title.starts_with(' ') || title.trim().is_empty() {
        return None;
    }
    // The same marks may close it.
    let closed = title.strip_suffix(&line[..level]).filter(|title| title.ends_with(' '));
    Some((level, closed.unwrap_or(title).trim()))
}

/// Level of a title with `next` below it.
fn underlined(title: &str, next: &str) -> Option<usize> {
    let line = next.trim_end();
    let mark = line.chars().next()?;
    let level = UNDERLINES.iter().position(|known| *known == mark)?;
    let same = line.chars().all(|other| other == mark);
    let is_text = title.starts_with(|c: char| c.is_alphanumeric() || "`\"'({_*".contains(c));
    let fits = line.len() >= 2 && title.chars().count().abs_diff(line.len()) <= TOLERANCE;
    (same && is_text && fits).then_some(level + 1)
}

/// Whether a line opens a block that ends with the same line.
fn is_delimiter(line: &str) -> bool {
    let Some(mark) = line.chars().next() else { return false };
    let same = line.chars().all(|other| other == mark);
    match mark {
        '-' | '.' | '=' | '*' | '_' | '+' | '/' if same => line.len() >= 4 || line == "--",
        '`' => line.starts_with("```") && !line[3..].contains('`'),
        '|' | ',' | ':' | '!' => &line[1..] == "===",
        _ => false,
    }
}

/// The text of a title, without anchors and inline markup.
fn plain(title: &str) -> String {
    let mut words = String::with_capacity(title.len());
    let mut rest = title;
    while let Some(start) = rest.find("[[") {
        let Some(end) = rest[start..].find("]]") else { break };
        words.push_str(&rest[..start]);
        rest = &rest[start + end + 2..];
    }
    words.push_str(rest);
    words.replace(['`', '*'], "").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        sections(text).paths().map(|path| path.join(" > ")).collect()
    }

    #[test]
    fn marks_and_underlines_make_levels() {
        let text = "= Guide\nAuthor <a@b>\n:toc:\n\n== Install\n\ntext\n\n=== From source ===\n\n[[use]]\n== [[here]]Use `it`\n";
        assert_eq!(
            paths(text),
            ["Guide", "Guide > Install", "Guide > Install > From source", "Guide > Use it"]
        );
        let text = "git-add(1)\n==========\n\nNAME\n----\ngit-add - Add\n\nOPTIONS\n-------\ntext\n\nDetails\n~~~~~~~\n";
        assert_eq!(
            paths(text),
            [
                "git-add(1)",
                "git-add(1) > NAME",
                "git-add(1) > OPTIONS",
                "git-add(1) > OPTIONS > Details"
            ]
        );
    }

    #[test]
    fn blocks_hold_no_titles() {
        for delimiter in ["----", "....", "====", "****", "____", "++++", "////", "--", "|==="] {
            let text = format!("= T\n\n{delimiter}\n== inside\n\n{delimiter}\n\n== after\n");
            assert_eq!(paths(&text), ["T", "T > after"], "{delimiter}");
        }
        assert_eq!(paths("```ruby\n# comment\n```\n# Title\n"), ["# Title"].map(|_| "Title"));
        for text in [
            "text =\n",
            "=no space\n",
            "a paragraph of\ntwo lines\n---------\n",
            ".Caption\n--------\nx\n--------\n",
        ] {
            assert!(paths(text).is_empty(), "{text:?}: {:?}", paths(text));
        }
    }
}
