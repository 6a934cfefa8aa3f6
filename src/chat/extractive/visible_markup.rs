//! Markup → what a reader sees of it.
//!
//! A sentence is shown by one rule, whatever markup it is written in: markup goes, and the text that it
//! marks stays. Backticks stay with the code between them, since they show that it is code; mathematics
//! stays as it is written.

use std::ops::Range;

use crate::text::{Span, SpanKind, is_unspaced, spans, tags};

/// The inline markup of a paragraph, found once for all of its sentences: emphasis may extend over several.
pub(super) struct ParagraphMarkup<'a> {
    text: &'a str,
    spans: Vec<Span>,
    /// See [`tags`].
    tags: Vec<(Range<usize>, bool)>,
}

/// A run of prose, or of text that is kept as it is.
enum Run {
    Prose(String),
    Kept(String),
}

impl<'a> ParagraphMarkup<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, spans: spans(text), tags: tags(text) }
    }

    /// A range of the text as a reader sees it, on one line: without emphasis, tags, link targets, and
    /// anything that reads as a citation mark. Empty if two words would run together.
    pub(super) fn shown(&self, range: &Range<usize>) -> String {
        if self.runs_together(range) {
            return String::new();
        }
        let mut runs = self.runs(range);
        if let Some(Run::Prose(first)) = runs.first_mut() {
            *first = without_label(first).to_owned();
        }
        if let Some(Run::Prose(last)) = runs.last_mut() {
            *last = without_note(last).to_owned();
        }
        let mut out = String::with_capacity(range.len());
        for run in runs {
            match run {
                Run::Prose(text) => push_without_marks(&mut out, &text),
                // After a backslash it would be escaped.
                Run::Kept(_) if out.ends_with('\\') => return String::new(),
                Run::Kept(text) => out.push_str(&text),
            }
        }
        out.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Whether a link, or a tag after a word, is directly before a word: `[a][b]1` is not `a1`.
    fn runs_together(&self, range: &Range<usize>) -> bool {
        const MARKS: [char; 4] = ['`', '*', '_', ':'];
        let within =
            |hidden: &Range<usize>| range.contains(&hidden.start) && hidden.end < range.end;
        let goes_on = |hidden: &Range<usize>| {
            let after = self.text[hidden.end..].trim_start_matches(MARKS);
            within(hidden) && after.starts_with(|c: char| c.is_alphanumeric() && !is_unspaced(c))
        };
        let follows = |hidden: &Range<usize>| {
            let before = self.text[..hidden.start].trim_end_matches(MARKS);
            before.ends_with(|c: char| c.is_alphanumeric() || c == ']' || c == ')')
        };
        let mut links = self.spans.iter().filter(|span| span.kind == SpanKind::Link);
        let mut tags = self.tags.iter().filter(|(_, parts)| !parts);
        links.any(|link| goes_on(&link.range)) || tags.any(|(tag, _)| goes_on(tag) && follows(tag))
    }

    fn runs(&self, range: &Range<usize>) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut prose = String::new();
        let mut at = range.start;
        for (hidden, kept) in self.hidden() {
            let (start, end) = (hidden.start.max(at), hidden.end.min(range.end));
            if start >= end {
                continue;
            }
            prose.push_str(&self.text[at..start]);
            at = end;
            // Kept as a whole, or else as prose without its marks.
            let kept = kept.filter(|_| start == hidden.start && end == hidden.end);
            if let Some(kept) = kept {
                runs.push(Run::Prose(seen(&std::mem::take(&mut prose))));
                runs.push(Run::Kept(kept));
            }
        }
        prose.push_str(&self.text[at..range.end.max(at)]);
        runs.push(Run::Prose(seen(&prose)));
        runs
    }

    /// The ranges of markup, in order, and the text that replaces each.
    fn hidden(&self) -> Vec<(Range<usize>, Option<String>)> {
        let mut hidden = Vec::new();
        for Span { kind, range, inner } in &self.spans {
            let text = &self.text[inner.clone()];
            match kind {
                SpanKind::Math => {
                    hidden.push((range.clone(), Some(self.text[range.clone()].to_owned())));
                }
                // Code with several backticks: the others are for backticks within it, or are
                // reStructuredText.
                SpanKind::Code if text.contains('`') => {
                    let ticks = self.text[range.clone()].find('`').unwrap_or_default();
                    let code = &self.text[range.start + ticks..range.end];
                    hidden.push((range.clone(), Some(code.to_owned())));
                }
                SpanKind::Code => hidden.push((range.clone(), Some(format!("`{text}`")))),
                SpanKind::Emphasis | SpanKind::Link => {
                    hidden.push((range.start..inner.start, None));
                    hidden.push((inner.end..range.end, None));
                }
            }
        }
        let space = |parts_words: bool| parts_words.then(|| " ".to_owned());
        hidden.extend(self.tags.iter().map(|(range, parts)| (range.clone(), space(*parts))));
        hidden.sort_by_key(|(range, _)| range.start);
        hidden
    }
}

