//! Answers a question, in the way that is the same for every front end.

use std::path::Path;

use uuid::Uuid;

use super::backends::{self, VerifierModel};
use super::context::Context;
use super::engine::Engine;
use super::provenance::TraceDetails;
use super::retrieval::{DocumentFilter, RetrievalOverrides};
use crate::cancel::Cancel;
use crate::chat::{Passthrough, SamplingOptions};
use crate::error::{Exit, Failure};
use crate::query::history::HistoryTurn;
use crate::query::pack::{DropReason, DroppedHit, PackOptions};
use crate::query::prompt::template::Template;
use crate::query::retrieve::RetrieveOptions;
use crate::query::rewrite::RewriteOptions;
use crate::query::verification::{self, Verifier};
use crate::query::{self, Answer, AnswerEvent, AnswerOptions, PreparedPrompt, Retriever};
use crate::settings;
use crate::store::CollectionReader;
use crate::types::Passage;

/// A question, and what it overrides of the settings.
#[derive(Clone, Copy, Debug)]
pub struct AskOptions<'a> {
    pub question: &'a str,
    pub filter: &'a DocumentFilter,
    /// Earlier turns of the conversation, oldest first.
    pub history: &'a [HistoryTurn],
    pub overrides: RetrievalOverrides,
    /// Takes the place of the setting `chat.system` in the prompt: before docent's rules.
    pub introduction: Option<&'a str>,
    pub sampling: SamplingOptions,
    /// Passed on to the chat model.
    pub relayed: Option<&'a Passthrough>,
    /// Quote the answer from the passages, whatever chat model is configured.
    pub quote: bool,
    /// Id of the answer; `None`: [one is generated](Engine::answer_id).
    pub id: Option<Uuid>,
}

impl<'a> AskOptions<'a> {
    /// A question for which the settings hold unchanged.
    pub fn new(question: &'a str, filter: &'a DocumentFilter, history: &'a [HistoryTurn]) -> Self {
        let overrides = RetrievalOverrides::default();
        Self {
            question,
            filter,
            history,
            overrides,
            introduction: None,
            sampling: SamplingOptions::default(),
            relayed: None,
            quote: false,
            id: None,
        }
    }
}

/// A question with its answer.
pub struct Exchange {
    pub question: String,
    pub answer: Result<Answer, Failure>,
    pub(super) options: AnswerOptions,
    pub(super) traced: TraceDetails,
}

impl Exchange {
    /// The snapshot of the collection that the answer is from.
    pub fn reader(&self) -> &CollectionReader {
        self.traced.reader()
    }
}

/// What a chat model would be sent.
pub struct PromptPreview {
    pub prepared: PreparedPrompt,
    pub retriever: Retriever,
    pub options: AnswerOptions,
}

impl Engine {
    /// Answers a question. Its passages are fenced with a nonce of its own. A model that fails is part
    /// of the exchange, so that there is a record of it.
    ///
    /// # Errors
    /// The question could not be asked at all.
    pub async fn answer(
        &self,
        ask: AskOptions<'_>,
        cancel: &Cancel,
        emit: &mut (dyn FnMut(AnswerEvent) + Send),
    ) -> Result<Exchange, Failure> {
        // Boxed, so that its state is freed before the model writes.
        let ready = Box::pin(async { tokio::try_join!(self.ready(ask), self.verifier()) });
        let ((retriever, options), verifier) = tokio::select! {
            ready = ready => ready?,
            () = cancel.cancelled() => return Err(Failure::interrupted()),
        };
        let id = ask.id.map_or_else(|| self.answer_id(ask.question), Ok)?;
        let options = AnswerOptions { id, ..options };
        let chat = if ask.quote { self.quoting_chat()? } else { self.chat()? };
        let traced = TraceDetails::begin(&retriever, &*chat, options.keeps_hits);
        let local = ask.quote || self.context.quotes();
        let (retriever, chat) = (traced.watched(retriever), traced.watched_chat(chat, local));
        let answer = query::answer(ask.question, &retriever, &*chat, &options, cancel, emit).await;
        let answer = answer.map_err(Failure::from);
        let answer = answer.and_then(|answer| self.timed(ask.question, answer));
        let answer = answer.map(|answer| self.priced(answer));
        let answer = match (answer, &verifier) {
            (Ok(answer), Some(verifier)) => {
                let verifier = traced.watched_verifier(verifier);
                let held = self.held_by_model(answer, &verifier, &options.nonce, cancel);
                let answer = Box::pin(held).await;
                Ok(self.verified_in(ask.question, answer)?)
            }
            (answer, _) => answer,
        };
        Ok(Exchange { question: ask.question.to_owned(), answer, options, traced })
    }

