//! BM25 vectors, with the tokenizer, stemmer, stop words and term ids of Qdrant's own BM25 model, so that
//! embedded collections and those on a server rank alike.
//!
//! The weight of a term with frequency `tf` in a document of `n` terms is
//! `tf·(k + 1) / (tf + k·(1 − b + b·n/avg_len))`. A query has weight 1 for each of its terms, and the store
//! multiplies by its own IDF. Qdrant's model counts the terms but does not return their number, which is
//! needed to estimate `avg_len`. Its weight tends to `tf` as `k` grows with b = 0, so frequencies are read
//! from it at an enormous `k`, and the formula is applied here.
//!
//! A collection uses the terms of one language, or for each document those of its own: [`languages`].

mod languages;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use qdrant_edge::bm25_embed::{EdgeBm25, EdgeBm25Config};

pub use languages::{QuestionTerms, TermCounters, language_of_document};

use super::character_ngrams::with_grams;
use super::identifiers::{compounds, with_identifiers};
use super::names::Name;
use crate::text::{composed, fold};
use crate::types::{DocumentKind, DocumentRecord, SparseId, SparseVector};

const MODEL: &str = "bm25";
/// Language of the stemmer and the stop words for documents whose language is not known.
pub const LANGUAGE: &str = "english";

/// Raised when the same passage would have other terms. Since 2, all spellings of a word have one term
/// ([`fold`]); since 3, passages have the words of their document's [name](Name).
pub const REVISION: u32 = 3;

/// The oldest revision that is supported: a collection keeps the terms it was created with.
const OLDEST: u32 = 1;

/// At this `k` a weight is `tf·(1 − tf/k + …)`: exact in `f32` up to a frequency of 2²⁴.
const NO_SATURATION: f64 = 1e15;

/// Mean length that is assumed without chunks to compute it from.
const DEFAULT_MEAN: f64 = 100.0;

/// The settings of new English collections; `avg_len` from [`mean_terms`].
#[cfg(test)]
pub fn default_id(avg_len: f64) -> SparseId {
    id(LANGUAGE, avg_len)
}

fn id(language: &str, avg_len: f64) -> SparseId {
    let (model, language) = (MODEL.to_owned(), language.to_owned());
    SparseId { model, revision: REVISION, language, k: 1.2, b: 0.75, avg_len }
}

/// Mean number of terms of a chunk; without chunks, a mean that suits prose.
pub fn mean_terms(terms: u64, chunks: u64) -> f64 {
    if terms == 0 || chunks == 0 {
        return DEFAULT_MEAN;
    }
    // A manifest is compared with what was read from its file, and numbers with more digits may change
    // slightly in JSON.
    (terms as f64 / chunks as f64 * 1000.0).round() / 1000.0
}

/// The language by which the words of a document are stemmed, if each document has its own: English for code,
/// and `usual`, that of most documents, if the document's own is not known.
pub fn language_of_terms<'a>(record: &'a DocumentRecord, usual: &'a str) -> &'a str {
    match record.kind {
        DocumentKind::Code => LANGUAGE,
        _ => record.language.as_deref().unwrap_or(usual),
    }
}

/// Whether the passages of a collection have the words of their document's [name](Name).
pub fn has_names(id: &SparseId) -> bool {
    id.revision >= 3
}

/// Whether this version supports the terms of a collection; the error says why not.
pub fn check(id: &SparseId) -> Result<(), String> {
    if id.model != MODEL {
        return Err(format!("unknown sparse model {:?}: only {MODEL:?} is built in", id.model));
    }
    if !(OLDEST..=REVISION).contains(&id.revision) {
        return Err(
            "its text was split into words by the rules of another version of docent".to_owned()
        );
    }
    Ok(())
}

/// How many occurrences a word in the document's own name, and in the directories above it, counts for.
const OWN: f64 = 4.0;
const ABOVE: f64 = 2.0;

/// The terms of a document's [name](Name), ascending, each with the number of occurrences that it counts for.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct NameTerms(Vec<(u32, f64)>);

