//! `ci/docent-gate.sh` in a repository of its own: as a plain shell runs it, as GitLab does, and as the steps of
//! `action.yml`.

mod action;
mod repository;

use std::fs;

use serde_json::Value;

use action::{Action, Ran};
use repository::Repository;

#[test]
fn what_makes_retrieval_worse_is_refused_and_what_does_not_passes() {
    let repository = Repository::new();
    let gate = repository.gate(&[]).expect(0);
    assert!(gate.stderr.contains("docent-gate: passed"), "{gate}");
    assert!(!repository.summary().contains("Gates"), "there is nothing to compare with yet");

    repository.change("worse", |repository| repository.remove("docs/elba.md"));
    let gate = repository.gate(&[("GATE_BASE", "main")]).expect(1);
    assert!(
        gate.stderr.contains("recall@5 is 0.833; it was 1.000, and has to be at least 1.000"),
        "{gate}"
    );
    let live = repository.docent(&["status", "--documents"]).expect(0).stdout;
    assert!(live.contains("docs/elba.md"), "what was refused is not live: {live}");
    let summary = repository.summary();
    for said in [
        "## docent: refused\n\na gate is not met\n",
        "- docent@v2 is the change, docent@v1 the base (main). A plus means that the base is better.",
        "| recall@5 | 0.833 | 1.000 |",
        "#### Cases that differ",
        "When does the ferry to Elba leave?",
        "| recall@5 &gt;= 1.000 (was 1.000) | 0.833 | NOT MET |",
    ] {
        assert!(summary.contains(said), "{said}\n{summary}");
    }
    let junit = repository.read("docent-gate/junit.xml");
    assert!(junit.contains("<failure message=\"recall@5 is 0.833"), "{junit}");
    let report: Value =
        serde_json::from_str(&repository.read("docent-gate/report.json")).expect("JSON");
    assert_eq!((&report["schema_version"], &report["passed"]), (&1.into(), &false.into()));

    repository.change("allowed", |repository| repository.remove("docs/elba.md"));
    repository.gate(&[("GATE_BASE", "main"), ("GATE_MAX_DROP", "0.2")]).expect(0);

    repository.change("fine", |repository| {
        repository.write("docs/more.md", "# Giglio\n\nNo ferry goes there.\n");
    });
    let gate = repository.gate(&[("GATE_BASE", "main"), ("GATE_EXPORT", "docs.index")]).expect(0);
    assert!(gate.stderr.contains("docent-gate: passed"), "{gate}");
    let index = repository.docent(&["index", "import", "docs.index", "--collection", "copy"]);
    assert!(index.expect(0).stdout.contains("7 documents"));
    assert_eq!(repository.git(&["worktree", "list"]).lines().count(), 1, "nothing is left");

    repository.gate(&[("GATE_BASE", "main"), ("GATE_SOURCES", ".")]).expect(0);
    let documents = repository.docent(&["status", "--documents"]).expect(0).stdout;
    assert!(!documents.contains("docent-gate"), "reports are no documents: {documents}");
}

#[test]
fn floors_hold_with_and_without_a_base() {
    let repository = Repository::new();
    let floors = "recall@5=0.5\nmrr@10=0.4";
    repository.gate(&[("GATE_MIN", floors)]).expect(0);
    repository.change("worst", |repository| {
        for name in ["amrum", "borkum", "corfu", "djerba"] {
            repository.remove(&format!("docs/{name}.md"));
        }
    });
    let allowed = ("GATE_MAX_DROP", "1");
    let gate = repository.gate(&[("GATE_BASE", "main"), ("GATE_MIN", floors), allowed]).expect(1);
    assert!(gate.stderr.contains("recall@5 is 0.333, but has to be at least 0.500"), "{gate}");
}

#[test]
fn a_baseline_is_the_one_that_the_base_has() {
    let repository = Repository::new();
    let kept = ("GATE_BASELINE", "baseline.json");
    let base = ("GATE_BASE", "main");
    let gate = repository.gate(&[kept, base]).expect(0);
    assert!(
        gate.stderr.contains("the base has no baseline.json yet: nothing is compared"),
        "{gate}"
    );
    let gate = repository.gate(&[kept]).expect(2);
    assert!(gate.stderr.contains("--write-baseline baseline.json writes it"), "{gate}");

    let measured = repository.read("docent-gate/baseline.json");
    repository.write("baseline.json", &measured);
    repository.commit("a baseline");
    repository.gate(&[kept]).expect(0);
    repository.change("lower", |repository| {
        repository.remove("docs/elba.md");
        repository.write("baseline.json", &measured.replace("1.0", "0.1"));
    });
    let gate = repository.gate(&[kept, base]).expect(1);
    assert!(gate.stderr.contains("it was 1.000"), "its own bar does not count: {gate}");
}

