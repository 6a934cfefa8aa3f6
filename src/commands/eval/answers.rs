//! `--answers`: what the chat model makes of what is retrieved, or what is quoted of it.

use futures::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;

use super::super::connect::{self, StoreAccess};
use super::super::context::Context;
use super::super::{on_interrupt, query as command, search};
use super::CaseSet;
use super::judging::Judge;
use crate::cancel::Cancel;
use crate::chat::ChatModel;
use crate::cli::RetrievalFlags;
use crate::error::Failure;
use crate::eval::answers::{self, AnswerRow, AnswersReport};
use crate::eval::cases::Case;
use crate::query::{self, AnswerOptions, Retriever};
use crate::types::Passage;
use crate::ui::Ui;
use crate::ui::progress::Waiting;
use crate::ui::words::counted;

/// Asks all cases, also those that expect nothing, as `docent query` does.
pub(super) async fn measure(
    ui: &mut Ui,
    context: &Context,
    set: &CaseSet,
    judge: Option<&str>,
) -> Result<AnswersReport, Failure> {
    let judge = judge.map(|model| Judge::connect(context, model)).transpose()?;
    let template = command::template(context)?;
    let rewrite = connect::rewriting(&context.settings)?;
    let chat = connect::chat(context)?;
    let cancel = on_interrupt();
    let store = connect::store(ui, context, StoreAccess::Read)?;
    let retriever = connect::retriever(context, store).await?;
    let retrieve =
        search::retrieve_options(context, &RetrievalFlags::default(), &retriever).await?;
    let options = command::options(context, rewrite, retrieve, template);
    let cases: Vec<&Case> = set.cases.iter().chain(&set.unanswerable).collect();
    let questions = counted(cases.len(), "question");
    let waiting = Waiting::new(ui, &format!("asking {} {questions}", chat.name()));
    let asked =
        cases.into_iter().map(|case| ask(context, case, &retriever, &*chat, &options, &cancel));
    let mut asked: Vec<Asked> = stream::iter(asked)
        .buffered(context.settings.chat.concurrency.max(1))
        .try_collect()
        .await?;
    drop(waiting);
    retriever.store.leave().await;
    if let Some(judge) = &judge {
        judge.all(ui, context, &mut asked, &cancel).await?;
    }
    let rows = asked.into_iter().map(|asked| asked.row).collect();
    let judge = judge.map(|judge| judge.name().to_owned());
    Ok(answers::report(chat.name().to_owned(), judge, rows))
}

/// An answer, measured, and what it was made from.
pub(super) struct Asked<'a> {
    pub(super) case: &'a Case,
    pub(super) row: AnswerRow,
    pub(super) passages: Vec<Passage>,
}

/// An endpoint that fails ends it: that is no answer to be measured.
async fn ask<'a>(
    context: &Context,
    case: &'a Case,
    retriever: &Retriever,
    chat: &dyn ChatModel,
    options: &AnswerOptions,
    cancel: &Cancel,
) -> Result<Asked<'a>, Failure> {
    let question = &case.question;
    let nonce = context.nonce(question)?;
    let options = AnswerOptions { id: Uuid::now_v7(), nonce, ..options.clone() };
    let answer = query::answer(question, retriever, chat, &options, cancel, &mut drop).await?;
    if answer.interrupted {
        return Err(Failure::interrupted());
    }
    match &answer.failure {
        Some(failure) => Err(failure.clone().into()),
        None => Ok(Asked { case, row: answers::row(case, &answer), passages: answer.passages }),
    }
}
