//! The report for a terminal.

use super::super::columns::aligned;
use super::super::style::Style;
use crate::eval::report::EvalReport;

pub(super) fn document(report: &EvalReport, style: Style) -> String {
    let mut text = format!("{}\n", super::headline(report));
    for (title, rows) in super::tables(report) {
        text.push('\n');
        if let Some(title) = title {
            text += &format!("{}\n", style.strong(&title));
        }
        text += &aligned(&rows, |column| column == 0, style);
    }
    let latencies = super::latencies(report);
    if !latencies.is_empty() {
        text += &format!("\n{}\n", latencies.join("\n"));
    }
    text
}
