//! What `qdrant-edge` names of `vaporetto`, with nothing behind it: see `unused/README.md`.

use std::borrow::Cow;
use std::convert::Infallible;
use std::marker::PhantomData;

/// Why there is no model.
#[derive(Debug)]
pub enum VaporettoError {
    /// docent makes no full-text index in the engine.
    NotInThisBuild,
}

type Result<T> = std::result::Result<T, VaporettoError>;

/// A model, of which there is none.
pub struct Model(Infallible);

impl Model {
    /// # Errors
    /// Always.
    pub fn read_slice(_: &[u8]) -> Result<(Self, &[u8])> {
        Err(VaporettoError::NotInThisBuild)
    }
}

/// What divides a text, with a model.
pub struct Predictor(Infallible);

impl Predictor {
    /// # Errors
    /// Never, since there is no model.
    pub fn new(model: Model, _: bool) -> Result<Self> {
        match model.0 {}
    }

    /// Divides a text.
    pub fn predict(&self, _: &mut Sentence<'_, '_>) {
        match self.0 {}
    }
}

/// A text.
pub struct Sentence<'a, 'b>(Infallible, PhantomData<(&'a str, &'b str)>);

impl<'a> Sentence<'a, '_> {
    /// # Errors
    /// Always.
    pub fn from_raw(_: impl Into<Cow<'a, str>>) -> Result<Self> {
        Err(VaporettoError::NotInThisBuild)
    }

    /// Its words.
    pub fn iter_tokens(&self) -> std::iter::Empty<Token<'_>> {
        match self.0 {}
    }
}

/// A word.
pub struct Token<'a>(Infallible, PhantomData<&'a str>);

impl<'a> Token<'a> {
    /// The word as it is written.
    pub fn surface(&self) -> &'a str {
        match self.0 {}
    }
}
