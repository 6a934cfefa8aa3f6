//! Retrieval collections in the form of BEIR (Thakur et al., 2021): `corpus.jsonl` with the
//! documents, `queries.jsonl` with the questions, `qrels/SPLIT.tsv` with what should be found.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::cases::{self, Case, Expectation, LineError};

/// A document of a corpus.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CorpusDocument {
    pub id: String,
    /// Empty if it has none.
    pub title: String,
    pub text: String,
}

/// Grades by case and then by document.
pub type Qrels = BTreeMap<String, BTreeMap<String, i64>>;

/// Why a collection cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BeirError {
    #[error("{} cannot be read: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error(transparent)]
    Line(#[from] LineError),
    #[error("{} has no qrels/{split}.tsv{}", dir.display(), match there.as_slice() {
        [] => String::new(),
        there => format!("; it has {}", there.join(", ")),
    })]
    NoSplit { dir: PathBuf, split: String, there: Vec<String> },
}

/// The documents, in their order.
pub fn corpus(dir: &Path) -> Result<Vec<CorpusDocument>, BeirError> {
    let (text, file) = read(&dir.join("corpus.jsonl"))?;
    let mut ids = HashSet::new();
    let document = |line: &str| {
        let object = cases::object(line)?;
        let id = cases::id(&object, "_id")?.ok_or("`_id` is missing")?;
        if !ids.insert(id.clone()) {
            return Err(format!("the id `{id}` is already used by an earlier document"));
        }
        let text = |name| object.get(name).and_then(|value| value.as_str()).unwrap_or_default();
        Ok(CorpusDocument {
            id,
            title: text("title").trim().to_owned(),
            text: text("text").to_owned(),
        })
    };
    Ok(each(&text, &file, document)?)
}

/// The questions of a split that have something to be found, in the order of their ids.
pub fn cases(dir: &Path, split: &str) -> Result<Vec<Case>, BeirError> {
    let (text, file) = read(&dir.join("queries.jsonl"))?;
    let query = |line: &str| {
        let object = cases::object(line)?;
        let id = cases::id(&object, "_id")?.ok_or("`_id` is missing")?;
        let text = object.get("text").and_then(|text| text.as_str()).ok_or("`text` is missing")?;
        Ok((id, text.trim().to_owned()))
    };
    let questions: HashMap<String, String> = each(&text, &file, query)?.into_iter().collect();
    let (text, file) = read(&split_file(dir, split)?)?;
    let judged = cases_of(&qrels(&text, &file)?);
    let asked = |case: Case| {
        let question = questions.get(&case.id).cloned();
        question.filter(|question| !question.is_empty()).map(|question| Case { question, ..case })
    };
    Ok(judged.into_iter().filter_map(asked).collect())
}

fn split_file(dir: &Path, split: &str) -> Result<PathBuf, BeirError> {
    let path = dir.join("qrels").join(format!("{split}.tsv"));
    if path.is_file() {
        return Ok(path);
    }
    let entries = fs::read_dir(dir.join("qrels")).into_iter().flatten().flatten();
    let name = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
    let mut there: Vec<String> = entries.filter_map(|entry| name(entry.path())).collect();
    there.sort();
    Err(BeirError::NoSplit { dir: dir.to_owned(), split: split.to_owned(), there })
}

/// Cases from judgements alone, without a question. Documents with a grade of 0 or less should not be
/// found; a case with no others is left out.
pub fn cases_of(qrels: &Qrels) -> Vec<Case> {
    let case = |(id, grades): (&String, &BTreeMap<String, i64>)| {
        let relevant = grades.iter().filter(|(_, grade)| **grade > 0);
        let expected: Vec<Expectation> = relevant
            .map(|(document, grade)| {
                Expectation::document(document.clone(), u32::try_from(*grade).unwrap_or(u32::MAX))
            })
            .collect();
        let case = Case {
            id: id.clone(),
            question: String::new(),
            expected,
            facts: Vec::new(),
            tags: Vec::new(),
        };
        (!case.expected.is_empty()).then_some(case)
    };
    qrels.iter().filter_map(case).collect()
}

