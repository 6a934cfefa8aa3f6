//! `docent query`: an answer with citations.

use std::path::Path;

use super::connect::{self, StoreAccess};
use super::context::Context;
use super::desk::{Desk, Put};
use super::ingest::{self, Inputs};
use super::tracer::Tracer;
use super::{batch, on_interrupt, search};
use crate::cli::{IngestFlags, QueryArgs};
use crate::error::{Exit, Failure};
use crate::query::pack::{DropReason, Dropped, PackOptions};
use crate::query::prompt::template::Template;
use crate::query::retrieve::RetrieveOptions;
use crate::query::rewrite::RewriteOptions;
use crate::query::verdict::NoAnswer;
use crate::query::{Answer, AnswerEvent, AnswerOptions, Prepared};
use crate::settings;
use crate::types::Passage;
use crate::ui::Ui;
use crate::ui::answer::AnswerView;
use crate::ui::progress::Waiting;

pub(super) async fn run(ui: &mut Ui, context: &Context, args: QueryArgs) -> Result<Exit, Failure> {
    let asked = match &args.batch {
        Some(file) => Asked::Batch(batch::read(file, &context.cwd)?),
        None => Asked::One(super::question(&args.question)?),
    };
    if args.from.iter().any(|path| path == "-") {
        return Err(Failure::usage("--from takes paths, globs and URLs, not standard input")
            .hint("bring it in first: docent ingest -"));
    }
    let template = template(context)?;
    let rewrite = connect::rewriting(&context.settings)?;
    let chat = connect::chat(context)?;
    let tracer = Tracer::new(ui, context)?;
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
    connect::describe_retriever(ui, &retriever);
    let options = options(context, rewrite, retrieve, template);
    let show_thinking = args.chat.show_thinking;
    let (chat, tracer) = (&*chat, &tracer);
    let desk = Desk { context, tracer, retriever, chat, options, show_thinking, cancel };
    let exit = match asked {
        Asked::One(question) if args.dry_run => dry_run(ui, &desk, &question).await,
        Asked::One(question) => {
            let Reply { answer, outcome } = reply(ui, &desk, &question).await?;
            if answer.is_some_and(|answer| answer.no_answer.is_none() && answer.cut().is_none()) {
                quoted(ui, context);
            }
            outcome
        }
        Asked::Batch(rows) => batch::run(ui, &desk, rows).await,
    };
    desk.retriever.store.leave().await;
    exit.map(|exit| if exit == Exit::Done && partial { Exit::Partial } else { exit })
}

enum Asked {
    One(String),
    Batch(Vec<batch::Row>),
}

/// How to answer from what `retrieve` finds, with no turns before.
pub(super) fn options(
    context: &Context,
    rewrite: RewriteOptions,
    retrieve: RetrieveOptions,
    template: Template,
) -> AnswerOptions {
    let pack = PackOptions {
        max_chunks: retrieve.k,
        max_tokens: context.settings.chat.context_tokens,
        min_score: retrieve.min_score,
        ..PackOptions::default()
    };
    AnswerOptions {
        id: uuid::Uuid::nil(),
        rewrite,
        retrieve: RetrieveOptions { k: pack.pool(), min_score: None, ..retrieve },
        pack,
        history: Vec::new(),
        template,
        nonce: String::new(),
        hold: context.quotes(),
    }
}

/// Everything but asking: what would be sent, and how much that is.
async fn dry_run(ui: &mut Ui, desk: &Desk<'_>, question: &str) -> Result<Exit, Failure> {
    let Prepared { composed, .. } = desk.prepare(question).await?;
    if desk.cancel.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    let passages = &composed.request.passages;
    ui.chosen(passages, &composed.dropped);
    // A question without passages is not sent.
    let payload = desk.chat.payload(&composed.request).filter(|_| !passages.is_empty());
    ui.request(question, payload.as_ref(), composed.tokens, desk.chat.counts_exactly())?;
    fits(desk.context, passages, &composed.dropped)?;
    if passages.is_empty() {
        ui.note("there is no passage, so nothing would be sent");
        return Ok(Exit::Negative);
    }
    if payload.is_none() {
        ui.note("nothing would be sent: no chat model is configured, so answers are quoted");
    }
    Ok(Exit::Done)
}

/// Passages were found, and the budget has room for none.
fn fits(context: &Context, passages: &[Passage], dropped: &[Dropped]) -> Result<(), Failure> {
    let over = dropped.iter().any(|dropped| dropped.reason == DropReason::Budget);
    if !passages.is_empty() || !over {
        return Ok(());
    }
    let budget = context.settings.chat.context_tokens;
    Err(Failure::config(format!("no passage fits into a context of {budget} tokens"))
        .hint("raise --context-tokens: docent's rules and the question count too"))
}

