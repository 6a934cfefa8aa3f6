//! Text → BM25 vectors, with the tokenizer, stemmer, stop words and term ids of Qdrant's own BM25
//! model, so that embedded collections and those on a server rank alike.
//!
//! The weight of a term with frequency `tf` in a document of `n` terms is
//! `tf·(k + 1) / (tf + k·(1 − b + b·n/avg_len))`; a query has weight 1 for each of its terms, and
//! the store multiplies by its own IDF. Qdrant's model counts the terms but does not tell how many
//! there were, which estimating `avg_len` needs. Its weight tends to `tf` as `k` grows with b = 0,
//! so frequencies are read from it at an enormous `k`, and the formula is applied here.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use qdrant_edge::bm25_embed::{EdgeBm25, EdgeBm25Config};

use super::identifiers::{compounds, with_identifiers};
use super::unspaced::with_grams;
use crate::text::{composed, fold};
use crate::types::{SparseId, SparseVector};

const MODEL: &str = "bm25";
/// Language of the stemmer and the stop words, unless another is set.
pub const LANGUAGE: &str = "english";

/// Raised when the same text would have other terms. Since 2, all spellings of a word have one term
/// ([`fold`]).
pub const REVISION: u32 = 2;

/// The oldest whose terms this version still makes: a collection keeps those it was created with.
const OLDEST: u32 = 1;

/// At this `k` a weight is `tf·(1 − tf/k + …)`: exact in `f32` up to a frequency of 2²⁴.
const NO_SATURATION: f64 = 1e15;

/// Mean assumed where there is nothing to take it from.
const DEFAULT_MEAN: f64 = 100.0;

/// What new collections in English are created with; `avg_len` as [`mean_terms`] gives it.
#[cfg(test)]
pub fn default_id(avg_len: f64) -> SparseId {
    id(LANGUAGE, avg_len)
}

fn id(language: &str, avg_len: f64) -> SparseId {
    let (model, language) = (MODEL.to_owned(), language.to_owned());
    SparseId { model, revision: REVISION, language, k: 1.2, b: 0.75, avg_len }
}

/// Mean number of terms of a chunk; where there is none, a mean that suits chunks of prose.
pub fn mean_terms(terms: u64, chunks: u64) -> f64 {
    if terms == 0 || chunks == 0 {
        return DEFAULT_MEAN;
    }
    // A manifest is compared with what was read of its file, and numbers of more digits may come back
    // from JSON as their neighbours.
    (terms as f64 / chunks as f64 * 1000.0).round() / 1000.0
}

/// Whether this version makes the terms of a collection; the error says why not.
pub fn check(id: &SparseId) -> Result<(), String> {
    if id.model != MODEL {
        return Err(format!("unknown sparse model {:?}: only {MODEL:?} is built in", id.model));
    }
    if !(OLDEST..=REVISION).contains(&id.revision) {
        return Err(
            "its words were told apart by the rules of another version of docent".to_owned()
        );
    }
    Ok(())
}

/// Makes the sparse vectors of one collection.
pub struct SparseEncoder {
    queries: EdgeBm25,
    terms: TermCounter,
    k: f64,
    b: f64,
    avg_len: f64,
}

impl SparseEncoder {
    /// The error says which parameter of the collection's manifest is not usable.
    pub fn new(id: &SparseId) -> Result<Self, String> {
        check(id)?;
        Ok(Self {
            queries: engine(&id.language, id.k, id.b, id.avg_len)?,
            terms: TermCounter::of_revision(&id.language, id.revision)?,
            k: id.k,
            b: id.b,
            avg_len: id.avg_len,
        })
    }

    /// Terms in ascending order of their ids, with their BM25 weights without IDF.
    pub fn document(&self, text: &str) -> SparseVector {
        let (indices, frequencies) = self.terms.frequencies(text);
        let length: f64 = frequencies.iter().sum();
        let damping = self.k * (1.0 - self.b + self.b * length / self.avg_len);
        let weigh = |tf: &f64| (tf * (self.k + 1.0) / (tf + damping)) as f32;
        let values = frequencies.iter().map(weigh).collect();
        SparseVector { indices, values }
    }

