//! The report for the summary of a CI step, or a comment on a change.

use super::super::sanitize::sanitize_line;
use crate::eval::report::EvalReport;

pub(super) fn document(report: &EvalReport) -> String {
    let outcome = match (report.gates.is_empty(), report.passed) {
        (true, _) => "",
        (false, true) => ": gates met",
        (false, false) => ": gates NOT met",
    };
    let mut text = format!("### docent eval{outcome}\n\n{}\n", escaped(&super::headline(report)));
    for (title, rows) in super::tables(report) {
        if let Some(title) = title {
            text += &format!("\n#### {}\n", escaped(&title));
        }
        text.push('\n');
        text += &table(&rows);
    }
    for line in super::latencies(report) {
        text += &format!("\n{}\n", escaped(&line));
    }
    text
}

fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let mut text = String::new();
    for (i, row) in rows.iter().enumerate() {
        let cell = |i: usize| row.get(i).map(|cell| escaped(cell)).unwrap_or_default();
        text += &format!("| {} |\n", (0..columns).map(cell).collect::<Vec<_>>().join(" | "));
        if i == 0 {
            let rule = (0..columns).map(|column| if column == 0 { "---" } else { "---:" });
            text += &format!("| {} |\n", rule.collect::<Vec<_>>().join(" | "));
        }
    }
    text
}

/// Escapes names of files and tags, so that they are not markup in a terminal or a page.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in sanitize_line(text).chars() {
        match c {
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            c => escaped.push(c),
        }
    }
    escaped
}
