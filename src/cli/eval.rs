//! What can be typed after `docent eval`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};

use super::flags::{flag, flag_as};
use super::{Format, HowIngested, RerankFlags, TapeFlags, WordingFlags};
use crate::types::DEEPEST;

/// Measure how good retrieval is, and hold it
///
/// Retrieves for each case, a question with the sources that should be found, and prints how many are
/// found and how high they rank, with 95 % intervals. Sources are relative to the project root, or to
/// the file of cases. Exits with 1 when a gate is not met. `--format` takes junit and markdown, too.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct EvalArgs {
    #[command(subcommand)]
    pub command: Option<EvalCommand>,
    /// Cases: JSON Lines with `question` and `expected`, or a directory in the form of BEIR
    #[arg(value_name = "CASES")]
    pub cases: Option<PathBuf>,
    /// Bring the corpus of this BEIR directory into a collection of its own, and measure there
    #[arg(long, value_name = "DIR", conflicts_with = "cases")]
    pub beir: Option<PathBuf>,
    /// Judgements of a BEIR directory that count: qrels/NAME.tsv
    #[arg(long, value_name = "NAME", default_value = "test")]
    pub split: String,
    /// Only cases with this tag (repeatable: any of them)
    #[arg(long = "tag", value_name = "TAG", id = "case_tag")]
    pub tags: Vec<String>,
    /// What to measure: recall@N, precision@N, hit@N, mrr@N, ndcg@N, map@N; passages@N for what
    /// reaches the passages that are packed of N chunks (repeatable, or with commas) [default: what
    /// suits the cases]
    #[arg(long = "metric", value_name = "METRIC", value_delimiter = ',')]
    pub metrics: Vec<String>,
    /// Cut-offs of the default metrics, such as `3,8`
    #[arg(short, long, value_name = "N", value_delimiter = ',', conflicts_with = "metrics", value_parser = clap::value_parser!(u64).range(1..=DEEPEST as u64))]
    pub k: Vec<u64>,
    #[command(flatten)]
    pub mode: EvalMode,
    /// Also ask each question, and measure the answers: facts stated, citations borne out
    #[arg(long, conflicts_with_all = ["beir", "compare", "sweep", "from_run"])]
    pub answers: bool,
    #[command(flatten)]
    pub model: EvalModel,
    /// Let this model judge the answers, too: which sentences the passages bear out, which facts they
    /// state. It is asked where the chat model is
    #[arg(long, value_name = "MODEL", requires = "answers")]
    pub judge: Option<String>,
    /// Write what the questions, their passages and their answers are like to this file, for
    /// `docent serve --drift-baseline`
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
    pub tape: TapeFlags,
}

/// A report that is written beside what is printed.
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
            _ => return Err("is json, junit or markdown, `=` and a file".to_owned()),
        };
        let file = Some(file).filter(|file| !file.is_empty()).map(PathBuf::from);
        file.map(|file| Self { format, file }).ok_or_else(|| "names no file".to_owned())
    }
}

#[derive(Args, Debug)]
#[command(arg = flag("search.mode"))]
pub struct EvalMode;

#[derive(Args, Debug)]
#[command(arg = flag_as("model", "Chat model that answers, and that --rewrite, --expand and --hyde ask; `extractive` quotes instead"))]
pub struct EvalModel;

#[derive(Subcommand, Debug)]
pub enum EvalCommand {
    Init(EvalInitArgs),
}

/// Draft cases from a collection, for a person to edit
///
/// Prints a case for each of some chunks, always the same for the same collection: a question made of
/// its heading and its first sentence (of code, its first comment), or by the chat model where one is
/// configured, and the place it is from. Edit the questions: real ones do not use the words of the
/// documents.
#[derive(Args, Debug)]
pub struct EvalInitArgs {
    /// How many cases
    #[arg(short = 'n', long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u64).range(1..=DEEPEST as u64))]
    pub cases: u64,
    #[command(flatten)]
    pub model: EvalInitModel,
    #[command(flatten)]
    pub tape: TapeFlags,
}

#[derive(Args, Debug)]
#[command(arg = flag_as("model", "Chat model that writes the questions; `extractive` for none"))]
pub struct EvalInitModel;

/// What has to hold.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Gates")]
pub struct GateFlags {
    /// Exit with 1 unless the metric reaches this, such as `recall@5=0.8` (repeatable)
    #[arg(long, value_name = "METRIC=VALUE")]
    pub min: Vec<String>,
    /// Exit with 1 when a metric is less than in this file by more than --max-drop
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// How much less than the baseline is accepted [default: 0]
    #[arg(long, value_name = "X", requires = "baseline")]
    pub max_drop: Option<f64>,
    /// Write the metrics to this file, to be the baseline of later runs
    #[arg(long, value_name = "FILE")]
    pub write_baseline: Option<PathBuf>,
}

/// Several ways to retrieve, and rankings from elsewhere.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Runs")]
pub struct RunFlags {
    /// Measure several ways to retrieve, each against the first: hybrid, dense, sparse, and rerank for
    /// what --rerank makes of the hits. Or versions of the collection, such as `docs@v7,docs@v8`
    #[arg(
        long,
        value_name = "WAYS|VERSIONS",
        value_delimiter = ',',
        conflicts_with = "search.mode"
    )]
    pub compare: Vec<String>,
    /// Measure several sizes of chunks, each in a collection of its own that is built for it, such as
    /// `chunk-tokens=128,256,512`; or chunk-overlap
    #[arg(long, value_name = "NAME=VALUES", conflicts_with = "compare")]
    pub sweep: Option<String>,
    /// Keep the collections that --sweep builds
    #[arg(long, requires = "sweep")]
    pub keep: bool,
    /// Write the rankings to this file, in the format of TREC
    #[arg(long, value_name = "FILE")]
    pub run_file: Option<PathBuf>,
    /// Measure the rankings of this TREC file, and retrieve nothing. CASES may then also be a file of
    /// judgements (qrels)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["search.mode", "rerank.with", "beir", "run_file", "compare", "sweep"])]
    pub from_run: Option<PathBuf>,
}

/// How a corpus is brought in: as documents are.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Corpus (--beir)")]
pub struct CorpusFlags {
    #[command(flatten)]
    pub how: HowIngested,
}