impl NameTerms {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Computes the sparse vectors of one collection.
pub struct SparseEncoder {
    counters: TermCounters,
    /// Languages in which questions are asked.
    asked: Vec<String>,
    /// Whether passages have the words of their document's name.
    names: bool,
    k: f64,
    b: f64,
    avg_len: f64,
}

impl SparseEncoder {
    /// `spoken`: the languages of the collection's documents, if each has its own.
    ///
    /// The error says which parameter of the collection's manifest is not usable.
    pub fn new<'a>(
        id: &SparseId,
        spoken: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, String> {
        check(id)?;
        // The engine decides which parameters are valid.
        engine(LANGUAGE, id.k, id.b, id.avg_len)?;
        let counters = TermCounters::of_revision(&id.language, id.revision)?;
        let asked = counters.asked(spoken);
        let names = has_names(id);
        Ok(Self { counters, asked, names, k: id.k, b: id.b, avg_len: id.avg_len })
    }

    /// Terms in ascending order of their ids, with their BM25 weights without IDF. `language` is the language
    /// of the document, if known.
    pub fn document(&self, text: &str, language: Option<&str>) -> SparseVector {
        self.passage(text, language, &NameTerms::default())
    }

    /// The same for a passage of a document with this name.
    ///
    /// The name is a field of BM25F (Robertson, Zaragoza and Taylor, 2004): before saturation, its words
    /// count as additional occurrences in the passage, so that a header that repeats the name gains little.
    /// They do not add to the length of the passage.
    pub fn passage(&self, text: &str, language: Option<&str>, name: &NameTerms) -> SparseVector {
        let (mut indices, mut frequencies) = self.counters.of(language).frequencies(text);
        let length: f64 = frequencies.iter().sum();
        for &(term, weight) in &name.0 {
            match indices.binary_search(&term) {
                Ok(at) => frequencies[at] += weight,
                Err(at) => {
                    indices.insert(at, term);
                    frequencies.insert(at, weight);
                }
            }
        }
        let damping = self.k * (1.0 - self.b + self.b * length / self.avg_len);
        let weigh = |tf: &f64| (tf * (self.k + 1.0) / (tf + damping)) as f32;
        let values = frequencies.iter().map(weigh).collect();
        SparseVector { indices, values }
    }

    /// Whether passages have the words of their document's name.
    pub fn has_names(&self) -> bool {
        self.names
    }

    /// The terms in the name of a document in this language; none in collections that were created without
    /// names.
    pub fn name(&self, source: &str, language: Option<&str>) -> NameTerms {
        if !self.names {
            return NameTerms::default();
        }
        let Name { own, above } = Name::of(source);
        let counter = self.counters.of(language);
        let mut weights: BTreeMap<u32, f64> =
            counter.terms(&above).into_iter().map(|term| (term, ABOVE)).collect();
        weights.extend(counter.terms(&own).into_iter().map(|term| (term, OWN)));
        NameTerms(weights.into_iter().collect())
    }

    /// The languages in which questions are asked.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.asked.iter().map(String::as_str)
    }

    /// The question as it is looked up in the languages of the collection.
    pub fn question(&self, text: &str) -> QuestionTerms<'_> {
        QuestionTerms::of(text, self.asked.iter().map(|language| self.counters.of(Some(language))))
    }

    /// Each distinct term of a question, ascending, with weight 1.
    pub fn query(&self, text: &str) -> SparseVector {
        let indices = self.question(text).terms(text);
        SparseVector { values: vec![1.0; indices.len()], indices }
    }
}

/// Counts terms as the BM25 model sees them: words, without stop words.
///
/// Terms do not cross compounds, and the same compounds recur: each is tokenised and stemmed once, and
/// remembered.
pub struct TermCounter {
    engine: EdgeBm25,
    language: String,
    /// Whether spellings are folded.
    folds: bool,
    /// Whether words are stemmed and stop words left out.
    stems: bool,
    /// One map for each counting thread.
    known: Mutex<Vec<Known>>,
}

/// Maximum number of compounds that are remembered.
const REMEMBERED: usize = 1 << 15;

/// Languages whose stop words in the engine contain letters that are folded.
const ACCENTED: &[&str] = &["arabic", "greek"];

/// Longest compound that is remembered, in bytes.
const LONGEST: usize = 48;

