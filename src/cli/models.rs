//! What `models` takes.

use clap::{Args, Subcommand};

use crate::settings::parse::hub_model;
use crate::types::HubModel;

/// Models that are worth a try; measurements are in `docs/models.md`.
const CHOICES: &str = "\
Good choices, with their size (docs/models.md has measurements):
  --embedder hf:sentence-transformers/all-MiniLM-L6-v2   91 MB  384 dimensions  English
  --embedder hf:BAAI/bge-small-en-v1.5                  134 MB  384 dimensions  English
  --embedder hf:intfloat/multilingual-e5-small          487 MB  384 dimensions  100 languages
  --rerank   hf:cross-encoder/ms-marco-MiniLM-L6-v2      92 MB                  English";

/// Manage the models that are fetched by name
///
/// `--embedder`, `--rerank` and `--verify` take `hf:ORG/NAME[@REVISION][#FILE]`: a model on a Hugging
/// Face hub that was exported to ONNX. It is fetched once, into the cache that all Hugging Face tools
/// share, and read from there afterwards.
#[derive(Args, Debug)]
#[command(after_help = CHOICES)]
pub struct ModelsArgs {
    #[command(subcommand)]
    pub command: ModelsCommand,
}

#[derive(Subcommand, Debug)]
pub enum ModelsCommand {
    /// List the models in the cache, including those that other tools fetched
    List,
    /// Fetch models, or update them: a branch may have moved to another commit
    Fetch {
        #[arg(value_name = "MODEL", required = true, value_parser = hub_model)]
        models: Vec<HubModel>,
    },
    /// Remove models from the cache with all their files, whichever tool fetched them
    Remove {
        #[arg(value_name = "MODEL", required = true, value_parser = hub_model)]
        models: Vec<HubModel>,
    },
}
