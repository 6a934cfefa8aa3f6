//! Options of a sync: from the caller and the settings to those of the ingest flow.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::audit;
use crate::error::{Exit, Failure};
use crate::ingest::IngestOptions;
use crate::ingest::budget::RunBudget;
use crate::ingest::chunk::ChunkOptions;
use crate::ingest::discover::{DiscoverError, DiscoverOptions, Patterns};
use crate::ingest::expiry::Expiry;
use crate::ingest::extract::ExtractOptions;
use crate::ingest::inline::InlineDocuments;
use crate::ingest::plan::PruneLimit;
use crate::ingest::web::{CrawlSeed, WebOptions};
use crate::service::changes::ChangeCommand;
use crate::service::project::FILE as PROJECT_FILE;
use crate::service::purge::is_purge_journal;
use crate::service::{Context, backends};
use crate::settings::parse::without_credentials;
use crate::store::FormerVersion;
use crate::text::composed;
use crate::types::{ContentHash, CrawlReach, Partition};

/// What is to be ingested.
#[derive(Clone)]
pub struct SyncInputs {
    /// Files, directories and globs, as typed.
    pub paths: Vec<String>,
    pub starts: Vec<CrawlSeed>,
    /// Whether the paths are those of earlier runs.
    pub remembered: bool,
    pub inline: Option<InlineDocuments>,
}

impl SyncInputs {
    /// Splits what was typed into paths and URLs. `reach`: how far links are followed.
    pub fn parse(typed: Vec<String>, reach: CrawlReach) -> Result<Self, Failure> {
        // Probably an unset variable in a script; it does not mean the working directory.
        if typed.iter().any(|input| input.trim().is_empty()) {
            let empty = Failure::usage("an empty PATH names nothing");
            return Err(empty.hint("`.` is the working directory"));
        }
        let (urls, paths): (Vec<String>, Vec<String>) =
            typed.into_iter().partition(|input| CrawlSeed::is_url(input));
        let parse = |url: &String| {
            CrawlSeed::parse(url, reach)
                .map_err(|error| Failure::usage(format!("{}: {error}", without_credentials(url))))
        };
        let starts = urls.iter().map(parse).collect::<Result<_, _>>()?;
        Ok(Self { paths, starts, remembered: false, inline: None })
    }

    /// Inputs that are documents without a file.
    pub fn inline(inline: InlineDocuments) -> Self {
        let (paths, starts) = (Vec::new(), Vec::new());
        Self { paths, starts, remembered: false, inline: Some(inline) }
    }

    /// The inputs, for people; without credentials.
    pub fn names(&self) -> String {
        let urls = self.starts.iter().map(CrawlSeed::source);
        self.paths.iter().map(String::as_str).chain(urls).collect::<Vec<_>>().join(" ")
    }
}

/// How to ingest, in addition to the settings.
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
#[derive(Clone, Debug, Default)]
pub struct SyncOptions {
    /// What later runs are not to read, as typed. Nothing is ingested then.
    pub forget: Vec<String>,
    /// Globs: only files that match one of them.
    pub include: Vec<String>,
    /// Globs: skip files that match one of them.
    pub exclude: Vec<String>,
    /// Also hidden files and directories.
    pub hidden: bool,
    /// Tags for the documents that are ingested; none leaves those of known documents unchanged.
    pub tags: Vec<String>,
    /// Known documents lose other tags, even if there are no new ones.
    pub only_these_tags: bool,
    /// Fields of records to use as text, `*` for all; none leaves those of known documents unchanged.
    pub text_fields: Vec<String>,
    /// Compare the content of every file.
    pub checksum: bool,
    /// Ingest only what failed before.
    pub retry_failed: bool,
    /// End the run with the first source that fails.
    pub fail_fast: bool,
    /// Build the collection again beside the existing one, and switch when it is complete.
    pub rebuild: bool,
    /// The same without the switch: what is built stays beside the live version.
    pub new_version: bool,
    /// The new version is a candidate to be measured: it is removed when another is built, unless it
    /// was made the live one.
    pub candidate: bool,
    /// Delete documents whose sources are gone, however much of the collection that is.
    pub allow_prune: bool,
    /// Delete documents whose sources are gone if they are exactly
    /// [these](crate::ingest::plan::deletion_hash).
    pub agreed: Option<ContentHash>,
    /// Add documents beside those of the project that owns the collection.
    pub share: bool,
    /// The command that asks for it, if that is not `docent ingest`.
    pub asked_with: Option<ChangeCommand>,
    /// Names of the keys of `docent serve` that asked for it.
    pub keys: Vec<String>,
    /// Only the sources in this part, while others ingest the other parts.
    pub partition: Option<Partition>,
}

impl SyncOptions {
    /// The command that asks for it.
    pub(super) fn command(&self) -> ChangeCommand {
        self.asked_with.unwrap_or(match () {
            () if !self.forget.is_empty() => ChangeCommand::Forget,
            () if self.candidate => ChangeCommand::PromoteIf,
            () if self.new_version => ChangeCommand::NewVersion,
            () if self.rebuild => ChangeCommand::Rebuild,
            () => ChangeCommand::Ingest,
        })
    }

    /// Whether the next version is built, and the live one is not changed.
    pub(in crate::service) fn builds_anew(&self) -> bool {
        self.builds_by().is_some()
    }

    /// Whether documents that are too old are deleted. Runs with another purpose do not.
    fn expires(&self) -> bool {
        let uploads = self.asked_with == Some(ChangeCommand::ServeIngest);
        !self.retry_failed && self.forget.is_empty() && !uploads
    }

