//! `docent chat`: one question after another, each in the light of those before.
//!
//! Every turn connects anew and lets go of the collection at its end: an ingest may go on
//! meanwhile, and the next turn sees what it made.

mod input;
mod open;
mod save;
mod slash;

use std::sync::Arc;

use super::connect::{self, StoreAccess};
use super::context::Context;
use super::desk::Desk;
use super::query::Reply;
use super::tracer::Tracer;
use super::{query, search};
use crate::cancel::Cancel;
use crate::chat::ChatModel;
use crate::cli::ChatArgs;
use crate::error::{Exit, Failure};
use crate::query::history::Turn;
use crate::query::prompt::template::Template;
use crate::query::rewrite::RewriteOptions;
use crate::query::{AnswerOptions, Retriever};
use crate::ui::Ui;
use crate::ui::chat::Exchange;
use crate::ui::line::Entry;
use input::Input;
use slash::{Line, Slash};

pub(super) async fn run(ui: &mut Ui, context: Context, args: ChatArgs) -> Result<Exit, Failure> {
    let mut input = Input::open(ui, &context)?;
    let mut session = Session::open(ui, context, args, input.is_terminal()).await?;
    session.greet(ui);
    let mut worst = Exit::Done;
    loop {
        let line = match input.next().await? {
            Entry::Line(line) => line,
            Entry::Interrupted if input.is_terminal() => {
                ui.status("Ctrl-D or /quit ends the session");
                continue;
            }
            Entry::Interrupted => return Ok(Exit::Interrupted),
            Entry::End => break,
        };
        let outcome = match slash::parse(&line) {
            Ok(Line::Blank) => continue,
            Ok(Line::Command(Slash::Quit)) => break,
            Ok(Line::Command(command)) => session.obey(ui, command).await.map(|()| Exit::Done),
            Ok(Line::Question(question)) => {
                let cancel = input.cancel();
                session.ask(ui, &question, &cancel).await
            }
            Err(failure) => Err(failure),
        };
        let exit = match outcome {
            Ok(exit) => exit,
            Err(failure) if failure == Failure::reader_gone() => return Err(failure),
            Err(failure) => {
                ui.failure(&failure);
                failure.exit
            }
        };
        ui.turn = None;
        if exit == Exit::Interrupted && !input.is_terminal() {
            return Ok(exit);
        }
        worst = worst.worse(exit);
    }
    // On a terminal whoever asked has seen what came of it.
    Ok(if input.is_terminal() { Exit::Done } else { worst })
}

/// A conversation.
struct Session {
    /// The chat model that it names is changed by `/model`.
    context: Context,
    args: ChatArgs,
    tracer: Tracer,
    chat: Box<dyn ChatModel>,
    template: Template,
    /// Since the beginning, or since it was cleared.
    exchanges: Vec<Exchange>,
    history: Vec<Turn>,
    /// Questions so far.
    asked: u32,
    /// Somebody types.
    at_terminal: bool,
}

impl Session {
    /// Fails where no question could be answered.
    async fn open(
        ui: &mut Ui,
        context: Context,
        args: ChatArgs,
        at_terminal: bool,
    ) -> Result<Self, Failure> {
        connect::rewriting(&context.settings)?;
        let session = Self {
            tracer: Tracer::new(ui, &context)?,
            chat: connect::chat(&context)?,
            template: query::template(&context)?,
            context,
            args,
            exchanges: Vec::new(),
            history: Vec::new(),
            asked: 0,
            at_terminal,
        };
        let retriever = session.connect(ui).await?;
        connect::describe(ui, &*retriever.store, &*retriever.embedder);
        let usable = session.options(&retriever).await;
        retriever.store.release().await?;
        usable.map(|_| session)
    }

    fn greet(&self, ui: &mut Ui) {
        if self.at_terminal {
            let collection = &self.context.settings.collection;
            ui.status(&format!(
                "collection `{collection}`, answers by {}. /help lists the commands, Ctrl-D ends.",
                self.chat.name()
            ));
        }
        query::quoted(ui, &self.context);
    }

