//! `docent explain`: why passages were found, or why a document was not.

use std::time::Instant;

use super::{Context, on_interrupt, open};
use crate::cli::ExplainArgs;
use crate::error::{Exit, Failure};
use crate::output::explain::Explained;
use crate::service::answering::AskOptions;
use crate::ui::Ui;
use crate::ui::progress::WaitSpinner;

pub(super) async fn run(ui: &mut Ui, context: Context, args: ExplainArgs) -> Result<Exit, Failure> {
    let question = super::question(&args.question)?;
    let started = Instant::now();
    let engine = open(ui, context)?;
    engine.check_answering()?;
    let retriever = engine.retriever().await?;
    super::describe(ui, &retriever);
    let cancel = on_interrupt();
    let mut waiting = if engine.rewrites()? {
        Some(WaitSpinner::new(ui, &format!("asking {}", engine.chat()?.name())))
    } else {
        None
    };
    let filter = args.retrieval.filter();
    let ask = AskOptions::new(&question, &filter, &[]);
    let asked = engine.prepare(ask, &cancel, &mut drop).await?;
    if let Some(waiting) = &mut waiting {
        waiting.done();
    }
    if cancel.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    ui.asking(&asked.prepared.queries);
    let sought = match &args.expect {
        Some(typed) => Some(engine.seek(typed, &question, &asked).await?),
        None => None,
    };
    let names = engine.name_scores(&asked).await?;
    let elapsed_ms = started.elapsed().as_millis() as u64;
    let elapsed_ms = engine.context.tape.value("explain time", &question, elapsed_ms)?;
    let options = &asked.options;
    ui.explained(&Explained {
        question: &question,
        mode: options.retrieve.mode,
        max_tokens: options.pack.max_tokens,
        k: options.pack.max_chunks,
        prepared: &asked.prepared,
        name_scores: &names,
        sought: sought.as_ref(),
        elapsed_ms,
        root: &engine.context.root,
    })?;
    let missing = sought.is_some_and(|sought| !sought.is_found());
    Ok(if missing { Exit::Negative } else { Exit::Done })
}
