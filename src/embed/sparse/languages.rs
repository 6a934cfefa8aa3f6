//! The terms of a collection in which each document has its own language.
//!
//! The words of a document are stemmed by its language. A question is short and contains names, so that no
//! detector is certain of its language; its stop words are a better sign. It is asked in those languages of
//! the collection of which it has the most stop words, and in all of them if it has none.
//!
//! Measured on four languages in one collection (nDCG@10 of words alone, 1,000 questions): English for all
//! .740; each document's language and the question's language set by hand .779; the question's language from
//! its stop words .779; and the question in all languages .746, because a stop word of one language is a rare
//! word in another and outweighs the rest. With three words of a question without its stop words: .595, .636,
//! .629.

use std::sync::OnceLock;

use super::{LANGUAGE, REVISION, TermCounter, id};
use crate::embed::character_ngrams::with_grams;
use crate::text::language_of;
use crate::types::{DocumentKind, SparseId};

/// The language of a document; `None` if it is not certain, and for code, which is mostly not prose.
pub fn language_of_document(text: &str, kind: DocumentKind) -> Option<&'static str> {
    match kind {
        DocumentKind::Code => None,
        _ => language_of(text),
    }
}

/// Counts the terms of documents, each by its language.
pub struct TermCounters {
    language: String,
    revision: u32,
    /// The counter of the configured language; of [`LANGUAGE`] if none is configured.
    usual: TermCounter,
    /// In the order of [`SparseId::LANGUAGES`], and last the one for all other languages. Each is created for
    /// the first document that needs it.
    others: [OnceLock<Option<TermCounter>>; SparseId::LANGUAGES.len() + 1],
}

impl TermCounters {
    /// `language` as in [`SparseId::language`].
    pub fn new(language: &str) -> Result<Self, String> {
        Self::of_revision(language, REVISION)
    }

    pub(super) fn of_revision(language: &str, revision: u32) -> Result<Self, String> {
        let set = if language == SparseId::OF_DOCUMENT { LANGUAGE } else { language };
        Ok(Self {
            language: language.to_owned(),
            revision,
            usual: TermCounter::of_revision(set, revision)?,
            others: [const { OnceLock::new() }; SparseId::LANGUAGES.len() + 1],
        })
    }

    /// Whether each document has its own language.
    fn follows_documents(&self) -> bool {
        self.language == SparseId::OF_DOCUMENT
    }

    /// The counter for a document in this language; `None` if the language is not known.
    pub fn of(&self, language: Option<&str>) -> &TermCounter {
        match language {
            Some(language) if self.follows_documents() && language != LANGUAGE => {
                let known = SparseId::LANGUAGES.iter().position(|known| *known == language);
                let make = || match known {
                    Some(_) => TermCounter::of_revision(language, self.revision),
                    None => TermCounter::unstemmed(self.revision),
                };
                let at = known.unwrap_or(SparseId::LANGUAGES.len());
                let made = self.others[at].get_or_init(|| make().ok());
                made.as_ref().unwrap_or(&self.usual)
            }
            _ => &self.usual,
        }
    }

    /// The settings of a new collection whose terms are counted like this; `avg_len` from
    /// [`super::mean_terms`].
    pub fn id(&self, avg_len: f64) -> SparseId {
        id(&self.language, avg_len)
    }

    /// The languages in which questions are asked, for a collection with documents in these; each once.
    pub(super) fn asked<'a>(&self, spoken: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        if !self.follows_documents() {
            return vec![self.language.clone()];
        }
        let mut asked: Vec<String> = Vec::new();
        let mut unstemmed = false;
        for language in spoken {
            let known = SparseId::LANGUAGES.contains(&language);
            if known || !unstemmed {
                asked.push(language.to_owned());
            }
            unstemmed |= !known;
        }
        if asked.is_empty() {
            asked.push(LANGUAGE.to_owned());
        }
        asked
    }
}

/// A question, in the languages in which it is asked.
pub struct QuestionTerms<'a> {
    counters: Vec<&'a TermCounter>,
}

impl<'a> QuestionTerms<'a> {
    /// `counters`: those of the collection's languages.
    pub(super) fn of(text: &str, counters: impl Iterator<Item = &'a TermCounter>) -> Self {
        let mut counters: Vec<&TermCounter> = counters.collect();
        if counters.len() > 1 {
            let spaced = with_grams(text);
            let words: Vec<&str> = spaced.split_whitespace().collect();
            let stops =
                |counter: &TermCounter| words.iter().filter(|word| counter.stops(word)).count();
            let most = counters.iter().map(|counter| stops(counter)).max().unwrap_or_default();
            // A language without stop words may be meant in any case.
            counters.retain(|counter| !counter.stems || stops(counter) * 4 >= most * 3);
        }
        Self { counters }
    }

