//! Completions that know the project in the working directory: what a shell calls at each TAB.
//!
//! `COMPLETE=bash docent` prints the registration for a shell, which then calls `COMPLETE=bash docent
//! -- WORDS`. Errors cannot be shown there, so nothing is offered then. Nothing is changed, no other
//! process is waited for, and a server gets no more than [`LONGEST`].

use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::{Arg, Command, CommandFactory, ValueHint};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};

use super::super::{block_on, context, until_the_end};
use crate::cli::{self, Cli};
use crate::error::{Exit, Failure};
use crate::service::{Context, Engine, backends};
use crate::settings::{KEYS, Layer};
use crate::types::{DocumentKind, DocumentRecord, SparseId, TENANT_MARK, tenant_of};
use crate::ui::Ui;

/// The same variable as in other programs that use clap.
const VARIABLE: &str = "COMPLETE";

/// How long a person who pressed a key may wait.
const LONGEST: Duration = Duration::from_secs(1);

/// Values of settings that are a choice.
const CHOICES: &[(&str, &[&str])] = &[
    ("search.mode", &["hybrid", "dense", "sparse"]),
    ("embedder", &["builtin", "hf:", "onnx:", "openai:"]),
    ("model", &["extractive"]),
    ("ingest.on_secret", &["warn", "skip", "redact", "fail"]),
    ("ingest.ocr", &["auto", "off", "always", "openai:"]),
];

/// Answers a shell that asks for completions. `false` if no known shell asks, and the arguments are a
/// command line.
pub(in crate::commands) fn answered(args: &[OsString]) -> bool {
    let Some(shell) = env::var_os(VARIABLE) else { return false };
    let shell = Path::new(&shell).file_stem().and_then(OsStr::to_str).unwrap_or_default();
    if Shells::builtins().completer(shell).is_none() {
        return false;
    }
    panic::set_hook(Box::new(|_| ()));
    let words = args.iter().skip_while(|word| *word != "--").skip(1).cloned().collect();
    let typed = Arc::new(Typed::before_the_cursor(words));
    let asked = CompleteEnv::with_factory(|| taught(Cli::command(), &typed)).bin("docent");
    let here = env::current_dir().ok();
    let complete = || asked.try_complete(args.iter().cloned(), here.as_deref());
    let _ = panic::catch_unwind(AssertUnwindSafe(complete));
    true
}

/// The same command, with arguments that offer values.
fn taught(command: Command, typed: &Arc<Typed>) -> Command {
    command
        .mut_args(|arg| match arg.get_id().as_str() {
            "collection" | "collections" => offering(arg, typed, Typed::collections),
            "tenant" => offering(arg, typed, Typed::tenants),
            "source" | "source_glob" | "purged_source" | "key_source" | "expect" => {
                offering(arg, typed, Typed::sources)
            }
            "filter_tag" | "purged_tag" | "key_tag" | "ingest_tag" => {
                offering(arg, typed, Typed::tags)
            }
            "version" | "before" | "after" => offering(arg, typed, Typed::versions),
            "shown_settings" => offering(arg, typed, |_| names(KEYS.iter().map(|key| key.name))),
            "kinds" => offering(arg, typed, |_| names(DocumentKind::ALL.map(DocumentKind::name))),
            "sparse.language" => offering(arg, typed, |_| {
                names(SparseId::LANGUAGES)
                    .into_iter()
                    .chain(names([SparseId::OF_DOCUMENT]))
                    .collect()
            }),
            "paths" | "from" => arg.value_hint(ValueHint::AnyPath),
            id => match CHOICES.iter().find(|(setting, _)| *setting == id) {
                Some((_, choices)) => offering(arg, typed, |_| names(choices.iter().copied())),
                None => arg,
            },
        })
        .mut_subcommands(|command| taught(command, typed))
}

fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

fn offering(
    arg: Arg,
    typed: &Arc<Typed>,
    offered: impl Fn(&Typed) -> BTreeSet<String> + Send + Sync + 'static,
) -> Arg {
    let typed = Arc::clone(typed);
    arg.add(ArgValueCompleter::new(move |current: &OsStr| {
        let Some(current) = current.to_str() else { return Vec::new() };
        steps(&offered(&typed), current).into_iter().map(CompletionCandidate::new).collect()
    }))
}

/// The names that begin with what was typed, each as far as the next `/`, as shells complete paths. A
/// name with control characters is left out.
fn steps(names: &BTreeSet<String>, typed: &str) -> BTreeSet<String> {
    let going_on = names.iter().filter_map(|name| name.strip_prefix(typed));
    let step = |rest: &str| match rest.find('/') {
        Some(slash) => format!("{typed}{}", &rest[..=slash]),
        None => format!("{typed}{rest}"),
    };
    going_on.filter(|rest| !rest.contains(char::is_control)).map(step).collect()
}

