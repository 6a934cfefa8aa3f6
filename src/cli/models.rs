//! What `models` takes.

use clap::{Args, Subcommand};

use crate::settings::parse::hub_model;
use crate::types::HubModel;

/// What is worth a try; what was measured of them is in `docs/models.md`.
const CHOICES: &str = "\
Good choices, and what they take (docs/models.md has what was measured):
  --embedder hf:sentence-transformers/all-MiniLM-L6-v2   91 MB  384 dimensions  English
  --embedder hf:BAAI/bge-small-en-v1.5                  134 MB  384 dimensions  English
  --embedder hf:intfloat/multilingual-e5-small          487 MB  384 dimensions  100 languages
  --rerank   hf:cross-encoder/ms-marco-MiniLM-L6-v2      92 MB                  English";

/// Look after the models that are fetched by name
///
/// `--embedder`, `--rerank` and `--verify` take `hf:ORG/NAME[@REVISION][#FILE]`: a model of a Hugging Face
/// hub that was exported to ONNX. It is fetched once, into the cache that all tools of Hugging Face share,
/// and taken from there then.
#[derive(Args, Debug)]
#[command(after_help = CHOICES)]
pub struct ModelsArgs {
    #[command(subcommand)]
    pub command: ModelsCommand,
}

#[derive(Subcommand, Debug)]
pub enum ModelsCommand {
    /// List the models in the cache, also those of other tools
    List,
    /// Fetch models, or what has changed of them: a branch may mean another commit by now
    Fetch {
        #[arg(value_name = "MODEL", required = true, value_parser = hub_model)]
        models: Vec<HubModel>,
    },
    /// Remove models from the cache, whichever tool fetched them, with all that is there of them
    Remove {
        #[arg(value_name = "MODEL", required = true, value_parser = hub_model)]
        models: Vec<HubModel>,
    },
}
