//! Markup within a paragraph: emphasis, code, mathematics and links of Markdown, reStructuredText and
//! `AsciiDoc`, as far as they can be recognized without knowing which of these it is.

use std::ops::Range;

use super::{is_unspaced, links, markup};

/// The kind of a [`Span`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SpanKind {
    /// In one or more backticks, with the role of reStructuredText before them.
    Code,
    /// `$x$`, `$$x$$`, `\(x\)`, `\[x\]`.
    Math,
    /// In asterisks or underscores.
    Emphasis,
    /// Only its text is visible.
    Link,
}

/// A part of a paragraph that begins and ends with markup.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span {
    pub kind: SpanKind,
    /// Bytes of the text, with the markup.
    pub range: Range<usize>,
    /// Bytes without the markup.
    pub inner: Range<usize>,
}

/// Longest mathematics, in bytes: two prices far apart are not mathematics.
const LONGEST_MATH: usize = 1000;

/// The spans of a paragraph, outer spans before those inside them.
pub fn spans(text: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut open: Vec<Delimiter> = Vec::new();
    let mut at = 0;
    while let Some(length) = text[at..].find(['\\', '`', '$', '[', '*', '_', ':', '<']) {
        at += length;
        let rest = &text[at..];
        let verbatim = code(text, at).or_else(|| math(text, at));
        if let Some(span) = verbatim {
            at = span.range.end;
            spans.push(span);
        } else if let Some(span) = link(text, at) {
            // Its text may contain more.
            at = span.inner.start.max(at + 1);
            spans.push(span);
        } else if rest.starts_with(['*', '_']) {
            let run = Delimiter::at(text, at);
            at += run.length;
            run.pair(&mut open, &mut spans);
        } else if rest.starts_with('`') {
            at += run_length(rest, '`');
        } else if let Some(escaped) = rest.strip_prefix('\\') {
            at += 1 + escaped.chars().next().map_or(0, char::len_utf8);
        } else {
            at += 1;
        }
    }
    spans.sort_by_key(|span| (span.range.start, std::cmp::Reverse(span.range.end)));
    spans
}

/// Widens a range of a paragraph so that it does not begin or end inside a link, code, emphasis or word.
pub fn widened(paragraph: &str, range: &Range<usize>) -> Range<usize> {
    /// How far markup may extend beyond the range: a whole paragraph in italics is not included.
    const REACH: usize = 200;
    let (mut start, mut end) = (range.start, range.end);
    for Span { range: span, .. } in spans(paragraph) {
        let cuts = |at: usize| span.start < at && at < span.end;
        if cuts(range.start) && range.start - span.start <= REACH {
            start = start.min(span.start);
        }
        if cuts(range.end) && span.end - range.end <= REACH {
            end = end.max(span.end);
        }
    }
    let goes_on = |c: char| (c.is_alphanumeric() && !is_unspaced(c)) || "*_`%$°".contains(c);
    let after = &paragraph[end..];
    end += after.len() - after.trim_start_matches(goes_on).len();
    token_start(&paragraph[..start])..end
}

/// The start of the word that continues after this text: `--from`, `.NET`, `and/or`.
fn token_start(before: &str) -> usize {
    let mut start = before.len();
    for (at, c) in before.char_indices().rev() {
        let is_sign = c.is_ascii_punctuation() && !",;:!?|\"'()[]{}>".contains(c);
        // The full stop of a sentence, and not that of a name.
        let ends = c == '.' && before[..at].ends_with(char::is_alphanumeric);
        if ends || !(is_sign || (c.is_alphanumeric() && !is_unspaced(c))) {
            break;
        }
        start = at;
    }
    start
}

fn run_length(text: &str, mark: char) -> usize {
    text.len() - text.trim_start_matches(mark).len()
}

/// Whether a character beside markup separates it from other words.
fn parts(c: Option<char>) -> bool {
    c.is_none_or(|c| !c.is_alphanumeric() || is_unspaced(c))
}

/// Code between equal numbers of backticks, or a link of reStructuredText.
fn code(text: &str, at: usize) -> Option<Span> {
    let has_role = text[at..].starts_with(':');
    let may_precede = |c: char| c.is_whitespace() || "([{\"'-/".contains(c);
    if has_role && !text[..at].chars().next_back().is_none_or(may_precede) {
        return None;
    }
    let role = if has_role { markup::role(&text[at..])? } else { 0 };
    let ticks = run_length(&text[at + role..], '`');
    let start = at + role + ticks;
    let mut end = start;
    // Two line ends in a row end a paragraph, so there are none here.
    loop {
        end += text[end..].find('`')?;
        let run = run_length(&text[end..], '`');
        if run == ticks && ticks > 0 {
            break;
        }
        end += run;
    }
    if text[start..end].trim().is_empty() {
        return None;
    }
    let after = &text[end + ticks..];
    let underscores = run_length(after, '_');
    let is_link = ticks == 1
        && (1..=2).contains(&underscores)
        && parts(after[underscores..].chars().next())
        && role == 0;
    let target = text[start..end].rfind(" <").filter(|_| text[..end].ends_with('>') && ticks == 1);
    if let Some(target) = target.filter(|_| is_link || role > 0) {
        let end = end + ticks + if is_link { underscores } else { 0 };
        let inner = start..start + text[start..start + target].trim_end().len();
        return Some(Span { kind: SpanKind::Link, range: at..end, inner });
    }
    if is_link {
        let range = at..end + ticks + underscores;
        return Some(Span { kind: SpanKind::Link, range, inner: start..end });
    }
    Some(Span { kind: SpanKind::Code, range: at..end + ticks, inner: start..end })
}

