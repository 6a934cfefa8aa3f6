#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

fn ids(text: &str) -> Vec<u32> {
    let mut ids = Vec::new();
    WordPiece::new().tokenize(text, |id| ids.push(id));
    ids
}

/// Expected ids are the reference implementation's.
#[test]
fn agrees_with_the_reference() {
    let table: &[(&str, &[u32])] = &[
        ("Reconfigure the Pipeline!", &[27199, 776, 7410, 25922, 600, 533, 11654, 2]),
        ("na\u{ef}ve CAF\u{c9} \u{c5}ngstr\u{f6}m", &[14280, 6205, 15612, 14224]),
        ("e\u{301}\u{327} \u{e9}", &[44, 44]),
        ("a\u{0}b\u{fffd}c", &[4462]),
        ("a\u{b}b\u{c}c\u{1c}d\u{85}e\u{7f}f", &[4462, 1744, 1083]),
        ("a\u{a0}b\u{2028}c\u{3000}d", &[40, 41, 42, 43]),
        ("zero\u{200b}width\u{ad}hyphen\u{feff}", &[4254, 7685, 10464, 22178, 21107, 8759]),
        ("\u{6771}\u{4eac} is\u{4eac}\u{90fd}", &[497, 451, 540, 451, 514]),
        ("\u{f900}x\u{2f800}", &[1, 63, 1]),
        ("\u{130}stanbul DIYARBAKIR \u{131}", &[8497, 3024, 11917, 2213, 22164, 107]),
        (
            "Stra\u{df}e \u{1e9e} \u{3a3}\u{38a}\u{3a3}\u{3a5}\u{3a6}\u{39f}\u{3a3}",
            &[895, 26339, 99, 163, 16735, 28251, 28253, 28254, 28248, 28251],
        ),
        ("don't $5 <b>^`|~ a_b", &[660, 8, 59, 5, 22, 29, 41, 31, 37, 39, 67, 69, 40, 38, 41]),
        ("\u{201c}quoted\u{201d}\u{2014}dash\u{2026}", &[291, 7876, 292, 285, 9991, 297]),
        ("a\u{37e}b\u{387}c\u{1fef}d", &[40, 28, 41, 90, 42, 39, 43]),
        (
            "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{200d}\u{1f466} ok \u{1f44d}\u{1f3fd}",
            &[1, 6466, 1],
        ),
        (
            "\u{5e9}\u{5b8}\u{5dc}\u{5d5}\u{5b9}\u{5dd} \u{627}\u{644}\u{639}\u{64e}\u{631}\u{64e}\u{628}\u{650}\u{64a}\u{64e}\u{651}\u{629}",
            &[1, 206, 22207, 28313, 15685, 28301, 13035, 17969],
        ),
        (
            "\u{939}\u{93f}\u{928}\u{94d}\u{926}\u{940}\u{d55c}\u{ad6d}\u{c5b4} \u{e44}\u{e17}\u{e22}",
            &[
                239, 28340, 28329, 28327, 28341, 28380, 28381, 28396, 28367, 28389, 28395, 28374,
                28383, 1,
            ],
        ),
        (
            "[UNK] [PAD]x [UNK [unk] [[PAD]]",
            &[1, 0, 63, 34, 3432, 780, 34, 3432, 780, 36, 34, 0, 36],
        ),
        ("[PAD\u{301}]", &[34, 10224, 36]),
        ("##ing", &[4, 4, 12286]),
        ("x\u{302e}y \u{1d165}", &[1, 1]),
        ("\u{bd} \u{b2} \u{fb01} \u{2167} \u{2121}", &[95, 85, 521, 1, 1]),
        ("tank\u{44d}", &[3488, 28274]),
        ("qzxjvkq", &[56, 1017, 1132, 2038, 1152, 780, 2697]),
    ];
    for &(text, expected) in table {
        assert_eq!(ids(text), expected, "{text:?}");
    }
}

#[test]
fn words_over_a_hundred_characters_are_unknown() {
    for letter in ["a", "e\u{301}", "\u{e9}"] {
        assert!(ids(&letter.repeat(100)).len() > 1, "{letter}");
        assert_eq!(ids(&letter.repeat(101)), [UNKNOWN], "{letter}");
    }
}

#[test]
fn tokens_end_where_their_text_ends() {
    let table: &[(&str, &[usize])] = &[
        ("", &[]),
        ("the tank, the", &[3, 8, 9, 13]),
        (" reconfigure ", &[4, 6, 8, 11, 12]),
        ("a\u{301}\u{200b}b \u{597d}\u{597d}", &[7, 11, 14]),
        ("x[UNK]y", &[1, 6, 7]),
        ("caf\u{e9}", &[5]),
    ];
    for &(text, expected) in table {
        assert_eq!(WordPiece::new().boundaries(text), expected, "{text:?}");
    }
}

proptest! {
    #[test]
    fn boundaries_are_ascending_characters_of_the_text(text in "(\\PC|[a-zA-Z. \u{301}\u{0}]{0,9}){0,30}") {
        let tokenizer = WordPiece::new();
        let ends = tokenizer.boundaries(&text);
        prop_assert_eq!(ends.len(), tokenizer.count(&text));
        prop_assert!(ends.is_sorted());
        prop_assert!(ends.iter().all(|&end| end > 0 && text.is_char_boundary(end)));
    }

    #[test]
    fn cutting_between_words_splits_the_tokens(left in "\\PC{0,40}", right in "\\PC{0,40}") {
        let tokenizer = WordPiece::new();
        let whole = format!("{left} {right}");
        let ends = tokenizer.boundaries(&whole);
        let before = ends.partition_point(|&end| end <= left.len());
        prop_assert_eq!(before, tokenizer.count(&left));
        prop_assert_eq!(ends.len() - before, tokenizer.count(&right));
    }
}
