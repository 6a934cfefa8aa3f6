//! Wraps the `rten` library: runs a model's graph on one batch.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

use rten::{Dimension, LoadErrorKind, Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value};

use rten_tensor::Layout as _;

use super::layout::ModelLayout;
use super::values::{Encoded, OnnxOutput};
use super::{OnnxError, unreadable};

/// A loaded model, and the cores it runs on. A batch runs on one core: many batches at a time keep all cores
/// busier than many cores do on one batch.
pub(super) struct OnnxSession {
    model: Model,
    ids: NodeId,
    mask: Option<NodeId>,
    type_ids: Option<NodeId>,
    outputs: Vec<String>,
    /// Length of every input in tokens, if the export allows no other.
    length: Option<usize>,
    cores: usize,
    /// Thread pools that are not in use.
    idle: Mutex<Vec<Arc<ThreadPool>>>,
    returned: Condvar,
}

impl OnnxSession {
    pub(super) fn open(layout: &ModelLayout) -> Result<Self, OnnxError> {
        let path = &*layout.model;
        let model = load(path, &layout.weights)?;
        let name = |id: &NodeId| Some(model.node_info(*id)?.name()?.to_owned());
        let (mut ids, mut mask, mut type_ids) = (None, None, None);
        for id in model.input_ids() {
            match name(id).as_deref() {
                Some("input_ids") => ids = Some(*id),
                Some("attention_mask") => mask = Some(*id),
                Some("token_type_ids") => type_ids = Some(*id),
                other => {
                    let problem =
                        format!("requires the unknown input {:?}", other.unwrap_or_default());
                    return Err(OnnxError::new(path, problem, WANTS_TEXT));
                }
            }
        }
        let ids =
            ids.ok_or_else(|| OnnxError::new(path, "has no input \"input_ids\"", WANTS_TEXT))?;
        let shape = model.node_info(ids).and_then(|node| node.shape()).unwrap_or_default();
        let length = match shape.get(1) {
            Some(Dimension::Fixed(length)) => Some(*length),
            _ => None,
        };
        let outputs = model.output_ids().iter().filter_map(name).collect();
        let cores = available_parallelism().map_or(1, usize::from);
        Ok(Self {
            ids,
            mask,
            type_ids,
            outputs,
            length,
            cores,
            idle: Mutex::new(
                (0..cores).map(|_| Arc::new(ThreadPool::with_num_threads(1))).collect(),
            ),
            returned: Condvar::new(),
            model,
        })
    }

    pub(super) fn outputs(&self) -> &[String] {
        &self.outputs
    }

    pub(super) fn length(&self) -> Option<usize> {
        self.length
    }

    pub(super) fn cores(&self) -> usize {
        self.cores
    }

    /// Runs one batch and passes the output for each of `inputs`, in order, to `read`. Waits until a core is
    /// free.
    pub(super) fn run<T>(
        &self,
        inputs: &[&Encoded],
        pad_id: u32,
        output: &str,
        read: &(impl Fn(OnnxOutput<'_>) -> Result<T, String> + Sync),
    ) -> Result<Vec<T>, String> {
        let output = self.model.find_node(output).ok_or_else(|| format!("no output {output:?}"))?;
        let value = self.compute(self.feed(inputs, pad_id)?, output)?;
        let tensor = value.as_tensor_view::<f32>().ok_or("the output holds no floats")?;
        let (shape, tensor) = (tensor.shape().to_vec(), tensor.to_contiguous());
        let values = tensor.data();
        let per_input = values.len() / inputs.len();
        if shape.first() != Some(&inputs.len()) || per_input == 0 {
            return Err(format!("the output has the shape {shape:?} for {} inputs", inputs.len()));
        }
        let answers = inputs.iter().zip(values.chunks_exact(per_input));
        answers
            .map(|(input, values)| {
                read(OnnxOutput { shape: &shape[1..], values, tokens: input.ids.len() })
            })
            .collect()
    }

    /// The tensors of a batch, padded to the longest input, or to the length that the model requires.
    /// Integers are passed in 32 bits, as the library requires, even where the model has 64.
    fn feed(&self, inputs: &[&Encoded], pad_id: u32) -> Result<Vec<(NodeId, Value)>, String> {
        let longest = inputs.iter().map(|input| input.ids.len()).max().unwrap_or_default();
        let longest = self.length.unwrap_or(longest);
        let padded = |row: &dyn Fn(&Encoded, usize) -> Option<u32>, pad: u32| {
            let at = |place| row(inputs[place / longest], place % longest).unwrap_or(pad);
            let data = (0..inputs.len() * longest).map(|place| at(place).cast_signed()).collect();
            Value::from_shape([inputs.len(), longest], data).map_err(|error| error.to_string())
        };
        let mut feed = vec![(self.ids, padded(&|input, at| input.ids.get(at).copied(), pad_id)?)];
        if let Some(mask) = self.mask {
            feed.push((mask, padded(&|input, at| input.ids.get(at).map(|_| 1), 0)?));
        }
        if let Some(types) = self.type_ids {
            feed.push((types, padded(&|input, at| input.type_ids.get(at).copied(), 0)?));
        }
        Ok(feed)
    }

    fn compute(&self, feed: Vec<(NodeId, Value)>, output: NodeId) -> Result<Value, String> {
        let mut idle = self.lock();
        let core = loop {
            match idle.pop() {
                Some(core) => break core,
                None => idle = self.returned.wait(idle).unwrap_or_else(PoisonError::into_inner),
            }
        };
        drop(idle);
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&core)));
        let feed = feed.into_iter().map(|(id, value)| (id, value.into())).collect();
        let result = self.model.run(feed, &[output], Some(options));
        self.lock().push(core);
        self.returned.notify_one();
        let mut values = result.map_err(|error| error.to_string())?;
        values.pop().ok_or_else(|| "the model gave no output".to_owned())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<ThreadPool>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Loads a model. For a symlink, the library looks for weights beside its target and not beside the link; in
/// a cache that many programs share, the files there have other names. So the weights are passed to it.
fn load(path: &Path, weights: &[PathBuf]) -> Result<Model, OnnxError> {
    let mut options = ModelOptions::with_all_ops();
    let loaded = if weights.iter().all(|weights| !weights.is_symlink()) {
        options.load_file(path)
    } else {
        let read = |path: &Path| std::fs::read(path).map_err(|error| unreadable(path, &error));
        for weights in weights {
            let name = weights.file_name().unwrap_or_default().to_string_lossy();
            options.external_data(&name, read(weights)?);
        }
        options.load(read(path)?)
    };
    loaded.map_err(|error| load_error(path, &error))
}

const WANTS_TEXT: &str = "use the ONNX export of a text encoder, with the inputs input_ids, attention_mask and optionally token_type_ids";

pub(super) fn load_error(path: &Path, error: &rten::LoadError) -> OnnxError {
    let hint = match error.kind() {
        LoadErrorKind::IoError => "make it readable",
        LoadErrorKind::OperatorInvalid => {
            "export it with standard operators: no optimisation for one runtime, 32-bit floats or 8-bit dynamic quantisation"
        }
        LoadErrorKind::ExternalDataError => "keep the files with the weights beside model.onnx",
        _ => "copy or export the model again",
    };
    OnnxError::new(path, format!("cannot be run: {error}"), hint)
}