/// Characters at the beginning of a quoted line.
const QUOTED: [char; 3] = [' ', '\t', '>'];

/// Prose without the marks of quoted lines, and without backticks: paired ones are not in prose, and others
/// could pair across our marks.
fn seen(prose: &str) -> String {
    let mut lines = prose.split('\n');
    let first = lines.next().unwrap_or_default().to_owned();
    let joined = lines.fold(first, |text, line| text + " " + line.trim_start_matches(QUOTED));
    joined.replace('`', "")
}

/// A sentence without a label at its beginning: the box of a task, the label of a footnote or of a link's
/// target (`[x] `, `[^1]: `, `.. [1] `).
fn without_label(text: &str) -> &str {
    let text = text.trim_start_matches(QUOTED);
    let task = ["[ ] ", "[x] ", "[X] "].into_iter().find_map(|task| text.strip_prefix(task));
    let text = task.unwrap_or(text);
    after_label(text.strip_prefix(".. ").unwrap_or(text)).unwrap_or(text)
}

/// A sentence without the mark of a footnote at its end.
fn without_note(text: &str) -> &str {
    let mark = text.trim_end_matches(['.', ' ']).strip_suffix(']').and_then(|before| {
        let (before, name) = before.rsplit_once("[^")?;
        (!name.contains([' ', ']'])).then_some(before)
    });
    mark.map_or(text, str::trim_end)
}

fn after_label(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?;
    let (name, after) = inner.split_at(inner.find([']', '[', ' '])?);
    let after = after.strip_prefix(']')?;
    let rest = after.strip_prefix(':').unwrap_or(after);
    let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let is_label = is_number || name.starts_with(['^', '#']) || rest.len() < after.len();
    (is_label && rest.starts_with(' ')).then(|| rest.trim_start())
}

