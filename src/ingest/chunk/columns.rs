//! The names of the columns that a row far down in a table stands under.
//!
//! The text of a piece is that of the source, byte for byte, so that it can be cited by lines. What a
//! reader sees further up stands above a piece that begins within a table: as its innermost heading.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::ingest::document::{Syntax, single_spaced};

/// Rows of a table that together are no longer than this, in bytes, share a piece with their header.
const SHORT: usize = 400;

/// The rows below the header of a table, and the names of the columns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Columns {
    pub(super) rows: Range<usize>,
    pub(super) names: String,
}

/// The tables of a text that may be cut.
pub(super) fn columns(text: &str, syntax: Syntax) -> Vec<Columns> {
    let mut tables = match syntax {
        Syntax::Markdown => markdown(text),
        Syntax::Rst => rst(text),
        Syntax::Asciidoc => asciidoc(text),
        Syntax::Plain | Syntax::Rows | Syntax::Code(_) => Vec::new(),
    };
    tables.retain(|table| table.rows.len() > SHORT && !table.names.is_empty());
    tables
}

/// `Port | Fee`; empty where there are no two of them.
fn joined<T: AsRef<str>>(names: &[T]) -> String {
    let names = names.iter().map(|name| single_spaced(name.as_ref()));
    let names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
    if names.len() > 1 { names.join(" | ") } else { String::new() }
}

fn markdown(text: &str) -> Vec<Columns> {
    let is_rule = |line: &str| {
        line.contains('|') && line.contains('-') && line.chars().all(|c| "|-:> \t\r".contains(c))
    };
    if !text.lines().any(is_rule) {
        return Vec::new();
    }
    let mut tables = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let (mut in_head, mut rows) = (false, None);
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::TableHead) => {
                in_head = true;
                names.clear();
                rows = None;
            }
            Event::Start(Tag::TableCell) if in_head => names.push(String::new()),
            Event::Text(words) | Event::Code(words) if in_head => {
                if let Some(name) = names.last_mut() {
                    name.push_str(&words);
                }
            }
            Event::End(TagEnd::TableHead) => in_head = false,
            Event::Start(Tag::TableRow) => {
                rows.get_or_insert(range.start);
            }
            Event::End(TagEnd::Table) => {
                if let Some(start) = rows.take() {
                    tables.push(Columns { rows: start..range.end, names: joined(&names) });
                }
            }
            _ => {}
        }
    }
    tables
}

/// The lines of a text with their offsets, without their ends.
fn lines(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    let line = |line: &'_ str| {
        let start = at;
        at += line.len();
        start
    };
    let starts: Vec<usize> = text.split_inclusive('\n').map(line).collect();
    starts.into_iter().zip(text.lines()).collect()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn rst(text: &str) -> Vec<Columns> {
    let lines = lines(text);
    let mut tables = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at].1.trim();
        let (table, taken) =
            if line.starts_with("+-") && line.bytes().all(|b| matches!(b, b'+' | b'-')) {
                grid(&lines[at..])
            } else if line.starts_with("==") && line.contains(' ') && is_border(line) {
                simple(&lines[at..])
            } else if line.starts_with(".. list-table::") {
                list_table(&lines[at..])
            } else if line.starts_with(".. csv-table::") {
                csv_table(&lines[at..])
            } else {
                (None, 1)
            };
        tables.extend(table);
        at += taken.max(1);
    }
    tables
}

/// A table, where it has names of columns, and how many lines it takes.
type Found = (Option<Columns>, usize);

fn end(lines: &[(usize, &str)], count: usize) -> usize {
    lines[..count].last().map_or(0, |(start, line)| start + line.len())
}

/// `+---+---+` around cells, `+===+===+` below the header.
fn grid(lines: &[(usize, &str)]) -> Found {
    let is_of_it = |line: &str| line.trim_start().starts_with(['+', '|']);
    let count = lines.iter().take_while(|(_, line)| is_of_it(line)).count();
    let rule = lines[..count].iter().position(|(_, line)| line.trim_start().starts_with("+="));
    let table = rule.filter(|rule| rule + 1 < count).map(|rule| {
        let mut names: Vec<String> = Vec::new();
        for (_, line) in lines[1..rule].iter().filter(|(_, line)| line.contains('|')) {
            let cells = line.trim().trim_matches('|').split('|');
            for (column, cell) in cells.enumerate() {
                if names.len() <= column {
                    names.push(String::new());
                }
                names[column] += &format!(" {cell}");
            }
        }
        Columns { rows: lines[rule + 1].0..end(lines, count), names: joined(&names) }
    });
    (table, count)
}

fn is_border(line: &str) -> bool {
    !line.is_empty() && line.bytes().all(|byte| matches!(byte, b'=' | b' '))
}

