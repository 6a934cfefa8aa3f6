//! The report for CI systems that show test results: a test for each gate and for each case.
//!
//! A case never fails: the metrics say how much is found, and the gates say how much has to be.

use super::super::sanitize::sanitize_line;
use crate::eval::report::{CaseRow, EvalReport, EvalRun};
use crate::types::GateOutcome;

pub(super) fn document(report: &EvalReport) -> String {
    let failed = report.gates.iter().filter(|gate| !gate.passed).count();
    let cases: usize = report.runs.iter().map(|run| run.by_case.len()).sum();
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    text += &format!(
        "<testsuites name=\"docent eval\" tests=\"{}\" failures=\"{failed}\" errors=\"0\">\n",
        report.gates.len() + cases
    );
    if !report.gates.is_empty() {
        text += &format!(
            "  <testsuite name=\"gates\" tests=\"{}\" failures=\"{failed}\" errors=\"0\">\n",
            report.gates.len()
        );
        text.extend(report.gates.iter().map(gate));
        text += "  </testsuite>\n";
    }
    text.extend(report.runs.iter().map(run));
    text + "</testsuites>\n"
}

fn gate(gate: &GateOutcome) -> String {
    let name = escaped(&super::gate_name(gate));
    let start = format!("    <testcase classname=\"docent.eval.gates\" name=\"{name}\"");
    if gate.passed {
        return format!("{start}/>\n");
    }
    let why = escaped(&super::unmet(gate));
    format!("{start}>\n      <failure message=\"{why}\"/>\n    </testcase>\n")
}

fn run(run: &EvalRun) -> String {
    let name = escaped(&run.name);
    let count = run.by_case.len();
    let mut text =
        format!("  <testsuite name=\"{name}\" tests=\"{count}\" failures=\"0\" errors=\"0\">\n");
    text += "    <properties>\n";
    for value in &run.metrics {
        let metric = escaped(&value.metric);
        text += &format!("      <property name=\"{metric}\" value=\"{:.4}\"/>\n", value.mean);
    }
    text += "    </properties>\n";
    text.extend(run.by_case.iter().map(|row| case(row, &name)));
    text + "  </testsuite>\n"
}

fn case(row: &CaseRow, run: &str) -> String {
    let name = escaped(&format!("{}: {}", row.id, row.question));
    let values = row.metrics.iter().map(|value| format!("{} {:.3}", value.metric, value.value));
    let values = escaped(&values.collect::<Vec<_>>().join(", "));
    format!(
        "    <testcase classname=\"docent.eval.{run}\" name=\"{name}\">\n      <system-out>{values}</system-out>\n    </testcase>\n"
    )
}

/// Escapes text for XML: sanitized like text for a person, and without characters that XML does not
/// allow.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in sanitize_line(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => {}
            c => escaped.push(c),
        }
    }
    escaped
}
