//! The places under an answer: what it cites, with the words that support it; or the nearest passages,
//! if there is no answer.

use std::path::Path;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Ui;
use super::sanitize::sanitize_line;
use super::style::Style;
use crate::error::Failure;
use crate::query::Answer;
use crate::query::cite::{Citation, CitationCheck};
use crate::types::Passage;

/// Columns if there is no terminal.
const COLUMNS: usize = 100;

impl Ui {
    /// The cited passages: under the answer on a terminal, on stderr when stdout is piped.
    pub(super) fn sources(&mut self, answer: &Answer, root: &Path) -> Result<(), Failure> {
        let mut citations: Vec<&Citation> = answer.citations.citations.iter().collect();
        citations.sort_by_key(|citation| citation.number);
        let cited = citations.iter().filter_map(|citation| {
            let number = citation.number;
            let passage = answer.passages.iter().find(|passage| passage.number == number)?;
            Some((*citation, passage))
        });
        let cited: Vec<_> = cited.collect();
        if cited.is_empty() {
            return Ok(());
        }
        let to_stdout = self.out_style.tty;
        let style = if to_stdout { self.out_style } else { self.err_style };
        let width = place_width(cited.iter().map(|(_, passage)| *passage));
        let columns = columns(style);
        let mut lines = String::from("\n");
        for (citation, passage) in cited {
            let label = format!("[{}] ", passage.number);
            let mut line = label.clone() + &place(passage, style, root, width);
            if !citation.verified {
                line += &format!("  {}", style.warning(&not_borne_out(answer, passage.number)));
            }
            lines += line.trim_end();
            lines.push('\n');
            if let Some(quote) = &citation.quote {
                let indent = label.len();
                let words = cut(&sanitize_line(quote), columns.saturating_sub(indent + 2));
                lines += &format!("{:indent$}{}\n", "", style.dim(&format!("“{words}”")));
            }
        }
        if to_stdout {
            self.data(&lines)
        } else {
            self.painted_status(lines.trim_end_matches('\n'));
            Ok(())
        }
    }

    /// If there is no answer, the nearest passages, on stderr.
    pub fn nearest(&mut self, passages: &[Passage], root: &Path) {
        let style = self.err_style;
        let width = place_width(passages);
        for passage in passages {
            let place = place(passage, style, root, width);
            self.painted_status(&format!("  nearest: {}", place.trim_end()));
        }
    }
}

/// The checks by which the passage does not support a claim.
fn not_borne_out(answer: &Answer, number: u32) -> String {
    let failed = answer.citations.failed(number);
    let failed: Vec<&str> = failed.into_iter().map(CitationCheck::name).collect();
    format!("(unsupported: {})", failed.join(", "))
}

/// The citation, as a link if possible, and the headings.
fn place(passage: &Passage, style: Style, root: &Path, width: usize) -> String {
    let citation = sanitize_line(&passage.citation());
    let label = passage.page_label.as_ref();
    let label = label.map(|label| sanitize_line(&format!(" (page {label})"))).unwrap_or_default();
    let padding = " ".repeat(width.saturating_sub(citation.width() + label.width()));
    let link = style.link(&style.citation(&citation), &passage.source, root) + &label;
    let headings = sanitize_line(&passage.headings.join(" > "));
    let separator = if headings.is_empty() { "" } else { "    " };
    let padding = if headings.is_empty() { "" } else { &padding };
    format!("{link}{padding}{separator}{headings}")
}

fn place_width<'a>(passages: impl IntoIterator<Item = &'a Passage>) -> usize {
    let widths = passages.into_iter().map(|p| sanitize_line(&p.citation()).width());
    widths.max().unwrap_or(0)
}

fn columns(style: Style) -> usize {
    let terminal = style.tty.then(terminal_size::terminal_size).flatten();
    terminal.map_or(COLUMNS, |(width, _)| usize::from(width.0))
}

/// `text` with single blanks, cut to at most this many columns.
fn cut(text: &str, columns: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.width() <= columns {
        return text;
    }
    let mut used = 1;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= columns
    };
    let kept: String = text.chars().take_while(fits).collect();
    kept.trim_end().to_owned() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_to_the_columns() {
        for (text, columns, expected) in [
            ("kept for\n  400 days", 20, "kept for 400 days"),
            ("kept for 400 days", 17, "kept for 400 days"),
            ("kept for 400 days", 12, "kept for 40…"),
            ("kept for 400 days", 10, "kept for…"),
            ("漢字漢字", 6, "漢字…"),
            ("kept", 0, "…"),
        ] {
            assert_eq!(cut(text, columns), expected);
        }
    }
}
