//! `docent eval`: measures retrieval and answers, and checks gates.

mod answers;
mod corpus;
mod gates;
mod init;
mod judging;
mod promotion;
mod rankings;
mod sources;
mod sweep;
mod versions;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub(super) use self::promotion::PromotionGate;
use super::Context;
use crate::cli::{EvalArgs, EvalCommand, Format, ReportFile};
use crate::error::{Exit, Failure};
use crate::eval::answers::AnswersReport;
use crate::eval::beir::{self, BeirError};
use crate::eval::cases::{self, Case};
use crate::eval::changes;
use crate::eval::judge::RankingUnit;
use crate::eval::metrics::{Metric, MetricKind};
use crate::eval::report::{self, EvalReport, Rankings};
use crate::service::output_file::forbid_way_out;
use crate::ui::Ui;
use crate::ui::eval::eval_document;

pub(super) async fn run(
    ui: &mut Ui,
    context: &Context,
    args: EvalArgs,
    format: Format,
) -> Result<Exit, Failure> {
    if let Some(EvalCommand::Init(args)) = &args.command {
        return init::run(ui, context, args).await;
    }
    let started = Instant::now();
    let mut set = CaseSet::load(context, &args)?;
    let gates = gates::Gates::load(context, &args.gates)?;
    gates.need(args.answers, args.judge.is_some())?;
    let run_file = args.runs.run_file.as_ref().map(|path| context.cwd.join(path));
    if let Some(path) = &run_file {
        forbid_way_out(path, &context.root)?;
    }
    let files = report_files(context, &args.reports)?;
    let written = run_file.iter().chain(files.iter().map(|(path, _)| path));
    let written = written.chain(gates.written_to()).chain(&args.write_drift_baseline);
    spare_cases(&context.cwd.join(&set.name), written)?;
    let metrics = gates.with_theirs(metrics(&args, set.unit)?);
    let runs = rankings::all(ui, context, &args, &mut set, &metrics).await?;
    if let Some(path) = &run_file {
        rankings::write(path, &set.cases, &runs)?;
    }
    let measured = |run: &Rankings| report::measure(&set.cases, run, &metrics);
    let runs: Vec<report::EvalRun> = runs.iter().map(measured).collect();
    let of_versions = !versions::named(context, &args.runs.compare)?.is_empty();
    let baseline = args.write_drift_baseline.as_ref().map(|path| context.cwd.join(path));
    if let Some(path) = &baseline {
        forbid_way_out(path, &context.root)?;
    }
    let answers = if args.answers {
        let judge = args.judge.as_deref();
        Some(answers::measure(ui, context, &set, judge, baseline.as_deref()).await?)
    } else {
        None
    };
    let means = means(&runs[0], answers.as_ref());
    let outcomes = gates.check(&means)?;
    gates.write(means, set.cases.len())?;
    let report = EvalReport {
        cases_from: set.name,
        unit: report::plural(set.unit),
        cases: set.cases.len(),
        left_out: set.unanswerable.len(),
        comparisons: report::compare(&runs),
        changes: if of_versions { changes::changes(&runs) } else { Vec::new() },
        runs,
        answers,
        passed: outcomes.iter().all(|outcome| outcome.passed),
        gates: outcomes,
        elapsed_ms: started.elapsed().as_millis() as u64,
    };
    ui.eval_report(&report, format)?;
    for (path, format) in &files {
        write(path, &eval_document(&report, *format))?;
    }
    Ok(if report.passed { Exit::Done } else { Exit::Negative })
}

/// The cases, and where they come from.
struct CaseSet {
    /// Path of the cases, as typed.
    name: String,
    cases: Vec<Case>,
    unit: RankingUnit,
    /// Cases that expect nothing, for which nothing is retrieved.
    unanswerable: Vec<Case>,
    /// The file, if sources may be relative to its directory.
    file: Option<PathBuf>,
}

impl CaseSet {
    fn load(context: &Context, args: &EvalArgs) -> Result<Self, Failure> {
        let set = match (&args.beir, &args.cases) {
            (Some(dir), _) => Self::of_directory(context, dir, &args.split),
            (None, Some(typed)) => {
                Self::read(context, typed, &args.split, args.runs.from_run.is_some())
            }
            (None, None) => Err(Failure::usage("no cases")
                .hint("docent eval cases.jsonl, or docent eval --beir DIR")),
        };
        set?.tagged(&args.tags)?.answerable()
    }

    /// Reads a file of cases, or a directory in BEIR format with its judgements `split`. `judgements`:
    /// a file of judgements will do.
    fn read(
        context: &Context,
        typed: &Path,
        split: &str,
        judgements: bool,
    ) -> Result<Self, Failure> {
        let path = context.cwd.join(typed);
        if path.is_dir() {
            return Self::of_directory(context, typed, split);
        }
        Self::of_file(path, typed.display().to_string(), judgements)?.with_any()
    }

    fn of_directory(context: &Context, typed: &Path, split: &str) -> Result<Self, Failure> {
        let name = typed.display().to_string();
        let cases = beir::cases(&context.cwd.join(typed), split).map_err(beir_failure)?;
        let unit = RankingUnit::Documents;
        Self { name, cases, unit, unanswerable: Vec::new(), file: None }.with_any()
    }

    fn with_any(self) -> Result<Self, Failure> {
        if self.cases.is_empty() {
            return Err(Failure::usage(format!("there is no case in {}", self.name)));
        }
        Ok(self)
    }

    /// Keeps the cases with one of the tags; all if no tag is named.
    fn tagged(mut self, tags: &[String]) -> Result<Self, Failure> {
        if !tags.is_empty() {
            self.cases.retain(|case| case.tags.iter().any(|tag| tags.contains(tag)));
            if self.cases.is_empty() {
                let (tags, name) = (tags.join("` or `"), &self.name);
                return Err(Failure::usage(format!("no case in {name} has the tag `{tags}`")));
            }
        }
        Ok(self)
    }