    /// Each distinct term with weight 1.
    pub fn query(&self, text: &str) -> SparseVector {
        let vector = self.queries.embed_query(&with_identifiers(&self.terms.read(text)));
        SparseVector { indices: vector.indices, values: vector.values }
    }

    /// Ids of the distinct terms, ascending: those of [`SparseEncoder::query`], remembered where the
    /// text is a word.
    pub fn terms(&self, text: &str) -> Vec<u32> {
        self.terms.terms(text)
    }
}

/// Counts terms as the BM25 model sees them: words, without stop words.
///
/// Terms end where a compound ends, and the same compounds come again and again: each is tokenised
/// and stemmed once, and remembered.
pub struct TermCounter {
    engine: EdgeBm25,
    language: String,
    /// Whether spellings are folded.
    folds: bool,
    /// One for each thread that counts.
    known: Mutex<Vec<Known>>,
}

/// Compounds that are remembered, at most.
const REMEMBERED: usize = 1 << 15;

/// Languages whose stop words the engine knows with letters that are folded.
const ACCENTED: &[&str] = &["arabic", "greek"];

/// Longest compound that is, in bytes.
const LONGEST: usize = 48;

/// The terms of compounds, each with how often it is in there.
type Known = HashMap<Box<str>, Box<[(u32, f32)]>>;

impl TermCounter {
    pub fn new(language: &str) -> Result<Self, String> {
        Self::of_revision(language, REVISION)
    }

    fn of_revision(language: &str, revision: u32) -> Result<Self, String> {
        let engine = engine(language, NO_SATURATION, 0.0, 1.0)?;
        let (language, folds) = (language.to_owned(), revision >= 2);
        Ok(Self { engine, language, folds, known: Mutex::default() })
    }

    /// Folded, without the words that are stop words as they are usually written.
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

    /// The text as it is taken apart.
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

    /// What a collection is created with whose terms are counted like this; `avg_len` as
    /// [`mean_terms`] gives it.
    pub fn id(&self, avg_len: f64) -> SparseId {
        id(&self.language, avg_len)
    }

    /// Number of terms, repetitions included.
    pub fn count(&self, text: &str) -> usize {
        self.frequencies(text).1.iter().sum::<f64>() as usize
    }

    /// Ids of the distinct terms, ascending.
    pub fn terms(&self, text: &str) -> Vec<u32> {
        self.frequencies(text).0
    }

    /// Term ids, ascending, and how often each occurs (a whole number).
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
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const TEXTS: [&str; 4] = [
        "",
        "The backups are kept for 400 days, and the backups are tested.",
        "fn main() { println!(\"tank {}\", tank.volume()); }",
        "Überprüfung der Größe: naïve café 東京",
    ];

    #[test]
    fn weights_are_those_of_the_engine() {
        for (k, b, avg_len) in
            [(1.2, 0.75, 256.0), (1.2, 0.75, 7.5), (0.9, 1.0, 3.0), (2.0, 0.0, 1.0)]
        {
            let id = SparseId { k, b, ..super::id(LANGUAGE, avg_len) };
            let encoder = SparseEncoder::new(&id).unwrap();
            let theirs = engine(LANGUAGE, k, b, avg_len).unwrap();
            for text in TEXTS.into_iter().map(str::to_owned).chain([TEXTS.join(" ").repeat(300)]) {
                let read = encoder.terms.read(&text);
                let theirs = theirs.embed_document(&with_identifiers(&read));
                let ours = encoder.document(&text);
                assert_eq!(ours.indices, theirs.indices);
                for (ours, theirs) in ours.values.iter().zip(&theirs.values) {
                    assert!((ours - theirs).abs() <= f32::EPSILON * theirs, "{ours} {theirs}");
                }
            }
        }
    }

