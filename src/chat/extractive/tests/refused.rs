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

/// They name what is asked about, and say something else of it.
#[test]
fn what_is_only_named_is_no_answer() {
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
fn a_title_and_a_remainder_are_no_answers() {
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
fn a_small_share_of_the_question_is_no_answer() {
    assert_eq!(answer("Does the ledger have a mobile app for Android phones?", &handbook()), "");
}
