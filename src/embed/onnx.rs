//! Dense vectors from an ONNX model in a directory, as sentence-transformers computes them.
//!
//! The model turns tokens into vectors, pooling combines them into one, and this is scaled to unit length,
//! whether or not the model's own configuration says so: collections compare by cosine.

mod pooling;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use super::{BatchLimits, Embedder, TextRole, placed, worded};
use crate::error::{BackendError, ExternalService, Fault};
use crate::http::ThrottleStats;
use crate::onnx::{Encoded, ModelPlace, Onnx, OnnxError, OnnxOutput};
use crate::types::{ContentHash, EmbedderId};
use pooling::pool;

/// Texts in a batch: one or two seconds of work, so that finished batches are stored soon.
const BATCH_ITEMS: usize = 32;
/// The output that needs no pooling; exports of a whole pipeline have it.
const POOLED: &str = "sentence_embedding";

/// The model, and how it is used.
#[derive(Clone, Debug, Default)]
pub struct OnnxOptions {
    pub place: ModelPlace,
    /// Number of leading values of each vector to keep, for models that were trained for that.
    pub dimensions: Option<usize>,
    /// Empty: the prompts in the model's own configuration.
    pub document_prefix: String,
    pub query_prefix: String,
    /// From the manifest of a collection. If it is this very model, its name and commit are kept: on another
    /// machine the directory may have another name, and another commit may have the same files.
    pub known: Option<EmbedderId>,
}

/// Loads the model and tries it on a word. Blocks.
pub fn open(options: OnnxOptions) -> Result<OnnxEmbedder, OnnxError> {
    let onnx = Onnx::open(&options.place)?;
    let output = output(&onnx)?;
    let layout = &onnx.layout;
    let or_prompt = |prefix: String, prompt: &str| match prefix {
        prefix if prefix.is_empty() => prompt.to_owned(),
        prefix => prefix,
    };
    let document_prefix = or_prompt(options.document_prefix, &layout.document_prompt);
    let query_prefix = or_prompt(options.query_prefix, &layout.query_prompt);
    let prefix_tokens = onnx.count_tokens(&document_prefix).max(onnx.count_tokens(&query_prefix));
    let input_tokens = onnx.longest_text().saturating_sub(prefix_tokens);
    if input_tokens == 0 {
        let problem =
            format!("the prefixes have {prefix_tokens} tokens, and leave no room for a text");
        let hint = "make embedding.document_prefix and embedding.query_prefix shorter";
        return Err(failed(&options.place.dir, problem, hint));
    }
    let recipe = format!("{}\n{}\n{output}", onnx.fingerprint, layout.pooling_name());
    let revision = onnx.revision(&ContentHash::of(recipe.as_bytes()));
    let mut id = EmbedderId {
        name: layout.name.clone(),
        revision,
        dimensions: 0,
        document_prefix,
        query_prefix,
    };
    let mut model = Model { onnx, output, dimensions: options.dimensions };
    let found = model.try_out().map_err(|problem| {
        let hint = "use the export of a model that makes one vector for a text";
        failed(&model.onnx.layout.model, problem, hint)
    })?;
    id.dimensions = options.dimensions.unwrap_or(found);
    if id.dimensions > found {
        let problem = format!("makes vectors of {found} dimensions, not {}", id.dimensions);
        let hint = "set embedding.dimensions lower, or leave it out";
        return Err(failed(&model.onnx.layout.model, problem, hint));
    }
    model.dimensions = Some(id.dimensions);
    if let Some(known) = options.known.filter(|known| known.recipe() == id.recipe()) {
        (id.name, id.revision) = (known.name, known.revision);
    }
    Ok(OnnxEmbedder { id, input_tokens, model: Arc::new(model), embedded: Arc::default() })
}

fn failed(path: &Path, problem: String, hint: &'static str) -> OnnxError {
    OnnxError { path: path.to_owned(), problem, hint }
}

