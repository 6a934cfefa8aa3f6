//! Markup that addresses a program and not the reader: tags, comments, directives and templates of HTML, MDX,
//! mdBook, site generators, reStructuredText and `AsciiDoc`. No line of it is a sentence of prose.

use std::ops::Range;

use super::links::{cross_reference, quoted_target, reference};

/// Markup within a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct InlineMarkup {
    /// In bytes.
    pub(super) length: usize,
    /// Whether the markup separates the words before and after it; not in `H<sub>2</sub>O`.
    pub(super) parts_words: bool,
}

/// Elements that are written within a sentence.
const PHRASING: [&str; 31] = [
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins",
    "kbd", "mark", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strong", "sub", "sup",
    "time", "tt", "u", "var",
];
/// Elements that separate text, or are empty.
const PARTING: [&str; 25] = [
    "br",
    "center",
    "details",
    "div",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "hr",
    "img",
    "li",
    "ol",
    "p",
    "pre",
    "summary",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
    "wbr",
];
/// Longest tag and comment, in bytes.
const LONGEST: usize = 4000;

/// The tag, comment, role (``:doc:`guide` ``) or label (`][guide]`) at the start of a text. `Vec<T>` is not a
/// tag: an element that HTML does not define must have attributes, or be closed.
pub(super) fn inline(text: &str) -> Option<InlineMarkup> {
    let unseen = comment(text)
        .or_else(|| role(text))
        .or_else(|| reference(text))
        .or_else(|| quoted_target(text))
        .or_else(|| Some(cross_reference(text)?.0));
    if let Some(length) = unseen {
        return Some(InlineMarkup { length, parts_words: false });
    }
    let tag = tag(text)?;
    let phrasing = PHRASING.contains(&tag.name);
    let element = (phrasing || PARTING.contains(&tag.name)) && !tag.has_flags;
    let known = element || tag.closes || tag.has_values;
    known.then_some(InlineMarkup { length: tag.length, parts_words: !phrasing })
}

/// Length of the comment at the start of a text.
fn comment(text: &str) -> Option<usize> {
    let inner = text.strip_prefix("<!--")?;
    first(inner).find("-->").map(|end| "<!--".len() + end + "-->".len())
}

/// The most of a text that a tag or a comment may take.
pub(super) fn first(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

/// Length of the role of reStructuredText at the start of a text.
pub(super) fn role(text: &str) -> Option<usize> {
    let end = text
        .strip_prefix(':')?
        .find(|c: char| !c.is_ascii_alphanumeric() && !"-_.:".contains(c))?;
    let is_role = end > 1 && text[1..=end].ends_with(':') && text[1 + end..].starts_with('`');
    is_role.then_some(1 + end)
}

struct Tag<'a> {
    name: &'a str,
    length: usize,
    /// `</name>` or `<name/>`.
    closes: bool,
    /// Whether it has attributes with values, and without.
    has_values: bool,
    has_flags: bool,
}

fn tag(text: &str) -> Option<Tag<'_>> {
    let text = first(text);
    let inner = text.strip_prefix('<')?;
    let name = inner.strip_prefix('/').unwrap_or(inner);
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':');
    let (name, mut rest) = name.split_at(name.find(|c| !is_of_name(c))?);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let (mut has_values, mut has_flags) = (false, false);
    loop {
        let next = rest.trim_start();
        let length = text.len() - next.len();
        let end = if next.starts_with("/>") { 2 } else { usize::from(next.starts_with('>')) };
        if end > 0 {
            let closes = end == 2 || inner.starts_with('/');
            return Some(Tag { name, length: length + end, closes, has_values, has_flags });
        }
        if next.len() == rest.len() {
            return None;
        }
        let (is_flag, after) = attribute(next)?;
        has_flags |= is_flag;
        has_values |= !is_flag;
        rest = after;
    }
}

/// Whether the attribute at the start of a text has no value, and the text after it: `name`, `name="value"`,
/// `name=value`, `name={value}`.
fn attribute(text: &str) -> Option<(bool, &str)> {
    let is_of_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ':' | '@' | '.');
    let (name, rest) = text.split_at(text.find(|c| !is_of_name(c))?);
    if name.is_empty() {
        return None;
    }
    let Some(value) = rest.trim_start().strip_prefix('=') else { return Some((true, rest)) };
    let value = value.trim_start();
    let end = match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].find(quote).map(|end| end + 2),
        '{' => braced(value),
        _ => value.find(|c: char| c.is_whitespace() || c == '>'),
    };
    end.map(|end| (false, &value[end..]))
}

