//! Where questions are put.

use uuid::Uuid;

use super::context::Context;
use super::tracer::{Traced, Tracer};
use crate::cancel::Cancel;
use crate::chat::ChatModel;
use crate::error::{Exit, Failure};
use crate::query::{self, Answer, AnswerEvent, AnswerOptions, Prepared, Retriever};

/// What answers, and what keeps a record of it.
pub(super) struct Desk<'a> {
    pub(super) context: &'a Context,
    pub(super) tracer: &'a Tracer,
    pub(super) retriever: Retriever,
    pub(super) chat: &'a dyn ChatModel,
    /// All but id and nonce, which each question has of its own.
    pub(super) options: AnswerOptions,
    /// What the model thinks is printed too.
    pub(super) show_thinking: bool,
    pub(super) cancel: Cancel,
}

/// A question, with what came of it.
pub(super) struct Put<'a> {
    pub(super) question: &'a str,
    pub(super) answer: Result<Answer, Failure>,
    options: AnswerOptions,
    traced: Traced<'a>,
}

impl Desk<'_> {
    /// Answers a question, behind fences that no other has.
    pub(super) async fn put<'a>(
        &'a self,
        question: &'a str,
        emit: &mut (dyn FnMut(AnswerEvent) + Send),
    ) -> Result<Put<'a>, Failure> {
        let id = self.context.tape.value("id", question, Uuid::now_v7())?;
        let nonce = self.context.nonce(question)?;
        let options = AnswerOptions { id, nonce, ..self.options.clone() };
        let traced = self.tracer.begin(self.context, &self.retriever, self.chat).await?;
        let (retriever, chat) = (&traced.retriever, &*traced.chat);
        let answer = query::answer(question, retriever, chat, &options, &self.cancel, emit).await;
        let answer = answer.map_err(Failure::from).and_then(|answer| self.timed(question, answer));
        let answer = answer.map(|answer| self.priced(answer));
        Ok(Put { question, answer, options, traced })
    }

    /// All but asking for the answer.
    pub(super) async fn prepare(&self, question: &str) -> Result<Prepared, Failure> {
        let nonce = self.context.nonce(question)?;
        let options = AnswerOptions { nonce, ..self.options.clone() };
        let (retriever, chat) = (&self.retriever, self.chat);
        Ok(query::prepare(question, retriever, chat, &options, &self.cancel, &mut drop).await?)
    }

    /// A replay has the times of its recording.
    fn timed(&self, question: &str, mut answer: Answer) -> Result<Answer, Failure> {
        let times = (answer.retrieved_in, answer.first_token_in, answer.elapsed);
        let times = self.context.tape.value("times", question, times)?;
        (answer.retrieved_in, answer.first_token_in, answer.elapsed) = times;
        Ok(answer)
    }

    /// At today's prices, also where it is replayed.
    fn priced(&self, mut answer: Answer) -> Answer {
        let price = self.context.settings.chat.price;
        answer.usage.cost = price.and_then(|price| price.cost(&answer.usage));
        answer
    }

    /// Keeps a record of it. What is returned is to be warned of.
    pub(super) async fn keep(
        &self,
        put: &Put<'_>,
        outcome: &Result<Exit, Failure>,
    ) -> Result<Option<String>, Failure> {
        let Put { question, answer, options, traced } = put;
        let answer = answer.as_ref().ok();
        self.tracer.end(self.context, traced, (question, options), answer, outcome).await
    }
}