/// The output from which vectors are made.
fn output(onnx: &Onnx) -> Result<String, OnnxError> {
    let layout = &onnx.layout;
    let has = |name: &str| onnx.outputs().iter().any(|output| output == name);
    if has(POOLED) {
        return Ok(POOLED.to_owned());
    }
    if let Some(step) = layout.further_modules.first() {
        let problem = format!("needs a further step, {step}, that is not in the ONNX file");
        let hint = "export the whole pipeline, so that it has the output sentence_embedding";
        return Err(failed(&layout.model, problem, hint));
    }
    let hidden = ["last_hidden_state", "token_embeddings"].into_iter().find(|name| has(name));
    if layout.scores_pairs || (hidden.is_none() && has("logits")) {
        let hint = "a model that scores pairs of texts goes with --rerank onnx:DIR; for --embedder use one that makes vectors";
        return Err(failed(&layout.model, "scores texts, and makes no vectors".to_owned(), hint));
    }
    let first = || onnx.outputs().first().cloned();
    hidden
        .map(str::to_owned)
        .or_else(first)
        .ok_or_else(|| failed(&layout.model, "has no output".to_owned(), "export the model again"))
}

/// An embedding model that runs in this process. Created by [`open`].
pub struct OnnxEmbedder {
    id: EmbedderId,
    input_tokens: usize,
    model: Arc<Model>,
    embedded: Arc<AtomicU64>,
}

#[async_trait]
impl Embedder for OnnxEmbedder {
    fn id(&self) -> &EmbedderId {
        &self.id
    }

    fn limits(&self) -> BatchLimits {
        BatchLimits {
            input_tokens: self.input_tokens,
            batch_items: BATCH_ITEMS,
            batch_tokens: usize::MAX,
            // One batch is computed, on all cores, while the next is prepared.
            concurrency: 2,
        }
    }

    fn is_local(&self) -> bool {
        true
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.model.onnx.count_tokens(text)
    }

    fn tokens_embedded(&self) -> u64 {
        self.embedded.load(Ordering::Relaxed)
    }

    fn throttled(&self) -> Option<ThrottleStats> {
        None
    }

    async fn embed(
        &self,
        inputs: &[String],
        role: TextRole,
    ) -> Result<Vec<Option<Vec<f32>>>, BackendError> {
        let (places, texts) = worded(&self.id, inputs, role);
        let (model, embedded) = (Arc::clone(&self.model), Arc::clone(&self.embedded));
        let work = move || {
            let encoded: Vec<Encoded> = texts.iter().map(|text| model.onnx.encode(text)).collect();
            let tokens: usize = encoded.iter().map(|input| input.ids.len()).sum();
            embedded.fetch_add(tokens as u64, Ordering::Relaxed);
            model.vectors(&encoded)
        };
        let vectors = tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|error| Err(format!("the embedding task ended early: {error}")))
            .map_err(|problem| {
                BackendError::new(
                    ExternalService::Embedder,
                    Fault::Refused,
                    &self.id.name,
                    &problem,
                )
            })?;
        Ok(placed(inputs.len(), places, vectors.into_iter().map(Some)))
    }
}

/// The loaded model.
struct Model {
    onnx: Onnx,
    output: String,
    /// Number of values of a vector that are kept. `None`: all.
    dimensions: Option<usize>,
}

impl Model {
    /// The dimensions of the vector of a word, or what is wrong with it.
    fn try_out(&self) -> Result<usize, String> {
        let vectors = self
            .onnx
            .run(&[self.onnx.encode("docent")], &self.output, |answer| self.raw(answer))?;
        Ok(vectors.first().map_or(0, Vec::len))
    }

    fn vectors(&self, inputs: &[Encoded]) -> Result<Vec<Vec<f32>>, String> {
        self.onnx.run(inputs, &self.output, |answer| {
            let mut vector = self.raw(answer)?;
            vector.truncate(self.dimensions.unwrap_or(vector.len()));
            to_unit_length(vector)
        })
    }

    /// The pooled vector, before truncation and scaling.
    fn raw(&self, answer: OnnxOutput<'_>) -> Result<Vec<f32>, String> {
        match *answer.shape {
            [_] => Ok(answer.values.to_vec()),
            [_, width] if width > 0 => {
                let own = answer.values.get(..answer.tokens * width).unwrap_or(answer.values);
                Ok(pool(&self.onnx.layout.pooling, own, width))
            }
            _ => Err(format!("the output has the shape {:?} for a text", answer.shape)),
        }
    }
}

fn to_unit_length(mut vector: Vec<f32>) -> Result<Vec<f32>, String> {
    let norm = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    if !norm.is_finite() || norm == 0.0 {
        return Err("the vector has values that are not numbers, or is zero".to_owned());
    }
    for value in &mut vector {
        *value = (f64::from(*value) / norm) as f32;
    }
    Ok(vector)
}