    proptest! {
        /// Compound by compound is as a whole, first and when they are known.
        #[test]
        fn terms_are_those_of_the_whole_text(
            text in "(\\PC|[a-zA-Z0-9]{1,4}|[-_./:#@' \n]|the |tanks |naïve|東|京|ー){0,40}",
            language in prop::sample::select(vec!["english", "german", "russian", "chinese"]),
        ) {
            let counter = TermCounter::new(language).unwrap();
            let whole = counter.engine.embed_document(&with_identifiers(&counter.read(&text)));
            let whole: HashMap<u32, f64> =
                whole.indices.into_iter().zip(whole.values.iter().map(|w| f64::from(w.round()))).collect();
            let asked = SparseEncoder::new(&counter.id(5.0)).unwrap();
            let query = asked.query(&text).indices.into_iter().collect::<BTreeSet<_>>();
            prop_assert_eq!(asked.terms(&text), query.into_iter().collect::<Vec<_>>());
            for _ in 0..2 {
                let (terms, counts) = counter.frequencies(&text);
                prop_assert!(terms.is_sorted_by(|a, b| a < b));
                prop_assert_eq!(&terms.into_iter().zip(counts).collect::<HashMap<_, _>>(), &whole);
            }
        }
    }

    #[test]
    fn counts_repetitions_and_leaves_out_stop_words() {
        let counter = TermCounter::new(LANGUAGE).unwrap();
        let table = [("", 0), ("the and of", 0), ("tank", 1), ("tank Tanks TANK", 3)];
        for (text, count) in table {
            assert_eq!(counter.count(text), count, "{text:?}");
        }
        assert_eq!(counter.count(&"tank volume ".repeat(100_000)), 200_000);
    }

    #[test]
    fn a_query_finds_inflected_words_with_weight_one() {
        let encoder = SparseEncoder::new(&default_id(5.0)).unwrap();
        let query = encoder.query("restored backup, restoring backups");
        assert_eq!(query.values, [1.0, 1.0]);
        assert_eq!(query.indices, encoder.document("backups are restored").indices);
    }

    #[test]
    fn words_of_other_languages_are_stemmed_and_their_stop_words_left_out() {
        for (language, stored, asked) in [
            ("german", "Die Sicherungen werden aufbewahrt", "Sicherung"),
            ("french", "Les sauvegardes sont conservées", "sauvegarde"),
            ("spanish", "Las copias se guardan", "copia"),
            ("russian", "Резервные копии хранятся", "копия"),
            ("greek", "Τα αντίγραφα από την αποθήκη και μετά", "ΑΠΟΘΗΚΗ"),
            ("arabic", "إلى المُستودع على", "المستودع"),
        ] {
            let encoder = SparseEncoder::new(&super::id(language, 5.0)).unwrap();
            let (stored, asked) = (encoder.document(stored).indices, encoder.query(asked).indices);
            assert!(asked.iter().all(|term| stored.contains(term)), "{language}");
            assert!(stored.len() <= 3, "{language}: {stored:?}");
        }
    }

    #[test]
    fn every_language_that_can_be_set_is_known() {
        for language in SparseId::LANGUAGES {
            assert!(TermCounter::new(language).is_ok(), "{language}");
        }
    }

    #[test]
    fn identifiers_are_found_by_their_parts_and_as_a_whole() {
        let encoder = SparseEncoder::new(&default_id(5.0)).unwrap();
        let text =
            "fn parseHttpHeader(retry_after: u8) {} // LGR-4012, see src/api/errors.rs v1.18.3";
        let stored = encoder.document(text).indices;
        for asked in [
            "parse",
            "header",
            "parseHttpHeader",
            "parsehttpheader",
            "retry",
            "retry_after",
            "retryAfter",
            "RETRY-AFTER",
            "LGR-4012",
            "lgr4012",
            "4012",
            "errors.rs",
            "1.18.3",
        ] {
            let terms = encoder.query(asked).indices;
            assert!(terms.iter().any(|term| stored.contains(term)), "{asked}");
        }
        for (one, other) in
            [("retry_after", "retryAfter"), ("LGR-4012", "lgr4012"), ("v1.18.3", "V1-18-3")]
        {
            let (one, other) = (encoder.query(one).indices, encoder.query(other).indices);
            assert!(one.iter().any(|term| other.contains(term)));
        }
    }

