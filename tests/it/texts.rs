//! Texts in any encoding, files that are not text, and mails with attachments: from the file to hits
//! and warnings.

use serde_json::Value;

use crate::env::TestEnv;
use crate::formats::bomb;

/// The only hit of a search, or the first.
#[track_caller]
fn hit(env: &TestEnv, question: &str) -> Value {
    let found =
        env.run(&["search", question, "--mode", "sparse", "--format", "json"]).expect(0).json();
    found["hits"][0].clone()
}

/// The codes of the warnings of a run, by source.
fn warned(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let sources = report["warned"].as_array().cloned().unwrap_or_default();
    let mut all: Vec<(String, String)> = Vec::new();
    for source in &sources {
        for warning in source["warnings"].as_array().cloned().unwrap_or_default() {
            all.push((text(&source["source"]), text(&warning["code"])));
        }
    }
    all.sort();
    all
}

#[test]
fn texts_are_read_in_their_encoding_and_guesses_are_said() {
    let env = TestEnv::new();
    let line = "Die Tür öffnet um neun Uhr.\n";
    env.write("docs/bad.txt", [line.as_bytes(), b"One bad \xff byte.\n", line.as_bytes()].concat());
    let russian = "Склад открыт с девяти утра. Возврат товара возможен в течение тридцати дней.\n";
    let koi8 = encoding_rs::KOI8_R.encode(russian).0.into_owned();
    env.write("docs/koi8.txt", koi8);
    let wide: Vec<u8> =
        "Hafen und Möwen\n".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    env.write("docs/wide.txt", wide);
    let report = env.run(&["ingest", "docs", "--format", "json"]).expect(0).json();
    let expected = [("docs/bad.txt", "bad_bytes"), ("docs/koi8.txt", "guessed_encoding")];
    let owned = expected.map(|(source, code)| (source.to_owned(), code.to_owned()));
    assert_eq!(warned(&report), owned, "{report:#}");
    assert_eq!(hit(&env, "Tür öffnet")["source"], "docs/bad.txt");
    assert_eq!(hit(&env, "возврат товара")["source"], "docs/koi8.txt");
    assert_eq!(hit(&env, "Möwen")["source"], "docs/wide.txt");
    let shown = env.run(&["show", "docs/bad.txt"]).expect(0);
    assert!(shown.stdout.contains("1 byte sequence is not UTF-8, in line 2"), "{}", shown.stdout);
}

#[test]
fn what_is_no_text_is_not_read_as_text() {
    let env = TestEnv::new();
    env.write(
        "docs/good.md",
        "# Good\n\n![x](data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==)\n\nFine.\n",
    );
    env.write("docs/deck.key", b"PK\x03\x04 a presentation");
    env.write("docs/server.key", "-----BEGIN PRIVATE KEY-----\nMIIE\n");
    env.write("docs/page.webarchive", b"bplist00\xd1\x01\x02");
    env.write("docs/image.fits", format!("{:80}", "SIMPLE  =                    T"));
    env.write("docs/mail.p7m", "MIAGCSqGSIb3DQEHA6CAMIACAQAxggFB\n".repeat(60));
    // CP037: "THE HARBOUR OPENS AT NINE."
    env.write(
        "docs/host.ebc",
        b"\xE3\xC8\xC5\x40\xC8\xC1\xD9\xC2\xD6\xE4\xD9\x40\xD6\xD7\xC5\xD5\xE2\x40\xC1\xE3\x4B",
    );
    let report = env.run(&["ingest", "docs", "--format", "json"]).expect(0).json();
    assert_eq!(report["added"], 1, "{report:#}");
    let reasons = serde_json::json!({ "key or credentials file": 1, "unsupported type": 5 });
    assert_eq!(report["skipped_by_reason"], reasons, "{report:#}");
    let text = hit(&env, "good fine")["text"].as_str().unwrap_or_default().to_owned();
    assert_eq!(text, "# Good\n\n![x]()\n\nFine.");
}

/// A mail with one attachment.
fn mail(name: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "From: a@b.de\nSubject: Fees\nContent-Type: multipart/mixed; boundary=B\n\n--B\n\
         Content-Type: text/plain\n\nThe plover letter.\n--B\nContent-Type: application/octet-stream\n\
         Content-Disposition: attachment; filename=\"{name}\"\n\n"
    );
    [head.as_bytes(), content, b"\n--B--\n"].concat()
}