/// `====  ====` above and below the header, and below the table.
fn simple(lines: &[(usize, &str)]) -> Found {
    /// Longest header, in lines.
    const HEADER: usize = 8;
    let borders: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, (_, line))| is_border(line.trim()) && line.trim().starts_with("=="))
        .map(|(index, _)| index)
        .take(3)
        .collect();
    let [first, second, third] = *borders.as_slice() else { return (None, 1) };
    // Without a header a blank line follows the second: that ends the table.
    let closed = lines.get(second + 1).is_none_or(|(_, line)| line.trim().is_empty());
    if closed || second > HEADER {
        return (None, second + 1);
    }
    let border = lines[first].1;
    let mut names: Vec<String> = Vec::new();
    let mut column = 0;
    let starts = border
        .char_indices()
        .filter(|(at, c)| *c == '=' && (*at == 0 || border.as_bytes()[at - 1] == b' '));
    let starts: Vec<usize> = starts.map(|(at, _)| at).collect();
    for (index, start) in starts.iter().enumerate() {
        let next = starts.get(index + 1).copied().unwrap_or(usize::MAX);
        let cell = |line: &str| -> String {
            line.chars().skip(*start).take(next.saturating_sub(*start)).collect()
        };
        let of_header =
            lines[first + 1..second].iter().filter(|(_, line)| !line.trim().starts_with("--"));
        names.push(of_header.map(|(_, line)| cell(line)).collect::<Vec<_>>().join(" "));
        column += 1;
    }
    let rows = lines.get(second + 1).map_or(0, |(start, _)| *start)..end(lines, third);
    let table = (column > 1).then(|| Columns { rows, names: joined(&names) });
    (table, third + 1)
}

/// How many lines a directive takes: those that are indented below it.
fn directive(lines: &[(usize, &str)]) -> usize {
    let margin = indent(lines[0].1);
    let inside = |line: &str| line.trim().is_empty() || indent(line) > margin;
    1 + lines[1..].iter().take_while(|(_, line)| inside(line)).count()
}

fn option<'a>(lines: &[(usize, &'a str)], name: &str) -> Option<&'a str> {
    let options = lines[1..].iter().take_while(|(_, line)| line.trim().starts_with(':'));
    options.map(|(_, line)| line.trim()).find_map(|line| line.strip_prefix(name).map(str::trim))
}

/// `* - cell` begins a row, `- cell` goes on with it.
fn list_table(lines: &[(usize, &str)]) -> Found {
    let count = directive(lines);
    let lines = &lines[..count];
    let has_header = option(lines, ":header-rows:").is_some_and(|rows| rows != "0");
    let starts: Vec<usize> =
        (0..count).filter(|index| lines[*index].1.trim_start().starts_with("* -")).collect();
    let table = match starts.as_slice() {
        [first, second, ..] if has_header => {
            let mut names: Vec<String> = Vec::new();
            for (_, line) in &lines[*first..*second] {
                let line = line.trim().trim_start_matches("* ");
                match (line.strip_prefix('-'), names.last_mut()) {
                    (Some(name), _) => names.push(name.to_owned()),
                    (None, Some(name)) => *name += &format!(" {line}"),
                    (None, None) => {}
                }
            }
            Some(Columns { rows: lines[*second].0..end(lines, count), names: joined(&names) })
        }
        _ => None,
    };
    (table, count)
}

/// `:header: "a", "b"`, or the first row.
fn csv_table(lines: &[(usize, &str)]) -> Found {
    let count = directive(lines);
    let lines = &lines[..count];
    let cells = |line: &str| -> Vec<String> {
        line.split(',').map(|cell| cell.trim().trim_matches('"').to_owned()).collect()
    };
    let first = (1..count).find(|index| {
        let line = lines[*index].1.trim();
        !line.is_empty() && !line.starts_with(':')
    });
    let first_row = option(lines, ":header-rows:").is_some_and(|rows| rows != "0");
    let (names, rows) = match (option(lines, ":header:"), first) {
        (Some(header), Some(first)) => (cells(header), first),
        (None, Some(first)) if first_row && first + 1 < count => {
            (cells(lines[first].1.trim()), first + 1)
        }
        _ => return (None, count),
    };
    let rows = lines[rows].0..end(lines, count);
    (Some(Columns { rows, names: joined(&names) }), count)
}

