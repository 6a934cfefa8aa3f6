//! Answers of models that people have labelled, as their authors published them.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::Case;

/// `RAGTruth` (Niu et al., 2024): `dataset/` of github.com/ParticleMedia/RAGTruth. Responses of a split,
/// without refusals and those that are cut off, as its authors' own evaluation takes them.
pub(crate) fn ragtruth(dir: &Path, split: &str) -> Result<Vec<Case>, String> {
    let dir = dir.join("dataset");
    let sources = lines(&dir.join("source_info.jsonl"))?;
    let sources: HashMap<&str, &Value> =
        sources.iter().map(|source| (text(&source["source_id"]), source)).collect();
    let responses = lines(&dir.join("response.jsonl"))?;
    let wanted = |response: &&Value| response["split"] == split && response["quality"] == "good";
    let mut cases = Vec::new();
    for response in responses.iter().filter(wanted) {
        let id = text(&response["source_id"]);
        let source =
            sources.get(id).ok_or_else(|| format!("source_info.jsonl has no source {id}"))?;
        let info = &source["source_info"];
        let (question, passages) = match text(&source["task_type"]) {
            "QA" => (text(&info["question"]), passages(text(&info["passages"]))),
            "Summary" => ("", vec![text(info).to_owned()]),
            _ => ("", vec![fields(info)]),
        };
        cases.push(Case {
            group: text(&source["task_type"]).to_owned(),
            question: question.to_owned(),
            passages,
            answer: text(&response["response"]).to_owned(),
            unfaithful: response["labels"].as_array().is_some_and(|labels| !labels.is_empty()),
        });
    }
    Ok(cases)
}

/// `QAGS` (Wang et al., 2020): `data/` of github.com/W4ngatang/qags. A summary is unfaithful if most of
/// three readers said that the article does not support one of its sentences.
pub(crate) fn qags(dir: &Path) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for name in ["cnndm", "xsum"] {
        for row in lines(&dir.join("data").join(format!("mturk_{name}.jsonl")))? {
            let sentences = row["summary_sentences"].as_array().cloned().unwrap_or_default();
            let denied = |sentence: &Value| {
                let said = sentence["responses"].as_array().map_or(&[][..], Vec::as_slice);
                said.iter().filter(|said| said["response"] == "no").count() * 2 > said.len()
            };
            let summary: Vec<&str> = sentences.iter().map(|row| text(&row["sentence"])).collect();
            cases.push(Case {
                group: name.to_owned(),
                question: String::new(),
                passages: vec![text(&row["article"]).to_owned()],
                answer: summary.join(" "),
                unfaithful: sentences.iter().any(denied),
            });
        }
    }
    Ok(cases)
}

/// CLIFF (Cao and Wang, 2021), as `AggreFact` (Tang et al., 2023) has it: `data/error_type_mapping/` of
/// github.com/Liyan06/AggreFact. Summaries of two models; one is unfaithful where a reader marked any part of it.
pub(crate) fn cliff(dir: &Path) -> Result<Vec<Case>, String> {
    let path = dir.join("data/error_type_mapping/CLIFF_error_types.csv");
    let failed = |error: csv::Error| format!("{}: {error}", path.display());
    let mut reader = csv::Reader::from_path(&path).map_err(failed)?;
    let rows = reader.deserialize::<HashMap<String, String>>().map(|row| {
        let mut row = row.map_err(failed)?;
        let mut field = |name: &str| row.remove(name).unwrap_or_default();
        Ok(Case {
            group: field("origin"),
            question: String::new(),
            passages: vec![field("doc")],
            answer: field("summ"),
            unfaithful: field("error_type") != "correct",
        })
    });
    rows.collect()
}

/// `HaluEval` (Li et al., 2023), questions: the pairs of `generation/qa/` of github.com/RUCAIBox/HaluEval, each
/// a right answer by people and a hallucinated one by a model that was asked for it.
pub(crate) fn halueval(dir: &Path) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for name in ["one-turn", "multi-turn"] {
        for row in lines(&dir.join("generation/qa").join(format!("qa_{name}_data.json")))? {
            for (answer, unfaithful) in [("right_answer", false), ("hallucinated_answer", true)] {
                // Both files have the right answers.
                if name == "multi-turn" && !unfaithful {
                    continue;
                }
                cases.push(Case {
                    group: "questions".to_owned(),
                    question: text(&row["question"]).to_owned(),
                    passages: vec![text(&row["knowledge"]).to_owned()],
                    answer: text(&row[answer]).to_owned(),
                    unfaithful,
                });
            }
        }
    }
    Ok(cases)
}

fn lines(path: &Path) -> Result<Vec<Value>, String> {
    let content =
        fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let row = |line: &str| {
        serde_json::from_str(line).map_err(|error| format!("{}: {error}", path.display()))
    };
    content.lines().filter(|line| !line.trim().is_empty()).map(row).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The passages of a prompt, which are in one text: `passage 1:…`, each on lines of its own.
fn passages(all: &str) -> Vec<String> {
    let parts = all.split("\n\n").filter(|part| !part.trim().is_empty());
    let mut found: Vec<String> = Vec::new();
    for part in parts {
        let begun = part.strip_prefix("passage ").and_then(|rest| rest.split_once(':'));
        match begun.filter(|(number, _)| number.parse::<u32>().is_ok()) {
            Some((_, words)) => found.push(words.to_owned()),
            None => match found.last_mut() {
                Some(last) => *last += &format!("\n\n{part}"),
                None => found.push(part.to_owned()),
            },
        }
    }
    found
}

/// Structured data as lines `name: value`, those of an object within indented.
fn fields(value: &Value) -> String {
    fn write(name: &str, value: &Value, depth: usize, lines: &mut String) {
        let indent = "  ".repeat(depth);
        match value {
            Value::Object(fields) => {
                *lines += &format!("{indent}{name}:\n");
                fields.iter().for_each(|(name, value)| write(name, value, depth + 1, lines));
            }
            Value::Array(items) => items.iter().for_each(|item| write(name, item, depth, lines)),
            Value::String(text) => *lines += &format!("{indent}{name}: {text}\n"),
            other => *lines += &format!("{indent}{name}: {other}\n"),
        }
    }
    let mut lines = String::new();
    let Some(fields) = value.as_object() else { return value.to_string() };
    fields.iter().for_each(|(name, value)| write(name, value, 0, &mut lines));
    lines
}
