//! `--answers`: measures the answers that are generated, or quoted, from what is retrieved.

use std::path::Path;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};

use super::super::{Context, on_interrupt, open};
use super::CaseSet;
use super::judging::AnswerJudge;
use crate::cancel::Cancel;
use crate::error::Failure;
use crate::eval::answers::{self, AnswerRow, AnswersReport};
use crate::eval::cases::Case;
use crate::output::humanize::counted;
use crate::serve::drift::{DriftBaseline, QuestionSample};
use crate::service::Engine;
use crate::service::answering::AskOptions;
use crate::service::retrieval::DocumentFilter;
use crate::types::Passage;
use crate::ui::Ui;
use crate::ui::progress::WaitSpinner;

/// Asks the questions of all cases as `docent query` does, including those that expect nothing.
pub(super) async fn measure(
    ui: &mut Ui,
    context: &Context,
    set: &CaseSet,
    judge: Option<&str>,
    baseline: Option<&Path>,
) -> Result<AnswersReport, Failure> {
    let judge = judge.map(|model| AnswerJudge::connect(context, model)).transpose()?;
    let engine = open(ui, context.clone())?;
    engine.check_answering()?;
    let (chat, cancel) = (engine.chat()?, on_interrupt());
    engine.retriever().await?;
    let cases: Vec<&Case> = set.cases.iter().chain(&set.unanswerable).collect();
    let questions = counted(cases.len(), "question");
    let waiting = WaitSpinner::new(ui, &format!("asking {} {questions}", chat.name()));
    let asked = cases.into_iter().map(|case| ask(&engine, case, &cancel));
    let mut asked: Vec<MeasuredAnswer> = stream::iter(asked)
        .buffered(context.settings.chat.concurrency.max(1))
        .try_collect()
        .await?;
    drop(waiting);
    if let Some(judge) = &judge {
        judge.all(ui, context, &mut asked, &cancel).await?;
    }
    if let Some(path) = baseline {
        write_baseline(path, &engine, &asked).await?;
    }
    let rows = asked.into_iter().map(|asked| asked.row).collect();
    let judge = judge.map(|judge| judge.name().to_owned());
    Ok(answers::report(chat.name().to_owned(), judge, rows))
}

/// Writes the baseline with which `docent serve` compares later questions.
async fn write_baseline(
    path: &Path,
    engine: &Engine,
    asked: &[MeasuredAnswer<'_>],
) -> Result<(), Failure> {
    let documents = engine.reader().await?.documents().await?;
    let observed: Vec<QuestionSample> = asked.iter().map(|asked| asked.observation).collect();
    let collection = &engine.context.settings.collection;
    DriftBaseline::new(collection, &observed, &documents).write(path).map_err(|error| {
        Failure::usage(format!("--write-drift-baseline {}: {error}", path.display()))
    })
}

/// An answer, measured, and what it was made from.
pub(super) struct MeasuredAnswer<'a> {
    pub(super) case: &'a Case,
    pub(super) row: AnswerRow,
    observation: QuestionSample,
    pub(super) passages: Arc<[Passage]>,
}

/// Asks one case. A failing endpoint ends the command: its error is not an answer that could be
/// measured.
async fn ask<'a>(
    engine: &Engine,
    case: &'a Case,
    cancel: &Cancel,
) -> Result<MeasuredAnswer<'a>, Failure> {
    let filter = DocumentFilter::default();
    let ask = AskOptions::new(&case.question, &filter, &[]);
    let answer = engine.answer(ask, cancel, &mut drop).await?.answer?;
    if answer.interrupted {
        return Err(Failure::interrupted());
    }
    match &answer.failure {
        Some(failure) => Err(failure.clone().into()),
        None => Ok(MeasuredAnswer {
            case,
            row: answers::row(case, &answer),
            observation: QuestionSample::of_answer(
                &case.question,
                &answer,
                engine.context.settings.search.k,
            ),
            passages: answer.passages,
        }),
    }
}
