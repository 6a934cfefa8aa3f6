//! `--compare docs@v7,docs@v8`: measures versions of the collection on the same cases.

use std::collections::HashSet;

use super::super::{Context, describe, index};
use super::rankings::{self, RankingDepth, RankingRequest};
use super::{CaseSet, sources};
use crate::cancel::Cancel;
use crate::cli::VersionName;
use crate::error::Failure;
use crate::eval::rank::{RankOptions, RankPacking};
use crate::eval::report::Rankings;
use crate::query::Retriever;
use crate::service::Engine;
use crate::service::retrieval::DocumentFilter;
use crate::ui::Ui;

/// The versions to compare, each once; none if retrieval modes are compared, or nothing.
pub(super) fn named(context: &Context, compare: &[String]) -> Result<Vec<u32>, Failure> {
    let mut numbers = Vec::new();
    for name in compare {
        match name.trim().parse::<VersionName>() {
            Ok(version) => {
                let number = index::checked(context, version)?;
                if !numbers.contains(&number) {
                    numbers.push(number);
                }
            }
            Err(_) if numbers.is_empty() => return Ok(Vec::new()),
            Err(_) => {
                let name = name.trim();
                let message =
                    format!("--compare: `{name}` is not a version, but the names before it are");
                return Err(Failure::usage(message).hint(
                    "compare versions, such as docs@v7,docs@v8, or retrieval modes, such as hybrid,dense",
                ));
            }
        }
    }
    Ok(numbers)
}

/// The rankings of each version.
pub(super) async fn rankings(
    ui: &mut Ui,
    engine: &Engine,
    set: &mut CaseSet,
    numbers: &[u32],
    depth: RankingDepth<'_>,
    cancel: &Cancel,
) -> Result<Vec<Rankings>, Failure> {
    let context = &engine.context;
    let mut documents = HashSet::new();
    let mut retrievers: Vec<Retriever> = Vec::new();
    for &number in numbers {
        let retriever = engine.version_retriever(number).await?;
        describe(ui, &retriever);
        documents.extend(rankings::documents(context, &retriever.reader).await?);
        retrievers.push(retriever);
    }
    // A source counts if any of the versions has it: a version that lacks it does not find it.
    sources::resolve(ui, context, set, &documents)?;
    let queries = rankings::queries(ui, engine, &set.cases).await?;
    let packs = depth.metrics.iter().any(|metric| metric.packed().is_some());
    let chat = if packs { Some(engine.chat()?) } else { None };
    let count = |text: &str| chat.as_ref().map_or(0, |chat| chat.count_tokens(text));
    let mut runs = Vec::new();
    for (number, retriever) in numbers.iter().zip(&retrievers) {
        let retrieve = engine.retrieve_options(&DocumentFilter::default(), retriever).await?;
        let packed = rankings::packed(engine, retriever, depth.metrics).await?;
        let packing = RankPacking { options: packed, count: &count };
        let options = RankOptions { retrieve, unit: set.unit, depth: depth.items() };
        let asking = RankingRequest {
            cases: &set.cases,
            queries: &queries,
            options: &options,
            packing: &packing,
            cancel,
        };
        let name = format!("{}@v{number}", context.settings.collection);
        runs.push(asking.rankings(ui, retriever, &name, asking.way()).await?);
    }
    Ok(runs)
}
