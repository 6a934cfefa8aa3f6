//! Questions that the passages do not answer.

use super::*;

#[test]
fn what_no_sentence_has_is_not_answered_by_a_common_word() {
    let book = [
        passage(
            1,
            "types.md",
            "Types begin with a capital letter. Each value has one owner at a time.",
        ),
        passage(
            2,
            "test.md",
            "A test has a number of advantages. Delete the file of the account you made.",
        ),
    ];
    for question in [
        "what is the capital of France",
        "advantages of baculoviruses",
        "how to delete the Samsung account of a television",
        "how many people live in the capital",
    ] {
        assert_eq!(answer(question, &book), "", "{question}");
    }
    assert_eq!(
        answer("How many owners has each value?", &book),
        "Each value has one owner at a time [1]."
    );
}

/// The sentences name what is asked about, but say something else about it.
#[test]
fn what_is_only_named_is_not_an_answer() {
    let told = [
        passage(
            1,
            "a.md",
            "In 1919 the Yellow Crane of Bergen was painted. Ada Holm looks after it.",
        ),
        passage(2, "b.md", "Ada Holm founded the Harbour Museum with 30 friends in 1931."),
    ];
    for question in [
        "Who owns the Yellow Crane of Bergen?",
        "Who is the author of the Yellow Crane of Bergen?",
        "What is the price of the Yellow Crane?",
        "How much does the Harbour Museum cost?",
        "When was the Harbour Museum sold?",
        "Wer ist der Eigentümer von Ada Holm?",
    ] {
        assert_eq!(answer(question, &told), "", "{question}");
    }
    assert_eq!(
        answer("Who founded the Harbour Museum?", &told),
        "Ada Holm founded the Harbour Museum with 30 friends in 1931 [2]."
    );
    assert_eq!(
        answer("When was the Yellow Crane painted?", &told),
        "In 1919 the Yellow Crane of Bergen was painted [1]."
    );
}

#[test]
fn a_title_and_a_remainder_are_not_answers() {
    let storm = [
        passage(
            1,
            "drain.txt",
            "Storm drain\n\nA storm drain leads the rain of a street into a river.",
        ),
        passage(2, "now.txt", "Now it is in the museum of Bergen."),
    ];
    assert_eq!(
        answer("What is a storm drain?", &storm),
        "A storm drain leads the rain of a street into a river [1]."
    );
    assert_eq!(answer("Who sold the yellow harbour crane, and where is it now?", &storm), "");
}

#[test]
fn a_small_share_of_the_question_is_not_an_answer() {
    assert_eq!(answer("Does the ledger have a mobile app for Android phones?", &handbook()), "");
}

/// The sentences say something else, in the same words.
#[test]
fn another_year_and_a_missing_denial_are_not_answers() {
    let told = [passage(
        1,
        "a.md",
        "In 1919 the Yellow Crane of Bergen was painted. Hidden files of the archive are skipped. Ada Holm \
         joined the crew of the crane.",
    )];
    for question in [
        "What was painted in Bergen in 1920?",
        "What was painted in Bergen in the 1920s?",
        "Who did not join the crew of the crane?",
        "Who never joined the crew of the crane?",
    ] {
        assert_eq!(answer(question, &told), "", "{question}");
    }
    let painted = "In 1919 the Yellow Crane of Bergen was painted [1].";
    for question in [
        "What was painted in Bergen in 1919?",
        "What was painted in Bergen in the 1910s?",
        "What was painted in Bergen after 1918?",
    ] {
        assert_eq!(answer(question, &told), painted, "{question}");
    }
    assert_eq!(
        answer("Which files of the archive are not read?", &told),
        "Hidden files of the archive are skipped [1]."
    );
}

/// Vectors from a table that knows two subjects.
fn meaning(text: &str) -> Option<Vec<f32>> {
    let about = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let subject = (about(&["ferry", "boat"]), about(&["crane"]));
    match subject {
        (true, false) => Some(vec![1.0, 0.0]),
        (false, true) => Some(vec![0.0, 1.0]),
        _ => None,
    }
}

#[test]
fn what_means_something_else_needs_more_of_the_question() {
    let answer = |question: &str, text: &str| {
        let passages = [passage(1, "a.md", text)];
        Extractive::new(terms, meaning).answer(question, &passages).unwrap_or_default()
    };
    let question = "Where is the ferry to Bergen painted in spring?";
    let (boat, crane, neither) = (
        "Painted in Bergen: the boat of Ada Holm.",
        "Painted in Bergen: the crane of Ada Holm.",
        "Painted in Bergen: the house of Ada Holm.",
    );
    let quoted = |text: &str| text.replace(" of Ada Holm.", " of Ada Holm [1].");
    assert_eq!(answer(question, boat), quoted(boat));
    assert_eq!(answer(question, neither), quoted(neither));
    assert_eq!(answer(question, crane), "");
    // Under a heading with the same meaning, the sentence is similar, too.
    let under = "# Of the boat\n\nPainted in Bergen: the house of Ada Holm.";
    assert_eq!(answer(question, under), quoted(neither));
    // The table is English.
    let german = "Wo wird der crane in Bergen im Frühling painted?";
    assert_eq!(answer(german, boat), quoted(boat));
}
