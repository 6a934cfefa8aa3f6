//! `docent query`: an answer with citations.

use super::connect::{self, StoreAccess};
use super::context::Context;
use super::ingest::{self, Inputs};
use super::{on_interrupt, search};
use crate::cancel::Cancel;
use crate::cli::{IngestFlags, QueryArgs};
use crate::error::{Exit, Failure};
use crate::query::pack::PackOptions;
use crate::query::{self, Answer, AnswerEvent, AnswerOptions};
use crate::ui::Ui;
use crate::ui::answer::AnswerView;
use crate::ui::progress::Waiting;

/// Passages of one document, at most.
const PER_SOURCE: usize = 3;

pub(super) async fn run(ui: &mut Ui, context: &Context, args: QueryArgs) -> Result<Exit, Failure> {
    let question = super::question(&args.question)?;
    if args.from.iter().any(|path| path == "-") {
        return Err(Failure::usage("--from takes paths, globs and URLs, not standard input")
            .hint("bring it in first: docent ingest -"));
    }
    let system = read_system(context)?;
    let rewrite = connect::rewriting(&context.settings)?;
    let chat = connect::chat(context)?;
    let cancel = on_interrupt();
    let access = if args.from.is_empty() { StoreAccess::Read } else { StoreAccess::Write };
    let mut store = connect::store(ui, context, access)?;
    let mut partial = false;
    if !args.from.is_empty() {
        let flags = IngestFlags::default();
        let inputs = Inputs::parse(args.from, &args.web)?;
        let roots = inputs.names();
        let (synced, current) = ingest::sync(ui, context, inputs, &flags, store, &cancel).await?;
        store = current;
        ui.synced(&roots, &synced);
        match ingest::exit(synced)? {
            Exit::Interrupted => return Ok(Exit::Interrupted),
            exit => partial = exit == Exit::Partial,
        }
    }
    let retriever = connect::retriever(context, store).await?;
    let retrieve = search::retrieve_options(context, &args.retrieval, &retriever).await?;
    connect::describe(ui, &*retriever.store, &*retriever.embedder);
    let options = AnswerOptions {
        pack: PackOptions {
            max_passages: retrieve.k,
            max_tokens: context.settings.chat.context_tokens,
            per_source: PER_SOURCE,
        },
        rewrite,
        retrieve,
        history: Vec::new(),
        system,
        nonce: context.nonce(&question)?,
    };
    let answer = ask(ui, context, &question, &retriever, &*chat, &options, &cancel).await?;
    conclude(ui, context, answer, partial)
}

async fn ask(
    ui: &mut Ui,
    context: &Context,
    question: &str,
    retriever: &query::Retriever,
    chat: &dyn crate::chat::ChatModel,
    options: &AnswerOptions,
    cancel: &Cancel,
) -> Result<Answer, Failure> {
    let mut waiting = Waiting::new(ui, &format!("asking {}", chat.name()));
    let mut view = AnswerView::new(ui);
    let mut answer =
        query::answer(question, retriever, chat, options, cancel, &mut |event| match event {
            AnswerEvent::Asking(_) | AnswerEvent::Retrieved { .. } => {
                waiting.suspend(|| view.on(&event));
            }
            _ => {
                waiting.done();
                view.on(&event);
            }
        })
        .await?;
    waiting.done();
    let times = (answer.retrieved_in, answer.first_token_in, answer.elapsed);
    let times = context.tape.value("times", question, times)?;
    (answer.retrieved_in, answer.first_token_in, answer.elapsed) = times;
    view.finish(question, &answer, &context.root)?;
    Ok(answer)
}

/// The exit code of an answer, and what is to be said of one that did not come.
fn conclude(
    ui: &mut Ui,
    context: &Context,
    answer: Answer,
    partial: bool,
) -> Result<Exit, Failure> {
    if answer.interrupted {
        return Ok(Exit::Interrupted);
    }
    if let Some(failure) = answer.failure {
        return Err(failure.into());
    }
    if answer.no_answer {
        ui.note("the documents do not answer this; `docent search` shows the nearest passages");
        return Ok(Exit::Negative);
    }
    if context.settings.chat.model.is_none() {
        ui.note("quoted, not generated: no chat model is configured. `docent doctor` shows how.");
    }
    Ok(if partial { Exit::Partial } else { Exit::Done })
}

fn read_system(context: &Context) -> Result<Option<String>, Failure> {
    let Some(path) = &context.settings.chat.system else { return Ok(None) };
    let path = context.cwd.join(path);
    std::fs::read_to_string(&path)
        .map(Some)
        .map_err(|error| Failure::config(format!("--system {}: {error}", path.display())))
}