fn math(text: &str, at: usize) -> Option<Span> {
    let rest = &text[at..];
    let marks = [("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$")];
    let (open, close) = marks.into_iter().find(|(open, _)| rest.starts_with(open))?;
    let inner = &rest[open.len()..];
    let inner = &inner[..inner.floor_char_boundary(LONGEST_MATH)];
    let mut ends = inner.match_indices(close).map(|(end, _)| end);
    // `$5 and $10` are prices.
    let is_single = |end: &usize| {
        inner.starts_with(|c: char| !c.is_whitespace())
            && !inner[..*end].ends_with([' ', '\n', '\t', '\\'])
            && !inner[end + 1..].starts_with(|c: char| c.is_ascii_digit())
    };
    let end = if open == "$" {
        let before = text[..at].chars().next_back();
        ends.next().filter(is_single).filter(|_| parts(before))?
    } else {
        ends.next()?
    };
    if inner[..end].trim().is_empty() {
        return None;
    }
    let start = at + open.len();
    let range = at..start + end + close.len();
    Some(Span { kind: SpanKind::Math, range, inner: start..start + end })
}

/// `[text](target)`, `[text][label]`, `![alt](target)`; `link:target[text]` and `<<id,text>>` of `AsciiDoc`.
fn link(text: &str, at: usize) -> Option<Span> {
    let of = |range, inner| Some(Span { kind: SpanKind::Link, range, inner });
    let rest = &text[at..];
    if rest.starts_with(':') {
        let (name, length) = links::link_macro(&text[..at], rest)?;
        let start = at + length + 1;
        let end = start + text[start..].find(']')?;
        return of(at - name..end + 1, start..end);
    }
    if rest.starts_with('<') {
        let (target, length) = links::cross_reference(rest)?;
        return of(at..at + length, at + target..at + length - ">>".len());
    }
    if !rest.starts_with('[') {
        return None;
    }
    let start = at + 1;
    let end = start + closing_bracket(&text[start..])?;
    let before = &text[..at];
    let image = usize::from(before.ends_with('!'));
    if let Some(length) = links::link_target(&text[end..]) {
        return of(at - image..end + length, start..end);
    }
    // `rows[first][last]` is not a link.
    let length = links::reference(&text[end..])?;
    let stands_alone =
        parts(before.chars().next_back()) && parts(text[end + length..].chars().next());
    if stands_alone { of(at - image..end + length, start..end) } else { None }
}

/// The position of the bracket that closes the one before this text; the text of a link may contain an image.
fn closing_bracket(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' if depth == 0 => return Some(at),
            ']' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// A run of asterisks or underscores.
struct Delimiter {
    mark: char,
    start: usize,
    length: usize,
    opens: bool,
    closes: bool,
}

impl Delimiter {
    fn at(text: &str, start: usize) -> Self {
        let mark = if text[start..].starts_with('*') { '*' } else { '_' };
        let length = run_length(&text[start..], mark);
        let before = text[..start].chars().next_back();
        let after = text[start + length..].chars().next();
        // Inside a word they belong to it: `snake_case`, `2*3`.
        let is_text = |c: Option<char>, signs: &str| {
            c.is_some_and(|c| c.is_alphanumeric() || !c.is_ascii() || signs.contains(c))
                && !c.is_some_and(char::is_whitespace)
        };
        Self {
            mark,
            start,
            length,
            opens: parts(before) && is_text(after, "`[(\"'<$*_~"),
            closes: parts(after) && is_text(before, "`])\"'>$*_~.!?%,:;"),
        }
    }

    /// Closes an open run of the same mark, or becomes an open run.
    fn pair(mut self, open: &mut Vec<Self>, spans: &mut Vec<Span>) {
        if self.length > 3 {
            return;
        }
        while self.closes && self.length > 0 {
            let fits = |it: &Self| it.mark == self.mark && it.length <= self.length;
            let Some(at) = open.iter().rposition(fits) else { break };
            open.truncate(at + 1);
            let Some(first) = open.pop() else { break };
            let inner = first.start + first.length..self.start;
            self.start += first.length;
            self.length -= first.length;
            if !inner.is_empty() {
                let range = first.start..self.start;
                spans.push(Span { kind: SpanKind::Emphasis, range, inner });
            }
        }
        if self.opens && self.length > 0 {
            open.push(self);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_begins_and_ends_with_whole_words_and_markup() {
        for (text, found, expected) in [
            ("See the [on-call list](ops.md), and", "call list", "[on-call list](ops.md)"),
            (
                "See the [on-call list](ops.md), and",
                "list](ops.md), and",
                "[on-call list](ops.md), and",
            ),
            ("kept\nfor **400 days**, in", "kept\nfor **400 days", "kept\nfor **400 days**"),
            ("A *very long* wait", "long* wait", "*very long* wait"),
            ("Run `docent query --from x` once", "query --from", "`docent query --from x`"),
            ("It is $a + b$ here", "b$ here", "$a + b$ here"),
            ("Give --from first", "from first", "--from first"),
            ("Use .NET here", "NET here", ".NET here"),
            ("It ends.Then more", "Then more", "Then more"),
            ("(see below) \"and so\"", "see below", "see below"),
            ("unbelievable things", "believable thin", "unbelievable things"),
            ("see `the guide <g.html>`_ now", "guide", "`the guide <g.html>`_"),
            ("link:f.html[the fees] are due", "fees] are", "link:f.html[the fees] are"),
            ("12 % or 12%, so", "or 12", "or 12%"),
            ("备份保存四百天。", "保存四百", "保存四百"),
            ("plain words here", "words", "words"),
        ] {
            let start = text.find(found).unwrap_or_default();
            let range = widened(text, &(start..start + found.len()));
            assert_eq!(&text[range], expected, "{text}: {found}");
        }
    }
}
