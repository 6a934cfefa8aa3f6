//! Runs ONNX models from a local directory with the layout of sentence-transformers and Hugging Face, for
//! `embed::onnx`, `rerank::onnx` and `entailment::onnx`.
//!
//! [`layout`] finds the files and reads how the model has to be used; `tokenizer` and `session` wrap the two
//! libraries; [`Onnx`] combines them: texts in, the model's output for each out, in batches of similar length
//! over all cores. A [`PairModel`] reads two texts together. Nothing is downloaded here; [`crate::hub`] does
//! that. In a build without the feature `onnx` no model opens: see `left_out`.

#[cfg(feature = "onnx")]
mod graph;
pub mod layout;
#[cfg(not(feature = "onnx"))]
mod left_out;
mod pairs;
mod place;
#[cfg(feature = "onnx")]
mod session;
#[cfg(feature = "onnx")]
mod tokenizer;
mod values;
mod workers;

#[cfg(all(test, feature = "onnx"))]
pub(crate) mod tests;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::types::{ContentHash, EmbedderId};
use layout::ModelLayout;
#[cfg(not(feature = "onnx"))]
use left_out::{graph, session, tokenizer};
use session::OnnxSession;
use tokenizer::OnnxTokenizer;

pub use graph::FloatGraph;
pub use pairs::PairModel;
pub use place::{ModelPlace, Published};
pub use values::{Encoded, Floats, OnnxOutput};

/// Why a directory cannot be used as a model.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{}: {problem}", path.display())]
pub struct OnnxError {
    /// The file, or the directory.
    pub path: PathBuf,
    pub problem: String,
    /// What to do about it.
    pub hint: &'static str,
}

impl OnnxError {
    fn new(path: &Path, problem: impl ToString, hint: &'static str) -> Self {
        Self { path: path.to_owned(), problem: problem.to_string(), hint }
    }
}

/// A model that is ready to run.
pub struct Onnx {
    pub layout: ModelLayout,
    /// SHA-256 over the SHA-256 of each file of weights and of the tokenizer.
    pub fingerprint: ContentHash,
    tokenizer: OnnxTokenizer,
    session: OnnxSession,
}

impl Onnx {
    /// Reads and prepares everything. Blocks, for about 0.1 s with a model of 90 MB.
    pub fn open(place: impl Into<ModelPlace>) -> Result<Self, OnnxError> {
        let layout = ModelLayout::read(place)?;
        let files: Vec<&Path> = layout.files().collect();
        // Reading, hashing and preparing take about equally long.
        let (hashes, tokenizer, session) = std::thread::scope(|scope| {
            let hashes = scope.spawn(|| files.iter().map(|file| hash(file)).collect());
            let tokenizer = scope.spawn(|| OnnxTokenizer::open(&layout));
            let session = OnnxSession::open(&layout);
            (hashes.join(), tokenizer.join(), session)
        });
        let ended = |_| OnnxError::new(&layout.model, "reading it ended early", "try again");
        let hashes: Result<Vec<ContentHash>, OnnxError> = hashes.map_err(ended)?;
        let fingerprint: Vec<String> = hashes?.into_iter().map(|hash| hash.0).collect();
        let (tokenizer, session) = (tokenizer.map_err(ended)??, session?);
        Ok(Self {
            fingerprint: ContentHash::of(fingerprint.join("\n").as_bytes()),
            tokenizer: tokenizer.within(session.length(), &layout)?,
            session,
            layout,
        })
    }

    /// Identifies the results of this model: `recipe`, which was computed from [`Self::fingerprint`], and the
    /// commit with which the model was published.
    pub fn revision(&self, recipe: &ContentHash) -> String {
        /// Enough hexadecimal digits.
        const DIGITS: usize = 16;
        let recipe = recipe.0.split_at(DIGITS).0;
        match &self.layout.commit {
            Some(commit) => EmbedderId::published(recipe, commit),
            None => recipe.to_owned(),
        }
    }

    /// Names of the model's outputs, in its order.
    pub fn outputs(&self) -> &[String] {
        self.session.outputs()
    }

    /// Number of batches that are computed at the same time.
    pub fn parallelism(&self) -> usize {
        self.session.cores()
    }

    /// Tokens of `text`, without special tokens.
    pub fn count_tokens(&self, text: &str) -> usize {
        self.tokenizer.count(text)
    }

    /// Maximum number of tokens of one text that the model reads.
    pub fn longest_text(&self) -> usize {
        self.tokenizer.longest_text()
    }

    /// Maximum number of tokens of both texts of a pair that the model reads.
    pub fn longest_pair(&self) -> usize {
        self.tokenizer.longest_pair()
    }

    /// `text` with special tokens, truncated to what the model reads.
    pub fn encode(&self, text: &str) -> Encoded {
        self.tokenizer.encode(text)
    }

    /// Question and text as one input, with the text truncated to what the model reads.
    pub fn encode_pair(&self, question: &str, text: &str) -> Encoded {
        self.tokenizer.encode_pair(question, text)
    }

    /// Computes `output` and passes the values of each input to `read`, which returns a sentence if they
    /// cannot be used. Results are in the order of the inputs. Blocks, and uses all free cores.
    pub fn run<T: Send>(
        &self,
        inputs: &[Encoded],
        output: &str,
        read: impl Fn(OnnxOutput<'_>) -> Result<T, String> + Sync,
    ) -> Result<Vec<T>, String> {
        workers::run(&self.session, inputs, self.tokenizer.pad_id, output, &read)
    }
}

/// SHA-256 of a file, read in pieces.
fn hash(path: &Path) -> Result<ContentHash, OnnxError> {
    let hash = File::open(path).and_then(ContentHash::of_reader);
    hash.map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &io::Error) -> OnnxError {
    OnnxError::new(path, format!("cannot be read: {error}"), "make it readable")
}