    /// Ids of the distinct terms for a part of the question, ascending, without stop words.
    pub fn terms(&self, part: &str) -> Vec<u32> {
        if let [counter] = self.counters.as_slice() {
            return counter.terms(part);
        }
        let spaced = with_grams(part);
        let words = spaced.split_whitespace();
        let words = words.filter(|word| !self.counters.iter().any(|counter| counter.stops(word)));
        let terms = |word| self.counters.iter().flat_map(move |counter| counter.terms(word));
        let mut terms: Vec<u32> = words.flat_map(terms).collect();
        terms.sort_unstable();
        terms.dedup();
        terms
    }

    /// The terms of a text in each of the languages, for [`Self::has`].
    pub fn of_text(&self, text: &str) -> Vec<Vec<u32>> {
        self.counters.iter().map(|counter| counter.terms(text)).collect()
    }

    /// Whether a text has a word, in any inflection of one of the languages.
    pub fn has(&self, text: &[Vec<u32>], word: &str) -> bool {
        // One letter of a word, or its number alone, is not the word.
        self.counters.iter().zip(text).any(|(counter, text)| {
            let terms = counter.terms(word);
            let found = terms.iter().filter(|term| text.binary_search(term).is_ok()).count();
            2 * found > terms.len()
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::embed::sparse::SparseEncoder;

    fn encoder(spoken: &[&str]) -> SparseEncoder {
        let id = id(SparseId::OF_DOCUMENT, 10.0);
        SparseEncoder::new(&id, spoken.iter().copied()).unwrap()
    }

    #[test]
    fn a_question_is_asked_in_its_language_and_names_in_all() {
        let encoder = encoder(&["english", "german", "italian", "korean"]);
        for (language, stored, asked) in [
            ("english", "two operators restored the backups", "How is a backup restored?"),
            ("english", "two operators restored the backups", "backup operator"),
            ("german", "die Sicherungen werden aufbewahrt", "Wo steht die Sicherung?"),
            ("german", "die Sicherungen werden aufbewahrt", "Sicherung"),
            ("italian", "le copie sono conservate", "dove si conserva la copia?"),
            ("korean", "operators of backups", "the operators"),
        ] {
            let asked = encoder.query(asked).indices;
            let stored = encoder.document(stored, Some(language)).indices;
            assert!(stored.iter().any(|term| asked.contains(term)), "{language}: {asked:?}");
        }
    }

    #[test]
    fn stop_words_are_those_of_the_most_likely_language() {
        let encoder = encoder(&["chinese", "english", "german", "japanese"]);
        for (question, left_out, kept) in [
            ("when did the man die", "the", "die"),
            ("wann wird die Anlage geprüft", "die", "Anlage"),
            ("Anlage die", "die", "Anlage"),
            ("Anlage restore", "", "restore"),
            ("東京はどこですか", "は", "東京"),
        ] {
            let asked = encoder.question(question);
            assert!(asked.terms(left_out).is_empty(), "{question}: {left_out}");
            assert!(!asked.terms(kept).is_empty(), "{question}: {kept}");
            assert_eq!(encoder.query(question).indices, asked.terms(question));
        }
    }

    #[test]
    fn a_document_without_a_language_has_the_terms_of_the_default_one() {
        let (auto, english) = (encoder(&[]), id(LANGUAGE, 10.0));
        let english = SparseEncoder::new(&english, []).unwrap();
        let text = "The operators restored the backups.";
        let terms = english.document(text, None);
        assert_eq!(auto.document(text, None), terms);
        assert_eq!(auto.document(text, Some("english")), terms);
        assert_ne!(auto.document(text, Some("german")), terms);
        // The configured language is used, whatever language a document is in.
        assert_eq!(english.document(text, Some("german")), terms);
        assert_eq!(auto.query(text), english.query(text));
    }

    #[test]
    fn words_of_languages_without_a_stemmer_stay_unchanged() {
        let encoder = encoder(&["polish", "vietnamese"]);
        let stored = encoder.document("the operators", Some("polish"));
        assert_eq!(stored, encoder.document("the operators", Some("vietnamese")));
        assert_eq!(stored.indices.len(), 2);
        assert_eq!(encoder.query("the operators").indices, stored.indices);
    }
}