    /// The id for the answer to a question: a new one, or that of the recording.
    ///
    /// # Errors
    /// The recording can't be read or written.
    pub fn answer_id(&self, question: &str) -> Result<Uuid, Failure> {
        Ok(self.context.tape.value("id", question, Uuid::now_v7())?)
    }

    /// Has the model of `--verify` check a complete answer.
    async fn held_by_model(
        &self,
        mut answer: Answer,
        verifier: &VerifierModel,
        nonce: &str,
        cancel: &Cancel,
    ) -> Answer {
        let ended = answer.no_answer.is_none() && answer.failure.is_none() && !answer.interrupted;
        let Some(verify) = self.context.settings.verify.as_ref().filter(|_| ended) else {
            return answer;
        };
        let Answer { citations, passages, .. } = &mut answer;
        if citations.undecided.is_empty() {
            return answer;
        }
        let verifier = match verifier {
            VerifierModel::Chat(model) => Verifier::Chat { model: &**model, nonce },
            VerifierModel::Entailment(model) => {
                Verifier::Entailment { model: &**model, threshold: verify.threshold }
            }
        };
        let asked = verification::verify(citations, passages, verifier, verify.timeout);
        let asked = tokio::select! {
            asked = asked => Some(asked),
            () = cancel.cancelled() => None,
        };
        match asked {
            Some(mut asked) => {
                asked.usage.cost = verify.price.and_then(|price| price.cost(&asked.usage));
                answer.verification = Some(asked);
            }
            None => answer.interrupted = true,
        }
        answer
    }

    /// Does everything but ask for the answer.
    pub async fn prepare(
        &self,
        ask: AskOptions<'_>,
        cancel: &Cancel,
        emit: &mut (dyn FnMut(AnswerEvent) + Send),
    ) -> Result<PromptPreview, Failure> {
        let (retriever, options) = self.ready(ask).await?;
        let chat = self.chat()?;
        let prepared =
            query::prepare(ask.question, &retriever, &*chat, &options, cancel, emit).await?;
        Ok(PromptPreview { prepared, retriever, options })
    }

    /// How retrieved chunks are packed for any question, when this many chunks are taken.
    ///
    /// # Errors
    /// As with [`Self::prepare`].
    pub async fn packing(
        &self,
        chunks: usize,
        retriever: &Retriever,
    ) -> Result<AnswerOptions, Failure> {
        let filter = DocumentFilter::default();
        let overrides = RetrievalOverrides { k: Some(chunks), ..RetrievalOverrides::default() };
        let ask = AskOptions { overrides, ..AskOptions::new("", &filter, &[]) };
        Ok(self.ready_with(ask, Some(retriever.clone())).await?.1)
    }

    /// A snapshot to ask, and the options of the answer.
    async fn ready(&self, ask: AskOptions<'_>) -> Result<(Retriever, AnswerOptions), Failure> {
        self.ready_with(ask, None).await
    }