    async fn connect(&self, ui: &Ui) -> Result<Retriever, Failure> {
        let store = connect::store(ui, &self.context, StoreAccess::Read)?;
        connect::retriever(&self.context, store).await
    }

    async fn ask(&mut self, ui: &mut Ui, question: &str, cancel: &Cancel) -> Result<Exit, Failure> {
        self.asked += 1;
        ui.turn = Some(self.asked);
        // Only the connection is waited for here; the answer looks after itself.
        let retriever = tokio::select! {
            retriever = self.connect(ui) => retriever?,
            () = cancel.cancelled() => return Ok(stopped(ui)),
        };
        let store = Arc::clone(&retriever.store);
        let reply = self.reply(ui, question, retriever, cancel).await;
        let released = store.release().await;
        let Reply { answer, outcome } = reply?;
        released?;
        ui.gap()?;
        if let Some(answer) = answer {
            if !answer.text.trim().is_empty() {
                self.history.push(Turn::new(question, &answer.text));
            }
            self.exchanges.push(Exchange { question: question.to_owned(), answer });
        }
        match outcome? {
            Exit::Interrupted => Ok(stopped(ui)),
            exit => Ok(exit),
        }
    }

    async fn reply(
        &self,
        ui: &mut Ui,
        question: &str,
        retriever: Retriever,
        cancel: &Cancel,
    ) -> Result<Reply, Failure> {
        let desk = Desk {
            context: &self.context,
            tracer: &self.tracer,
            chat: &*self.chat,
            options: self.options(&retriever).await?,
            retriever,
            show_thinking: self.args.chat.show_thinking,
            cancel: cancel.clone(),
        };
        query::reply(ui, &desk, question).await
    }

    /// How the next question is answered, in the light of those before.
    async fn options(&self, retriever: &Retriever) -> Result<AnswerOptions, Failure> {
        let context = &self.context;
        let rewrite = connect::rewriting(&context.settings)?;
        let follow_up = !self.history.is_empty() && !context.quotes();
        let rewrite = RewriteOptions { standalone: rewrite.standalone || follow_up, ..rewrite };
        let retrieve = search::retrieve_options(context, &self.args.retrieval, retriever).await?;
        let options = query::options(context, rewrite, retrieve, self.template.clone());
        Ok(AnswerOptions { history: self.history.clone(), ..options })
    }

    async fn obey(&mut self, ui: &mut Ui, command: Slash) -> Result<(), Failure> {
        ui.turn = Some(self.asked);
        match command {
            Slash::Sources => return ui.last_sources(self.last()?, &self.context.root),
            Slash::Open(number) => {
                let answer = &self.last()?.answer;
                let passage = answer.passages.iter().find(|passage| passage.number == number);
                let passage = passage.ok_or_else(|| {
                    Failure::usage(format!("the last answer has no source [{number}]"))
                        .hint("/sources lists them")
                })?;
                open::open(ui, passage, &self.context.root, self.at_terminal).await?;
            }
            Slash::Save { path, overwrite } => {
                let path = save::place(&self.context.cwd, &path);
                save::save(&path, &self.exchanges, overwrite)?;
                ui.status(&format!("saved {}", path.display()));
            }
            Slash::Clear => {
                self.exchanges.clear();
                self.history.clear();
                ui.status("earlier turns are forgotten");
            }
            Slash::Model(None) => ui.status(&format!("answers by {}", self.chat.name())),
            Slash::Model(Some(name)) => {
                let mut context = self.context.clone();
                context.settings.take_model((name != "extractive").then_some(name));
                self.chat = connect::chat(&context)?;
                self.context = context;
                ui.status(&format!("answers by {}", self.chat.name()));
            }
            Slash::Help => ui.status(slash::HELP),
            Slash::Quit => {}
        }
        Ok(())
    }

    fn last(&self) -> Result<&Exchange, Failure> {
        self.exchanges.last().ok_or_else(|| Failure::usage("there is no answer yet"))
    }
}

fn stopped(ui: &mut Ui) -> Exit {
    ui.status("stopped");
    Exit::Interrupted
}
