//! ONNX models in a directory of this machine, as sentence-transformers and Hugging Face lay them
//! out: what `embed::onnx`, `rerank::onnx` and `entailment::onnx` share.
//!
//! [`layout`] finds the files and reads how the model wants to be used; `tokenizer` and `session`
//! wrap the two libraries; [`Onnx`] puts them together: texts in, what the model says of each out,
//! in batches of like length over all cores; [`PairModel`] is one that reads two texts together. Nothing is
//! downloaded: [`crate::hub`] does that. In a build without the feature `onnx` no model opens: see `left_out`.

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
use layout::Layout;
#[cfg(not(feature = "onnx"))]
use left_out::{graph, session, tokenizer};
use session::Session;
use tokenizer::Tokenizer;

pub use graph::FloatGraph;
pub use pairs::PairModel;
pub use place::{ModelPlace, Published};
pub use values::{Answer, Encoded, Floats};

/// Why a directory is of no use as a model.
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
    pub layout: Layout,
    /// SHA-256 over the SHA-256 of each file of weights and of the tokenizer.
    pub fingerprint: ContentHash,
    tokenizer: Tokenizer,
    session: Session,
}

impl Onnx {
    /// Reads and prepares everything. Blocks: for some 0.1 s with a model of 90 MB.
    pub fn open(place: impl Into<ModelPlace>) -> Result<Self, OnnxError> {
        let layout = Layout::read(place)?;
        let files: Vec<&Path> = layout.files().collect();
        // Reading, hashing and preparing take about as long as each other.
        let (hashes, tokenizer, session) = std::thread::scope(|scope| {
            let hashes = scope.spawn(|| files.iter().map(|file| hash(file)).collect());
            let tokenizer = scope.spawn(|| Tokenizer::open(&layout));
            let session = Session::open(&layout);
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

    /// What tells results from those of other models: `recipe`, which was computed from
    /// [`Self::fingerprint`], and the commit that the model was published with.
    pub fn revision(&self, recipe: &ContentHash) -> String {
        /// Hexadecimal digits that are enough.
        const DIGITS: usize = 16;
        let recipe = recipe.0.split_at(DIGITS).0;
        match &self.layout.commit {
            Some(commit) => EmbedderId::published(recipe, commit),
            None => recipe.to_owned(),
        }
    }

    /// Names of what the model answers with, as it orders them.
    pub fn outputs(&self) -> &[String] {
        self.session.outputs()
    }

    /// Batches that are computed at a time.
    pub fn parallelism(&self) -> usize {
        self.session.cores()
    }

    /// Tokens of `text`, without those that the model wants around it.
    pub fn count_tokens(&self, text: &str) -> usize {
        self.tokenizer.count(text)
    }

    /// Tokens of one text that the model reads, at most.
    pub fn longest_text(&self) -> usize {
        self.tokenizer.longest_text()
    }

    /// Tokens of both texts of a pair that the model reads, at most.
    pub fn longest_pair(&self) -> usize {
        self.tokenizer.longest_pair()
    }

    /// `text` with what the model wants around it, cut to what it reads.
    pub fn encode(&self, text: &str) -> Encoded {
        self.tokenizer.encode(text)
    }

    /// Question and text as one input, the text cut to what the model reads.
    pub fn encode_pair(&self, question: &str, text: &str) -> Encoded {
        self.tokenizer.encode_pair(question, text)
    }

    /// Asks the model for `output`, and hands what it says of each input to `read`, which returns a
    /// sentence where that cannot be used. Results are in the order of the inputs. Blocks, and uses
    /// all cores that are free.
    pub fn run<T: Send>(
        &self,
        inputs: &[Encoded],
        output: &str,
        read: impl Fn(Answer<'_>) -> Result<T, String> + Sync,
    ) -> Result<Vec<T>, String> {
        workers::run(&self.session, inputs, self.tokenizer.pad_id, output, &read)
    }
}

/// SHA-256 of a file, without holding it.
fn hash(path: &Path) -> Result<ContentHash, OnnxError> {
    let hash = File::open(path).and_then(ContentHash::of_reader);
    hash.map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &io::Error) -> OnnxError {
    OnnxError::new(path, format!("cannot be read: {error}"), "make it readable")
}