    /// Whether the new version stays beside the live one, and as what.
    pub(super) fn stays_aside(&self) -> Option<FormerVersion> {
        let aside = if self.candidate { FormerVersion::Candidate } else { FormerVersion::Built };
        self.new_version.then_some(aside)
    }

    /// The flag that builds a version.
    pub(in crate::service) fn builds_by(&self) -> Option<&'static str> {
        let flags = [(self.rebuild, "--rebuild"), (self.new_version, "--new-version")];
        flags.into_iter().find_map(|(given, flag)| given.then_some(flag))
    }
}

pub fn discover_failure(error: &DiscoverError) -> Failure {
    let exit = match error {
        DiscoverError::Gone { .. } => Exit::Negative,
        DiscoverError::Outside { .. } | DiscoverError::Unnamed(_) => Exit::Config,
        _ => Exit::Usage,
    };
    let failure = Failure { hint: error.hint(), ..Failure::new(exit, error.to_string()) };
    if matches!(error, DiscoverError::Gone { .. }) { failure.about(PRUNE) } else { failure }
}

/// What a [`Failure`] is about if it refuses a large deletion.
pub(in crate::service) const PRUNE: &str = "allow_prune";

fn parallelism() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

pub(super) fn ingest_options(
    context: &Context,
    inputs: SyncInputs,
    options: &SyncOptions,
    budget: RunBudget,
) -> Result<IngestOptions, Failure> {
    let mut tags: Vec<String> = options.tags.iter().map(|tag| composed(tag).into_owned()).collect();
    tags.sort();
    tags.dedup();
    Ok(IngestOptions {
        discover: discover_options(context, &inputs, options),
        forget: options.forget.clone(),
        starts: inputs.starts,
        partition: options.partition,
        web: web_options(context, options)?,
        inline: inputs.inline,
        kept: Vec::new(),
        taken: HashMap::new(),
        chunk: ChunkOptions {
            max_tokens: context.settings.chunk_tokens,
            overlap_tokens: context.settings.chunk_overlap,
        },
        tags: (options.only_these_tags || !tags.is_empty()).then_some(tags),
        text_fields: text_fields(options),
        on_secret: context.settings.ingest.on_secret,
        ocr: context.settings.ocr.policy,
        checksum: options.checksum,
        retry_failed: options.retry_failed,
        prune: PruneLimit {
            share: context.settings.ingest.prune_share,
            allow: options.allow_prune,
        },
        agreed: options.agreed.clone(),
        parallel: parallelism(),
        fail_fast: options.fail_fast.then(|| budget.canceller()),
        budget: Arc::new(budget),
    })
}

pub fn discover_options(
    context: &Context,
    inputs: &SyncInputs,
    options: &SyncOptions,
) -> DiscoverOptions {
    DiscoverOptions {
        root: context.root.clone(),
        // Remembered paths are relative to the project.
        cwd: if inputs.remembered { context.root.clone() } else { context.cwd.clone() },
        inputs: inputs.paths.clone(),
        include: options.include.clone(),
        exclude: options.exclude.clone(),
        max_file_size: context.settings.ingest.max_file_size,
        hidden: options.hidden,
        known: Vec::new(),
        named: Vec::new(),
        allow_gone: options.allow_prune || options.agreed.is_some(),
        remembered: inputs.remembered,
        outside: context.outside.clone(),
        own: own_entries(context),
        expiry: context.settings.ingest.ttl.filter(|_| options.expires()).map(Expiry::from_now),
    }
}

/// The files of docent in the data directory, which may be anywhere: they are not documents.
fn own_entries(context: &Context) -> Vec<PathBuf> {
    let mut own = vec![backends::embedded_home(context), context.uploads()];
    own.extend(audit::files_of(&context.changes()));
    let others = std::fs::read_dir(&context.data_dir).into_iter().flatten().flatten();
    let is_own = |name: &str| {
        let is_lines = Path::new(name).extension().is_some_and(|extension| extension == "jsonl");
        let is_moved_log = is_lines && name.starts_with("changes.");
        is_moved_log || name == PROJECT_FILE || is_purge_journal(name)
    };
    let others = others.filter(|entry| entry.file_name().to_str().is_some_and(is_own));
    own.extend(others.map(|entry| entry.path()));
    own
}

fn web_options(context: &Context, options: &SyncOptions) -> Result<WebOptions, Failure> {
    let settings = &context.settings;
    let patterns = Patterns::new(&options.include, &options.exclude);
    Ok(WebOptions {
        max_pages: settings.web.max_pages,
        allow_private: settings.web.allow_private,
        patterns: patterns.map_err(|error| discover_failure(&error))?,
        max_size: settings.ingest.max_file_size,
        timeout: settings.web.timeout,
        named: context.sites.clone(),
        retry: backends::retry_policy(settings),
    })
}

/// `*` means all fields, as if nothing was ever chosen.
fn text_fields(options: &SyncOptions) -> Option<Vec<String>> {
    let all = options.text_fields.iter().any(|field| field == "*");
    let fields = if all { Vec::new() } else { options.text_fields.clone() };
    (!options.text_fields.is_empty()).then_some(fields)
}

pub(super) fn extract_options(
    context: &Context,
    workers: usize,
) -> Result<ExtractOptions, Failure> {
    let program = std::env::current_exe().map_err(|error| {
        Failure::new(Exit::Backend, format!("cannot find docent's own executable: {error}"))
    })?;
    let settings = &context.settings.ingest;
    Ok(ExtractOptions {
        workers,
        timeout: settings.extract_timeout,
        passwords: settings.pdf_password.iter().cloned().collect(),
        comments: settings.comments,
        memory_mb: (settings.extract_memory >> 20).max(64),
        program,
    })
}