    /// Sets aside the cases that expect nothing.
    fn answerable(mut self) -> Result<Self, Failure> {
        (self.cases, self.unanswerable) =
            self.cases.into_iter().partition(|case| !case.expected.is_empty());
        if self.cases.is_empty() {
            return Err(Failure::usage(format!("no case in {} expects anything", self.name)));
        }
        Ok(self)
    }

    /// Reads a file of cases. For rankings from a file, `judgements` will do.
    fn of_file(path: PathBuf, name: String, judgements: bool) -> Result<Self, Failure> {
        let text = read(&path)?;
        let line_failure = |error: cases::LineError| Failure::usage(error.to_string());
        if judgements && !text.trim_start_matches('\u{feff}').trim_start().starts_with('{') {
            let cases = beir::cases_of(&beir::qrels(&text, &name).map_err(line_failure)?);
            return Ok(Self {
                name,
                cases,
                unit: RankingUnit::Documents,
                unanswerable: Vec::new(),
                file: None,
            });
        }
        let cases = cases::parse(&text, &name).map_err(|error| {
            line_failure(error).hint(
                "a case is a line such as {\"question\": \"...\", \"expected\": [{\"source\": \"docs/a.md\", \"lines\": [3, 9]}]}",
            )
        })?;
        Ok(Self {
            name,
            cases,
            unit: RankingUnit::Passages,
            unanswerable: Vec::new(),
            file: Some(path),
        })
    }
}

fn beir_failure(error: BeirError) -> Failure {
    let failure = Failure::usage(error.to_string());
    match error {
        BeirError::Io { .. } => failure
            .hint("a directory in BEIR format has corpus.jsonl, queries.jsonl and qrels/test.tsv"),
        BeirError::NoSplit { .. } => failure.hint("choose one with --split"),
        BeirError::Line(_) => failure,
    }
}

/// Reads a file that was named on the command line.
fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", path.display())))
}

/// # Errors
/// A file that would be written is the file of the cases.
fn spare_cases<'a>(
    cases: &Path,
    written: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<(), Failure> {
    let Ok(cases) = cases.canonicalize() else { return Ok(()) };
    match written.into_iter().find(|path| path.canonicalize().is_ok_and(|it| it == cases)) {
        None => Ok(()),
        Some(path) => {
            let problem =
                format!("{} is the file of cases, and would be overwritten", path.display());
            Err(Failure::usage(problem).hint("name another file"))
        }
    }
}

/// Checks the files of reports before anything is measured.
fn report_files(
    context: &Context,
    reports: &[ReportFile],
) -> Result<Vec<(PathBuf, Format)>, Failure> {
    let file = |report: &ReportFile| {
        let path = context.cwd.join(&report.file);
        forbid_way_out(&path, &context.root).map(|()| (path, report.format))
    };
    reports.iter().map(file).collect()
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|error| Failure::usage(format!("{} cannot be written: {error}", path.display())))
}

/// The values that gates check: of the first run, and of the answers.
fn means(run: &report::EvalRun, answers: Option<&AnswersReport>) -> BTreeMap<String, f64> {
    let answers = answers.iter().flat_map(|answers| &answers.metrics);
    let answers = answers.map(|value| (value.metric.clone(), value.mean));
    let run = run.metrics.iter().map(|value| (value.metric.clone(), value.mean));
    run.chain(answers).collect()
}

/// The metrics that were asked for, or the usual ones for the cases.
fn metrics(args: &EvalArgs, unit: RankingUnit) -> Result<Vec<Metric>, Failure> {
    let mut metrics = Vec::new();
    for name in &args.metrics {
        let metric = Metric::parse(name).map_err(|error| {
            Failure::usage(error.to_string())
                .hint("use recall@N, precision@N, hit@N, mrr@N, ndcg@N, map@N or passages@N")
        })?;
        metrics.push(metric);
    }
    let at = |measure, k: u64| Metric::at(measure, k as usize);
    if let Some(&deepest) = args.k.iter().max() {
        for measure in [MetricKind::Recall, MetricKind::Precision, MetricKind::Hit] {
            metrics.extend(args.k.iter().map(|k| at(measure, *k)));
        }
        metrics.extend([MetricKind::Mrr, MetricKind::Ndcg].map(|measure| at(measure, deepest)));
    }
    if metrics.is_empty() {
        // A file of rankings has no passages.
        let ranked = args.runs.from_run.is_some();
        let usual = usual(unit).into_iter();
        metrics.extend(usual.filter(|metric| !ranked || metric.packed().is_none()));
    }
    let mut seen = Vec::new();
    metrics.retain(|metric| {
        let new = !seen.contains(metric);
        seen.push(*metric);
        new
    });
    Ok(metrics)
}

/// The usual metrics; for documents, those that are published for BEIR.
fn usual(unit: RankingUnit) -> Vec<Metric> {
    use MetricKind::{Hit, Map, Mrr, Ndcg, Passages, Precision, Recall};
    let usual: &[(MetricKind, usize)] = match unit {
        RankingUnit::Passages => &[
            (Recall, 5),
            (Recall, 10),
            (Precision, 5),
            (Hit, 5),
            (Mrr, 10),
            (Ndcg, 10),
            (Passages, 8),
        ],
        RankingUnit::Documents => &[(Ndcg, 10), (Recall, 10), (Recall, 100), (Mrr, 10), (Map, 100)],
    };
    usual.iter().map(|(measure, k)| Metric::at(*measure, *k)).collect()
}