/// Length of the braces at the start of a text, with their content.
fn braced(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return Some(at + 1),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Tags, comments and roles of a text, and whether each run of them separates two words. Those in backticks
/// are left out, and those inside a word, which would be another word without them: `H<sub>2</sub>O`.
pub fn tags(text: &str) -> Vec<(Range<usize>, bool)> {
    let mut tags: Vec<(Range<usize>, bool)> = Vec::new();
    let mut end = 0;
    let mut in_code = false;
    for (at, c) in text.char_indices().filter(|(_, c)| matches!(c, '`' | '<' | ':')) {
        in_code ^= c == '`';
        if in_code || c == '`' || at < end {
            continue;
        }
        let (length, parts_words) = run_of_tags(&text[at..]);
        if length == 0 {
            continue;
        }
        end = at + length;
        let after = text[end..].trim_start_matches(['`', '*']);
        let within = text[..at].trim_end_matches(['`', '*']).ends_with(char::is_alphanumeric)
            && after.starts_with(char::is_alphanumeric);
        if parts_words || !within {
            tags.push((at..end, parts_words));
        }
    }
    tags
}

/// Length of the consecutive tags at the start of a text, and whether they separate words.
fn run_of_tags(text: &str) -> (usize, bool) {
    let (mut length, mut parts_words) = (0, false);
    while let Some(tag) = inline(&text[length..]) {
        length += tag.length;
        parts_words |= tag.parts_words;
    }
    (length, parts_words)
}

/// Length of the lines of markup at the start of a text; 0 if its first line is not markup. A tag or a
/// comment may span several lines.
pub(super) fn lines(text: &str) -> usize {
    // Most lines of prose begin like this.
    if text.bytes().next().is_some_and(|first| first.is_ascii_uppercase() || !first.is_ascii()) {
        return 0;
    }
    let line = text.split('\n').next().unwrap_or_default();
    if is_line(line.trim_end()) {
        return line.len();
    }
    let mut length = 0;
    loop {
        let rest = &text[length..];
        let run = comment(rest).or_else(|| Some(tag(rest)?.length)).or_else(|| template(rest));
        let Some(run) = run else { return 0 };
        length += run;
        let after = text[length..].trim_start_matches([' ', '\t', '\r']);
        length = text.len() - after.len();
        if after.is_empty() || after.starts_with('\n') {
            return length;
        }
    }
}

/// Length of a placeholder of a generator of sites or books: `{{#include a.rs}}`, `{{< toc >}}`, `{% raw %}`.
fn template(text: &str) -> Option<usize> {
    [("{{", "}}"), ("{%", "%}")].into_iter().find_map(|(open, close)| {
        let line = text.split('\n').next()?;
        let end = line.strip_prefix(open)?.find(close)?;
        Some(open.len() + end + close.len())
    })
}

/// Whether a line consists only of a placeholder.
pub fn is_template(line: &str) -> bool {
    let line = line.trim();
    template(line).is_some_and(|length| length == line.len())
}

/// Whether a line, judged alone, is markup without tags.
fn is_line(line: &str) -> bool {
    matches!(line, ".." | "::")
        || is_container(line)
        || is_alert(line)
        || is_definition(line)
        || is_directive(line)
        || is_macro(line)
        || is_attributes(line)
        || is_import(line)
        || is_table_rule(line)
}

/// `:::note Title`, `!!! note "Title"`, `=== "Tab"`: the start of a container for the lines after it.
fn is_container(line: &str) -> bool {
    let named = |mark: &str| {
        let rest = line.strip_prefix(mark).map(|rest| rest.trim_start_matches(['+', ' ']));
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
    };
    let is_tab = line.starts_with("=== \"") && line.ends_with('"');
    line.starts_with(":::") || is_tab || named("!!!") || named("???")
}

/// `[!NOTE]`.
fn is_alert(line: &str) -> bool {
    let Some((name, _)) = line.strip_prefix("[!").and_then(|rest| rest.split_once(']')) else {
        return false;
    };
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// The definition of a link's target: `[label]: target`, `.. _label: target`. `[^1]: ` begins a note.
fn is_definition(line: &str) -> bool {
    if line.starts_with(".. _") && line.contains(':') {
        return true;
    }
    let Some((label, target)) = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "))
    else {
        return false;
    };
    let mut words = target.split_whitespace();
    let leads =
        words.next().is_some_and(|word| word.contains(['/', '#', '.', '<']) || word.contains("::"));
    let titled = words.next().is_none_or(|word| word.starts_with(['"', '\'', '(']));
    let named = label.contains(char::is_alphabetic) && !target.trim().contains(' ');
    (leads || named) && titled && !label.starts_with('^') && !label.contains(['[', ']'])
}

/// Minimum number of words after a directive that count as prose: `.. note:: Back up before you go on.`
const SAID: usize = 3;

/// `.. code-block:: rust`, `.. method:: find(text, from=0, to=None)`.
fn is_directive(line: &str) -> bool {
    directive(line).is_some_and(|(_, said)| {
        said.split_whitespace().count() < SAID || said.contains(['(', '=', '/'])
    })
}

/// The name of a directive of reStructuredText, and the text after it on its line.
pub(super) fn directive(line: &str) -> Option<(&str, &str)> {
    let (name, said) = line.strip_prefix(".. ")?.split_once("::")?;
    // `.. |name| image:: a.png`.
    let name =
        name.strip_prefix('|').and_then(|rest| rest.split_once("| ")).map_or(name, |it| it.1);
    let is_name = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
    is_name.then_some((name, said))
}

/// Whether code is indented below a directive with this name.
pub(super) fn is_verbatim(name: &str) -> bool {
    ["code", "literal", "math", "doctest", "prompt"].into_iter().any(|kind| name.contains(kind))
}

/// Whether the text indented below a directive with this name belongs to another page, or is not prose.
pub(super) fn is_hidden(name: &str) -> bool {
    matches!(name, "toctree" | "raw")
}

/// An option of a directive: `:maxdepth: 2`.
pub(super) fn is_option(line: &str) -> bool {
    let name = line.trim().strip_prefix(':').and_then(|rest| rest.split_once(':'));
    name.is_some_and(|(name, _)| !name.is_empty() && !name.contains(char::is_whitespace))
}

/// A macro of `AsciiDoc`: `include::a.adoc[]`.
fn is_macro(line: &str) -> bool {
    let Some((name, rest)) = line.split_once("::").filter(|_| line.ends_with(']')) else {
        return false;
    };
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
    let target = rest.split('[').next().unwrap_or_default();
    is_name && rest.contains('[') && !target.contains(char::is_whitespace)
}

/// Attributes of a block of `AsciiDoc`: `[source,rust]`, `[[id]]`, `[NOTE]`.
fn is_attributes(line: &str) -> bool {
    let Some(inner) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return false;
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.:#".contains(c);
    if let Some(id) = inner.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return id.chars().all(is_name);
    }
    let listed = inner.contains('=') || (inner.contains(',') && !inner.contains(", "));
    let capitals = inner.len() > 2 && inner.bytes().all(|byte| byte.is_ascii_uppercase());
    let begins = inner.starts_with(|c: char| c.is_ascii_alphabetic() || "#.%".contains(c));
    begins && (capitals || listed) && !inner.contains(['[', ']'])
}

/// `import Tabs from '@theme/Tabs';`.
fn is_import(line: &str) -> bool {
    let Some(rest) = line.strip_prefix("import ") else { return false };
    let end = rest.trim_end_matches(';');
    let quoted = end.ends_with(['"', '\'']);
    quoted
        && (rest.starts_with(['"', '\'']) || rest.contains(" from '") || rest.contains(" from \""))
}

/// A line between the rows of a table: `+---+---+`, `===== =====`, `|===`.
fn is_table_rule(line: &str) -> bool {
    let drawn = |signs: &str| line.chars().all(|c| signs.contains(c));
    let ruled = |signs: &str| drawn(signs) && (line.contains("---") || line.contains("==="));
    line == "|==="
        || (line.starts_with('+') && ruled("+-="))
        || (line.starts_with("==") && line.contains(' ') && ruled("= "))
        || (line.starts_with("--") && line.contains(' ') && ruled("- "))
        || (line.starts_with("....") && drawn("."))
}
