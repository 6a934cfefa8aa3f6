//! What `qdrant-edge` names of `charabia`, with nothing behind it: see `unused/README.md`.

use std::borrow::Cow;
use std::convert::Infallible;
use std::marker::PhantomData;

use normalizer::{NormalizedTokenIter, NormalizerOption};

/// Normalizes words.
pub mod normalizer {
    use super::{Infallible, PhantomData, Token};

    /// How words are normalized.
    pub struct NormalizerOption<'a> {
        pub create_char_map: bool,
        pub lossy: bool,
        pub classifier: ClassifierOption<'a>,
    }

    /// How words are told from what separates them.
    pub struct ClassifierOption<'a> {
        pub stop_words: Option<&'a [&'a [u8]]>,
        pub separators: Option<&'a [&'a str]>,
    }

    /// The normalized words of a text.
    pub struct NormalizedTokenIter<'o, 'aho, 'lang, 'tb>(
        pub(super) Infallible,
        pub(super) PhantomData<(&'o str, &'aho str, &'lang str, &'tb str)>,
    );

    impl<'o> Iterator for NormalizedTokenIter<'o, '_, '_, '_> {
        type Item = Token<'o>;

        fn next(&mut self) -> Option<Self::Item> {
            match self.0 {}
        }
    }
}

/// A word.
pub struct Token<'o> {
    pub lemma: Cow<'o, str>,
}

/// The words of a text.
pub struct SegmentedTokenIter<'o>(Infallible, PhantomData<&'o str>);

impl<'o> SegmentedTokenIter<'o> {
    /// Normalizes the words.
    pub fn normalize<'tb>(
        self,
        _: &'tb NormalizerOption<'tb>,
    ) -> NormalizedTokenIter<'o, 'o, 'o, 'tb> {
        match self.0 {}
    }
}

/// Divides a text into words.
pub trait Segment<'o> {
    /// # Panics
    /// Always.
    fn segment(&self) -> SegmentedTokenIter<'o>;
}

impl<'o> Segment<'o> for &'o str {
    fn segment(&self) -> SegmentedTokenIter<'o> {
        absent()
    }
}

/// Which script and language a text is in.
pub struct StrDetection<'o, 'al>(Infallible, PhantomData<(&'o str, &'al str)>);

impl<'o, 'al> StrDetection<'o, 'al> {
    /// # Panics
    /// Always.
    pub fn new(_: &'o str, _: Option<&'al [Language]>) -> Self {
        absent()
    }

    /// The script of most letters.
    pub fn script(&mut self) -> Script {
        match self.0 {}
    }

    /// The language, if it can be told.
    pub fn language(&mut self) -> Option<Language> {
        match self.0 {}
    }
}

/// Languages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    Ara,
    Cmn,
    Dan,
    Deu,
    Ell,
    Eng,
    Fin,
    Hun,
    Ita,
    Jpn,
    Nld,
    Por,
    Ron,
    Rus,
    Swe,
    Tam,
    Tur,
}

/// Scripts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Script {
    Latin,
    Other,
}

fn absent() -> ! {
    panic!("a text index with the tokenizer `multilingual` is not in this build: see unused/README.md")
}
