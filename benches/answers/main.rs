//! Converts public sets of questions to documents and cases for `docent eval --answers`.
//!
//! `cargo bench --bench answers -- FORMAT FILE DIR`: see `README.md` beside it.

#![expect(clippy::print_stdout, reason = "a benchmark reports to standard output")]

mod named;
mod sets;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

/// A document of a collection.
struct Document {
    name: String,
    text: String,
}

/// A question; if `facts` is empty, the documents have no answer to it.
struct Question {
    text: String,
    source: String,
    facts: Vec<String>,
    /// Why there is no answer, or `answerable`.
    tag: &'static str,
}

/// Documents and questions of a file.
#[derive(Default)]
struct Set {
    documents: Vec<Document>,
    questions: Vec<Question>,
}

/// Most questions of each tag.
const MOST: usize = 200;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    if let ["named", dir] = args[..] {
        return said(write_named(Path::new(dir)));
    }
    let (set, dir) = match args[..] {
        ["squad", file, dir] => (sets::squad(Path::new(file), 0), dir),
        ["squad-other-half", file, dir] => (sets::squad(Path::new(file), 1), dir),
        ["clapnq", file, dir] => (sets::clapnq(Path::new(file)), dir),
        // `cargo test --benches` and `cargo bench` ask only whether it runs.
        _ => {
            println!(
                "answers: name a format, a file and a directory; see benches/answers/README.md"
            );
            return ExitCode::SUCCESS;
        }
    };
    let written = set.and_then(|set| {
        write(&set, Path::new(dir)).map_err(|error| format!("{dir}: {error}"))?;
        Ok(format!("{} documents, {} questions", set.documents.len(), set.questions.len()))
    });
    said(written)
}

fn said(written: Result<String, String>) -> ExitCode {
    match written {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `named.jsonl` begins with the first case of `cases.jsonl`, since some case has to expect something.
fn write_named(dir: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", dir.display());
    let questions = named::named(dir)?;
    let answered = fs::read_to_string(dir.join("cases.jsonl")).map_err(failed)?;
    let first = answered.split_inclusive('\n').next().unwrap_or_default();
    fs::write(dir.join("named.jsonl"), first.to_owned() + &cases(&questions, "named"))
        .map_err(failed)?;
    Ok(format!("{} questions", questions.len()))
}

fn write(set: &Set, dir: &Path) -> std::io::Result<()> {
    let docs = dir.join("docs");
    fs::create_dir_all(&docs)?;
    for document in &set.documents {
        fs::write(docs.join(&document.name), &document.text)?;
    }
    let tags = ["answerable", "impossible", "off-topic"];
    let lines = tags.map(|tag| cases(&set.questions, tag)).concat();
    fs::write(dir.join("cases.jsonl"), lines)
}

/// The cases of a tag.
fn cases(questions: &[Question], tag: &str) -> String {
    let of_tag: Vec<&Question> = questions.iter().filter(|it| it.tag == tag).collect();
    // Spread over the set, always the same ones.
    let step = of_tag.len().div_ceil(MOST).max(1);
    let mut lines = String::new();
    for question in of_tag.into_iter().step_by(step) {
        let source = format!("docs/{}", question.source);
        let expected =
            if question.facts.is_empty() { json!([]) } else { json!([{ "source": source }]) };
        let case = json!({
            "question": question.text, "expected": expected, "facts": question.facts, "tags": [tag],
        });
        lines += &format!("{case}\n");
    }
    lines
}
