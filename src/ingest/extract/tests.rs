#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;

/// An extractor whose child processes run this shell script.
fn extractor(directory: &Path, script: &str, timeout: Duration) -> Extractor {
    let program = directory.join("worker");
    fs::write(
        &program,
        format!("#!/bin/sh\nPATH=/usr/bin:/bin\ncd {}\n{script}", directory.display()),
    )
    .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    Extractor::new(options(timeout, program), None)
}

fn options(timeout: Duration, program: PathBuf) -> ExtractOptions {
    let (passwords, comments) = (Vec::new(), false);
    ExtractOptions { workers: 1, timeout, memory_mb: 64, passwords, comments, program }
}

/// Bytes of a request for the page `<p>x` named `a.html`.
fn request_bytes() -> usize {
    // Some of its time is reserved for the answer.
    let limit = LONG / 5 * 4;
    let request = WorkerRequest { limit, ..request("a.html", DocumentKind::Html, &[]) };
    request.header(4).unwrap().len() + 4
}

/// A shell command that answers a request for `<p>x` with the document of that text.
fn answer(text: &str) -> String {
    let document = Document {
        title: String::new(),
        text: text.to_owned(),
        syntax: crate::ingest::document::Syntax::Markdown,
        places: crate::ingest::document::SourceMap::Verbatim,
        ..Document::default()
    };
    let json = serde_json::to_string(&Ok::<_, String>(Extracted::from(document))).unwrap();
    let (low, high) = (json.len() % 256, json.len() / 256);
    let length = format!("\\{low:03o}\\{high:03o}\\0\\0\\0\\0\\0\\0");
    let request = request_bytes();
    format!("head -c {request} >/dev/null; printf 'dcnt{length}%s' '{json}'")
}

async fn ask(extractor: &Extractor) -> Result<String, String> {
    let outcome = extractor.extract("a.html", DocumentKind::Html, &[], b"<p>x".to_vec()).await;
    outcome.map(|document| document.text).map_err(|error| error.to_string())
}

const LONG: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_child_serves_many_files() {
    let directory = tempfile::tempdir().unwrap();
    let script = format!("echo started >>log\n{}\n{}", answer("one"), answer("two"));
    let extractor = extractor(directory.path(), &script, LONG);
    assert_eq!(ask(&extractor).await.unwrap(), "one");
    assert_eq!(ask(&extractor).await.unwrap(), "two");
    assert_eq!(fs::read_to_string(directory.path().join("log")).unwrap(), "started\n");
}

#[tokio::test]
async fn a_child_that_takes_too_long_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let script =
        format!("if [ -e slow ]; then {}; else : >slow; exec sleep 600; fi", answer("quick"));
    let extractor = extractor(directory.path(), &script, Duration::from_millis(500));
    assert_eq!(
        ask(&extractor).await.unwrap_err(),
        "took longer than 0.5 s (raise ingest.extract_timeout)"
    );
}

#[tokio::test]
async fn a_child_that_dies_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    // Serves one file, and has ended when the next one comes.
    let extractor = extractor(directory.path(), &answer("fresh"), LONG);
    for _ in 0..3 {
        assert_eq!(ask(&extractor).await.unwrap(), "fresh");
    }
}

#[tokio::test]
async fn a_file_that_kills_every_child_has_a_reason() {
    for (script, expected) in [
        (
            "echo 'memory allocation of 99 bytes failed' >&2; kill -ABRT $$",
            "needed more than 64 MB (raise ingest.extract_memory)",
        ),
        ("echo 'thread x has overflowed its stack' >&2; exit 1", "nested too deeply"),
        ("exit 3", "the parser crashed: exit status: 3"),
        (
            &*format!("head -c {} >/dev/null; echo not an answer; exit 0", request_bytes()),
            "the parser crashed: exit status: 0",
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let extractor = extractor(directory.path(), script, LONG);
        assert_eq!(ask(&extractor).await.unwrap_err(), expected, "{script}");
    }
}

#[tokio::test]
async fn a_child_sees_its_limit_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let script = format!("echo $1 $DOCENT_WORKER_MEMORY_MB $HOME$USER >seen\n{}", answer("x"));
    let extractor = extractor(directory.path(), &script, LONG);
    ask(&extractor).await.unwrap();
    let seen = fs::read_to_string(directory.path().join("seen")).unwrap();
    assert_eq!(seen.trim_end(), "extract-worker 64");
}

