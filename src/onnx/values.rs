//! What goes into a model, and what comes out.

/// An input of a model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Encoded {
    pub ids: Vec<u32>,
    /// Which of the two texts of a pair a token is of.
    pub type_ids: Vec<u32>,
}

/// What the model says of one input of a batch.
pub struct Answer<'a> {
    /// Shape of `values`: `[values]`, or `[tokens, values]` with padding at the end.
    pub shape: &'a [usize],
    /// Row after row.
    pub values: &'a [f32],
    /// How many of the tokens are the input's own.
    pub tokens: usize,
}

/// What a graph makes of its input.
pub struct Floats {
    pub shape: Vec<usize>,
    /// Row after row.
    pub values: Vec<f32>,
}