/// The terms of compounds, each with its number of occurrences.
type Known = HashMap<Box<str>, Box<[(u32, f32)]>>;

impl TermCounter {
    pub fn new(language: &str) -> Result<Self, String> {
        Self::of_revision(language, REVISION)
    }

    /// Counts words as they are, neither stemmed nor left out.
    fn unstemmed(revision: u32) -> Result<Self, String> {
        // Chinese has no stemmer in the engine, and its stop words are in its own script.
        Ok(Self { stems: false, ..Self::of_revision("chinese", revision)? })
    }

    fn of_revision(language: &str, revision: u32) -> Result<Self, String> {
        let engine = engine(language, NO_SATURATION, 0.0, 1.0)?;
        let (language, folds) = (language.to_owned(), revision >= 2);
        Ok(Self { engine, language, folds, stems: true, known: Mutex::default() })
    }

    /// The folded text, without words that are stop words in their usual spelling.
    fn without_stop_words(&self, text: &str) -> String {
        let mut kept = String::with_capacity(text.len());
        for word in text.split_whitespace() {
            let usual = composed(word);
            let stop =
                word.len() <= LONGEST && self.engine.embed_document(&usual).indices.is_empty();
            if !stop {
                kept.push_str(&fold(word, &self.language));
                kept.push(' ');
            }
        }
        kept
    }

    /// The text as it is split into compounds.
    fn read<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut folded = if self.folds { fold(text, &self.language) } else { Cow::Borrowed(text) };
        if matches!(folded, Cow::Owned(_)) && ACCENTED.contains(&self.language.as_str()) {
            folded = Cow::Owned(self.without_stop_words(text));
        }
        match with_grams(&folded) {
            Cow::Owned(spaced) => Cow::Owned(spaced),
            Cow::Borrowed(_) => folded,
        }
    }

    /// Number of terms, including repetitions.
    pub fn count(&self, text: &str) -> usize {
        self.frequencies(text).1.iter().sum::<f64>() as usize
    }

    /// Whether a word is a stop word: it has letters, but no term.
    fn stops(&self, word: &str) -> bool {
        word.len() <= LONGEST
            && word.contains(char::is_alphabetic)
            && self.frequencies(word).0.is_empty()
    }

    /// Ids of the distinct terms, ascending.
    pub fn terms(&self, text: &str) -> Vec<u32> {
        self.frequencies(text).0
    }

    /// Term ids, ascending, and the number of occurrences of each (a whole number).
    fn frequencies(&self, text: &str) -> (Vec<u32>, Vec<f64>) {
        let spare = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = spare().pop().unwrap_or_default();
        let mut found: Vec<(u32, f32)> = Vec::new();
        for compound in compounds(&self.read(text)) {
            if let Some(terms) = known.get(compound) {
                found.extend(terms);
                continue;
            }
            let terms = self.terms_of(compound);
            found.extend(&terms);
            if compound.len() <= LONGEST {
                if known.len() >= REMEMBERED {
                    known.clear();
                }
                known.insert(compound.into(), terms.into());
            }
        }
        spare().push(known);
        found.sort_unstable_by_key(|(term, _)| *term);
        let together = |later: &mut (u32, f32), first: &mut (u32, f32)| {
            let same = later.0 == first.0;
            first.1 += if same { later.1 } else { 0.0 };
            same
        };
        found.dedup_by(together);
        found.into_iter().map(|(term, count)| (term, f64::from(count))).unzip()
    }

    fn terms_of(&self, compound: &str) -> Vec<(u32, f32)> {
        let vector = self.engine.embed_document(&with_identifiers(compound));
        vector.indices.into_iter().zip(vector.values.iter().map(|weight| weight.round())).collect()
    }
}

fn engine(language: &str, k: f64, b: f64, avg_len: f64) -> Result<EdgeBm25, String> {
    let number = |name: &str, value: f64| {
        value.try_into().map_err(|_| format!("BM25 {name} must be a number, got {value}"))
    };
    let config = EdgeBm25Config {
        k: number("k", k)?,
        b: number("b", b)?,
        avg_len: number("avg_len", avg_len)?,
        language: Some(language.to_owned()),
        ..EdgeBm25Config::default()
    };
    EdgeBm25::new(config).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
