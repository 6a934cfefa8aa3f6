//! `docent search`: prints the retrieved passages.

use std::time::Instant;

use super::{Context, open};
use crate::cli::SearchArgs;
use crate::error::{Exit, Failure};
use crate::output::humanize::seconds;
use crate::query::rewrite::Queries;
use crate::service::Engine;
use crate::ui::Ui;
use crate::ui::passages::ShownHits;
use crate::ui::progress::WaitSpinner;

pub(super) async fn run(ui: &mut Ui, context: Context, args: SearchArgs) -> Result<Exit, Failure> {
    let question = super::question(&args.question)?;
    let started = Instant::now();
    let engine = open(ui, context)?;
    let retriever = engine.retriever().await?;
    super::describe_retriever(ui, &retriever);
    let options = engine.retrieve_options(&args.retrieval.filter(), &retriever).await?;
    let queries = queries(ui, &engine, &question).await?;
    let asked = Instant::now();
    let hits = retriever.retrieve(&queries, &options).await?.hits;
    let times = (asked.elapsed().as_millis() as u64, started.elapsed().as_millis() as u64);
    let (retrieved_ms, elapsed_ms) = engine.context.tape.value("search times", &question, times)?;
    let elapsed = seconds(retrieved_ms);
    ui.detail(&format!("retrieved in {elapsed}, mode {}", options.mode.name()));
    ui.passages(&ShownHits {
        question: &question,
        queries: &queries,
        mode: options.mode,
        hits: &hits,
        elapsed_ms,
        root: &engine.context.root,
    })?;
    if hits.is_empty() {
        ui.note("nothing was found; `docent status --documents` lists what is stored");
        return Ok(Exit::Negative);
    }
    Ok(Exit::Done)
}

/// The queries for the question.
async fn queries(ui: &mut Ui, engine: &Engine, question: &str) -> Result<Queries, Failure> {
    if !engine.rewrites()? {
        return engine.queries(question).await;
    }
    let mut waiting = WaitSpinner::new(ui, &format!("asking {}", engine.chat()?.name()));
    let queries = engine.queries(question).await?;
    waiting.done();
    ui.asking(&queries);
    Ok(queries)
}
