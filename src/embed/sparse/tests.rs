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

fn encoder(id: &SparseId) -> SparseEncoder {
    SparseEncoder::new(id, []).unwrap()
}

#[test]
fn weights_are_those_of_the_engine() {
    for (k, b, avg_len) in [(1.2, 0.75, 256.0), (1.2, 0.75, 7.5), (0.9, 1.0, 3.0), (2.0, 0.0, 1.0)]
    {
        let id = SparseId { k, b, ..super::id(LANGUAGE, avg_len) };
        let encoder = encoder(&id);
        let theirs = engine(LANGUAGE, k, b, avg_len).unwrap();
        for text in TEXTS.into_iter().map(str::to_owned).chain([TEXTS.join(" ").repeat(300)]) {
            let read = encoder.counters.of(None).read(&text);
            let theirs = theirs.embed_document(&with_identifiers(&read));
            let ours = encoder.document(&text, None);
            assert_eq!(ours.indices, theirs.indices);
            for (ours, theirs) in ours.values.iter().zip(&theirs.values) {
                assert!((ours - theirs).abs() <= f32::EPSILON * theirs, "{ours} {theirs}");
            }
        }
    }
}

proptest! {
    /// Counting compound by compound gives the same result as counting the whole, also from memory.
    #[test]
    fn terms_are_those_of_the_whole_text(
        text in "(\\PC|[a-zA-Z0-9]{1,4}|[-_./:#@' \n]|the |tanks |naïve|東|京|ー){0,40}",
        language in prop::sample::select(vec!["english", "german", "russian", "chinese"]),
    ) {
        let counter = TermCounter::new(language).unwrap();
        let whole = counter.engine.embed_document(&with_identifiers(&counter.read(&text)));
        let whole: HashMap<u32, f64> =
            whole.indices.into_iter().zip(whole.values.iter().map(|w| f64::from(w.round()))).collect();
        let query = counter.engine.embed_query(&with_identifiers(&counter.read(&text)));
        let query = query.indices.into_iter().collect::<BTreeSet<_>>();
        let asked = encoder(&super::id(language, 5.0)).query(&text).indices;
        prop_assert_eq!(asked, query.into_iter().collect::<Vec<_>>());
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
    let encoder = encoder(&default_id(5.0));
    let query = encoder.query("restored backup, restoring backups");
    assert_eq!(query.values, [1.0, 1.0]);
    assert_eq!(query.indices, encoder.document("backups are restored", None).indices);
}

#[test]
fn a_passage_has_the_name_of_its_document_without_being_longer() {
    let id = default_id(5.0);
    let sparse = encoder(&id);
    let name = sparse.name("contracts/acme/nda.txt", None);
    let [acme, nda] = ["acme", "nda"].map(|word| sparse.query(word).indices[0]);
    let weight = |vector: &SparseVector, term| {
        let at = vector.indices.iter().position(|&index| index == term);
        at.map(|at| vector.values[at])
    };
    let (bare, named) = (
        sparse.document("Nobody may assign.", None),
        sparse.passage("Nobody may assign.", None, &name),
    );
    assert!(named.indices.is_sorted_by(|a, b| a < b));
    assert!(bare.indices.iter().all(|&term| weight(&bare, term) == weight(&named, term)));
    assert!(weight(&named, nda) > weight(&named, acme), "a directory counts less");
    // A passage that repeats the name gains less than the name itself gives.
    let header = sparse.passage("NDA.", None, &name);
    let gain = weight(&header, nda).unwrap() - weight(&named, nda).unwrap();
    assert!(gain > 0.0 && gain < weight(&named, nda).unwrap(), "{gain}");
    let before = encoder(&SparseId { revision: 2, ..id });
    assert!(before.name("contracts/acme/nda.txt", None).is_empty());
    assert!(sparse.name("31715818", None).is_empty());
}

#[test]
fn words_of_other_languages_are_stemmed_without_stop_words() {
    for (language, stored, asked) in [
        ("german", "Die Sicherungen werden aufbewahrt", "Sicherung"),
        ("french", "Les sauvegardes sont conservées", "sauvegarde"),
        ("spanish", "Las copias se guardan", "copia"),
        ("russian", "Резервные копии хранятся", "копия"),
        ("greek", "Τα αντίγραφα από την αποθήκη και μετά", "ΑΠΟΘΗΚΗ"),
        ("arabic", "إلى المُستودع على", "المستودع"),
    ] {
        let encoder = encoder(&super::id(language, 5.0));
        let (stored, asked) =
            (encoder.document(stored, None).indices, encoder.query(asked).indices);
        assert!(asked.iter().all(|term| stored.contains(term)), "{language}");
        assert!(stored.len() <= 3, "{language}: {stored:?}");
    }
}

#[test]
fn every_configurable_language_is_supported() {
    for language in SparseId::LANGUAGES {
        assert!(TermCounter::new(language).is_ok(), "{language}");
    }
}

#[test]
fn identifiers_are_found_by_their_parts_and_as_a_whole() {
    let encoder = encoder(&default_id(5.0));
    let text = "fn parseHttpHeader(retry_after: u8) {} // LGR-4012, see src/api/errors.rs v1.18.3";
    let stored = encoder.document(text, None).indices;
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
    let encoder = encoder(&default_id(5.0));
    let stored = encoder.document("备份保留四百天，由两名操作员恢复。", None).indices;
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
    let before = encoder(&SparseId { revision: 1, ..id.clone() });
    let encoder = encoder(&id);
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
            let stored = encoder.document(stored, None).indices;
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
        assert!(SparseEncoder::new(&id, []).is_err(), "{id:?}");
    }
    assert!(SparseEncoder::new(&good, []).is_ok());
}

#[test]
fn the_mean_is_never_zero() {
    for (terms, chunks, mean) in [(0, 0, DEFAULT_MEAN), (0, 2, DEFAULT_MEAN), (12, 2, 6.0)] {
        assert!((mean_terms(terms, chunks) - mean).abs() < 1e-9, "{terms} {chunks}");
    }
}
