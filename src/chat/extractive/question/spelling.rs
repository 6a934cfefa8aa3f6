//! British and American spelling: a word in either spelling finds the other.

use std::borrow::Cow;

/// Endings of words in both spellings, longer ones first. For comparison only: a result that is not a word,
/// such as `corse` for `course`, is not the other spelling of anything either.
const ENDINGS: [(&str, &str); 28] = [
    ("isations", "izations"),
    ("isation", "ization"),
    ("ising", "izing"),
    ("isers", "izers"),
    ("iser", "izer"),
    ("ised", "ized"),
    ("ises", "izes"),
    ("ise", "ize"),
    ("ysing", "yzing"),
    ("ysed", "yzed"),
    ("yses", "yzes"),
    ("yse", "yze"),
    ("encing", "ensing"),
    ("enced", "ensed"),
    ("ences", "enses"),
    ("ence", "ense"),
    ("ogues", "ogs"),
    ("ogue", "og"),
    ("tres", "ters"),
    ("tred", "tered"),
    ("tre", "ter"),
    ("bres", "bers"),
    ("bre", "ber"),
    ("lling", "ling"),
    ("lled", "led"),
    ("llers", "lers"),
    ("ller", "ler"),
    ("mme", "m"),
];
/// Shortest word whose ending is replaced: `rise` keeps its own, and `filling` does not become `filing`.
const SHORTEST: usize = 5;
const SHORTEST_DOUBLE: usize = 8;

/// Words that follow none of the rules.
const WORDS: [(&str, &str); 10] = [
    ("grey", "gray"),
    ("aluminium", "aluminum"),
    ("judgement", "judgment"),
    ("ageing", "aging"),
    ("artefact", "artifact"),
    ("artefacts", "artifacts"),
    ("fulfil", "fulfill"),
    ("enrol", "enroll"),
    ("mould", "mold"),
    ("plough", "plow"),
];

/// A word in one spelling for both.
pub(super) fn spelled(word: &str) -> Cow<'_, str> {
    if !word.is_ascii() {
        return Cow::Borrowed(word);
    }
    if let Some((_, other)) = WORDS.iter().find(|(it, _)| *it == word) {
        return Cow::Borrowed(other);
    }
    if word.len() < SHORTEST {
        return Cow::Borrowed(word);
    }
    let ending = ENDINGS.iter().find(|(ending, _)| {
        let shortest = if ending.starts_with("ll") { SHORTEST_DOUBLE } else { SHORTEST };
        word.len() >= shortest && word.ends_with(ending)
    });
    let word = match ending {
        Some((ending, other)) => Cow::Owned(word[..word.len() - ending.len()].to_owned() + other),
        None => Cow::Borrowed(word),
    };
    if word.contains("our") { Cow::Owned(word.replace("our", "or")) } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_one() {
        for (british, american) in [
            ("licence", "license"),
            ("licences", "licenses"),
            ("licenced", "licensed"),
            ("defence", "defense"),
            ("colour", "color"),
            ("colours", "colors"),
            ("coloured", "colored"),
            ("behaviour", "behavior"),
            ("neighbourhood", "neighborhood"),
            ("organise", "organize"),
            ("organisation", "organization"),
            ("analysed", "analyzed"),
            ("catalogue", "catalog"),
            ("centre", "center"),
            ("fibre", "fiber"),
            ("cancelled", "canceled"),
            ("modelling", "modeling"),
            ("programme", "program"),
            ("grey", "gray"),
        ] {
            assert_eq!(spelled(british), spelled(american), "{british}");
        }
        for (one, other) in
            [("four", "for"), ("wise", "wize"), ("filling", "filing"), ("tour", "tor")]
        {
            assert_ne!(spelled(one), spelled(other), "{one}");
        }
    }
}
