//! Inputs and outputs of models.

/// An input of a model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Encoded {
    pub ids: Vec<u32>,
    /// Which of the two texts of a pair each token belongs to.
    pub type_ids: Vec<u32>,
}

/// The model's output for one input of a batch.
pub struct OnnxOutput<'a> {
    /// Shape of `values`: `[values]`, or `[tokens, values]` with padding at the end.
    pub shape: &'a [usize],
    /// Values, row by row.
    pub values: &'a [f32],
    /// Number of tokens without padding.
    pub tokens: usize,
}

/// The output of a graph.
pub struct Floats {
    pub shape: Vec<usize>,
    /// Values, row by row.
    pub values: Vec<f32>,
}
