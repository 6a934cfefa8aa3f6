//! Tables of GitHub's Markdown.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{Drawn, DrawnRow};
use crate::ingest::document::single_spaced;
use crate::ingest::extract::table::GridCell;

pub(super) fn tables(text: &str) -> Vec<Drawn> {
    if !text.contains('|') || !text.lines().any(is_rule) {
        return Vec::new();
    }
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let line = |offset: usize| starts.partition_point(|start| *start <= offset) - 1;
    let mut tables = Vec::new();
    let mut rows: Vec<DrawnRow> = Vec::new();
    // The plain words of a name; values keep their markup.
    let mut name: Option<String> = None;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::Table(_)) => rows.clear(),
            Event::Start(tag @ (Tag::TableHead | Tag::TableRow)) => rows.push(DrawnRow {
                is_header: tag == Tag::TableHead,
                line: line(range.start),
                ..DrawnRow::default()
            }),
            Event::Start(Tag::TableCell) => {
                name = rows.last().filter(|row| row.is_header).map(|_| String::new());
            }
            Event::Text(words) | Event::Code(words) => {
                if let Some(name) = &mut name {
                    name.push_str(&words);
                }
            }
            Event::End(TagEnd::TableCell) => {
                let value = || text[range].trim_matches([' ', '\t', '|']).replace("\\|", "|");
                let words = single_spaced(&name.take().unwrap_or_else(value));
                if let Some(row) = rows.last_mut() {
                    row.cells.push(GridCell { text: words, ..GridCell::default() });
                }
            }
            Event::End(TagEnd::Table) => {
                let end = text[..range.end].trim_end().len().max(range.start + 1);
                let lines = line(range.start)..line(end - 1) + 1;
                tables.push(Drawn { lines, rows: std::mem::take(&mut rows) });
            }
            _ => {}
        }
    }
    tables
}

/// Whether a line may be below the names of columns.
fn is_rule(line: &str) -> bool {
    line.contains('|') && line.contains('-') && line.chars().all(|c| "|-:> \t\r".contains(c))
}

#[cfg(test)]
mod tests {
    use super::super::tests::is_named;
    use crate::ingest::document::Syntax;

    #[test]
    fn rows_carry_the_names_of_their_columns() {
        is_named(
            "# Fees\n\nAs of May.\n| *Port* | `Summer` fee |\n|:--|--:|\n| Oslo | **3** |\n| a \\| b | |\n\nafter\n",
            Syntax::Markdown,
            "# Fees\n\nAs of May.\n\n\nPort: Oslo | Summer fee: **3**\nPort: a | b\n\nafter\n",
        );
        is_named(
            "a | b\n--|--\n1 | 2\r\n3 | 4",
            Syntax::Markdown,
            "\n\na: 1 | b: 2\r\na: 3 | b: 4",
        );
        is_named("|a|b|\r\n|-|-|\r\n|1|2|\r\n", Syntax::Markdown, "\r\n\r\na: 1 | b: 2\r\n");
    }

    #[test]
    fn tables_in_quotations_and_lists() {
        is_named(
            "> |a|b|\n> |-|-|\n> |1|2|\n\n- item\n\n  |a|b|\n  |-|-|\n  |3|4|\n",
            Syntax::Markdown,
            ">\n>\n> a: 1 | b: 2\n\n- item\n\n\n\n  a: 3 | b: 4\n",
        );
    }

    #[test]
    fn tables_without_names_and_other_text_are_left() {
        for text in [
            "```\n|a|b|\n|-|-|\n|1|2|\n```\n",
            "| | |\n|-|-|\n|1|2|\n",
            "|a|b|\n|-|-|\n",
            "|a|b|\n|-|-|\n|1|2|\n---\n",
            "a\n-\n|1|2|\n",
        ] {
            is_named(text, Syntax::Markdown, text);
        }
    }
}
