//! The report of `docent eval`: a table, JSON, Markdown or `JUnit`.

mod junit;
mod markdown;
mod table;

use super::Ui;
use super::sanitize::{escape_json, sanitize_line};
use super::style::Style;
use crate::cli::Format;
use crate::error::Failure;
use crate::eval::answers::{AnswerValue, AnswersReport};
use crate::eval::changes::CaseChange;
use crate::eval::promotion::Promotion;
use crate::eval::report::{EvalReport, EvalRun, Latency};
use crate::eval::stats::Interval;
use crate::output::Versioned;
use crate::types::GateOutcome;

/// Most cases that differ to list.
const CHANGES: usize = 20;

/// Most characters of a question to show.
const QUESTION: usize = 60;

/// The report for a file, without colours.
pub fn eval_document(report: &EvalReport, format: Format) -> String {
    match format {
        Format::Json | Format::Jsonl => {
            // Texts and numbers can always be written as JSON.
            let text = serde_json::to_string_pretty(&Versioned::new(report));
            escape_json(&format!("{}\n", text.unwrap_or_default()))
        }
        Format::Junit => junit::document(report),
        Format::Markdown => markdown::document(report),
        Format::Text => table::document(report, Style::new(false, false)),
    }
}

impl Ui {
    /// Prints the report, and on stderr the gates that were not met.
    pub fn eval_report(&mut self, report: &EvalReport, format: Format) -> Result<(), Failure> {
        match format {
            Format::Json | Format::Jsonl => self.json(report)?,
            Format::Junit | Format::Markdown => self.data(&eval_document(report, format))?,
            Format::Text => self.data(&table::document(report, self.out_style))?,
        }
        if let Some(run) = report.runs.first() {
            self.missed(run);
        }
        for row in report.answers.iter().flat_map(|answers| &answers.by_case) {
            for fact in &row.missing_facts {
                let line = format!("not stated for {}, {}: {fact}", row.id, row.question);
                self.detail(&sanitize_line(&line));
            }
            for sentence in row.judged.iter().flat_map(|judged| &judged.unsupported) {
                let line = format!("unsupported for {}, {}: {sentence}", row.id, row.question);
                self.detail(&sanitize_line(&line));
            }
        }
        self.unmet_gates(report);
        Ok(())
    }

    /// Prints the gates that were not met on stderr.
    pub(super) fn unmet_gates(&mut self, report: &EvalReport) {
        for gate in report.gates.iter().filter(|gate| !gate.passed) {
            self.warn(&unmet(gate));
        }
    }

    /// Prints what a version was measured by, and what became of it.
    pub(super) fn promotion(&mut self, promotion: &Promotion) -> Result<(), Failure> {
        let Promotion { collection, live, version, promoted, eval } = promotion;
        self.data("\n")?;
        self.eval_report(eval, Format::Text)?;
        let name = |number: &u32| sanitize_line(&format!("{collection}@v{number}"));
        let outcome = match live {
            None => format!("{} is live: it is the first version", name(version)),
            Some(live) if *promoted => {
                format!("{} is live now; {} is kept", name(version), name(live))
            }
            Some(live) => format!(
                "{} stays live; {} is kept beside it until the next version is built",
                name(live),
                name(version)
            ),
        };
        self.data(&format!("\n{outcome}\n"))
    }

    /// With `--verbose`, what was expected but not found.
    fn missed(&mut self, run: &EvalRun) {
        for case in &run.by_case {
            for expected in case.expected.iter().filter(|expected| expected.rank.is_none()) {
                let place = expected
                    .place
                    .map_or_else(|| expected.source.clone(), |place| place.cite(&expected.source));
                let quote = expected.quote.as_ref().map_or_else(String::new, |q| format!(": {q}"));
                self.detail(&sanitize_line(&format!(
                    "not found for {}, {}: {place}{quote}",
                    case.id, case.question
                )));
            }
        }
    }
}

/// `recall@5 is 0.712, but has to be at least 0.800`
fn unmet(gate: &GateOutcome) -> String {
    let GateOutcome { metric, value, limit, .. } = gate;
    match gate.baseline {
        None => format!("{metric} is {value:.3}, but has to be at least {limit:.3}"),
        Some(was) => {
            format!("{metric} is {value:.3}; it was {was:.3}, and has to be at least {limit:.3}")
        }
    }
}

/// `47 cases from cases.jsonl, passages ranked`
fn headline(report: &EvalReport) -> String {
    let cases = crate::output::humanize::counted(report.cases, "case");
    let left_out = match report.left_out {
        0 => String::new(),
        n => format!("; {n} that expect nothing are left out"),
    };
    format!("{cases} from {}, by {}{left_out}", sanitize_line(&report.cases_from), report.unit)
}

fn interval(interval: Option<Interval>) -> String {
    interval.map_or_else(String::new, |Interval { low, high }| format!("{low:.3} to {high:.3}"))
}

fn difference_interval(interval: Option<Interval>) -> String {
    interval.map_or_else(String::new, |Interval { low, high }| format!("{low:+.3} to {high:+.3}"))
}

/// A probability. Very small ones need no more digits.
fn p_value(p: f64) -> String {
    if p < 0.001 { "<0.001".to_owned() } else { format!("{p:.3}") }
}

/// A line for each run: the median time of a question, and the 95th percentile.
fn latencies(report: &EvalReport) -> Vec<String> {
    let line = |run: &EvalRun| {
        let Latency { p50_ms, p95_ms } = run.latency.as_ref()?;
        let of = if report.runs.len() == 1 { String::new() } else { format!(" {}", run.name) };
        let of = sanitize_line(&of);
        Some(format!("latency{of}: p50 {p50_ms:.1} ms, p95 {p95_ms:.1} ms"))
    };
    report.runs.iter().filter_map(line).collect()
}

