//! `docent search`: retrieved passages, no chat model.

use std::time::Instant;

use super::connect::{self, StoreAccess};
use super::context::Context;
use crate::cli::{RetrievalFlags, SearchArgs};
use crate::embed::builtin::Builtin;
use crate::error::{Exit, Failure};
use crate::query::Retriever;
use crate::query::rerank::RerankOptions;
use crate::query::retrieve::{RetrieveOptions, Weight};
use crate::query::rewrite::{self, Queries, RewriteOptions};
use crate::types::{Filter, Kind};
use crate::ui::Ui;
use crate::ui::passages::Found;
use crate::ui::progress::Waiting;
use crate::ui::words::seconds;

pub(super) async fn run(ui: &mut Ui, context: &Context, args: SearchArgs) -> Result<Exit, Failure> {
    let question = super::question(&args.question)?;
    let started = Instant::now();
    let rewriting = connect::rewriting(&context.settings)?;
    let store = connect::store(ui, context, StoreAccess::Read)?;
    let retriever = connect::retriever(context, store).await?;
    connect::describe_retriever(ui, &retriever);
    let options = retrieve_options(context, &args.retrieval, &retriever).await?;
    let queries = rewrite(ui, context, &question, &retriever, &rewriting).await?;
    let asked = Instant::now();
    let hits = retriever.retrieve(&queries, &options).await?;
    let times = (asked.elapsed().as_millis() as u64, started.elapsed().as_millis() as u64);
    let (retrieved_ms, elapsed_ms) = context.tape.value("search times", &question, times)?;
    let elapsed = seconds(retrieved_ms);
    ui.detail(&format!("retrieved in {elapsed}, mode {}", options.mode.name()));
    retriever.store.leave().await;
    ui.passages(&Found {
        question: &question,
        queries: &queries,
        mode: options.mode,
        hits: &hits,
        elapsed_ms,
        root: &context.root,
    })?;
    if hits.is_empty() {
        ui.note("nothing was found; `docent status --documents` lists what is stored");
        return Ok(Exit::Negative);
    }
    Ok(Exit::Done)
}

/// What to ask for the question.
async fn rewrite(
    ui: &mut Ui,
    context: &Context,
    question: &str,
    retriever: &Retriever,
    options: &RewriteOptions,
) -> Result<Queries, Failure> {
    if !options.asks_model() {
        return Ok(Queries::of(question));
    }
    let chat = connect::chat(context)?;
    // A model may take its time: others may have the collection meanwhile.
    retriever.store.release().await?;
    let mut waiting = Waiting::new(ui, &format!("asking {}", chat.name()));
    let queries =
        rewrite::queries(question, &[], &*chat, options, &context.nonce(question)?).await?;
    waiting.done();
    ui.asking(&queries);
    Ok(queries)
}

/// Flags → what retrieval is asked.
pub(super) async fn retrieve_options(
    context: &Context,
    flags: &RetrievalFlags,
    retriever: &Retriever,
) -> Result<RetrieveOptions, Failure> {
    let settings = &context.settings.search;
    let rerank = context.settings.rerank.as_ref();
    let rerank =
        rerank.map(|rerank| RerankOptions { candidates: rerank.candidates, weight: rerank.weight });
    let (sparse_weight, late_weight) = weights(retriever);
    Ok(RetrieveOptions {
        rerank,
        mode: settings.mode,
        k: settings.k,
        min_score: settings.min_score,
        sparse_weight: settings.sparse_weight.map_or(sparse_weight, Weight::fixed),
        late_weight: settings.late_weight.map_or(late_weight, Weight::fixed),
        filter: filter(flags, retriever).await?,
        ..RetrieveOptions::default()
    })
}

/// What the sparse leg and late interaction count for, as measured with the built-in embedder and with
/// one that reads context: such a model is right more often than the words are.
fn weights(retriever: &Retriever) -> (Weight, Weight) {
    if retriever.embedder.id().name == Builtin::NAME {
        let measured = RetrieveOptions::default();
        (measured.sparse_weight, measured.late_weight)
    } else {
        (Weight::fixed(0.3), Weight { known: 0.3, foreign: 0.0 })
    }
}

/// Globs over sources are resolved against the list of documents: the store filters on exact names.
async fn filter(flags: &RetrievalFlags, retriever: &Retriever) -> Result<Filter, Failure> {
    let kinds = flags.kinds.iter().map(|name| {
        Kind::from_name(name).ok_or_else(|| {
            let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
            Failure::usage(format!("`{name}` is not a kind of document"))
                .hint(format!("use one of {}", names.join(", ")))
        })
    });
    let kinds = kinds.collect::<Result<_, _>>()?;
    let sources = match globs(&flags.sources)? {
        None => None,
        Some(globs) => {
            let documents = retriever.store.documents().await?.into_iter();
            Some(documents.map(|record| record.source).filter(|s| globs.is_match(s)).collect())
        }
    };
    Ok(Filter { sources, kinds, tags: flags.tags.clone() })
}

fn globs(patterns: &[String]) -> Result<Option<globset::GlobSet>, Failure> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let mut set = globset::GlobSetBuilder::new();
    for pattern in patterns {
        let glob = globset::Glob::new(pattern.trim_start_matches("./"))
            .map_err(|error| Failure::usage(format!("--source `{pattern}`: {}", error.kind())))?;
        set.add(glob);
    }
    set.build().map(Some).map_err(|error| Failure::usage(format!("--source: {error}")))
}