#[test]
fn reports_take_the_place_of_no_documents() {
    let repository = Repository::new();
    let gate = repository.gate(&[("GATE_OUT", "docs")]).expect(2);
    assert!(gate.stderr.contains("has files that are not reports of a gate"), "{gate}");
    assert!(repository.read("docs/elba.md").contains("Elba"));
    repository.gate(&[("GATE_OUT", "reports")]).expect(0);
    repository.gate(&[("GATE_OUT", "reports")]).expect(0);
    assert!(repository.path("reports/junit.xml").exists());
}

#[test]
fn a_gate_that_is_set_up_wrongly_does_not_pass() {
    let repository = Repository::new();
    for (name, value, says) in [
        ("GATE_BASE", "no-such-branch", "the base no-such-branch is not in this checkout"),
        ("GATE_CHECK", "yes", "GATE_CHECK is yes: use true or false"),
        ("GATE_TRUST", "1", "GATE_TRUST is 1"),
        ("GATE_MAX_DROP", "a tenth", "GATE_MAX_DROP is a tenth: use a number"),
    ] {
        let gate = repository.gate(&[(name, value)]).expect(2);
        assert!(gate.stderr.contains(says), "{gate}");
    }
}

#[test]
fn settings_of_the_base_that_cannot_be_used_are_said() {
    let repository = Repository::new();
    std::fs::write(repository.path("docent.toml"), "[search]\nk = 0\n").expect("a file");
    let gate = repository.gate(&[("GATE_BASE", "main")]).expect(3);
    assert!(gate.stderr.contains("the settings cannot be used"), "{gate}");
}

#[test]
fn a_base_that_cannot_be_measured_is_said_and_refuses_nothing() {
    let repository = Repository::new();
    repository.git(&["checkout", "-q", "--orphan", "other"]);
    repository.git(&["rm", "-rqf", "docs"]);
    repository.commit("no documents");
    repository.git(&["checkout", "-q", "-f", "main"]);
    let gate = repository.gate(&[("GATE_BASE", "other")]).expect(0);
    assert!(
        gate.stderr.contains("the base cannot be ingested (exit code 2): nothing is compared"),
        "{gate}"
    );
    assert!(repository.summary().contains("nothing is compared."));
}

#[test]
fn check_refuses_an_index_that_is_out_of_date_and_changes_nothing() {
    let repository = Repository::new();
    repository.docent(&["ingest", "docs"]).expect(0);
    let check = ("GATE_CHECK", "true");
    repository.gate(&[check]).expect(0);
    repository.write("docs/more.md", "# Giglio\n\nNo ferry goes there.\n");
    let gate = repository.gate(&[check]).expect(1);
    assert!(gate.stderr.contains("the index is out of date: run docent ingest"), "{gate}");
    assert!(repository.summary().contains("## docent: refused"));
    repository.docent(&["ingest", "--check", "docs"]).expect(1);
}

#[test]
fn what_is_missing_is_said() {
    let repository = Repository::new();
    let gate = repository.gate(&[("GATE_CASES", "other.jsonl")]).expect(2);
    assert!(gate.stderr.contains("there is no other.jsonl"), "{gate}");
    let gate = repository.gate(&[("GATE_DOCENT", "/no/docent")]).expect(2);
    assert!(gate.stderr.contains("there is no /no/docent"), "{gate}");
    let gate = repository.gate(&[("GATE_SOURCES", "elsewhere")]).expect(2);
    assert!(gate.stderr.contains("the sources cannot be ingested (exit code 2)"), "{gate}");
    assert!(repository.summary().contains("## docent: failed"));
}

#[test]
fn an_index_that_was_built_otherwise_is_built_anew() {
    let repository = Repository::new();
    repository.gate(&[]).expect(0);
    let key = |repository: &Repository| repository.docent(&["index", "key"]).expect(0).stdout;
    let before = key(&repository);
    repository.write("docs/more.md", "# Giglio\n\nNo ferry goes there.\n");
    assert_eq!(key(&repository), before, "documents are no part of the key");
    repository.write("docent.toml", "[chunk]\ntokens = 128\n");
    assert_ne!(key(&repository), before);
    let gate = repository.gate(&[]).expect(0);
    assert!(gate.stderr.contains("rebuilding it"), "{gate}");
}