/// What came of a question, and the exit code that stands for.
pub(super) struct Reply {
    pub(super) answer: Option<Answer>,
    pub(super) outcome: Result<Exit, Failure>,
}

/// Answers, shows it, and keeps a record of it.
pub(super) async fn reply(ui: &mut Ui, desk: &Desk<'_>, question: &str) -> Result<Reply, Failure> {
    let put = ask(ui, desk, question).await?;
    let answer = put.answer.as_ref().map_err(Failure::clone);
    let outcome = answer.and_then(|answer| conclude(ui, desk.context, answer));
    let kept = desk.keep(&put, &outcome).await;
    if let Ok(Some(warning)) = &kept {
        ui.warn(warning);
    }
    let outcome = outcome.and_then(|exit| kept.map(|_| exit));
    Ok(Reply { answer: put.answer.ok(), outcome })
}

async fn ask<'a>(ui: &mut Ui, desk: &'a Desk<'_>, question: &'a str) -> Result<Put<'a>, Failure> {
    let mut waiting = Waiting::new(ui, &format!("asking {}", desk.chat.name()));
    let show_thinking = desk.show_thinking;
    let mut view = AnswerView::new(ui).show_thinking(show_thinking);
    let mut put = desk
        .put(question, &mut |event| match event {
            AnswerEvent::Asking(_) | AnswerEvent::Retrieved { .. } => {
                waiting.suspend(|| view.on(&event));
            }
            AnswerEvent::Thinking(_) if !show_thinking => waiting.say("thinking"),
            _ => {
                waiting.done();
                view.on(&event);
            }
        })
        .await?;
    waiting.done();
    if let Ok(answer) = &put.answer
        && let Err(failure) = view.finish(question, answer, &desk.context.root)
    {
        put.answer = Err(failure);
    }
    Ok(put)
}

/// The exit code of an answer, and what is to be said of one that did not come.
fn conclude(ui: &mut Ui, context: &Context, answer: &Answer) -> Result<Exit, Failure> {
    let outcome = outcome(context, answer);
    if let (Ok(_), Some(why)) = (&outcome, answer.no_answer) {
        ui.note(&unanswered(why, context));
        ui.nearest(&answer.nearest, &context.root);
    }
    outcome
}

/// Says that answers are quoted, where they are.
pub(super) fn quoted(ui: &mut Ui, context: &Context) {
    if context.quotes() {
        ui.note("quoted, not generated: no chat model is configured. `docent doctor` shows how.");
    }
}

/// What an answer comes to.
pub(super) fn outcome(context: &Context, answer: &Answer) -> Result<Exit, Failure> {
    if answer.interrupted {
        return Ok(Exit::Interrupted);
    }
    if let Some(failure) = &answer.failure {
        return Err(failure.clone().into());
    }
    fits(context, &answer.passages, &answer.dropped)?;
    if answer.no_answer.is_some() {
        return Ok(Exit::Negative);
    }
    let objections = answer.objections();
    if context.settings.chat.require_citations && !objections.is_empty() {
        let message = "the answer is not borne out by its citations, as --require-citations wants";
        return Err(Failure { causes: objections, ..Failure::new(Exit::Negative, message) });
    }
    Ok(Exit::Done)
}

/// Why there is no answer, for a person.
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
        (NoAnswer::Uncited, _) => "an answer that cites nothing does not count as one".to_owned(),
    }
}

/// What the prompt is made of: a template of the user's, or docent's own.
pub(super) fn template(context: &Context) -> Result<Template, Failure> {
    let chat = &context.settings.chat;
    if let Some(path) = &chat.prompt {
        let text = read(context, "chat.prompt", path)?;
        return Template::parse(&text).map_err(|error| {
            let exit = context.fault_of("chat.prompt");
            Failure::new(exit, format!("{}: {}", path.display(), error.message)).hint(error.hint)
        });
    }
    match &chat.system {
        Some(path) => Ok(Template::introduced_by(&read(context, "chat.system", path)?)),
        None => Ok(Template::default()),
    }
}

fn read(context: &Context, name: &str, path: &Path) -> Result<String, Failure> {
    let path = context.cwd.join(path);
    std::fs::read_to_string(&path).map_err(|error| {
        let flag = settings::keys::key(name).flag.map_or(name, |flag| flag.long);
        Failure::new(context.fault_of(name), format!("{flag} {}: {error}", path.display()))
    })
}
