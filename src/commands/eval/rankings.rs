//! Makes the rankings of cases: retrieved, or from a file.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::Duration;

use super::super::{Context, describe, on_interrupt, open};
use super::sweep::Sweep;
use super::{CaseSet, corpus, sources, versions};
use crate::cancel::Cancel;
use crate::cli::EvalArgs;
use crate::error::Failure;
use crate::eval::cases::{Case, Expectation};
use crate::eval::judge::{Ranked, RankingUnit};
use crate::eval::metrics::Metric;
use crate::eval::rank::{self, RankOptions, RankPacking, Variant};
use crate::eval::report::Rankings;
use crate::eval::run_file;
use crate::output::humanize::counted;
use crate::query::rewrite::Queries;
use crate::query::{AnswerOptions, Retriever};
use crate::service::Engine;
use crate::service::retrieval::DocumentFilter;
use crate::store::CollectionReader;
use crate::types::Locator;
use crate::ui::Ui;
use crate::ui::progress::WaitSpinner;

/// Depth of rankings if no metric has a cut-off, or if they are written to a file.
const DEPTH: usize = 100;

/// Depth of rankings.
#[derive(Clone, Copy)]
pub(super) struct RankingDepth<'a> {
    pub(super) metrics: &'a [Metric],
    /// Whether the rankings are written to a file.
    pub(super) in_full: bool,
}

impl RankingDepth<'_> {
    pub(super) fn items(self) -> usize {
        let ranked = self.metrics.iter().filter(|metric| metric.packed().is_none());
        let deepest = ranked.map(|metric| metric.k.unwrap_or(DEPTH)).max().unwrap_or(DEPTH);
        if self.in_full { deepest.max(DEPTH) } else { deepest }
    }
}

/// The rankings of every run, at least one.
pub(super) async fn all(
    ui: &mut Ui,
    context: &Context,
    args: &EvalArgs,
    set: &mut CaseSet,
    metrics: &[Metric],
) -> Result<Vec<Rankings>, Failure> {
    if let Some(path) = &args.runs.from_run {
        if let Some(metric) = metrics.iter().find(|metric| metric.packed().is_some()) {
            let message = format!("`{metric}` is about passages, but the file has only a ranking");
            return Err(Failure::usage(message).hint("omit --from-run to measure it"));
        }
        return Ok(vec![from_file(ui, &context.cwd.join(path), path, set)?]);
    }
    let cancel = on_interrupt();
    let depth = RankingDepth { metrics, in_full: args.runs.run_file.is_some() };
    let numbers = versions::named(context, &args.runs.compare)?;
    if !numbers.is_empty() {
        if args.beir.is_some() {
            let message = "--compare of versions needs the versions of a collection, and --beir builds a collection of its own";
            return Err(Failure::usage(message).hint("docent eval CASES --compare docs@v7,docs@v8"));
        }
        let engine = open(ui, context.clone())?;
        return versions::rankings(ui, &engine, set, &numbers, depth, &cancel).await;
    }
    let compared = compared(context, &args.runs.compare)?;
    let sweep = args.runs.sweep.as_deref().map(Sweep::parse).transpose()?;
    let engine = match &args.beir {
        Some(dir) => corpus::bring_in(ui, context, dir, &cancel).await?,
        None => open(ui, context.clone())?,
    };
    let context = &engine.context;
    let retriever = engine.retriever().await?;
    describe(ui, &retriever);
    let documents = documents(context, &retriever.reader).await?;
    sources::resolve(ui, context, set, &documents)?;
    if set.unit == RankingUnit::Passages {
        sources::warn_of_unmeetable(ui, set, &documents, &retriever.reader).await?;
    }
    let retrieve = engine.retrieve_options(&DocumentFilter::default(), &retriever).await?;
    let options = RankOptions { retrieve, unit: set.unit, depth: depth.items() };
    let queries = queries(ui, &engine, &set.cases).await?;
    let packed = packed(&engine, &retriever, metrics).await?;
    let chat = if packed.is_empty() { None } else { Some(engine.chat()?) };
    let count = |text: &str| chat.as_ref().map_or(0, |chat| chat.count_tokens(text));
    let packing = RankPacking { options: packed, count: &count };
    let asking = RankingRequest {
        cases: &set.cases,
        queries: &queries,
        options: &options,
        packing: &packing,
        cancel: &cancel,
    };
    let mut runs = Vec::new();
    if let Some(sweep) = sweep {
        return sweep.rankings(ui, context, args, &retriever, &asking).await;
    }
    let ways = if compared.is_empty() { vec![asking.way()] } else { compared };
    for way in ways {
        runs.push(asking.rankings(ui, &retriever, way.name(), way).await?);
    }
    Ok(runs)
}

/// Packs passages for the metrics that are about them.
pub(super) async fn packed(
    engine: &Engine,
    retriever: &Retriever,
    metrics: &[Metric],
) -> Result<BTreeMap<usize, AnswerOptions>, Failure> {
    let mut options = BTreeMap::new();
    for chunks in metrics.iter().filter_map(|metric| metric.packed()) {
        options.insert(chunks, engine.packing(chunks, retriever).await?);
    }
    Ok(options)
}

