//! What the runtime is in a build without the feature `onnx`: no model opens, and the error says why.

use std::convert::Infallible;
use std::path::Path;

use super::OnnxError;

fn left_out<T>(path: &Path) -> Result<T, OnnxError> {
    let problem = "cannot be run: this build of docent has no runtime for ONNX models";
    Err(OnnxError::new(path, problem, "use a release of docent, or build it with the feature onnx"))
}

pub(super) mod graph {
    use std::path::Path;

    use super::{Infallible, OnnxError, left_out};
    use crate::onnx::Floats;

    /// A loaded graph: there is none.
    pub struct FloatGraph(Infallible);

    impl FloatGraph {
        pub fn open(path: &Path) -> Result<Self, OnnxError> {
            left_out(path)
        }

        pub fn bundled(name: &str, _: &'static [u8]) -> Result<Self, OnnxError> {
            left_out(Path::new(name))
        }

        pub fn metadata(&self, _: &str) -> Option<&str> {
            match self.0 {}
        }

        pub fn run(&self, _: [usize; 4], _: Vec<f32>) -> Result<Floats, String> {
            match self.0 {}
        }
    }
}

pub(super) mod session {
    use super::{Infallible, OnnxError, left_out};
    use crate::onnx::layout::ModelLayout;
    use crate::onnx::{Encoded, OnnxOutput};

    /// A loaded model: there is none.
    pub(in crate::onnx) struct OnnxSession(Infallible);

    impl OnnxSession {
        pub(in crate::onnx) fn open(layout: &ModelLayout) -> Result<Self, OnnxError> {
            left_out(&layout.model)
        }

        pub(in crate::onnx) fn outputs(&self) -> &[String] {
            match self.0 {}
        }

        pub(in crate::onnx) fn length(&self) -> Option<usize> {
            match self.0 {}
        }

        pub(in crate::onnx) fn cores(&self) -> usize {
            match self.0 {}
        }

        pub(in crate::onnx) fn run<T>(
            &self,
            _: &[&Encoded],
            _: u32,
            _: &str,
            _: &(impl Fn(OnnxOutput<'_>) -> Result<T, String> + Sync),
        ) -> Result<Vec<T>, String> {
            match self.0 {}
        }
    }
}

pub(super) mod tokenizer {
    use super::{Infallible, OnnxError, left_out};
    use crate::onnx::Encoded;
    use crate::onnx::layout::ModelLayout;

    /// A loaded tokenizer: there is none.
    pub(in crate::onnx) struct OnnxTokenizer {
        none: Infallible,
        pub(in crate::onnx) pad_id: u32,
    }

    impl OnnxTokenizer {
        pub(in crate::onnx) fn open(layout: &ModelLayout) -> Result<Self, OnnxError> {
            left_out(&layout.model)
        }

        pub(in crate::onnx) fn within(
            self,
            _: Option<usize>,
            _: &ModelLayout,
        ) -> Result<Self, OnnxError> {
            match self.none {}
        }

        pub(in crate::onnx) fn longest_text(&self) -> usize {
            match self.none {}
        }

        pub(in crate::onnx) fn longest_pair(&self) -> usize {
            match self.none {}
        }

        pub(in crate::onnx) fn count(&self, _: &str) -> usize {
            match self.none {}
        }

        pub(in crate::onnx) fn encode(&self, _: &str) -> Encoded {
            match self.none {}
        }

        pub(in crate::onnx) fn encode_pair(&self, _: &str, _: &str) -> Encoded {
            match self.none {}
        }
    }
}