#[test]
fn what_is_attached_is_found_and_cited_in_its_mail() {
    let env = TestEnv::new();
    env.write(
        "docs/fees.eml",
        mail("fees.csv", b"Port,Fee\nNarvik,ninety crowns\nOslo,twelve crowns"),
    );
    env.run(&["ingest", "docs"]).expect(0);
    let hit = hit(&env, "fee in Narvik ninety crowns");
    assert_eq!(hit["citation"], "docs/fees.eml#message=1&attachment=1", "{hit:#}");
    assert_eq!((hit["message"].as_u64(), hit["attachment"].as_u64()), (Some(1), Some(1)));
    assert_eq!(hit["headings"], serde_json::json!(["Fees", "fees.csv"]));
    let shown = env.run(&["show", "docs/fees.eml#message=1&attachment=1"]).expect(0);
    assert!(shown.stdout.contains("Port: Narvik | Fee: ninety crowns"), "{}", shown.stdout);
    assert!(!shown.stdout.contains("plover"), "{}", shown.stdout);
}

#[test]
fn an_attachment_that_ends_its_reader_leaves_the_mail() {
    let mut env = TestEnv::new();
    env.set("DOCENT_INGEST_EXTRACT_MEMORY", "256MB");
    let encoded = bomb();
    env.write("docs/bomb.eml", mail("bomb.xlsx", &encoded));
    let report = env.run(&["ingest", "docs", "--format", "json"]).expect(0).json();
    let code = "attachments_not_read".to_owned();
    assert_eq!(warned(&report), [("docs/bomb.eml".to_owned(), code)], "{report:#}");
    assert_eq!(hit(&env, "plover letter")["source"], "docs/bomb.eml");
}

#[test]
fn a_row_of_markdown_is_found_by_its_columns() {
    let env = TestEnv::new();
    let rows = (1..=200)
        .fold(String::new(), |rows, n| rows + &format!("| Port {n} | {} | {} |\n", n * 5, n * 3));
    let text = format!("# Fees\n\n| Port | Summer fee | Winter fee |\n|---|---|---|\n{rows}");
    env.write("docs/fees.md", &text);
    env.run(&["ingest", "docs"]).expect(0);
    let shown = env.run(&["show", "docs/fees.md", "--format", "json"]).expect(0).json();
    let chunks = shown["chunks"].as_array().expect("chunks");
    assert!(chunks.len() > 4, "{shown:#}");
    for chunk in chunks {
        let rows = chunk["text"].as_str().expect("text").lines();
        let mut rows = rows.filter(|line| !line.is_empty() && *line != "# Fees");
        assert!(rows.all(|row| row.contains("| Summer fee: ")), "{chunk:#}");
    }
    let hit = hit(&env, "Port 150");
    let line = hit["lines"][0].as_u64().expect("line");
    let at = hit["text"]
        .as_str()
        .and_then(|text| text.lines().position(|row| row.starts_with("Port: Port 150 |")));
    assert_eq!(line as usize + at.expect("row"), 154, "{hit:#}");
    let answer = env.run(&["query", "What is the summer fee of Port 150?"]).expect(0);
    assert!(answer.stdout.contains("Port: Port 150 | Summer fee: 750"), "{}", answer.stdout);
}

/// An index page of a site may have front matter alone: nothing is amiss, and a check finds nothing to do.
#[test]
fn front_matter_alone_is_passed_over() {
    let env = TestEnv::new();
    env.write("docs/_index.md", "---\ntitle: Harbour\nweight: 3\n---\n\n");
    env.write("docs/fees.md", "---\ntitle: Fees\n---\n\nThe fee is due in May.\n");
    let report = env.run(&["ingest", "docs", "--format", "json"]).expect(0).json();
    let reasons = serde_json::json!({ "empty but for its front matter": 1 });
    assert_eq!(report["skipped_by_reason"], reasons, "{report:#}");
    assert_eq!(report["failed"], serde_json::json!([]), "{report:#}");
    env.run(&["ingest", "docs", "--check"]).expect(0);
}
