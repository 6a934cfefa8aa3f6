//! `docent query`: an answer with citations.

use super::{Context, batch, ingest, on_interrupt};
use crate::cancel::Cancel;
use crate::cli::QueryArgs;
use crate::error::{Exit, Failure};
use crate::query::assessment::NoAnswer;
use crate::query::history::HistoryTurn;
use crate::query::{Answer, AnswerEvent};
use crate::service::Engine;
use crate::service::answering::{AskOptions, Exchange, PromptPreview};
use crate::service::changes::ChangeCommand;
use crate::service::questions::QuestionRow;
use crate::service::retrieval::DocumentFilter;
use crate::service::sync::{SyncInputs, SyncOptions};
use crate::ui::Ui;
use crate::ui::answer::AnswerView;
use crate::ui::progress::WaitSpinner;

pub(super) async fn run(
    ui: &mut Ui,
    mut context: Context,
    args: QueryArgs,
) -> Result<Exit, Failure> {
    let asked = match &args.batch {
        Some(file) => AskedQuery::Batch(batch::read(file, &context.cwd)?),
        None => AskedQuery::One(super::question(&args.question)?),
    };
    if args.from.iter().any(|path| path == "-") {
        return Err(Failure::usage("--from takes paths, globs and URLs, not standard input")
            .hint("ingest it first: docent ingest -"));
    }
    if !args.from.is_empty() {
        context.name_collection();
    }
    let engine = super::open_traced(ui, context)?;
    engine.check_answering()?;
    let cancel = on_interrupt();
    let mut partial = false;
    if !args.from.is_empty() {
        let inputs = SyncInputs::parse(args.from, args.web.reach())?;
        let roots = inputs.names();
        let asked_with = Some(ChangeCommand::QueryFrom);
        let options = SyncOptions { asked_with, ..SyncOptions::default() };
        let synced = ingest::sync(ui, &engine, inputs, &options, &cancel).await?;
        ui.synced(&roots, &synced);
        match ingest::exit(synced)? {
            Exit::Interrupted => return Ok(Exit::Interrupted),
            exit => partial = exit == Exit::Partial,
        }
    }
    let filter = args.retrieval.filter();
    let retriever = engine.retriever().await?;
    engine.retrieve_options(&filter, &retriever).await?;
    super::describe_retriever(ui, &retriever);
    let show_thinking = args.chat.show_thinking;
    let asking =
        QueryRunner { engine: &engine, filter: &filter, history: &[], show_thinking, cancel };
    let exit = match asked {
        AskedQuery::One(question) if args.dry_run => dry_run(ui, &asking, &question).await,
        AskedQuery::One(question) => {
            let QueryReply { answer, outcome } = reply(ui, &asking, &question).await?;
            if answer.is_some_and(|answer| answer.no_answer.is_none() && answer.cut().is_none()) {
                explain_no_chat_model(ui, &engine);
            }
            outcome
        }
        AskedQuery::Batch(rows) => batch::run(ui, &asking, rows).await,
    };
    exit.map(|exit| if exit == Exit::Done && partial { Exit::Partial } else { exit })
}

/// How the questions of a command are asked.
pub(super) struct QueryRunner<'a> {
    pub(super) engine: &'a Engine,
    pub(super) filter: &'a DocumentFilter,
    /// Earlier turns of the conversation, oldest first.
    pub(super) history: &'a [HistoryTurn],
    /// Whether the model's reasoning is printed, too.
    pub(super) show_thinking: bool,
    pub(super) cancel: Cancel,
}

impl<'a> QueryRunner<'a> {
    pub(super) fn ask<'q>(&self, question: &'q str) -> AskOptions<'q>
    where
        'a: 'q,
    {
        AskOptions::new(question, self.filter, self.history)
    }
}

enum AskedQuery {
    One(String),
    Batch(Vec<QuestionRow>),
}

