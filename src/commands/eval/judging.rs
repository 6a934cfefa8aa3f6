//! `--judge`: has a second model judge the answers.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};

use super::super::Context;
use super::answers::MeasuredAnswer;
use crate::cancel::Cancel;
use crate::chat::{ChatModel, reply};
use crate::error::Failure;
use crate::eval::answers::judged;
use crate::output::humanize::counted;
use crate::service::backends;
use crate::settings::ChatSettings;
use crate::ui::Ui;
use crate::ui::progress::WaitSpinner;

/// A second model, which judges the answers of the first one.
pub(super) struct AnswerJudge {
    chat: Arc<dyn ChatModel>,
}

impl AnswerJudge {
    /// Connects to the endpoint of the chat model.
    pub(super) fn connect(context: &Context, model: &str) -> Result<Self, Failure> {
        if model == backends::EXTRACTIVE {
            return Err(Failure::usage(format!(
                "--judge {model}: the judge has to be a chat model"
            ))
            .hint("name a model at the endpoint for answers"));
        }
        let mut context = context.clone();
        // A verdict that is cut off can't be used.
        let chat = ChatSettings {
            model: Some(model.to_owned()),
            max_tokens: None,
            ..context.settings.chat
        };
        context.settings.chat = chat;
        Ok(Self { chat: backends::chat(&context)? })
    }

    pub(super) fn name(&self) -> &str {
        self.chat.name()
    }

    /// Judges every answer.
    pub(super) async fn all(
        &self,
        ui: &mut Ui,
        context: &Context,
        asked: &mut [MeasuredAnswer<'_>],
        cancel: &Cancel,
    ) -> Result<(), Failure> {
        let answers: Vec<&mut MeasuredAnswer> =
            asked.iter_mut().filter(|asked| !asked.row.answer.is_empty()).collect();
        let counted = counted(answers.len(), "answer");
        let waiting = WaitSpinner::new(ui, &format!("{} judges {counted}", self.name()));
        let judging = answers.into_iter().map(|asked| self.one(context, asked));
        let all = stream::iter(judging).buffered(context.settings.chat.concurrency.max(1));
        let warnings: Vec<Option<String>> = tokio::select! {
            warnings = all.try_collect() => warnings?,
            () = cancel.cancelled() => return Err(Failure::interrupted()),
        };
        drop(waiting);
        warnings.iter().flatten().for_each(|warning| ui.warn(warning));
        Ok(())
    }

    /// Judges one answer. A missing verdict is a warning, since the others still count.
    async fn one(
        &self,
        context: &Context,
        MeasuredAnswer { case, row, passages, .. }: &mut MeasuredAnswer<'_>,
    ) -> Result<Option<String>, Failure> {
        let sentences = judged::sentences(&row.answer);
        let nonce = context.nonce(&case.question)?;
        let request = judged::request(&case.question, passages, &sentences, &case.facts, &nonce);
        let reply = reply::reply(&*self.chat, request, context.settings.chat.timeout).await?;
        row.judged = reply.and_then(|reply| judged::parse(&reply.text, &sentences, &case.facts));
        let none = || format!("{} gave no verdict on case `{}`", self.name(), case.id);
        Ok(row.judged.is_none().then(none))
    }
}