/// `recall@5 >= 0.800`, with the value of the baseline, if there is one.
pub(super) fn gate_name(gate: &GateOutcome) -> String {
    match gate.baseline {
        None => format!("{} >= {:.3}", gate.metric, gate.limit),
        Some(was) => format!("{} >= {:.3} (was {was:.3})", gate.metric, gate.limit),
    }
}

/// The tables of a report, as cells: a line of names, then rows. A table may have a title.
fn tables(report: &EvalReport) -> Vec<(Option<String>, Vec<Vec<String>>)> {
    let mut tables = vec![(None, values(report))];
    let Some(run) = report.runs.first() else { return tables };
    if !run.tags.is_empty() {
        let of = if report.runs.len() == 1 { String::new() } else { format!(", {}", run.name) };
        tables.push((Some(format!("By tag{}", sanitize_line(&of))), by_tag(run)));
    }
    if let Some(answers) = &report.answers {
        let judge = answers.judge.iter().map(|judge| format!(", judged by {judge}"));
        let title = format!("Answers, {}{}", answers.model, judge.collect::<String>());
        let title = sanitize_line(&title);
        tables.push((Some(title), of_answers(answers)));
    }
    if !report.comparisons.is_empty() {
        tables.push((Some(format!("Against {}", sanitize_line(&run.name))), comparisons(report)));
    }
    if !report.changes.is_empty() {
        tables.push((Some("Cases that differ".to_owned()), changes(&run.name, &report.changes)));
    }
    if !report.gates.is_empty() {
        tables.push((Some("Gates".to_owned()), gates(report)));
    }
    // Names of metrics, runs and tags come from files, too.
    for cell in tables.iter_mut().flat_map(|(_, rows)| rows).flatten() {
        *cell = sanitize_line(cell);
    }
    tables
}

/// A line for each metric: with its interval if there is one run, otherwise with a column for each run.
fn values(report: &EvalReport) -> Vec<Vec<String>> {
    let mut head = vec![String::new()];
    head.extend(report.runs.iter().map(|run| run.name.clone()));
    let single = report.runs.len() == 1;
    if single {
        head.push("95 % interval".to_owned());
    }
    let mut rows = vec![head];
    let Some(first) = report.runs.first() else { return rows };
    for (i, value) in first.metrics.iter().enumerate() {
        let mut row = vec![value.metric.clone()];
        row.extend(report.runs.iter().map(|run| format!("{:.3}", run.metrics[i].mean)));
        if single {
            row.push(interval(value.interval));
        }
        rows.push(row);
    }
    rows
}

fn by_tag(run: &EvalRun) -> Vec<Vec<String>> {
    let names = run.metrics.iter().map(|value| value.metric.clone());
    let head = ["tag", "cases"].map(str::to_owned).into_iter().chain(names).collect();
    let row = |tag: &crate::eval::report::TagRow| {
        let cells = [tag.tag.clone(), tag.cases.to_string()].into_iter();
        cells.chain(tag.metrics.iter().map(|value| format!("{:.3}", value.mean))).collect()
    };
    std::iter::once(head).chain(run.tags.iter().map(row)).collect()
}

fn comparisons(report: &EvalReport) -> Vec<Vec<String>> {
    let head = ["", "", "difference", "95 % interval", "p", "better", "worse"].map(str::to_owned);
    let row = |comparison: &crate::eval::report::RunComparison| {
        vec![
            comparison.metric.clone(),
            comparison.other.clone(),
            format!("{:+.3}", comparison.difference),
            difference_interval(comparison.interval),
            p_value(comparison.p),
            comparison.better.to_string(),
            comparison.worse.to_string(),
        ]
    };
    std::iter::once(head.to_vec()).chain(report.comparisons.iter().map(row)).collect()
}

/// The first of many changes, the worst ones.
fn changes(base: &str, changes: &[CaseChange]) -> Vec<Vec<String>> {
    let head = ["", "", base, "", ""].map(str::to_owned).to_vec();
    let row = |change: &CaseChange| {
        vec![
            clipped(&change.question),
            change.metric.clone(),
            format!("{:.3}", change.base),
            change.run.clone(),
            format!("{:.3}", change.value),
        ]
    };
    let mut rows = vec![head];
    rows.extend(changes.iter().take(CHANGES).map(row));
    if changes.len() > CHANGES {
        rows.push(vec![format!("and {} more; --format json lists them", changes.len() - CHANGES)]);
    }
    rows
}

/// A question, cut to the space in a row.
fn clipped(question: &str) -> String {
    match question.char_indices().nth(QUESTION) {
        Some((end, _)) => format!("{}…", &question[..end]),
        None => question.to_owned(),
    }
}

fn of_answers(answers: &AnswersReport) -> Vec<Vec<String>> {
    let head = ["", "cases", "", "95 % interval"].map(str::to_owned).to_vec();
    let row = |value: &AnswerValue| {
        let mean = format!("{:.3}", value.mean);
        vec![value.metric.clone(), value.cases.to_string(), mean, interval(value.interval)]
    };
    std::iter::once(head).chain(answers.metrics.iter().map(row)).collect()
}

fn gates(report: &EvalReport) -> Vec<Vec<String>> {
    let head = ["", "value", ""].map(str::to_owned).to_vec();
    let row = |gate: &GateOutcome| {
        let outcome = if gate.passed { "met" } else { "NOT MET" };
        vec![gate_name(gate), format!("{:.3}", gate.value), outcome.to_owned()]
    };
    std::iter::once(head).chain(report.gates.iter().map(row)).collect()
}