/// Appends a text, and removes the brackets around numbers: `[3]` and `(3)` in a document are not citations
/// of ours.
fn push_without_marks(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(open) = rest.find(['[', '(']) {
        let close = if rest[open..].starts_with('[') { ']' } else { ')' };
        let inner = rest[open + 1..].find(close).map(|length| &rest[open + 1..open + 1 + length]);
        let numbers = |inner: &str| {
            inner.contains(|c: char| c.is_ascii_digit())
                && inner.chars().all(|c| c.is_ascii_digit() || c == ',' || c == ' ')
        };
        out.push_str(&rest[..open]);
        // `[^3]` is a mark, too.
        let label = inner.map(|inner| inner.strip_prefix('^').unwrap_or(inner));
        if let Some((inner, label)) = inner.zip(label.filter(|label| numbers(label))) {
            // `kept[2]` and `f(2)` are not marks.
            if out.ends_with(char::is_alphanumeric) {
                out.extend(["(", label, ")"]);
            } else {
                out.push_str(label);
            }
            rest = &rest[open + inner.len() + 2..];
        } else {
            out.push_str(&rest[open..=open]);
            rest = &rest[open + 1..];
        }
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Words;

    fn shown(piece: &str) -> String {
        ParagraphMarkup::of(piece).shown(&(0..piece.len()))
    }

    #[test]
    fn labels_and_marks_of_notes_are_not_shown() {
        for (piece, expected) in [
            ("[^1]: The fee is 12 kr.", "The fee is 12 kr."),
            ("[^long-name]: The fee.", "The fee."),
            ("[1]: the fee", "the fee"),
            (".. [1] The fee.", "The fee."),
            (".. [#fee] The fee.", "The fee."),
            ("> [2] Lee, A. Tides.", "Lee, A. Tides."),
            ("The fee is 12 kr.[^1]", "The fee is 12 kr."),
            ("The fee is 12 kr[^1].", "The fee is 12 kr"),
            ("[optional] The fee", "[optional] The fee"),
            ("[^1]:", "1:"),
            ("See [3] there", "See 3 there"),
            ("See (3) and [^4], f(2)", "See 3 and 4, f(2)"),
            ("[", "["),
        ] {
            assert_eq!(shown(piece), expected, "{piece}");
        }
    }

    /// Markdown, reStructuredText or `AsciiDoc`, and what is shown of it.
    #[test]
    fn markup_goes_and_what_it_marks_stays() {
        for (piece, expected) in [
            // Tasks.
            ("[x] Paid", "Paid"),
            ("[ ] Pay the *fee*", "Pay the fee"),
            ("[X] See [x] there", "See [x] there"),
            // Emphasis.
            (
                "The *fee* is **12** kr, _not_ __more__, ***ever***.",
                "The fee is 12 kr, not more, ever.",
            ),
            ("*The **winter** fee* is due.", "The winter fee is due."),
            ("**Who _pays_ it**: owners", "Who pays it: owners"),
            ("\"*Winter*\" (_fee_).", "\"Winter\" (fee)."),
            ("这是*费用*，**冬天**的。", "这是费用，冬天的。"),
            ("It is *due*: now, *late*!", "It is due: now, late!"),
            ("> quoted *twice\n> over*, yes", "quoted twice over, yes"),
            // Not emphasis.
            ("2 * 3 * 4, 2*3*4, 2**10 and a ** b", "2 * 3 * 4, 2*3*4, 2**10 and a ** b"),
            ("snake_case_name and _private", "snake_case_name and _private"),
            ("*.rs and *.toml, src/*.rs", "*.rs and *.toml, src/*.rs"),
            ("The fee* is due", "The fee* is due"),
            ("f(*args, **kwargs)", "f(*args, **kwargs)"),
            ("____ and **** are blanks", "____ and **** are blanks"),
            ("~~12~~ 13 kr", "~~12~~ 13 kr"),
            // Code.
            ("Run `a *b* [c](d) <e>`.", "Run `a *b* [c](d) <e>`."),
            ("``fee_of(1)`` of a port", "`fee_of(1)` of a port"),
            ("``a ` b`` is code", "``a ` b`` is code"),
            ("**`fee`** and [`port`](p.md)", "`fee` and `port`"),
            ("a stray ` tick", "a stray tick"),
            // Mathematics.
            ("It is $a_1 * b_2 * [3]$ kr.", "It is $a_1 * b_2 * [3]$ kr."),
            ("$$E = \\frac{a}{b}\n*c*$$ holds", "$$E = \\frac{a}{b} *c*$$ holds"),
            ("So \\(x*y*z\\) and \\[(2)\\]", "So \\(x*y*z\\) and \\[(2)\\]"),
            ("$5 and *$10*, US$3", "$5 and $10, US$3"),
            // Links.
            ("[fees](f.md), [due](<a b.md>) and [all](f.md \"All *fees*\")", "fees, due and all"),
            ("[a](https://w.org/A_(b)) and [c][d], [e][]", "a and c, e"),
            ("![A *pier*](p.png) [![b](c.png)](d.md)", "A pier b"),
            ("rows[first][last], [optional] (see)", "rows[first][last], [optional] (see)"),
            ("see `the guide <guide.html>`_ and `Fees`_", "see the guide and Fees"),
            (":doc:`guide`, :ref:`the fees <fees>`", "`guide`, the fees"),
            ("link:f.html[the *fees*] and https://a.org/b[here]", "the fees and here"),
            ("xref:ports.adoc#p[ports], <<id,the ports>>", "ports, the ports"),
            ("note: this https://a.org is bare", "note: this https://a.org is bare"),
            // Tags.
            ("a <em>fee</em><br/>of 3", "a fee of 3"),
        ] {
            assert_eq!(shown(piece), expected, "{piece}");
            // Otherwise it would not be quoted.
            assert!(Words::of(piece).find(&Words::of(expected)).is_some(), "{piece}");
        }
    }

    #[test]
    fn what_would_run_together_is_not_shown() {
        for piece in ["[a][b]`1`", "See [a](b)c", "kept[a][b]<em>1"] {
            assert_eq!(shown(piece), "", "{piece}");
        }
        assert_eq!(shown("[a](b), see <em>c</em>"), "a, see c");
    }

    #[test]
    fn emphasis_over_several_sentences_is_gone_from_each() {
        let text = "**Fees are due. They are [paid\nonce](a.md).** No more *of `it";
        let paragraph = ParagraphMarkup::of(text);
        let at = text.find("They").unwrap_or_default();
        let end = text.find(" No").unwrap_or_default();
        assert_eq!(paragraph.shown(&(0..at)), "Fees are due.");
        assert_eq!(paragraph.shown(&(at..end)), "They are paid once.");
        assert_eq!(paragraph.shown(&(end..text.len())), "No more *of it");
    }
}