/// As GitHub runs it.
#[test]
fn the_action_refuses_comments_and_hands_on() {
    let repository = Repository::new();
    let mut action = Action::new(&repository);
    action.with("sources", "docs").with("token", "s3cret").with("export", "docs.index");
    let pushed = action.run("push", "");
    assert_eq!(pushed.output("gate", "outcome"), "passed");
    assert_eq!(pushed.code, 0);
    assert!(pushed.requests().is_empty(), "there is no pull request");
    let key = pushed.output("setup", "key");
    assert_eq!(format!("{key}\n"), repository.docent(&["index", "key"]).expect(0).stdout);
    assert_eq!(
        pushed.uses,
        ["actions/cache/restore", "actions/cache/save", "actions/upload-artifact"]
    );

    let main = repository.git(&["rev-parse", "main"]);
    repository.change("worse", |repository| repository.remove("docs/elba.md"));
    let refused: Ran = action.run("pull_request", main.trim());
    assert_eq!(refused.code, 1);
    assert_eq!(refused.output("gate", "outcome"), "refused");
    assert_eq!(refused.output("gate", "exit-code"), "1");
    for file in ["summary", "junit", "report", "baseline", "export"] {
        let path = refused.output("gate", file);
        assert!(fs::metadata(&path).is_ok_and(|it| it.len() > 0), "{file}: {path}");
    }
    assert!(refused.summary.contains("## docent: refused"), "{}", refused.summary);
    let requests = refused.requests();
    let lines: Vec<&str> = requests.iter().map(|request| request.line.as_str()).collect();
    let api = "https://api.example/repos/them/docs/issues/7/comments";
    assert_eq!(lines, [format!("GET {api}?per_page=100"), format!("POST {api}")]);
    let comment: Value = serde_json::from_str(&requests[1].body).expect("JSON");
    let comment = comment["body"].as_str().expect("a text");
    assert!(comment.starts_with("<!-- docent-gate -->\n## docent: refused\n"), "{comment}");
    assert!(comment.contains("| recall@5 | 0.833 | 1.000 |"), "{comment}");
    for request in &requests {
        assert!(!request.args.contains("s3cret"), "others see the list of processes");
        assert_eq!(request.header, "header = \"Authorization: Bearer s3cret\"\n");
    }

    // The next run writes the same comment again, and nobody else's.
    repository.change("fine", |repository| repository.write("docs/more.md", "# Giglio\n\nNone.\n"));
    action.comments(
        r#"[{"url":"https://api.example/repos/them/docs/issues/comments/11","id":11,"user":{"id":5},"body":"no <!-- docent-gate -->"},
           {"url":"https://api.example/repos/them/docs/issues/comments/12","id":12,"user":{"id":6},"body":"<!-- docent-gate -->\n## docent: refused"}]"#,
    );
    let passed = action.run("pull_request", main.trim());
    assert_eq!((passed.code, passed.output("gate", "outcome").as_str()), (0, "passed"));
    let line = passed.requests().last().map(|request| request.line.clone());
    let comment = "https://api.example/repos/them/docs/issues/comments/12";
    assert_eq!(line, Some(format!("PATCH {comment}")));
}

#[test]
fn a_comment_that_is_not_allowed_refuses_nothing() {
    let repository = Repository::new();
    let mut action = Action::new(&repository);
    action.with("sources", "docs").with("token", "s3cret").forbid_comments();
    let main = repository.git(&["rev-parse", "main"]);
    let passed = action.run("pull_request", main.trim());
    assert_eq!(passed.code, 0, "{}", passed.log);
    assert!(passed.log.contains("the comment could not be written"), "{}", passed.log);
}

/// As GitLab runs it.
#[test]
fn a_merge_request_gets_one_note() {
    let repository = Repository::new();
    let requests = repository.path("requests");
    let commands = action::curl(&repository, &requests, "[]", true);
    let path = format!("{}:/usr/bin:/bin", commands.display());
    let variables = [
        ("PATH", path.as_str()),
        ("GATE_TOKEN", "s3cret"),
        ("CI_MERGE_REQUEST_IID", "3"),
        ("CI_PROJECT_ID", "42"),
        ("CI_API_V4_URL", "https://gitlab.example/api/v4"),
    ];
    let notes = "https://gitlab.example/api/v4/projects/42/merge_requests/3/notes";
    repository.gate(&variables).expect(0);
    let asked = action::requests(&requests);
    assert_eq!(asked.last().map(|it| it.line.as_str()), Some(&*format!("POST {notes}")));
    assert_eq!(asked[0].header, "header = \"PRIVATE-TOKEN: s3cret\"\n");
    action::curl(
        &repository,
        &requests,
        r#"[{"id":8,"type":null,"body":"hello"},{"id":9,"type":null,"body":"<!-- docent-gate -->\n..."}]"#,
        true,
    );
    repository.gate(&variables).expect(0);
    let last = action::requests(&requests).pop().map(|it| it.line);
    assert_eq!(last, Some(format!("PUT {notes}/9")));
}
