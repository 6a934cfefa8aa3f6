//! The sections of a reStructuredText document.
//!
//! A title is underlined, and sometimes overlined, with one repeated punctuation character. The styles of
//! underline get their levels in the order in which they first appear.

use unicode_width::UnicodeWidthStr;

use super::sections::Sections;

/// An underline this long is accepted even if its title is longer (docutils warns, and accepts it).
const LONG_ENOUGH: usize = 4;

/// A character, and whether there is also a line of it above the title.
type Style = (char, bool);

/// Cuts a text at its section titles.
pub(super) fn sections(text: &str) -> Sections {
    let mut sections = Sections::new(0);
    let mut styles: Vec<Style> = Vec::new();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    // Whether the line before leaves room for a title to begin.
    let mut open = true;
    let (mut at, mut start) = (0, 0);
    while at < lines.len() {
        let found = open.then(|| title(&lines[at..])).flatten();
        let taken = found.as_ref().map_or(1, |(_, _, taken)| *taken);
        let end = start + lines[at..at + taken].iter().map(|line| line.len()).sum::<usize>();
        open = found.is_some() || lines[at].trim().is_empty() || lines[at].starts_with("..");
        if let Some((title, style, _)) = found {
            let known = styles.iter().position(|known| *known == style);
            let level = known.unwrap_or_else(|| {
                styles.push(style);
                styles.len() - 1
            });
            sections.open(start, end, level + 1, plain(title));
        }
        (at, start) = (at + taken, end);
    }
    sections
}

/// The title that begins with the first of these lines, its style, and its number of lines.
fn title<'a>(lines: &[&'a str]) -> Option<(&'a str, Style, usize)> {
    let line = |index: usize| lines.get(index).map(|line| line.trim_end());
    let first = line(0).filter(|line| !line.trim().is_empty())?;
    if let Some((mark, over)) = adornment(first) {
        let title =
            line(1).filter(|title| !title.trim().is_empty() && adornment(title).is_none())?;
        let (other, under) = adornment(line(2)?)?;
        let fits = over >= title.width() || over >= LONG_ENOUGH;
        return (mark == other && over == under && fits).then_some((title, (mark, true), 3));
    }
    let (mark, length) = adornment(line(1)?)?;
    let fits = length >= first.width() || length >= LONG_ENOUGH;
    let inset = first.starts_with(char::is_whitespace);
    (fits && !inset && !first.starts_with(".. ")).then_some((first, (mark, false), 2))
}

/// The character and length of a line that is one repeated punctuation character.
fn adornment(line: &str) -> Option<(char, usize)> {
    let mark = line.chars().next().filter(char::is_ascii_punctuation)?;
    line.chars().all(|other| other == mark).then_some((mark, line.len())).filter(|(_, n)| *n > 1)
}

/// The text of a title, without inline markup: ``` ``code`` ```, `*emphasis*`, ``:role:`text` ``.
fn plain(title: &str) -> String {
    let mut words = String::with_capacity(title.len());
    let mut parts = title.trim().split('`');
    let mut before = parts.next().unwrap_or_default();
    for part in parts {
        // A role is before the opening mark, the target of a link inside.
        let role = before.strip_suffix(':').and_then(|text| text.rfind(':')).filter(|colon| {
            before[colon + 1..before.len() - 1]
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-')
        });
        words.push_str(role.map_or(before, |colon| &before[..colon]));
        before = part.split(" <").next().unwrap_or_default();
    }
    words.push_str(before);
    words.replace(['*', '\\'], "").replace("_ ", " ").trim_end_matches('_').trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths of the sections, in order.
    fn paths(text: &str) -> Vec<String> {
        sections(text).paths().map(|path| path.join(" > ")).collect()
    }

    #[test]
    fn styles_make_levels_in_the_order_they_come() {
        let text = "=====\nGuide\n=====\n\nintro\n\nInstall\n-------\ntext\n\nFrom source\n~~~~~~~~~~~\n\nUse\n---\n\nOver\n====\n";
        assert_eq!(
            paths(text),
            [
                "Guide",
                "Guide > Install",
                "Guide > Install > From source",
                "Guide > Use",
                "Guide > Use > Over"
            ]
        );
    }

    #[test]
    fn titles_begin_paragraphs() {
        for text in [
            "two lines of a\nparagraph\n---------\n",
            "text\n\n----\n\ntext\n",
            "====  ====\na     b\n====  ====\n1     2\n====  ====\n",
            "+-----+\n| a   |\n+-----+\n",
            "::\n\n   Code\n   ----\n",
            "- item\n\n  inset\n  -----\n",
            ".. note::\n   -----\n",
            "A long title\n--\n",
            "text::\n\n--\n",
        ] {
            assert!(paths(text).is_empty(), "{text:?}: {:?}", paths(text));
        }
        for (text, title) in [
            ("A\n=\n", ""),
            ("AB\n==\n", "AB"),
            (".. _label:\n\nAfter a label\n=============\n", "After a label"),
            (".. _label:\nRight after\n===========\n", "Right after"),
            ("Short underline\n=====\n", "Short underline"),
            ("======\n inset\n======\n", "inset"),
            ("日本語\n======\n", "日本語"),
            ("A\r\nB\r\n", ""),
            ("Windows\r\n=======\r\n", "Windows"),
        ] {
            assert_eq!(paths(text).join("|"), title, "{text:?}");
        }
    }

    #[test]
    fn titles_lose_their_markup() {
        for (title, words) in [
            ("The ``--flag`` option", "The --flag option"),
            (":mod:`asyncio` --- tasks", "asyncio --- tasks"),
            ("See `the guide <http://x>`_ first", "See the guide first"),
            ("*Very* **bold**", "Very bold"),
            ("time: `x`", "time: x"),
        ] {
            assert_eq!(plain(title), words);
        }
    }
}
