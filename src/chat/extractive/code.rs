//! Code → the runs of lines that can be quoted.

use crate::text::is_template;

/// Lines that are quoted together.
const LINES: usize = 6;
/// The same for lines with a comment, which should not begin in the middle.
const COMMENT_LINES: usize = 12;
/// What opens and closes comments of several lines.
const BLOCKS: [(&str, &str); 4] =
    [("/*", "*/"), ("\"\"\"", "\"\"\""), ("'''", "'''"), ("<!--", "-->")];

/// The paragraphs of code, and runs of lines of long ones, each comment together with the code that it
/// describes. `is_whole`: the text begins where its file or block begins.
pub(super) fn code_runs(code: &str, is_whole: bool) -> Vec<String> {
    let all: Vec<&str> = code.lines().map(str::trim_end).collect();
    let begun = if is_whole { 0 } else { rest_of_comment(&all) };
    let runs = units(&all[begun..]);
    runs.into_iter()
        // A fence within the lines would end the block they are shown in.
        .filter(|run| !run.iter().any(|line| line.contains("```")))
        // A template includes text from another file.
        .filter(|run| !run.iter().all(|line| is_template(line)))
        .map(|run| run.join("\n"))
        .collect()
}

/// The lines in runs: each from a comment to the code after it, and never beginning in the middle of a
/// comment, unless that is long.
fn units<'a>(lines: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut runs: Vec<Vec<&str>> = Vec::new();
    let mut run: Vec<&str> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let comment = comment_length(&lines[at..]);
        // With the line that the comment describes.
        let about = usize::from(
            comment > 0 && lines.get(at + comment).is_some_and(|line| !line.is_empty()),
        );
        let unit = &lines[at..at + (comment + about).max(1)];
        at += unit.len();
        let most = if comment > 0 { COMMENT_LINES } else { LINES };
        if !run.is_empty() && (unit == [""] || run.len() + unit.len() > LINES) {
            runs.push(std::mem::take(&mut run));
        }
        if unit.len() > most {
            runs.extend(long_comment(unit));
        } else if unit != [""] {
            run.extend(unit);
        }
    }
    runs.extend((!run.is_empty()).then_some(run));
    runs
}

/// Parts of a long comment: its paragraphs, and runs of lines of long paragraphs.
fn long_comment<'a, 'b>(lines: &'b [&'a str]) -> impl Iterator<Item = Vec<&'a str>> + use<'a, 'b> {
    let paragraphs = lines.split(|line| !line.contains(char::is_alphanumeric));
    let parts = paragraphs.flat_map(|paragraph| paragraph.chunks(COMMENT_LINES));
    parts.map(<[&str]>::to_vec)
}

/// Number of lines of the comment that these lines begin with; 0 if they do not begin with a comment.
fn comment_length(lines: &[&str]) -> usize {
    let first = lines.first().map_or("", |line| line.trim_start());
    if let Some((open, close)) = BLOCKS.iter().find(|(open, _)| first.starts_with(open)) {
        if first[open.len()..].contains(close) {
            return 1;
        }
        let rest = lines.iter().skip(1).position(|line| line.contains(close));
        return rest.map_or(lines.len(), |at| at + 2);
    }
    let Some(mark) = line_mark(first) else { return 0 };
    lines.iter().take_while(|line| line_mark(line.trim_start()) == Some(mark)).count()
}

/// The mark at the beginning of a comment line.
fn line_mark(line: &str) -> Option<&'static str> {
    let marks = ["///", "//!", "//", "#", "--", ";;", ";", "%"];
    let mark = marks.into_iter().find(|mark| line.starts_with(mark))?;
    let rest = &line[mark.len()..];
    // `#include`, `#[test]`, `--flag` are not comments.
    (mark.starts_with("//") || rest.is_empty() || rest.starts_with([' ', '\t', '#']))
        .then_some(mark)
}

/// Number of lines at the beginning that are the rest of a comment, or of a sentence in one, that begins in
/// another passage.
fn rest_of_comment(lines: &[&str]) -> usize {
    let (open, close) = BLOCKS[0];
    let closing = lines.iter().position(|line| line.contains(close));
    let is_open = |at: &usize| !lines[..=*at].iter().any(|line| line.contains(open));
    if let Some(at) = closing.filter(is_open) {
        return at + 1;
    }
    let text = |line: &str| {
        let line = line.trim_start();
        line_mark(line).map(|mark| line[mark.len()..].trim_start().to_owned())
    };
    let begins = |line: &str| text(line).is_none_or(|said| !said.starts_with(char::is_lowercase));
    if lines.first().is_none_or(|line| begins(line)) {
        return 0;
    }
    lines.iter().position(|line| begins(line)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(code: &str) -> Vec<String> {
        code_runs(code, true)
    }

    #[test]
    fn paragraphs_and_runs_of_lines() {
        assert_eq!(
            runs("use a;\n\nfn b() {\n}\n\n\n{{#include a.rs}}\n"),
            ["use a;", "fn b() {\n}"]
        );
        assert_eq!(runs("```\na\n"), [] as [&str; 0]);
        let long = (1..=8).map(|n| format!("let a{n};")).collect::<Vec<_>>().join("\n");
        assert_eq!(
            runs(&long),
            [&long[..long.find("\nlet a7").unwrap_or_default()], "let a7;\nlet a8;"]
        );
    }

    #[test]
    fn a_run_begins_where_a_comment_does() {
        let rust = "let a;\nlet b;\nlet c;\nlet d;\n/// The fee\n/// of a port,\n/// due now.\nfn fee() {\n    12\n}";
        assert_eq!(
            runs(rust),
            [
                "let a;\nlet b;\nlet c;\nlet d;",
                "/// The fee\n/// of a port,\n/// due now.\nfn fee() {\n    12\n}"
            ]
        );
        let c = "/* The fee\n * of a port,\n\n * 1\n * 2\n * 3\n * 4\n */\nint fee;\nint due;";
        assert_eq!(
            runs(c),
            ["/* The fee\n * of a port,\n\n * 1\n * 2\n * 3\n * 4\n */\nint fee;", "int due;"]
        );
        let python = "x = 1\n# The fee\n# of a port.\n\ndef fee():\n    \"\"\"Of a port.\"\"\"\n    return 12";
        assert_eq!(
            runs(python),
            [
                "x = 1\n# The fee\n# of a port.",
                "def fee():\n    \"\"\"Of a port.\"\"\"\n    return 12"
            ]
        );
        assert_eq!(
            runs("#include <a>\n#define B 1\n--flag"),
            ["#include <a>\n#define B 1\n--flag"]
        );
    }

    #[test]
    fn a_long_comment_falls_into_its_paragraphs() {
        let half = (1..=7).map(|n| format!("// line {n}")).collect::<Vec<_>>().join("\n");
        assert_eq!(runs(&format!("{half}\n//\n{half}")), [half.clone(), half.clone()]);
    }

    #[test]
    fn the_rest_of_a_comment_is_not_quoted() {
        for (code, expected) in [
            (" * of a port.\n */\nint fee;", "int fee;"),
            ("# of a port,\n# due now.\nfee: 12", "fee: 12"),
            ("// of a port.\n// The fee is due.\nlet fee;", "// The fee is due.\nlet fee;"),
            ("// The fee.\nlet fee;", "// The fee.\nlet fee;"),
            ("fee(); /* of a port */\n", "fee(); /* of a port */"),
        ] {
            assert_eq!(code_runs(code, false), [expected]);
        }
        assert_eq!(runs("# of a port\nfee: 12"), ["# of a port\nfee: 12"]);
    }
}
