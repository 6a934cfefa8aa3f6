//! What the check of citations finds in answers of real models that people have labelled.
//!
//! `cargo bench --bench grounding -- CORPUS DIR`, with `ragtruth`, `qags`, `cliff` or `halueval`: see
//! `README.md` beside it. These answers have no marks: each sentence is compared with all passages of
//! its prompt, as if it cited them.

#![expect(clippy::print_stdout, reason = "a benchmark reports to standard output")]

mod corpora;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use docent::query::cite::{CitationCheck, verify};
use docent::text::{blocks, sentences};
use docent::types::{ContentHash, Locator, Passage};

/// An answer that people have labelled.
struct Case {
    /// Kind of the task.
    group: String,
    question: String,
    passages: Vec<String>,
    answer: String,
    /// Whether something in it is unsupported.
    unfaithful: bool,
}

/// Labels compared with findings.
#[derive(Clone, Copy, Default)]
struct Matrix {
    caught: usize,
    missed: usize,
    alarms: usize,
    passed: usize,
}

impl Matrix {
    fn add(&mut self, unfaithful: bool, found: bool) {
        match (unfaithful, found) {
            (true, true) => self.caught += 1,
            (true, false) => self.missed += 1,
            (false, true) => self.alarms += 1,
            (false, false) => self.passed += 1,
        }
    }

    fn row(&self) -> String {
        let share = |part: usize, rest: usize| part as f64 / (part + rest).max(1) as f64;
        let precision = share(self.caught, self.alarms);
        let recall = share(self.caught, self.missed);
        let specificity = share(self.passed, self.alarms);
        let f1 = 2.0 * precision * recall / (precision + recall).max(f64::MIN_POSITIVE);
        let answers = self.caught + self.missed + self.alarms + self.passed;
        format!(
            "{answers:>7} {:>11} {precision:>10.3} {recall:>7.3} {f1:>6.3} {:>18.3}",
            self.caught + self.missed,
            f64::midpoint(recall, specificity)
        )
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let cases = match args[..] {
        ["ragtruth", dir] => corpora::ragtruth(Path::new(dir), "test"),
        ["ragtruth", dir, split] => corpora::ragtruth(Path::new(dir), split),
        ["qags", dir] => corpora::qags(Path::new(dir)),
        ["cliff", dir] => corpora::cliff(Path::new(dir)),
        ["halueval", dir] => corpora::halueval(Path::new(dir)),
        // `cargo test --benches` and `cargo bench` ask only whether it runs.
        _ => {
            println!("grounding: name a corpus and its directory; see benches/grounding/README.md");
            return ExitCode::SUCCESS;
        }
    };
    match cases {
        Ok(cases) => {
            report(&cases);
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn report(cases: &[Case]) {
    let mut groups: BTreeMap<&str, Matrix> = BTreeMap::new();
    let mut by_check: BTreeMap<CitationCheck, Matrix> = BTreeMap::new();
    let mut all = Matrix::default();
    let mut took = Duration::ZERO;
    for case in cases {
        let passages: Vec<Passage> = (1..).zip(&case.passages).map(passage).collect();
        let answer = cited(&case.answer, passages.len());
        let began = Instant::now();
        let found = verify(&answer, &case.question, &passages);
        took += began.elapsed();
        let objected = !found.findings.is_empty();
        groups.entry(&case.group).or_default().add(case.unfaithful, objected);
        all.add(case.unfaithful, objected);
        for check in CitationCheck::ALL {
            let objected = found.findings.iter().any(|finding| finding.check == check);
            by_check.entry(check).or_default().add(case.unfaithful, objected);
        }
    }
    println!(
        "{:<12} {:>7} {:>11} {:>10} {:>7} {:>6} {:>18}",
        "", "answers", "unfaithful", "precision", "recall", "F1", "balanced accuracy"
    );
    let groups = groups.iter().map(|(name, matrix)| ((*name).to_owned(), matrix));
    let checks = by_check.iter().map(|(check, matrix)| (format!("{} alone", check.name()), matrix));
    for (name, matrix) in groups.chain([("all".to_owned(), &all)]).chain(checks) {
        println!("{name:<12} {}", matrix.row());
    }
    let each = took.as_secs_f64() * 1e3 / cases.len().max(1) as f64;
    println!("{each:.2} ms an answer");
}

fn passage((number, text): (u32, &String)) -> Passage {
    Passage {
        number,
        source: format!("{number}.txt"),
        title: String::new(),
        headings: Vec::new(),
        text: text.clone(),
        locator: Locator::Lines(1, 1),
        score: 1.0,
        document_hash: ContentHash::of(text.as_bytes()),
        page_label: None,
    }
}

/// The answer with the marks of all passages behind every sentence.
fn cited(answer: &str, passages: usize) -> String {
    let marks = (1..=passages).map(|number| format!("[{number}]")).collect::<Vec<_>>().concat();
    let ends = blocks(answer).into_iter().flat_map(|block| sentences(answer, &block.range));
    let (mut text, mut at) = (String::new(), 0);
    for end in ends.map(|sentence| sentence.end) {
        text += &format!("{} {marks}", &answer[at..end]);
        at = end;
    }
    text + &answer[at..]
}