#[tokio::test]
async fn a_program_that_is_not_there() {
    let program = PathBuf::from("/nonexistent/docent");
    let options = options(LONG, program);
    let reason = ask(&Extractor::new(options, None)).await.unwrap_err();
    assert!(reason.starts_with("no worker could be started: "), "{reason}");
}

#[tokio::test]
async fn text_needs_no_child_and_empty_files_have_a_reason() {
    let program = PathBuf::from("/nonexistent/docent");
    let options = options(LONG, program);
    let extractor = Extractor::new(options, None);
    for (kind, bytes, expected) in [
        (DocumentKind::Markdown, &b"# T\n"[..], Ok("# T\n")),
        (DocumentKind::Text, b"\xEF\xBB\xBFa\r\nb", Ok("a\r\nb")),
        (DocumentKind::Code, b"fn main() {}", Ok("fn main() {}")),
        (DocumentKind::Text, b"", Err("empty: the file has 0 bytes")),
        (DocumentKind::Text, b" \n\t\n", Err("empty: the file is all blanks")),
        (DocumentKind::Pdf, b"", Err("empty: the file has 0 bytes")),
        (DocumentKind::Text, b"\xFF\xFE \0\n\0", Err("empty: nothing is written in it")),
    ] {
        let outcome = extractor.extract("a", kind, &[], bytes.to_vec()).await;
        let outcome = outcome.as_ref().map(|document| document.text.as_str());
        assert_eq!(outcome.map_err(|error| error.reason.as_str()), expected, "{kind} {bytes:?}");
    }
}

#[tokio::test]
async fn pages_that_were_drawn_are_kept_where_a_child_dies_and_the_next_one_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let size = r#"{"Ok":{"width":1,"height":1,"units_per_pixel":1.0}}"#;
    let eight = |number: usize| format!("\\{number:03o}\\0\\0\\0\\0\\0\\0\\0");
    let picture = format!("printf 'dcnt{}%s{}x' '{size}'", eight(size.len()), eight(1));
    let asked = request("a.pdf", DocumentKind::Pdf, &[]);
    let wanted = [1, 2, 3, 4].map(ocr::WantedPage::whole);
    let sent = WorkerRequest { limit: LONG / 5 * 4, pages: wanted.to_vec(), ..asked.clone() };
    let sent = sent.header(4).unwrap().len() + 4;
    // The first child dies over the second page, and so does the next child that tries it.
    let script = format!(
        "echo started >>log\ncase $(wc -l <log) in\n\
         1) head -c {sent} >/dev/null; {picture}; exit 1;;\n\
         2) exit 3;;\n\
         *) {picture}; {picture}; exec sleep 60;;\nesac"
    );
    let Extractor { pool, .. } = extractor(directory.path(), &script, LONG);
    let mut pictures = pool.pictures(&asked, b"%PDF", &wanted);
    let mut drawn = Vec::new();
    while let Some((page, picture)) = pictures.next().await {
        drawn.push((page, picture.map(|it| it.picture.pixels).map_err(|error| error.reason)));
    }
    let pixel = || Ok(b"x".to_vec());
    let died = Err("the parser crashed: exit status: 3".to_owned());
    assert_eq!(drawn, [(1, pixel()), (2, died), (3, pixel()), (4, pixel())]);
    assert_eq!(fs::read_to_string(directory.path().join("log")).unwrap().lines().count(), 3);
}