/// `|===` around rows; the first is a header where a blank line follows it, or the table says so.
fn asciidoc(text: &str) -> Vec<Columns> {
    let lines = lines(text);
    let mut tables = Vec::new();
    let mut at = 0;
    while let Some(open) = (at..lines.len()).find(|index| lines[*index].1.trim() == "|===") {
        let close = (open + 1..lines.len()).find(|index| lines[*index].1.trim() == "|===");
        let close = close.unwrap_or(lines.len());
        at = close + 1;
        let says = open.checked_sub(1).map_or("", |before| lines[before].1.trim());
        let Some(first) = (open + 1..close).find(|index| !lines[*index].1.trim().is_empty()) else {
            continue;
        };
        let is_alone = lines.get(first + 1).is_some_and(|(_, line)| line.trim().is_empty());
        let is_header =
            says.starts_with('[') && says.contains("header") || is_alone && first == open + 1;
        if is_header && first + 1 < close {
            let cells: Vec<&str> = lines[first].1.trim().split('|').skip(1).collect();
            let rows = lines[first + 1].0..end(&lines, close);
            tables.push(Columns { rows, names: joined(&cells) });
        }
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names, and the first and last line of the rows.
    fn read(text: &str, syntax: Syntax) -> Vec<(String, String, String)> {
        let line = |line: Option<&str>| line.unwrap_or_default().trim().to_owned();
        columns(text, syntax)
            .into_iter()
            .map(|Columns { rows, names }| {
                let rows = text[rows].trim_end();
                (names, line(rows.lines().next()), line(rows.lines().last()))
            })
            .collect()
    }

    fn rows(row: impl Fn(usize) -> String) -> String {
        (1..=40).map(|number| row(number) + "\n").collect()
    }

    fn expected(names: &str, first: &str, last: &str) -> Vec<(String, String, String)> {
        vec![(names.to_owned(), first.to_owned(), last.to_owned())]
    }

    #[test]
    fn tables_of_markdown() {
        let body = rows(|n| format!("| Port {n} | {n} |"));
        let text = format!(
            "# Fees\n\nAs of *May*.\n\n| Port | `Summer` fee |\n|:--|--:|\n{body}\nafter\n"
        );
        let found = expected("Port | Summer fee", "| Port 1 | 1 |", "| Port 40 | 40 |");
        assert_eq!(read(&text, Syntax::Markdown), found);
        assert_eq!(read(&text.replace('\n', "\r\n"), Syntax::Markdown).len(), 1);
        let bare = format!("a | b\n--|--\n{}", rows(|n| format!("row {n} | {n}")));
        assert_eq!(read(&bare, Syntax::Markdown), expected("a | b", "row 1 | 1", "row 40 | 40"));
        assert!(read("| a | b |\n|--|--|\n| 1 | 2 |\n", Syntax::Markdown).is_empty());
        let nameless = format!("| | |\n|--|--|\n{body}");
        assert!(read(&nameless, Syntax::Markdown).is_empty());
        assert!(read(&format!("```\n{text}\n```\n"), Syntax::Markdown).is_empty());
    }

    #[test]
    fn tables_of_restructuredtext() {
        let grid = rows(|n| format!("| Port {n} | {n} |\n+---------+----+"));
        let text = format!(
            "Fees\n====\n\n+---------+----+\n| Port    | In |\n|         | May|\n+=========+====+\n{grid}\nafter\n"
        );
        let found = expected("Port | In May", "| Port 1 | 1 |", "+---------+----+");
        assert_eq!(read(&text, Syntax::Rst), found);
        let simple = rows(|n| format!("Port {n:<5}  {n} crowns"));
        let text = format!(
            "==========  =========\nPort        Fee\n==========  =========\n{simple}==========  =========\n\nafter\n"
        );
        let found = expected("Port | Fee", "Port 1      1 crowns", "Port 40     40 crowns");
        assert_eq!(read(&text, Syntax::Rst), found);
        let headless = format!("==========  =========\n{simple}==========  =========\n\nafter\n");
        assert!(read(&headless, Syntax::Rst).is_empty());
        let list = rows(|n| format!("   * - Port {n}\n     - {n}"));
        let text = format!(
            ".. list-table:: Fees\n   :header-rows: 1\n\n   * - Port\n     - Summer\n       fee\n{list}\nafter\n"
        );
        assert_eq!(read(&text, Syntax::Rst), expected("Port | Summer fee", "* - Port 1", "- 40"));
        let csv = rows(|n| format!("   Port {n}, {n} crowns"));
        let text = format!(".. csv-table:: Fees\n   :header: \"Port\", \"Fee\"\n\n{csv}\nafter\n");
        let found = expected("Port | Fee", "Port 1, 1 crowns", "Port 40, 40 crowns");
        assert_eq!(read(&text, Syntax::Rst), found);
    }

    #[test]
    fn tables_of_asciidoc() {
        let body = rows(|n| format!("|Port {n} |{n}"));
        let text = format!("= Fees\n\n|===\n|Port |Fee\n\n{body}|===\n\nafter\n");
        assert_eq!(read(&text, Syntax::Asciidoc), expected("Port | Fee", "", "|Port 40 |40"));
        let said = format!("[%header,cols=2*]\n|===\n|Port |Fee\n{body}|===\n");
        assert_eq!(
            read(&said, Syntax::Asciidoc),
            expected("Port | Fee", "|Port 1 |1", "|Port 40 |40")
        );
    }

    #[test]
    fn what_is_cut_off_is_no_table() {
        for text in [
            "+---+",
            "+---+\n+===+",
            "==  ==\n",
            "==  ==\na  b\n==  ==\n",
            ".. list-table::",
            ".. csv-table::\n   :header: a, b",
            "|===",
            "|===\n|a |b\n",
            "é\n==  ==\né",
        ] {
            for syntax in [Syntax::Rst, Syntax::Asciidoc, Syntax::Markdown] {
                assert!(read(text, syntax).is_empty(), "{text}");
            }
        }
    }
}
