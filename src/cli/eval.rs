//! What can be typed after `docent eval`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};

use super::flags::{flag, flag_as};
use super::{Format, HowIngested, RecordingFlags, RerankFlags, WordingFlags};
use crate::types::DEEPEST;

/// Measure the quality of retrieval and answers, and fail if it is too low
///
/// A case is a question with the sources that should be found. Retrieves for each case, and prints how
/// many sources are found and how high they rank, with 95 % confidence intervals. Sources are relative
/// to the project root, or to the file of cases. Exits with 1 if a gate is not met. `--format` also
/// takes junit and markdown.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct EvalArgs {
    #[command(subcommand)]
    pub command: Option<EvalCommand>,
    /// Cases: JSON Lines with `question` and `expected`, or a directory in BEIR format
    #[arg(value_name = "CASES")]
    pub cases: Option<PathBuf>,
    /// Ingest the corpus of this BEIR directory into a collection of its own, and measure that
    #[arg(long, value_name = "DIR", conflicts_with = "cases")]
    pub beir: Option<PathBuf>,
    /// Which judgements of a BEIR directory to use: qrels/NAME.tsv
    #[arg(long, value_name = "NAME", default_value = "test")]
    pub split: String,
    /// Only cases with this tag (repeatable: any of them)
    #[arg(long = "tag", value_name = "TAG", id = "case_tag")]
    pub tags: Vec<String>,
    /// What to measure: recall@N, precision@N, hit@N, mrr@N, ndcg@N, map@N, or passages@N, the
    /// share of expected sources in the passages that N chunks are packed into (repeatable, or
    /// separated by commas) [default: what suits the cases]
    #[arg(long = "metric", value_name = "METRIC", value_delimiter = ',')]
    pub metrics: Vec<String>,
    /// Cut-offs of the default metrics, such as `3,8`
    #[arg(short, long, value_name = "N", value_delimiter = ',', conflicts_with = "metrics", value_parser = clap::value_parser!(u64).range(1..=DEEPEST as u64), allow_negative_numbers = true)]
    pub k: Vec<u64>,
    #[command(flatten)]
    pub mode: EvalMode,
    /// Also answer each question, and measure the answers: facts stated, citations supported
    #[arg(long, conflicts_with_all = ["beir", "compare", "sweep", "from_run"])]
    pub answers: bool,
    #[command(flatten)]
    pub model: EvalModel,
    /// Let this model judge the answers, too: which sentences the passages support, which facts
    /// they state. It is called at the endpoint of the chat model
    #[arg(long, value_name = "MODEL", requires = "answers")]
    pub judge: Option<String>,
    /// Write statistics of the questions, passages and answers to this file, for `docent serve
    /// --drift-baseline`
    #[arg(long, value_name = "FILE", requires = "answers")]
    pub write_drift_baseline: Option<PathBuf>,
    /// Also write the report to this file, as json, junit or markdown (repeatable)
    #[arg(long = "report", value_name = "FORMAT=FILE")]
    pub reports: Vec<ReportFile>,
    #[command(flatten)]
    pub wording: WordingFlags,
    #[command(flatten)]
    pub rerank: RerankFlags,
    #[command(flatten)]
    pub gates: GateFlags,
    #[command(flatten)]
    pub runs: RunFlags,
    #[command(flatten)]
    pub corpus: CorpusFlags,
    #[command(flatten)]
    pub tape: RecordingFlags,
}

/// A report that is written to a file, in addition to what is printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReportFile {
    pub format: Format,
    pub file: PathBuf,
}

impl FromStr for ReportFile {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, String> {
        let (format, file) = typed.split_once('=').unwrap_or((typed, ""));
        let format = match format {
            "json" => Format::Json,
            "junit" => Format::Junit,
            "markdown" => Format::Markdown,
            _ => return Err("expected json, junit or markdown, then `=` and a file".to_owned()),
        };
        let file = Some(file).filter(|file| !file.is_empty()).map(PathBuf::from);
        file.map(|file| Self { format, file }).ok_or_else(|| "expected a file after `=`".to_owned())
    }
}

#[derive(Args, Debug)]
#[command(arg = flag("search.mode"))]
pub struct EvalMode;

#[derive(Args, Debug)]
#[command(arg = flag_as("model", "Chat model for answers, --rewrite, --expand and --hyde; `extractive` quotes the passages instead"))]
pub struct EvalModel;

#[derive(Subcommand, Debug)]
pub enum EvalCommand {
    Init(EvalInitArgs),
}

/// Draft cases from a collection, for a person to edit
///
/// Picks some chunks, always the same ones for the same collection, and prints a case for each: a
/// question, and the place of the chunk. The question is made of the chunk's heading and first sentence
/// (for code, its first comment), or by the chat model if one is configured. Edit the questions: real
/// ones do not use the words of the documents.
#[derive(Args, Debug)]
pub struct EvalInitArgs {
    /// Number of cases
    #[arg(short = 'n', long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u64).range(1..=DEEPEST as u64), allow_negative_numbers = true)]
    pub cases: u64,
    #[command(flatten)]
    pub model: EvalInitModel,
    #[command(flatten)]
    pub tape: RecordingFlags,
}

#[derive(Args, Debug)]
#[command(arg = flag_as("model", "Chat model that writes the questions; `extractive` for none"))]
pub struct EvalInitModel;

/// Gates: limits that the metrics have to meet.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Gates")]
pub struct GateFlags {
    /// Exit with 1 unless the metric reaches this, such as `recall@5=0.8` (repeatable)
    #[arg(long, value_name = "METRIC=VALUE")]
    pub min: Vec<String>,
    /// Exit with 1 if a metric is lower than in this file by more than --max-drop
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// How far below the baseline a metric may be [default: 0]
    #[arg(long, value_name = "X", requires = "baseline", allow_negative_numbers = true)]
    pub max_drop: Option<f64>,
    /// Write the metrics to this file, as the baseline of later runs
    #[arg(long, value_name = "FILE")]
    pub write_baseline: Option<PathBuf>,
}

/// Comparisons of retrieval modes and versions, and rankings in files.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Runs")]
pub struct RunFlags {
    /// Compare retrieval modes with the first one that is named: hybrid, dense, sparse, and rerank
    /// for the hits that --rerank orders. Or versions of the collection, such as `docs@v7,docs@v8`
    #[arg(
        long,
        value_name = "MODES|VERSIONS",
        value_delimiter = ',',
        conflicts_with = "search.mode"
    )]
    pub compare: Vec<String>,
    /// Measure several chunk sizes, each in a collection that is built for it, such as
    /// `chunk-tokens=128,256,512`; or several overlaps, with `chunk-overlap`
    #[arg(long, value_name = "NAME=VALUES", conflicts_with = "compare")]
    pub sweep: Option<String>,
    /// Keep the collections that --sweep builds
    #[arg(long, requires = "sweep")]
    pub keep: bool,
    /// Write the rankings to this file, in TREC format
    #[arg(long, value_name = "FILE")]
    pub run_file: Option<PathBuf>,
    /// Measure the rankings in this TREC file, without retrieving. CASES may then also be a file of
    /// judgements (qrels)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["search.mode", "rerank.with", "beir", "run_file", "compare", "sweep"])]
    pub from_run: Option<PathBuf>,
}

/// How a corpus is ingested: like documents.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Corpus (--beir)")]
pub struct CorpusFlags {
    #[command(flatten)]
    pub how: HowIngested,
}