    #[test]
    fn words_of_scripts_without_spaces_are_found_by_their_letters_and_pairs() {
        let encoder = SparseEncoder::new(&default_id(5.0)).unwrap();
        let stored = encoder.document("备份保留四百天，由两名操作员恢复。").indices;
        for (asked, found) in [("备份", 3), ("保留多久", 3), ("天", 1), ("部署", 0)] {
            let terms = encoder.query(asked).indices;
            assert_eq!(terms.iter().filter(|term| stored.contains(term)).count(), found, "{asked}");
        }
    }

    #[test]
    fn mean_lengths_come_back_from_a_manifest() {
        for chunks in 1..400 {
            for terms in [chunks + 1, 3 * chunks + 2, 17 * chunks + 5, 211 * chunks + 7] {
                let id = default_id(mean_terms(terms, chunks));
                let read: SparseId =
                    serde_json::from_str(&serde_json::to_string(&id).unwrap()).unwrap();
                assert_eq!(read, id, "{terms} of {chunks}");
            }
        }
    }

    #[test]
    fn all_spellings_of_a_word_have_its_term() {
        let id = default_id(5.0);
        let encoder = SparseEncoder::new(&id).unwrap();
        let before = SparseEncoder::new(&SparseId { revision: 1, ..id }).unwrap();
        for (stored, asked) in [
            ("in Mo\u{308}nchengladbach", "Mönchengladbach"),
            ("\u{1109}\u{116e}\u{110b}\u{1167}\u{11bc}\u{110c}\u{1161}\u{11bc}은", "수영장"),
            ("The pub\u{ad}li\u{ad}cation", "publication"),
            ("型番ＡＢＣ－１２３の価格", "ABC-123"),
            ("ｶﾀｶﾅのﾏﾆｭｱﾙ", "カタカナ"),
            ("\u{fb01}nance", "finance"),
            ("İSTANBUL deposu", "istanbul"),
            ("Η ΑΠΟΘΗΚΗ", "αποθήκη"),
            ("المُسْتَوْدَعُ", "المستودع"),
            ("הַמַּחְסָן", "המחסן"),
        ] {
            let found = |encoder: &SparseEncoder| {
                let stored = encoder.document(stored).indices;
                let asked = encoder.query(asked).indices;
                !asked.is_empty() && asked.iter().all(|term| stored.contains(term))
            };
            assert!(found(&encoder), "{asked}");
            assert!(!found(&before), "{asked}: a collection keeps the terms it was created with");
        }
    }

    #[test]
    fn refuses_parameters_it_cannot_use() {
        let good = default_id(10.0);
        let bad = [
            SparseId { model: "splade".into(), ..good.clone() },
            SparseId { revision: REVISION + 1, ..good.clone() },
            SparseId { revision: OLDEST - 1, ..good.clone() },
            SparseId { language: "klingon".into(), ..good.clone() },
            SparseId { k: f64::NAN, ..good.clone() },
            SparseId { b: 1.5, ..good.clone() },
            SparseId { avg_len: 0.0, ..good.clone() },
        ];
        for id in bad {
            assert!(SparseEncoder::new(&id).is_err(), "{id:?}");
        }
        assert!(SparseEncoder::new(&good).is_ok());
    }

    #[test]
    fn the_mean_is_never_zero() {
        for (terms, chunks, mean) in [(0, 0, DEFAULT_MEAN), (0, 2, DEFAULT_MEAN), (12, 2, 6.0)] {
            assert!((mean_terms(terms, chunks) - mean).abs() < 1e-9, "{terms} {chunks}");
        }
    }
}
