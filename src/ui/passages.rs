//! Retrieved passages, as text and as JSON.

use std::path::Path;

use unicode_segmentation::UnicodeSegmentation;

use super::Ui;
use super::sanitize::{sanitize, sanitize_line};
use super::style::Style;
use crate::cli::Format;
use crate::error::Failure;
use crate::output::humanize::counted;
use crate::output::{self as json, HitJson};
use crate::query::rewrite::Queries;
use crate::text::fold;
use crate::types::{Hit, Mode};

/// Most lines of a passage to show.
const SHOWN_LINES: usize = 8;

/// What `docent search` found.
pub struct ShownHits<'a> {
    pub question: &'a str,
    pub queries: &'a Queries,
    pub mode: Mode,
    pub hits: &'a [Hit],
    pub elapsed_ms: u64,
    /// Where relative sources are, for hyperlinks.
    pub root: &'a Path,
}

impl Ui {
    pub fn passages(&mut self, found: &ShownHits<'_>) -> Result<(), Failure> {
        let mut hits = (1..).zip(found.hits).map(|(rank, hit)| HitJson::new(rank, hit));
        match self.format {
            Format::Json => self.json(json::SearchJson {
                question: found.question.to_owned(),
                queries: found.queries.queries.clone(),
                hypothetical: found.queries.hypothetical.clone(),
                mode: found.mode,
                hits: hits.collect(),
                elapsed_ms: found.elapsed_ms,
            }),
            Format::Jsonl => hits.try_for_each(|hit| self.json(hit)),
            _ => {
                let words = words(&found.queries.queries.join(" "));
                for (i, hit) in found.hits.iter().enumerate() {
                    let text = hit_text(i + 1, hit, &words, self.out_style, found.root);
                    self.data(&text)?;
                }
                Ok(())
            }
        }
    }
}

impl Ui {
    /// Prints, with `--verbose`, what is retrieved with instead of the question, and always what went
    /// wrong in making it.
    pub fn asking(&mut self, queries: &Queries) {
        for warning in &queries.warnings {
            self.warn(warning);
        }
        for query in &queries.queries {
            self.detail(&format!("asking: {}", sanitize_line(query)));
        }
        if let Some(passage) = &queries.hypothetical {
            self.detail(&format!("dense retrieval uses: {}", sanitize_line(passage)));
        }
    }
}

fn hit_text(rank: usize, hit: &Hit, words: &[String], style: Style, root: &Path) -> String {
    let chunk = &hit.chunk;
    let place = sanitize_line(&chunk.locator.cite(&chunk.source));
    let place = style.link(&style.citation(&place), &chunk.source, root);
    let headings = sanitize_line(&chunk.headings.join(" > "));
    let separator = if headings.is_empty() { "" } else { "  " };
    let mut text =
        format!("{rank}. {place}  {:.3}{separator}{}\n", hit.score, style.strong(&headings));
    let clean = sanitize(&chunk.text);
    let lines: Vec<&str> = clean.lines().filter(|line| !line.trim().is_empty()).collect();
    for line in lines.iter().take(SHOWN_LINES) {
        text += &format!("   {}\n", highlight(line, words, style));
    }
    if lines.len() > SHOWN_LINES {
        let more = counted(lines.len() - SHOWN_LINES, "more line");
        text += &style.dim(&format!("   ... {more}\n"));
    }
    text.push('\n');
    text
}

/// Words of the question to mark, in lower case.
fn words(question: &str) -> Vec<String> {
    question
        .unicode_words()
        .map(|word| fold(word, "").to_lowercase())
        .filter(|word| word.chars().count() > 3 || word.chars().any(char::is_numeric))
        .collect()
}

/// Marks the words of `line` that share a stem with a word of the question. A common beginning counts
/// as a stem, which is good enough for marking.
fn highlight(line: &str, words: &[String], style: Style) -> String {
    if !style.color {
        return line.to_owned();
    }
    line.split_word_bounds()
        .map(|piece| {
            let lower = fold(piece, "").to_lowercase();
            if words.iter().any(|word| related(&lower, word)) {
                style.matched(piece)
            } else {
                piece.to_owned()
            }
        })
        .collect()
}

fn related(a: &str, b: &str) -> bool {
    let common = a.chars().zip(b.chars()).take_while(|(x, y)| x == y).count();
    let (shorter, longer) = {
        let (a, b) = (a.chars().count(), b.chars().count());
        (a.min(b), a.max(b))
    };
    shorter > 2 && longer <= shorter + 3 && common + 1 >= shorter && common >= 3
}
