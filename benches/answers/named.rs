//! Questions about things that the documents name, but do not answer: "who owns Harvard Stadium", of
//! which they only say where it is.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::Question;

/// A question in English, and the words of a document that may answer it.
const ASKED: [(&str, &[&str]); 16] = [
    ("who is the author of {}", &["author", "wrote", "writ"]),
    ("who invented {}", &["invent"]),
    ("who owns {}", &["own"]),
    ("who is the CEO of {}", &["ceo", "chief executive", "head"]),
    ("who founded {}", &["found", "establish", "creat", "start"]),
    ("who maintains {}", &["maintain"]),
    ("who designed {}", &["design", "architect"]),
    ("who sponsors {}", &["sponsor", "fund"]),
    ("when was {} sold", &["sold", "sell", "sale", "acqui", "bought"]),
    ("when was {} renovated", &["renovat", "restor", "rebuil"]),
    ("what is the release date of {}", &["releas", "date"]),
    ("where is the headquarters of {}", &["headquarter", "based", "located"]),
    ("what is the price of {}", &["price", "cost", "$", "pay", "£", "€"]),
    ("how much does {} cost", &["cost", "price", "$", "£", "€"]),
    ("how many employees does {} have", &["employ", "staff", "work"]),
    ("what is the phone number of {}", &["phone"]),
];
/// Most questions to ask.
const MOST: usize = 150;

/// Asks one of the questions, in turn, about each name in the documents of a collection, unless a
/// document with the name may answer it.
pub(crate) fn named(dir: &Path) -> Result<Vec<Question>, String> {
    let docs = dir.join("docs");
    let failed = |error: std::io::Error| format!("{}: {error}", docs.display());
    let mut documents = Vec::new();
    for entry in fs::read_dir(&docs).map_err(failed)? {
        documents.push(fs::read_to_string(entry.map_err(failed)?.path()).map_err(failed)?);
    }
    let names: BTreeSet<String> = documents.iter().flat_map(|text| names(text)).collect();
    let lower: Vec<String> = documents.iter().map(|text| text.to_lowercase()).collect();
    let step = names.len().div_ceil(MOST).max(1);
    let mut questions = Vec::new();
    for (at, name) in names.iter().step_by(step).enumerate() {
        let (form, answers) = ASKED[at % ASKED.len()];
        let core = name.to_lowercase();
        let mut about = lower.iter().filter(|text| text.contains(&core));
        if about.any(|text| answers.iter().any(|answer| text.contains(answer))) {
            continue;
        }
        let text = form.replace("{}", name);
        questions.push(Question { text, source: String::new(), facts: Vec::new(), tag: "named" });
    }
    Ok(questions)
}

/// Two or three words in upper case that follow one in lower case.
fn names(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_name = |word: &str| {
        word.chars().count() > 1
            && word.starts_with(char::is_uppercase)
            && word.chars().skip(1).all(char::is_lowercase)
    };
    let mut names = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let run = words[at + 1..].iter().take(3).take_while(|word| is_name(word)).count();
        if word.starts_with(char::is_lowercase) && run >= 2 {
            names.push(words[at + 1..=at + run].join(" "));
        }
    }
    names
}
