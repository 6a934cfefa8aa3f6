//! What the benchmarks share: [`stages`] to run, and [`inputs`] to run them on.

pub(crate) mod inputs;
pub(crate) mod stages;
