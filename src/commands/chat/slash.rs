//! Parses what was typed: a question, or a command that begins with a slash.

use std::path::PathBuf;

use crate::error::Failure;
use crate::ui::line::COMMANDS;

pub(super) const HELP: &str = "\
/sources            the sources of the last answer
/open N             opens source N of the last answer in $VISUAL, $EDITOR or the usual program
/save FILE          writes the conversation as Markdown; --force FILE replaces a file
/clear              forgets the conversation
/model [NAME]       shows the chat model, or switches to another one at the same endpoint
/help               this list
/quit               ends the session, as Ctrl-D does
Ctrl-C stops an answer.";

#[derive(PartialEq, Eq, Debug)]
pub(super) enum ChatLine {
    Blank,
    Question(String),
    Command(SlashCommand),
}

#[derive(PartialEq, Eq, Debug)]
pub(super) enum SlashCommand {
    Sources,
    Open(u32),
    Save { path: PathBuf, overwrite: bool },
    Clear,
    Model(Option<String>),
    Help,
    Quit,
}

/// Parses a line. It is a command if it begins with a slash and a word: `/etc/hosts` begins a question.
pub(super) fn parse(line: &str) -> Result<ChatLine, Failure> {
    let line = line.trim();
    if line.is_empty() {
        return Ok(ChatLine::Blank);
    }
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let is_command = word
        .strip_prefix('/')
        .is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic()));
    if !is_command {
        return Ok(ChatLine::Question(line.to_owned()));
    }
    command(word, rest.trim()).map(ChatLine::Command)
}

fn command(word: &str, rest: &str) -> Result<SlashCommand, Failure> {
    let bare = |slash| match rest {
        "" => Ok(slash),
        _ => Err(Failure::usage(format!("{word} takes no argument")).hint(word.to_owned())),
    };
    match word {
        "/sources" => bare(SlashCommand::Sources),
        "/open" => rest
            .trim_matches(['[', ']'])
            .parse()
            .map(SlashCommand::Open)
            .map_err(|_| Failure::usage("/open takes the number of a source").hint("/open 1")),
        "/save" => save(rest),
        "/clear" => bare(SlashCommand::Clear),
        "/model" => Ok(SlashCommand::Model((!rest.is_empty()).then(|| rest.to_owned()))),
        "/help" => bare(SlashCommand::Help),
        "/quit" | "/exit" => bare(SlashCommand::Quit),
        _ => Err(Failure::usage(format!("there is no command {word}")).hint(nearest(word))),
    }
}

fn save(rest: &str) -> Result<SlashCommand, Failure> {
    let forced = rest.strip_prefix("--force").filter(|rest| rest.starts_with(char::is_whitespace));
    let path = forced.unwrap_or(rest).trim();
    if path.is_empty() || path == "--force" {
        return Err(Failure::usage("/save takes a file").hint("/save conversation.md"));
    }
    Ok(SlashCommand::Save { path: PathBuf::from(path), overwrite: forced.is_some() })
}

fn nearest(word: &str) -> String {
    let distance = |name: &&&str| strsim::osa_distance(word, name);
    match COMMANDS.iter().min_by_key(distance) {
        Some(name) if distance(&name) <= 2 || name.starts_with(word) => {
            format!("did you mean {name}? /help lists the commands")
        }
        _ => "/help lists the commands".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_and_commands_are_told_apart() {
        let question = |text: &str| Ok(ChatLine::Question(text.to_owned()));
        let command = |slash| Ok(ChatLine::Command(slash));
        let save = |path: &str, overwrite| SlashCommand::Save { path: path.into(), overwrite };
        for (line, expected) in [
            ("", Ok(ChatLine::Blank)),
            (" \t", Ok(ChatLine::Blank)),
            (" How long? ", question("How long?")),
            ("/etc/hosts is what?", question("/etc/hosts is what?")),
            ("/ what is this", question("/ what is this")),
            ("/v1 or /v2?", question("/v1 or /v2?")),
            ("/sources", command(SlashCommand::Sources)),
            ("/open 3", command(SlashCommand::Open(3))),
            ("/open [3]", command(SlashCommand::Open(3))),
            ("/save my notes.md", command(save("my notes.md", false))),
            ("/save --force a.md", command(save("a.md", true))),
            ("/save --forced.md", command(save("--forced.md", false))),
            ("/clear", command(SlashCommand::Clear)),
            ("/model", command(SlashCommand::Model(None))),
            ("/model gpt-4o-mini", command(SlashCommand::Model(Some("gpt-4o-mini".to_owned())))),
            ("/help", command(SlashCommand::Help)),
            ("/quit ", command(SlashCommand::Quit)),
            ("/exit", command(SlashCommand::Quit)),
        ] {
            assert_eq!(parse(line), expected, "{line:?}");
        }
    }

    #[test]
    fn what_is_wrong_names_what_would_be_right() {
        for (line, hint) in [
            ("/source", "/sources"),
            ("/opne 1", "/open"),
            ("/sav x", "/save"),
            ("/mod", "/model"),
            ("/open", "/open 1"),
            ("/open x", "/open 1"),
            ("/save", "/save conversation.md"),
            ("/save --force ", "/save conversation.md"),
            ("/clear all", "/clear"),
            ("/zzzzzz", "/help"),
        ] {
            let failure = parse(line).expect_err(line);
            assert_eq!(failure.exit, crate::error::Exit::Usage);
            assert!(failure.hint.as_deref().is_some_and(|h| h.contains(hint)), "{failure:?}");
        }
    }
}