    /// The same for a snapshot that is open already.
    async fn ready_with(
        &self,
        ask: AskOptions<'_>,
        retriever: Option<Retriever>,
    ) -> Result<(Retriever, AnswerOptions), Failure> {
        let template = match ask.introduction {
            Some(introduction) => Template::introduced_by(introduction),
            None => self.template()?.clone(),
        };
        let rewrite = backends::rewriting(&self.context.settings)?;
        let retriever = match retriever {
            Some(retriever) => retriever,
            None => self.retriever().await?,
        };
        let retrieve = self.retrieve_options(ask.filter, &retriever).await?;
        let retrieve = ask.overrides.applied(retrieve);
        let pack = PackOptions {
            max_chunks: retrieve.k,
            max_tokens: self.context.settings.chat.context_tokens,
            min_score: retrieve.min_score,
            ..PackOptions::default()
        };
        let follow_up = !ask.history.is_empty() && !self.context.quotes();
        let options = AnswerOptions {
            id: Uuid::nil(),
            rewrite: RewriteOptions { standalone: rewrite.standalone || follow_up, ..rewrite },
            retrieve: RetrieveOptions { k: pack.pool(), min_score: None, ..retrieve },
            pack,
            history: ask.history.to_vec(),
            template,
            sampling: ask.sampling,
            relayed: ask.relayed.cloned().unwrap_or_default(),
            nonce: self.context.nonce(ask.question)?,
            keeps_hits: self.traces().keeps_any(),
        };
        Ok((retriever, options))
    }

    /// Sets the times of an answer; a replay has those of its recording.
    fn timed(&self, question: &str, mut answer: Answer) -> Result<Answer, Failure> {
        let times = (answer.retrieved_in, answer.first_token_in, answer.elapsed);
        let times = self.context.tape.value("times", question, times)?;
        (answer.retrieved_in, answer.first_token_in, answer.elapsed) = times;
        Ok(answer)
    }

    /// Sets the time that the model of `--verify` took, as [`Self::timed`] does.
    fn verified_in(&self, question: &str, mut answer: Answer) -> Result<Answer, Failure> {
        if let Some(asked) = &mut answer.verification {
            let tape = &self.context.tape;
            asked.elapsed_ms = tape.value("verified_in", question, asked.elapsed_ms)?;
        }
        Ok(answer)
    }

    /// Prices an answer with the current settings, even if it is replayed.
    fn priced(&self, mut answer: Answer) -> Answer {
        let price = self.context.settings.chat.price;
        answer.usage.cost = price.and_then(|price| price.cost(&answer.usage));
        answer
    }

    /// The exit code of an answer, or why it does not count.
    pub fn outcome(&self, question: &str, answer: &Answer) -> Result<Exit, Failure> {
        if answer.interrupted {
            return Ok(Exit::Interrupted);
        }
        if let Some(failure) = &answer.failure {
            return Err(failure.clone().into());
        }
        self.check_budget(question, &answer.passages, &answer.dropped)?;
        if answer.no_answer.is_some() {
            return Ok(Exit::Negative);
        }
        let objections = answer.objections();
        if self.context.settings.chat.require_citations && !objections.is_empty() {
            let message = "the answer is not fully supported by its citations, which --require-citations demands";
            return Err(Failure { causes: objections, ..Failure::new(Exit::Negative, message) });
        }
        Ok(Exit::Done)
    }

    /// Fails if passages were found, and none of them fits into the budget with the question.
    pub fn check_budget(
        &self,
        question: &str,
        passages: &[Passage],
        dropped: &[DroppedHit],
    ) -> Result<(), Failure> {
        let over = dropped.iter().any(|dropped| dropped.reason == DropReason::Budget);
        if !passages.is_empty() || !over {
            return Ok(());
        }
        let budget = self.context.settings.chat.context_tokens;
        let asked = self.chat()?.count_tokens(question);
        if 2 * asked > budget {
            return Err(Failure::usage(format!(
                "the question is too long: {asked} tokens do not fit into a context of {budget}"
            ))
            .hint("shorten the question, or raise --context-tokens"));
        }
        Err(Failure::config(format!("no passage fits into the context of {budget} tokens"))
            .hint("raise --context-tokens; docent's rules and the question count, too"))
    }
}

/// The template of the prompt: the user's, or docent's own.
pub(super) fn template(context: &Context) -> Result<Template, Failure> {
    let chat = &context.settings.chat;
    if let Some(path) = &chat.prompt {
        let text = read(context, "chat.prompt", path)?;
        return Template::parse(&text).map_err(|error| {
            let exit = context.exit_for("chat.prompt");
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
        Failure::new(context.exit_for(name), format!("{flag} {}: {error}", path.display()))
    })
}
