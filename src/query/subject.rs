//! What a question is about, without the words that say how it is to be answered: documents also contain
//! "list", "explain" and "give me", where they mean something else.

/// Instructions that a question may begin with, each word in lower case. What follows is the subject.
const OPENINGS: &[&str] = &[
    "please",
    "kindly",
    "can you",
    "could you",
    "would you",
    "will you",
    "i want you to",
    "i want to know",
    "i would like to know",
    "i'd like to know",
    "i need to know",
    "let me know",
    "help me understand",
    "help me to understand",
    "give me",
    "tell me",
    "show me",
    "explain to me",
    "describe to me",
    "write me",
    "explain me",
    // Other languages, which name the person addressed.
    "gib mir",
    "sag mir",
    "sage mir",
    "zeig mir",
    "zeige mir",
    "nenne mir",
    "erkläre mir",
    "erklär mir",
    "beschreibe mir",
    "donne-moi",
    "donnez-moi",
    "dis-moi",
    "dites-moi",
    "montre-moi",
    "explique-moi",
    "expliquez-moi",
    "dime",
    "dame",
    "explícame",
    "muéstrame",
    "dimmi",
    "dammi",
    "spiegami",
    "mostrami",
];

/// Verbs that are instructions only before one of [`FOLLOWING`]; otherwise the question may be about them
/// ("list comprehension", "explain plan").
const VERBS: &[&str] = &[
    "list",
    "explain",
    "describe",
    "summarize",
    "summarise",
    "outline",
    "discuss",
    "define",
    "name",
    "enumerate",
    "elaborate on",
    "erkläre",
    "beschreibe",
    "nenne",
    "explique",
    "décris",
    "explica",
    "spiega",
    "descrivi",
];

const FOLLOWING: &[&str] = &[
    "how", "what", "why", "when", "where", "which", "who", "whether", "the", "a", "an", "all",
    "every", "some", "any", "each", "briefly", "me", "in", "wie", "was", "warum", "wann", "wo",
    "welche", "die", "der", "das", "alle", "comment", "pourquoi", "le", "la", "les", "cómo", "qué",
    "por", "el", "los", "las", "come", "che", "perché", "il", "lo", "gli",
];

/// Phrases that may come between an instruction and the subject.
const FORMS: &[&str] = &[
    "a list of",
    "the list of",
    "a full list of",
    "a complete list of",
    "an overview of",
    "a summary of",
    "a short summary of",
    "a brief summary of",
    "an explanation of",
    "a description of",
    "some examples of",
    "examples of",
    "an example of",
    "the following",
    "in detail",
    "briefly",
    "more about",
    "about",
    "eine liste der",
    "eine liste von",
    "une liste des",
    "una lista de",
];

/// Instructions that a question may end with.
const ENDINGS: &[&str] = &[
    "please",
    "in detail",
    "briefly",
    "in one sentence",
    "in a few words",
    "in a few sentences",
    "in simple terms",
    "in simple words",
    "as a list",
    "in bullet points",
    "as bullet points",
];

/// The part of a question that says what it is about: the whole question if it has no instruction, or
/// nothing else.
pub fn subject(question: &str) -> &str {
    let mut rest = question.trim();
    let mut instructed = false;
    while let Some(next) =
        opening(rest).or_else(|| instructed.then(|| after_any(rest, FORMS)).flatten())
    {
        (rest, instructed) = (next, true);
    }
    while let Some(shorter) = before_ending(rest) {
        rest = shorter;
    }
    if rest.contains(char::is_alphanumeric) { rest } else { question }
}

fn opening(text: &str) -> Option<&str> {
    let verb = || {
        let rest = after_any(text, VERBS)?;
        let follows = FOLLOWING.iter().any(|word| after(rest, word).is_some());
        follows.then_some(rest)
    };
    after_any(text, OPENINGS).or_else(verb)
}

fn after_any<'a>(text: &'a str, phrases: &[&str]) -> Option<&'a str> {
    phrases.iter().find_map(|phrase| after(text, phrase))
}

/// What comes after a phrase, in whole words, that the text begins with.
fn after<'a>(text: &'a str, phrase: &str) -> Option<&'a str> {
    let mut rest = text;
    for word in phrase.split(' ') {
        let end =
            rest.find(|c: char| c.is_whitespace() || ",:;.!?".contains(c)).unwrap_or(rest.len());
        if rest[..end].to_lowercase() != word {
            return None;
        }
        rest = rest[end..].trim_start_matches(|c: char| c.is_whitespace() || ",:;".contains(c));
    }
    Some(rest)
}

fn before_ending(text: &str) -> Option<&str> {
    let bare = text.trim_end_matches(|c: char| c.is_whitespace() || ",:;.!?".contains(c));
    ENDINGS.iter().find_map(|ending| {
        let at = bare.len().checked_sub(ending.len())?;
        let is_word = bare.get(..at)?.ends_with([' ', ',']);
        (is_word && bare.get(at..)?.eq_ignore_ascii_case(ending))
            .then(|| bare[..at].trim_end_matches([' ', ',']))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn instructions_are_not_what_a_question_is_about() {
        for (question, about) in [
            ("How long are backups kept?", "How long are backups kept?"),
            ("List all ports of the ledger", "all ports of the ledger"),
            ("Explain how backups are restored", "how backups are restored"),
            ("Please give me a list of the error codes.", "the error codes."),
            ("Can you tell me about retention, please?", "retention"),
            ("give me the ferry's timetable", "the ferry's timetable"),
            ("Describe the restore policy in detail", "the restore policy"),
            ("Explain the following in detail: clock skew", "clock skew"),
            ("Tell me what LGR-4012 means", "what LGR-4012 means"),
            ("Erkläre mir, wie Sicherungen entstehen", "wie Sicherungen entstehen"),
            ("Donne-moi les tarifs", "les tarifs"),
            // These questions are about lists, plans and names.
            ("list comprehension", "list comprehension"),
            ("explain plan output", "explain plan output"),
            ("name resolution", "name resolution"),
            ("Listing the files", "Listing the files"),
            ("about the company", "about the company"),
            ("How do I list the users?", "How do I list the users?"),
            // Nothing but the instruction is said.
            ("Please explain the", "the"),
            ("please", "please"),
            ("Give me", "Give me"),
            ("", ""),
        ] {
            assert_eq!(subject(question), about, "{question}");
        }
    }

    proptest! {
        #[test]
        fn the_subject_is_a_part_of_the_question(question in "(\\PC|please |list |the |give me ){0,12}") {
            let about = subject(&question);
            prop_assert!(question.contains(about));
            prop_assert_eq!(
                about.contains(char::is_alphanumeric), question.contains(char::is_alphanumeric)
            );
        }
    }
}
