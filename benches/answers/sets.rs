//! Sets of questions, as their authors published them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{Document, Question, Set};

/// `SQuAD` (Rajpurkar et al., 2016; 2018) and sets in its format. Every second article, from `half` on,
/// is in the collection, with a document for each paragraph; questions about the others are off topic.
pub(crate) fn squad(file: &Path, half: usize) -> Result<Set, String> {
    let content = read(file)?;
    let all: Value = serde_json::from_str(&content).map_err(|error| failed(file, &error))?;
    let mut set = Set::default();
    for (at, article) in items(&all["data"]).iter().enumerate() {
        let is_in = at % 2 == half;
        for (number, paragraph) in items(&article["paragraphs"]).iter().enumerate() {
            let name = format!("{at:04}-{number:03}.txt");
            for asked in items(&paragraph["qas"]) {
                let facts: Vec<String> = match items(&asked["answers"]) {
                    [answer, ..] if is_in => vec![text(&answer["text"]).trim().to_owned()],
                    _ => Vec::new(),
                };
                let impossible = asked["is_impossible"] == true || (is_in && facts.is_empty());
                set.questions.push(Question {
                    text: text(&asked["question"]).trim().to_owned(),
                    source: name.clone(),
                    tag: match (is_in, impossible) {
                        (true, false) => "answerable",
                        (true, true) => "impossible",
                        (false, _) => "off-topic",
                    },
                    facts: if impossible { Vec::new() } else { facts },
                });
            }
            if is_in {
                set.documents.push(Document { name, text: text(&paragraph["context"]).to_owned() });
            }
        }
    }
    Ok(set)
}

/// `ClapNQ` (Rosenthal et al., 2024): `FILE` is one of the two of `annotated_data/dev`; the other, with
/// `answerable` for `unanswerable` in its name, lies beside it. All passages are in the collection.
pub(crate) fn clapnq(file: &Path) -> Result<Set, String> {
    let mut set = Set::default();
    let name = file.to_string_lossy().replace("unanswerable", "answerable");
    for (path, is_answered) in
        [(name.clone(), true), (name.replace("answerable", "unanswerable"), false)]
    {
        let path = Path::new(&path);
        for (at, line) in read(path)?.lines().enumerate() {
            let row: Value = serde_json::from_str(line).map_err(|error| failed(path, &error))?;
            let passage = &row["passages"][0];
            let tag = if is_answered { "answerable" } else { "impossible" };
            let name = format!("{tag}-{at:04}.txt");
            let selected = items(&row["output"][0]["selected_sentences"]);
            let facts: Vec<String> =
                selected.iter().take(1).map(|it| text(it).to_owned()).collect();
            if is_answered == facts.is_empty() {
                continue;
            }
            let text_of = format!("{}\n\n{}\n", text(&passage["title"]), text(&passage["text"]));
            set.documents.push(Document { name: name.clone(), text: text_of });
            let question = text(&row["input"]).to_owned();
            set.questions.push(Question { text: question, source: name, facts, tag });
        }
    }
    Ok(set)
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
