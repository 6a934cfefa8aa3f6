//! `docent chat`: a conversation, in which each question can refer to earlier ones.
//!
//! Each turn reads the collection as it is then: an ingest may run meanwhile, and the next turn sees
//! its result.

mod input;
mod open;
mod save;
mod slash;

use std::sync::Arc;

use super::query::{self, QueryReply, QueryRunner};
use super::{Context, describe, open_traced};
use crate::cancel::Cancel;
use crate::cli::ChatArgs;
use crate::error::{Exit, Failure};
use crate::query::history::HistoryTurn;
use crate::service::Engine;
use crate::service::output_file::forbid_way_out;
use crate::service::retrieval::DocumentFilter;
use crate::ui::Ui;
use crate::ui::chat::ShownExchange;
use crate::ui::line::LineInput;
use input::Input;
use slash::{ChatLine, SlashCommand};

pub(super) async fn run(ui: &mut Ui, context: Context, args: ChatArgs) -> Result<Exit, Failure> {
    let mut input = Input::open(ui, &context)?;
    let engine = open_traced(ui, context)?;
    let mut session = Session::open(ui, engine, args, input.is_terminal()).await?;
    session.greet(ui)?;
    let mut worst = Exit::Done;
    loop {
        let line = match input.next().await? {
            LineInput::Line(line) => line,
            LineInput::Interrupted if input.is_terminal() => {
                ui.status("Ctrl-D or /quit ends the session");
                continue;
            }
            LineInput::Interrupted => return Ok(Exit::Interrupted),
            LineInput::End => break,
        };
        let outcome = match slash::parse(&line) {
            Ok(ChatLine::Blank) => continue,
            Ok(ChatLine::Command(SlashCommand::Quit)) => break,
            Ok(ChatLine::Command(command)) => session.obey(ui, command).await.map(|()| Exit::Done),
            Ok(ChatLine::Question(question)) => {
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
    // On a terminal, the user has seen each result.
    Ok(if input.is_terminal() { Exit::Done } else { worst })
}

/// A conversation.
struct Session {
    /// Replaced by `/model`.
    engine: Arc<Engine>,
    filter: DocumentFilter,
    show_thinking: bool,
    /// Turns since the beginning, or since the conversation was cleared.
    exchanges: Vec<ShownExchange>,
    history: Vec<HistoryTurn>,
    /// Number of questions so far.
    asked: u32,
    /// Whether questions are typed at a terminal.
    at_terminal: bool,
}

impl Session {
    /// Fails if no question could be answered.
    async fn open(
        ui: &mut Ui,
        engine: Arc<Engine>,
        args: ChatArgs,
        at_terminal: bool,
    ) -> Result<Self, Failure> {
        engine.check_answering()?;
        let filter = args.retrieval.filter();
        let retriever = engine.retriever().await?;
        describe(ui, &retriever);
        engine.retrieve_options(&filter, &retriever).await?;
        Ok(Self {
            engine,
            filter,
            show_thinking: args.chat.show_thinking,
            exchanges: Vec::new(),
            history: Vec::new(),
            asked: 0,
            at_terminal,
        })
    }

    fn greet(&self, ui: &mut Ui) -> Result<(), Failure> {
        if self.at_terminal {
            let collection = &self.engine.context.settings.collection;
            ui.status(&format!(
                "collection `{collection}`, answers by {}. /help lists the commands, Ctrl-D ends.",
                self.engine.chat()?.name()
            ));
        }
        query::explain_no_chat_model(ui, &self.engine);
        Ok(())
    }

    async fn ask(&mut self, ui: &mut Ui, question: &str, cancel: &Cancel) -> Result<Exit, Failure> {
        self.asked += 1;
        ui.turn = Some(self.asked);
        let asking = QueryRunner {
            engine: &self.engine,
            filter: &self.filter,
            history: &self.history,
            show_thinking: self.show_thinking,
            cancel: cancel.clone(),
        };
        let QueryReply { answer, outcome } = match query::reply(ui, &asking, question).await {
            Err(failure) if failure.exit == Exit::Interrupted => return Ok(stopped(ui)),
            reply => reply?,
        };
        ui.gap()?;
        if let Some(answer) = answer {
            if !answer.text.trim().is_empty() {
                self.history.push(HistoryTurn::new(question, &answer.text));
            }
            self.exchanges.push(ShownExchange { question: question.to_owned(), answer });
        }
        match outcome? {
            Exit::Interrupted => Ok(stopped(ui)),
            exit => Ok(exit),
        }
    }

    async fn obey(&mut self, ui: &mut Ui, command: SlashCommand) -> Result<(), Failure> {
        ui.turn = Some(self.asked);
        match command {
            SlashCommand::Sources => {
                return ui.last_sources(self.last()?, &self.engine.context.root);
            }
            SlashCommand::Open(number) => {
                let answer = &self.last()?.answer;
                let passage = answer.passages.iter().find(|passage| passage.number == number);
                let passage = passage.ok_or_else(|| {
                    Failure::usage(format!("the last answer has no source [{number}]"))
                        .hint("/sources lists them")
                })?;
                open::open(ui, passage, &self.engine.context.root, self.at_terminal).await?;
            }
            SlashCommand::Save { path, overwrite } => {
                let path = save::place(&self.engine.context.cwd, &path);
                forbid_way_out(&path, &self.engine.context.root)?;
                save::save(&path, &self.exchanges, overwrite)?;
                ui.status(&format!("saved {}", path.display()));
            }
            SlashCommand::Clear => {
                self.exchanges.clear();
                self.history.clear();
                ui.status("earlier turns are forgotten");
            }
            SlashCommand::Model(None) => self.tell_model(ui)?,
            SlashCommand::Model(Some(name)) => {
                let mut context = self.engine.context.clone();
                context.settings.take_model((name != "extractive").then_some(name));
                let engine = open_traced(ui, context)?;
                engine.check_answering()?;
                self.engine = engine;
                self.tell_model(ui)?;
            }
            SlashCommand::Help => {
                for line in slash::HELP.lines() {
                    ui.status(line);
                }
            }
            SlashCommand::Quit => {}
        }
        Ok(())
    }

    fn tell_model(&self, ui: &mut Ui) -> Result<(), Failure> {
        ui.status(&format!("answers by {}", self.engine.chat()?.name()));
        Ok(())
    }

    fn last(&self) -> Result<&ShownExchange, Failure> {
        self.exchanges.last().ok_or_else(|| Failure::usage("there is no answer yet"))
    }
}

fn stopped(ui: &mut Ui) -> Exit {
    ui.status("stopped");
    Exit::Interrupted
}