/// Does everything but ask: prints what would be sent, and how much that is.
async fn dry_run(ui: &mut Ui, asking: &QueryRunner<'_>, question: &str) -> Result<Exit, Failure> {
    let engine = asking.engine;
    let PromptPreview { prepared, .. } =
        engine.prepare(asking.ask(question), &asking.cancel, &mut drop).await?;
    if asking.cancel.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    let (chat, composed) = (engine.chat()?, prepared.composed);
    let passages = &composed.request.passages;
    ui.chosen(passages, &composed.dropped);
    // A question without passages is not sent.
    let payload = chat.payload(&composed.request).filter(|_| !passages.is_empty());
    ui.request(question, payload.as_ref(), composed.tokens, chat.counts_exactly())?;
    engine.check_budget(question, passages, &composed.dropped)?;
    if passages.is_empty() {
        ui.note("there is no passage, so nothing would be sent");
        return Ok(Exit::Negative);
    }
    if payload.is_none() {
        ui.note("nothing would be sent: no chat model is configured, so answers are quoted");
    }
    Ok(Exit::Done)
}

/// The answer to a question, and its exit code.
pub(super) struct QueryReply {
    pub(super) answer: Option<Answer>,
    pub(super) outcome: Result<Exit, Failure>,
}

/// Answers a question, shows the answer, and keeps a record of it.
pub(super) async fn reply(
    ui: &mut Ui,
    asking: &QueryRunner<'_>,
    question: &str,
) -> Result<QueryReply, Failure> {
    let exchange = ask(ui, asking, question).await?;
    let answer = exchange.answer.as_ref().map_err(Failure::clone);
    let outcome = answer.and_then(|answer| conclude(ui, asking.engine, question, answer));
    let recorded = asking.engine.record(&exchange, &outcome).await;
    if let Ok(Some(warning)) = &recorded {
        ui.warn(warning);
    }
    let outcome = outcome.and_then(|exit| recorded.map(|_| exit));
    Ok(QueryReply { answer: exchange.answer.ok(), outcome })
}

async fn ask(ui: &mut Ui, asking: &QueryRunner<'_>, question: &str) -> Result<Exchange, Failure> {
    let engine = asking.engine;
    let mut waiting = WaitSpinner::new(ui, &format!("asking {}", engine.chat()?.name()));
    let show_thinking = asking.show_thinking;
    let mut view = AnswerView::new(ui).show_thinking(show_thinking);
    let mut show = |event| match event {
        AnswerEvent::Asking(_) | AnswerEvent::Retrieved { .. } => {
            waiting.suspend(|| view.on(&event));
        }
        AnswerEvent::Thinking(_) if !show_thinking => waiting.say("thinking"),
        _ => {
            waiting.done();
            view.on(&event);
        }
    };
    let mut exchange = engine.answer(asking.ask(question), &asking.cancel, &mut show).await?;
    waiting.done();
    if let Ok(answer) = &exchange.answer
        && let Err(failure) = view.finish(question, answer, &engine.context.root)
    {
        exchange.answer = Err(failure);
    }
    Ok(exchange)
}

/// The exit code of an answer; also notes why there is none.
fn conclude(
    ui: &mut Ui,
    engine: &Engine,
    question: &str,
    answer: &Answer,
) -> Result<Exit, Failure> {
    let outcome = engine.outcome(question, answer);
    if let (Ok(_), Some(why)) = (&outcome, answer.no_answer) {
        ui.note(&unanswered(why, &engine.context));
        ui.nearest(&answer.nearest, &engine.context.root);
    }
    outcome
}

/// Notes that answers are quoted, if they are.
pub(super) fn explain_no_chat_model(ui: &mut Ui, engine: &Engine) {
    if engine.context.quotes() {
        ui.note("quoted, not generated: no chat model is configured; `docent doctor` shows how to set one");
    }
}

/// Why there is no answer, in words.
fn unanswered(why: NoAnswer, context: &Context) -> String {
    match (why, context.settings.search.min_score) {
        (NoAnswer::NothingFound, Some(floor)) => {
            format!("nothing scores as high as {floor} (--min-score)")
        }
        (NoAnswer::NothingFound, None) => {
            "nothing was found; `docent status --documents` lists what is stored".to_owned()
        }
        (NoAnswer::Refused, _) => "the documents do not answer this".to_owned(),
        (NoAnswer::Empty, _) => "the model wrote nothing".to_owned(),
        (NoAnswer::Uncited, _) => "the answer cites nothing, so it does not count".to_owned(),
    }
}