/// Judgements: `query-id corpus-id score` as in BEIR, with or without these names in the first line, or
/// `query-id 0 document-id grade` as in TREC.
pub fn qrels(text: &str, file: &str) -> Result<Qrels, LineError> {
    let mut qrels = Qrels::new();
    for (line, text) in cases::lines(text) {
        let fields: Vec<&str> = if text.contains('\t') {
            text.trim().split('\t').map(str::trim).collect()
        } else {
            text.split_whitespace().collect()
        };
        let fail = |problem: String| LineError { file: file.to_owned(), line, problem };
        let (query, document, grade) = match fields[..] {
            [query, document, grade] => (query, document, grade),
            [query, _, document, grade] => (query, document, grade),
            _ => return Err(fail(format!("{} fields, not 3 or 4", fields.len()))),
        };
        match grade.parse() {
            Ok(grade) => {
                let grades = qrels.entry(query.to_owned()).or_default();
                grades.insert(document.to_owned(), grade);
            }
            // The first line may have the names of the columns.
            Err(_) if line == 1 => {}
            Err(_) => return Err(fail(format!("`{grade}` is not a whole number"))),
        }
    }
    Ok(qrels)
}

fn read(path: &Path) -> Result<(String, String), BeirError> {
    let text =
        fs::read_to_string(path).map_err(|error| BeirError::Io { path: path.to_owned(), error })?;
    Ok((text, path.display().to_string()))
}

fn each<T>(
    text: &str,
    file: &str,
    mut parse: impl FnMut(&str) -> Result<T, String>,
) -> Result<Vec<T>, LineError> {
    let one = |(line, text)| {
        parse(text).map_err(|problem| LineError { file: file.to_owned(), line, problem })
    };
    cases::lines(text).map(one).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn write(dir: &Path, name: &str, text: &str) {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_collection() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        write(
            dir,
            "corpus.jsonl",
            "{\"_id\": \"a\", \"title\": \" T \", \"text\": \"x\"}\n{\"_id\": 2}\n",
        );
        write(
            dir,
            "queries.jsonl",
            "{\"_id\": \"q\", \"text\": \"Q?\"}\n{\"_id\": \"r\", \"text\": \"R?\"}\n",
        );
        write(
            dir,
            "qrels/test.tsv",
            "query-id\tcorpus-id\tscore\nq\ta\t2\nq\t2\t0\nr\ta\t0\ngone\ta\t1\n",
        );
        let documents = corpus(dir).unwrap();
        let shown: Vec<_> = documents.iter().map(|d| [&*d.id, &*d.title, &*d.text]).collect();
        assert_eq!(shown, [["a", "T", "x"], ["2", "", ""]]);
        let cases = cases(dir, "test").unwrap();
        assert_eq!(cases.len(), 1);
        assert_eq!((cases[0].id.as_str(), cases[0].question.as_str()), ("q", "Q?"));
        assert_eq!(cases[0].expected, [Expectation::document("a".to_owned(), 2)]);
        let error = super::cases(dir, "dev").unwrap_err().to_string();
        assert!(error.ends_with("has no qrels/dev.tsv; it has test"), "{error}");
    }

    #[test]
    fn judgements_of_either_kind() {
        let beir = qrels("query-id\tcorpus-id\tscore\nq 1\ta b\t1\n", "f").unwrap();
        assert_eq!(beir["q 1"]["a b"], 1);
        let trec = qrels("q 0 a 2\nq 0 b -1\n", "f").unwrap();
        assert_eq!((trec["q"]["a"], trec["q"]["b"]), (2, -1));
        assert_eq!(
            qrels("q a 1\nq b c\n", "f").unwrap_err().to_string(),
            "f:2: `c` is not a whole number"
        );
        assert_eq!(qrels("q a\n", "f").unwrap_err().to_string(), "f:1: 2 fields, not 3 or 4");
    }
}
