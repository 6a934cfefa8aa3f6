//! Graphs with one input and one output of floats, for models that are not text encoders.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value};
use rten_tensor::Layout as _;

use super::OnnxError;
use super::session::load_error;
use super::values::Floats;

/// A loaded graph. A run takes one core: many runs at a time keep all cores busier than many cores do on one
/// run.
pub struct FloatGraph {
    model: Model,
    input: NodeId,
    output: NodeId,
    /// Thread pools that are not in use.
    idle: Mutex<Vec<Arc<ThreadPool>>>,
}

impl FloatGraph {
    /// Loads a graph from a file.
    pub fn open(path: &Path) -> Result<Self, OnnxError> {
        let model = ModelOptions::with_all_ops().load_file(path);
        Self::of(model.map_err(|error| load_error(path, &error))?)
            .map_err(|problem| OnnxError::new(path, problem, "export the model again"))
    }

    /// Loads a graph that is part of the program; `name` is for errors.
    pub fn bundled(name: &str, bytes: &'static [u8]) -> Result<Self, OnnxError> {
        let model = ModelOptions::with_all_ops().load_static_slice(bytes);
        let path = Path::new(name);
        Self::of(model.map_err(|error| load_error(path, &error))?)
            .map_err(|problem| OnnxError::new(path, problem, "build docent again"))
    }

    fn of(model: Model) -> Result<Self, String> {
        let ([input], [output]) = (model.input_ids(), model.output_ids()) else {
            return Err("does not have exactly one input and one output".to_owned());
        };
        Ok(Self { input: *input, output: *output, model, idle: Mutex::default() })
    }

    /// Metadata in the file with this name.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        self.model.metadata().get(name)
    }

    /// Runs the graph. Blocks. `values` must fill `shape`.
    pub fn run(&self, shape: [usize; 4], values: Vec<f32>) -> Result<Floats, String> {
        let input = Value::from_shape(shape, values).map_err(|error| error.to_string())?;
        let core = self.lock().pop();
        let core = core.unwrap_or_else(|| Arc::new(ThreadPool::with_num_threads(1)));
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&core)));
        let result =
            self.model.run(vec![(self.input, input.into())], &[self.output], Some(options));
        self.lock().push(core);
        let output = result.map_err(|error| error.to_string())?.pop();
        let output = output.ok_or_else(|| "the model gave no output".to_owned())?;
        let tensor = output.as_tensor_view::<f32>().ok_or("the output holds no floats")?;
        Ok(Floats {
            shape: tensor.shape().to_vec(),
            values: tensor.to_contiguous().data().to_vec(),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<ThreadPool>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
