//! What `ingest` takes, and the flags with which other commands ingest.

use std::path::PathBuf;

use clap::{Arg, Args};

use super::RecordingFlags;
use super::flags::{flags, flags_under};
use crate::types::Partition;

/// Add documents to a collection, or update it after they changed
///
/// Discovers files, extracts their text, chunks and embeds it, and stores it in Qdrant. Unchanged files
/// cost nothing, changed files are replaced, and files that are gone are deleted from the collection.
/// Reads PDF, DOCX, PPTX, XLSX, ODT, ODP, ODS, RTF, HTML, EPUB, mails, Markdown (`.md`), `.rst`,
/// `.adoc`, XML, subtitles, calendars, contacts, JSON, CSV, notebooks, source code, text, and scanned
/// pages and pictures (PNG, JPEG, TIFF, WebP, GIF, BMP); docs/formats.md has a table of them. Files ignored
/// by .gitignore or .docentignore, hidden files and binary files are skipped; so are .env, key and
/// credentials files, unless they are named. A URL is a page, or a sitemap, whose pages are read. A run
/// that was cut off is completed by the next one. Without a PATH, what earlier runs named is read
/// again. Files outside of the project and web pages are then read only if they were named in this
/// checkout before; web pages also if docent.toml is trusted. In a pipeline, name them, or run `docent
/// config trust` first. On a Qdrant server, a collection belongs to the project that created it, and
/// each project has its own default collection; docs/sharing.md says how several projects share one. In
/// a pipeline, set `DOCENT_PROJECT`.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct IngestArgs {
    /// Files, directories, globs or URLs; `-` reads standard input [default: what earlier runs
    /// named]
    #[arg(value_name = "PATH|GLOB|URL|-")]
    pub paths: Vec<String>,
    /// Print what would be done, with the chunks and tokens to embed, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Exit with 1 if there is anything to do, and change nothing
    #[arg(long, conflicts_with_all = ["rebuild", "new_version"])]
    pub check: bool,
    /// Keep running, and ingest again whenever a file changes. Not for URLs and standard input.
    /// Ctrl-C ends it, with exit code 130
    #[arg(long, conflicts_with_all = ["dry_run", "check", "rebuild", "retry_failed"])]
    pub watch: bool,
    /// Stop reading these PATHs or URLs, and delete what was ingested from them; nothing is
    /// ingested
    #[arg(long, requires = "paths", conflicts_with_all = ["watch", "rebuild", "retry_failed"])]
    pub forget: bool,
    /// Build the next version of the collection beside the live one, which is searched until
    /// `docent index use V`
    #[arg(long, conflicts_with_all = ["rebuild", "watch", "forget", "retry_failed"])]
    pub new_version: bool,
    /// Make the new version the live one if it meets all of these conditions, such as
    /// `recall@5>=0.8, ndcg@10>=live-0.01`; otherwise the live version stays, with exit code 1.
    /// `live` is what the live version reaches on the same cases
    #[arg(long, value_name = "CONDITIONS", value_delimiter = ',', requires_all = ["new_version", "promotion_cases"], conflicts_with_all = ["dry_run", "rebuild", "watch", "forget", "retry_failed"])]
    pub promote_if: Vec<String>,
    /// Cases for --promote-if, as `docent eval` takes them
    #[arg(long = "eval", value_name = "CASES", id = "promotion_cases", requires = "promote_if")]
    pub promotion_cases: Option<PathBuf>,
    /// Ingest only the sources in part K of N, by a hash of their names, while other workers ingest
    /// the other parts: docs/partitions.md. Needs a Qdrant server
    #[arg(long, value_name = "K/N", conflicts_with_all = ["watch"])]
    pub partition: Option<Partition>,
    #[command(flatten)]
    pub ingest: IngestFlags,
    /// Name of the document read from standard input
    #[arg(long, value_name = "NAME", default_value = "stdin")]
    pub source: String,
    #[command(flatten)]
    pub web: WebFlags,
    #[command(flatten)]
    pub tape: RecordingFlags,
}

/// What `ingest` and `query --from` share.
#[derive(Args, Debug, Default, Clone)]
#[command(args = flags(&["ingest.ttl"]))]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct IngestFlags {
    /// Only files that match this glob (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// Skip files that match this glob (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Also read hidden files and directories
    #[arg(long)]
    pub hidden: bool,
    /// Tag the documents, as KEY=VALUE or a word (repeatable)
    #[arg(long = "tag", value_name = "TAG", id = "ingest_tag")]
    pub tags: Vec<String>,
    /// Field of JSON, CSV and spreadsheet records to use as their text; `*` for all (repeatable)
    #[arg(long = "text-field", value_name = "NAME")]
    pub text_fields: Vec<String>,
    /// Compare the content of every file, even if its size and modification time are unchanged
    #[arg(long)]
    pub checksum: bool,
    /// Ingest only what failed before, whether it changed or not
    #[arg(long)]
    pub retry_failed: bool,
    /// End the run at the first source that fails
    #[arg(long)]
    pub fail_fast: bool,
    /// Build the collection again beside the old one, with the current settings, and switch when
    /// complete
    #[arg(long, conflicts_with = "retry_failed")]
    pub rebuild: bool,
    /// Delete documents whose sources are gone, however much of the collection that is
    #[arg(long)]
    pub allow_prune: bool,
    /// Add documents to a collection of another project on a Qdrant server; each project deletes
    /// only its own
    #[arg(long)]
    pub share: bool,
    #[command(flatten)]
    pub how: HowIngested,
}

/// How documents are read, cut and stored: also those of a corpus that is measured.
#[derive(Args, Debug, Default, Clone)]
#[command(args = flags(&[
    "ingest.max_file_size",
    "ingest.on_secret",
    "ingest.ocr",
    "ingest.comments",
    "ingest.pdf_password",
    "chunk.tokens",
    "chunk.overlap",
    "sparse.language",
    "embedding.concurrency",
    "embedding.rpm",
    "embedding.tpm",
    "ingest.max_cost",
    "ingest.deadline",
]).chain(layout()))]
pub struct HowIngested;

/// Layout of a collection that is created on a server.
pub(super) fn layout() -> impl Iterator<Item = Arg> {
    const SETTINGS: [&str; 8] = [
        "qdrant.shard_number",
        "qdrant.replication_factor",
        "qdrant.write_consistency",
        "qdrant.on_disk",
        "qdrant.quantization",
        "qdrant.hnsw_m",
        "qdrant.hnsw_ef_construct",
        "qdrant.indexing_threshold",
    ];
    flags_under("Layout of a new or rebuilt collection on a Qdrant server", &SETTINGS)
}

/// Parses a number of links to follow.
fn steps(typed: &str) -> Result<u32, String> {
    const MOST: u32 = 100;
    let steps = typed.parse().ok().filter(|steps| *steps <= MOST);
    steps.ok_or_else(|| format!("expected a whole number from 0 to {MOST}"))
}

/// Pages of the web, for `ingest` and `query --from`.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Pages of the web", args = flags(&["web.max_pages", "web.allow_private"]))]
pub struct WebFlags {
    /// Follow links this many steps from a URL, on its host and below its directory [default: 0]
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true, value_parser = steps, allow_negative_numbers = true)]
    pub depth: u32,
    /// Follow links to the whole host of a URL
    #[arg(long)]
    pub whole_host: bool,
}