/// The command line before the word that is completed, the program's name first.
struct Typed {
    words: Vec<OsString>,
}

impl Typed {
    /// Some shells say which word is completed; with others it is the last.
    fn before_the_cursor(mut words: Vec<OsString>) -> Self {
        let said = env::var("_CLAP_COMPLETE_INDEX").ok().and_then(|index| index.parse().ok());
        words.truncate(said.unwrap_or_else(|| words.len().saturating_sub(1)));
        Self { words }
    }

    /// The settings that were typed so far, although the line is not complete.
    fn settings(&self) -> Layer {
        let matches = Cli::command().ignore_errors(true).try_get_matches_from(&self.words);
        matches.map(|matches| cli::typed_settings(&matches)).unwrap_or_default()
    }

    fn context(&self) -> Option<Context> {
        let mut context = context::load(&mut Ui::silent(), self.settings()).ok()?;
        context.settings.wait = Duration::ZERO;
        context.settings.qdrant.timeout = context.settings.qdrant.timeout.min(LONGEST);
        context.settings.qdrant.retry_for = Duration::ZERO;
        Some(context)
    }

    /// Asks the engine, for at most [`LONGEST`].
    fn asked<T: Default>(&self, ask: impl AsyncFnOnce(&Engine) -> Result<T, Failure>) -> T {
        let Some(context) = self.context() else { return T::default() };
        let Ok(engine) = Engine::open(context, Arc::new(|_| ())) else { return T::default() };
        let engine = until_the_end(engine);
        let too_late = |_| Failure::new(Exit::Backend, "no answer in time");
        let asked =
            async { tokio::time::timeout(LONGEST, ask(&engine)).await.map_err(too_late).flatten() };
        block_on(asked).unwrap_or_default()
    }

    fn documents(&self) -> Vec<DocumentRecord> {
        self.asked(async |engine| match engine.collection().read().await? {
            Some(reader) => Ok(reader.store().documents().await?),
            None => Ok(Vec::new()),
        })
    }

    fn sources(&self) -> BTreeSet<String> {
        self.documents().into_iter().map(|document| document.source).collect()
    }

    fn tags(&self) -> BTreeSet<String> {
        self.documents().into_iter().flat_map(|document| document.tags).collect()
    }

    fn versions(&self) -> BTreeSet<String> {
        self.asked(async |engine| {
            let versions = engine.collection().versions().await?;
            Ok(versions.into_iter().map(|version| version.number.to_string()).collect())
        })
    }

    /// Stored names of the embedded collections of all tenants.
    fn stored(&self) -> Vec<String> {
        let home = self.context().map(|context| backends::embedded_home(&context));
        let entries = home.and_then(|home| home.read_dir().ok()).into_iter().flatten().flatten();
        let name = |entry: std::fs::DirEntry| entry.file_name().into_string().ok();
        entries.filter_map(name).filter(|name| !name.contains('@')).collect()
    }

    /// Names of the collections, as the tenant knows them.
    fn collections(&self) -> BTreeSet<String> {
        let tenant = self.context().and_then(|context| context.settings.tenant);
        let own = |name: &String| match &tenant {
            Some(tenant) => Some(name.strip_suffix(tenant)?.strip_suffix(TENANT_MARK)?.to_owned()),
            None => Some(name.clone()),
        };
        self.stored().iter().filter_map(own).collect()
    }

    fn tenants(&self) -> BTreeSet<String> {
        self.stored().iter().filter_map(|name| tenant_of(name)).map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_those_of_settings() {
        for (setting, choices) in CHOICES {
            assert!(KEYS.iter().any(|key| key.name == *setting), "{setting}");
            for choice in choices.iter().filter(|choice| !choice.ends_with(':')) {
                let layer = crate::settings::layers::flags([(*setting, (*choice).to_owned())]);
                let layers = crate::settings::Layers(vec![layer]);
                assert!(crate::settings::resolve(&layers, true).is_ok(), "{setting} {choice}");
            }
        }
    }

    #[test]
    fn sources_are_completed_as_paths_are() {
        let names =
            names(["docs/a.md", "docs/deep/b.md", "docs/deep/c.md", "do\u{1b}c", "notes.md"]);
        let offered = |typed| steps(&names, typed).into_iter().collect::<Vec<_>>();
        assert_eq!(offered(""), ["docs/", "notes.md"]);
        assert_eq!(offered("docs/"), ["docs/a.md", "docs/deep/"]);
        assert_eq!(offered("docs/deep/b"), ["docs/deep/b.md"]);
        assert!(offered("other").is_empty());
    }
}