/// The retrieval modes to compare, each once; none if nothing is compared.
fn compared(context: &Context, compare: &[String]) -> Result<Vec<Variant>, Failure> {
    let parse = |name: &String| {
        Variant::from_name(name.trim()).ok_or_else(|| {
            let names = Variant::ALL.map(Variant::name).join(", ");
            Failure::usage(format!("--compare: unknown retrieval mode `{name}`"))
                .hint(format!("use {names}, or only versions, such as docs@v7,docs@v8"))
        })
    };
    let mut ways = Vec::new();
    for way in compare.iter().map(parse) {
        let way = way?;
        if way == Variant::Rerank && context.settings.rerank.is_none() {
            return Err(Failure::usage("--compare rerank: no reranker is configured").hint(
                "name one with --rerank: the URL of a /rerank endpoint, hf:ORG/NAME, or onnx:DIR",
            ));
        }
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    Ok(ways)
}

pub(super) async fn documents(
    context: &Context,
    reader: &CollectionReader,
) -> Result<HashSet<String>, Failure> {
    let documents = reader.documents().await?;
    if documents.is_empty() {
        return Err(Failure::config(format!(
            "the collection `{}` is empty: there is nothing to measure",
            context.settings.collection
        ))
        .hint("docent ingest PATH"));
    }
    Ok(documents.into_iter().map(|record| record.source).collect())
}

/// The queries of each case, as retrieval makes them for a user.
pub(super) async fn queries(
    ui: &mut Ui,
    engine: &Engine,
    cases: &[Case],
) -> Result<Vec<Queries>, Failure> {
    let _waiting = if engine.rewrites()? {
        Some(WaitSpinner::new(ui, &format!("asking {}", engine.chat()?.name())))
    } else {
        None
    };
    let mut all = Vec::new();
    for Case { question, .. } in cases {
        let queries = engine.queries(question).await?;
        queries.warnings.iter().for_each(|warning| ui.warn(warning));
        all.push(queries);
    }
    Ok(all)
}

/// Runs retrieval for the cases.
pub(super) struct RankingRequest<'a> {
    pub(super) cases: &'a [Case],
    /// One for each case.
    pub(super) queries: &'a [Queries],
    pub(super) options: &'a RankOptions,
    pub(super) packing: &'a RankPacking<'a>,
    pub(super) cancel: &'a Cancel,
}

impl RankingRequest<'_> {
    /// Retrieves one case after another, since the time of each is measured, too.
    pub(super) async fn rankings(
        &self,
        ui: &Ui,
        retriever: &Retriever,
        name: &str,
        way: Variant,
    ) -> Result<Rankings, Failure> {
        let questions = counted(self.cases.len(), "question");
        let _waiting = WaitSpinner::new(ui, &format!("{name}: {questions}"));
        let retrieve = way.apply(self.options.retrieve.clone());
        let options = RankOptions { retrieve, ..self.options.clone() };
        let mut run = Rankings {
            name: name.to_owned(),
            items: Vec::new(),
            passages: Vec::new(),
            took: Vec::new(),
        };
        for (case, queries) in self.cases.iter().zip(self.queries) {
            if self.cancel.is_cancelled() {
                return Err(Failure::interrupted());
            }
            let ranking = rank::rank(case, queries, retriever, &options, self.packing).await?;
            run.items.push(ranking.items);
            run.passages.push(ranking.passages);
            run.took.push(ranking.took);
        }
        Ok(run)
    }

    /// The configured retrieval mode.
    pub(super) fn way(&self) -> Variant {
        Variant::of(&self.options.retrieve)
    }
}

/// Writes rankings in TREC format; several runs follow each other, each with its tag.
pub(super) fn write(path: &Path, cases: &[Case], runs: &[Rankings]) -> Result<(), Failure> {
    let mut text = String::new();
    for run in runs {
        for (case, items) in cases.iter().zip(&run.items) {
            let items = items.iter().map(|item| (item.id.as_str(), item.score));
            text += &run_file::lines(&case.id, items, &format!("docent-{}", run.name));
        }
    }
    super::write(path, &text)
}

/// The rankings of a TREC file, for the cases.
fn from_file(ui: &mut Ui, path: &Path, typed: &Path, set: &CaseSet) -> Result<Rankings, Failure> {
    let name = typed.display().to_string();
    let quoted = |expected: &Expectation| expected.quote.is_some();
    if let Some(case) = set.cases.iter().find(|case| case.expected.iter().any(quoted)) {
        return Err(Failure::usage(format!(
            "case `{}` of {} expects a quote, but {name} has no texts to find it in",
            case.id, set.name
        ))
        .hint("with --from-run, cases have to name sources, with or without lines or pages"));
    }
    let text = super::read(path)?;
    let runs = run_file::parse(&text, &name).map_err(|error| Failure::usage(error.to_string()))?;
    let of = |case: &Case| runs.get(&run_file::encoded(&case.id));
    let missing = set.cases.iter().filter(|case| of(case).is_none()).count();
    if missing == set.cases.len() {
        return Err(Failure::usage(format!("{name} ranks nothing for any case of {}", set.name))
            .hint("the first field of each line has to be the id of a case, or the number of its line"));
    }
    if missing > 0 {
        let cases = counted(missing, "case");
        ui.warn(&format!("{name} ranks nothing for {cases}, which count as 0"));
    }
    let items = |case: &Case| {
        let ids = of(case).into_iter().flatten();
        ids.map(|id| ranked(id, case, set.unit)).collect()
    };
    Ok(Rankings {
        items: set.cases.iter().map(items).collect(),
        passages: Vec::new(),
        took: Vec::<Duration>::new(),
        name,
    })
}

/// Parses an id in a run file.
fn ranked(id: &str, case: &Case, unit: RankingUnit) -> Ranked {
    let (source, place) = match (unit, Locator::from_citation(id)) {
        (RankingUnit::Passages, Some((source, place))) => (source, Some(place)),
        _ => (id, None),
    };
    // Its blanks were encoded.
    let expected =
        case.expected.iter().find(|expected| run_file::encoded(&expected.source) == source);
    let source = expected.map_or(source, |expected| &expected.source).to_owned();
    Ranked { id: id.to_owned(), source, place, text: String::new(), score: 0.0 }
}
