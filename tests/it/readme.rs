//! The README is true: its session is what the binary prints, its tables match the code.

use crate::env::TestEnv;

fn readme() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("a README")
}

/// The first block of `text` fenced as `console`.
fn console(text: &str) -> &str {
    let start = text.find("```console\n").expect("a console block") + "```console\n".len();
    &text[start..start + text[start..].find("```").expect("its end")]
}

/// Runs each `$ docent ...` of the session and compares what it prints on stdout, and then on
/// stderr, with the lines under it. Times differ from run to run.
#[test]
fn the_session_is_what_happens() {
    let env = TestEnv::with_samples();
    let readme = readme();
    let time = |text: &str| {
        let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        for i in 1..words.len() {
            if words[i].trim_end_matches([')', ',', '\n']).ends_with('s')
                && words[i - 1].trim_start_matches('(').parse::<f64>().is_ok()
                && words[i].len() <= 4
            {
                words[i - 1] = "TIME".to_owned();
                words[i] = "T".to_owned();
            }
        }
        words.join(" ")
    };
    let mut ran = 0;
    for block in console(&readme).split("$ docent ").skip(1) {
        let (line, expected) = block.split_once('\n').expect("a command and its output");
        let args = split(line);
        let run = env.run(&args.iter().map(String::as_str).collect::<Vec<_>>());
        let printed = format!("{}{}", run.stderr, run.stdout);
        for line in expected.lines().filter(|line| !line.trim().is_empty()) {
            let found =
                printed.lines().any(|printed| time(printed.trim_end()) == time(line.trim_end()));
            assert!(found, "{line:?} is not printed by\n{run}");
        }
        ran += 1;
    }
    assert!(ran >= 3, "the session has {ran} commands");
}

/// Words of a command line; double quotes hold spaces.
fn split(line: &str) -> Vec<String> {
    let parts = line.split('"').enumerate();
    parts
        .flat_map(|(i, part)| {
            if i % 2 == 1 {
                vec![part.to_owned()]
            } else {
                part.split_whitespace().map(str::to_owned).collect()
            }
        })
        .collect()
}

#[test]
fn every_exit_code_is_documented() {
    let readme = readme();
    for code in ["0", "1", "2", "3", "4", "5", "130"] {
        assert!(readme.contains(&format!("| {code} |")), "README lacks exit code {code}");
    }
}
