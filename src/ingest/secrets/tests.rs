//! What is a secret and what is not. The secrets are assembled here, so that no scanner takes the ones in
//! this repository for real.

#![allow(clippy::unwrap_used, reason = "tests")]

mod properties;

use super::*;
use crate::ingest::document::{LocatorUnit, Section, SourceMap, UnitMark};

const ALPHANUMERIC: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &str = "0123456789abcdef";
const WORD: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

/// A random-looking string, always the same.
fn chance(alphabet: &str, length: usize) -> String {
    let mut state = length as u64 + 977;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        alphabet.as_bytes()[(state >> 33) as usize % alphabet.len()] as char
    };
    (0..length).map(|_| next()).collect()
}

fn body(length: usize) -> String {
    chance(ALPHANUMERIC, length)
}

/// A key as `openssl genpkey` and `ssh-keygen` write it.
fn pem(label: &str, lines: usize) -> String {
    let text = body(64 * lines);
    let lines: Vec<&str> = (0..lines).map(|line| &text[line * 64..(line + 1) * 64]).collect();
    let dashes = "-".repeat(5);
    format!("{dashes}BEGIN {label}{dashes}\n{}\n{dashes}END {label}{dashes}", lines.join("\n"))
}

/// Secrets, each with the rule that finds it.
fn secrets() -> Vec<(&'static str, String)> {
    let jwt_header = concat!("ey", "JhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9");
    vec![
        ("aws-access-key-id", format!("AKI{}{}", "A", chance(BASE32, 16))),
        ("aws-access-key-id", format!("ASI{}{}", "A", chance(BASE32, 16))),
        ("github-token", format!("gh{}{}", "p_", body(36))),
        ("github-token", format!("gh{}{}", "s_", body(36))),
        ("github-token", format!("github{}{}", "_pat_", chance(WORD, 81) + "7")),
        ("gitlab-token", format!("glp{}{}", "at-", body(20))),
        ("slack-token", format!("xox{}2417598635-9{}-{}", "b-", "31584027461", body(24))),
        (
            "slack-webhook",
            format!(
                "hooks.slack{}/T0{}/B0{}/{}",
                ".com/services",
                "82KD91LQ",
                "47SXM2RT",
                body(24)
            ),
        ),
        ("stripe-key", format!("sk_{}{}", "live_", body(24))),
        ("google-api-key", format!("AI{}{}", "za", body(35))),
        ("google-oauth-secret", format!("GOC{}{}", "SPX-", body(28))),
        ("openai-api-key", format!("sk{}{}T3Blbk{}{}", "-proj-", body(58), "FJ", body(57))),
        ("openai-api-key", format!("sk{}{}T3Blbk{}{}", "-", body(20), "FJ", body(20))),
        ("anthropic-api-key", format!("sk{}{}AA", "-ant-api03-", body(93))),
        ("huggingface-token", format!("h{}{}", "f_", body(34))),
        ("npm-token", format!("np{}{}", "m_", body(36))),
        ("pypi-token", format!("py{}{}", "pi-AgEIcHlwaS5vcmc", body(120))),
        ("rubygems-key", format!("ruby{}{}", "gems_", chance(HEX, 48))),
        ("docker-token", format!("dckr{}{}", "_pat_", body(27))),
        ("vault-token", format!("hv{}{}", "s.", body(90))),
        ("digitalocean-token", format!("dop{}{}", "_v1_", chance(HEX, 64))),
        ("sendgrid-key", format!("S{}{}.{}", "G.", body(22), body(43))),
        (
            "age-secret-key",
            format!("AGE-SECRET{}{}", "-KEY-1", chance("023456789ACDEFGHJKLMNPQRSTUVWXYZ", 58)),
        ),
        ("azure-account-key", format!("Account{}{}==", "Key=", body(86))),
        ("azure-shared-access-key", format!("SharedAccess{}{}=", "Key=", body(43))),
        ("jwt", format!("{jwt_header}.ey{}.{}", body(60), body(43))),
        ("private-key", pem("RSA PRIVATE KEY", 25)),
        ("private-key", pem("PRIVATE KEY", 1)),
        ("private-key", pem("OPENSSH PRIVATE KEY", 6)),
        ("private-key", pem("EC PRIVATE KEY", 3)),
        ("private-key", pem("PGP PRIVATE KEY BLOCK", 30)),
    ]
}

/// A rule, text with a value in it, and the value.
fn in_context() -> Vec<(&'static str, String, String)> {
    let password = || format!("Zk{}vQ!p2", "9");
    let key = || body(40);
    let row = |rule, (before, after): (&str, &str), value: String| {
        (rule, format!("{before}{value}{after}"), value)
    };
    vec![
        row("password", ("password = \"", "\""), password()),
        row("password", ("DB_PASSWORD=", "\nHOST=x"), password()),
        row("password", ("db_pass: ", "\n"), password()),
        row("password", ("\"password\": \"", "\","), password()),
        row("password", ("<password>", "</password>"), password()),
        row("password", ("spring.datasource.password=", "\n"), password()),
        row("password", ("**Password:** ", "\n"), password()),
        row("password-in-url", ("postgres://app:", "@db.internal:5432/shop"), password()),
        row("password-in-url", ("see amqp://svc:", "@10.0.0.7/%2f."), password()),
        row("secret", ("api_key = '", "'"), key()),
        row("secret", ("\"client_secret\": \"", "\""), key()),
        row("secret", ("API_TOKEN=", "\n"), chance(HEX, 32)),
        row("secret", ("secret_key: ", "\n"), key()),
        row("aws-secret-access-key", ("aws_secret_access_key = ", "\n"), key()),
        row("aws-secret-access-key", ("\"SecretAccessKey\": \"", "\""), key()),
        row("aws-secret-access-key", ("| Secret access key: ", " |"), key()),
    ]
}

fn rules(text: &str) -> Vec<&'static str> {
    scan(text).iter().map(|finding| finding.rule.id).collect()
}

#[test]
fn secrets_are_found_in_any_surroundings() {
    for (rule, secret) in secrets() {
        for (before, after) in [
            ("", ""),
            ("key: ", "\n"),
            ("`", "`"),
            ("\"", "\","),
            ("(", ")"),
            ("is ", "."),
            ("é", "é"),
            ("curl -H 'Authorization: Bearer ", "'"),
            ("TOKEN=", ";"),
            ("https://", "\n"),
            ("  > ", " <"),
        ] {
            let text = format!("{before}{secret}{after}");
            let found = scan(&text);
            assert_eq!(found.len(), 1, "{rule} in {text}");
            assert_eq!(found[0].rule.id, rule, "{text}");
            assert_eq!(&text[found[0].range.clone()], secret);
        }
    }
}

#[test]
fn values_are_found_by_what_is_around_them() {
    for (rule, text, value) in in_context() {
        let found = scan(&text);
        let values: Vec<&str> = found.iter().map(|finding| &text[finding.range.clone()]).collect();
        assert_eq!((rules(&text), values), (vec![rule], vec![value.as_str()]), "{text}");
    }
}

#[test]
fn a_value_is_found_wherever_it_is_repeated() {
    let value = chance(HEX, 48);
    let text = format!("$ make-key\n'{value}'\n\nThen set SECRET_KEY = '{value}'.\n");
    let found: Vec<&str> = scan(&text).iter().map(|finding| &text[finding.range.clone()]).collect();
    assert_eq!(found, [value.as_str(); 2]);
}

#[test]
fn a_key_is_found_however_its_lines_are_broken() {
    let key = pem("PRIVATE KEY", 20);
    for text in [
        key.replace('\n', "\\n"),
        key.replace('\n', " "),
        key.replace('\n', "\r\n"),
        key.replace('\n', "\n    "),
        key.replace('\n', "\\n\" +\n    \""),
        key.replace('\n', "\n> "),
        key.replacen('\n', "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0F1E2D\n\n", 1),
    ] {
        let found = scan(&text);
        assert_eq!((found.len(), found[0].range.clone()), (1, 0..text.len()), "{text}");
    }
    // A key that is cut off ends where its text ends.
    let cut = &key[..key.len() - 60];
    let text = format!("{cut}\n\nThe next paragraph.");
    assert_eq!(scan(&text)[0].range, 0..cut.len());
}

#[test]
fn examples_placeholders_and_code_are_not_secrets() {
    let token = |prefix: &str, body: &str| format!("{prefix}{body}");
    let dashes = "-".repeat(5);
    let texts = [
        // What vendors print in their documentation.
        token("AKIA", "IOSFODNN7EXAMPLE"),
        token("AKIA", "I44QH8DHBEXAMPLE"),
        token("aws_secret_access_key = ", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        token("gho_", "16C7e42F292c6912E7710c838347Ae178B4a"),
        token("AIza", "SyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe"),
        token("hooks.slack.com/services/", "T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"),
        token(
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
            "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
        ),
        token(
            "AccountKey=",
            "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
        ),
        // Placeholders.
        token("ghp_", &"x".repeat(36)),
        token("ghp_", "abcdefghijklmnopqrstuvwxyz0123456789"),
        token("sk-", "your-api-key-goes-here"),
        token("sk-ant-", "api03-..."),
        token("glpat-", "xxxxxxxxxxxxxxxxxxxx"),
        token("npm_", "YOUR_TOKEN_HERE"),
        token("hf_", "..."),
        format!(
            "{dashes}BEGIN PRIVATE KEY{dashes}\nMIIEvQIBADANBg...\n{dashes}END PRIVATE KEY{dashes}"
        ),
        format!(
            "A PEM file begins with {dashes}BEGIN RSA PRIVATE KEY{dashes} and, a configurationManagementSystem later, ends."
        ),
        format!("{dashes}BEGIN PUBLIC KEY{dashes}\n{}\n{dashes}END PUBLIC KEY{dashes}", body(64)),
        format!(
            "{dashes}BEGIN CERTIFICATE{dashes}\n{}\n{dashes}END CERTIFICATE{dashes}",
            body(640)
        ),
        "password = \"changeme\"".into(),
        "password: <your-password>".into(),
        "password=${DB_PASSWORD}".into(),
        "PASSWORD=\"$(cat /run/secret)\"".into(),
        "password = \"********\"".into(),
        "password: 'hunter2'".into(),
        "password=P@ssw0rd123!".into(),
        "password: Enter your password here".into(),
        "password = os.environ[\"DB_PASSWORD_1\"]".into(),
        "password = get_password2(config)".into(),
        "password = self.password".into(),
        "if password == \"Zk9vQ!p2\" {".into(),
        "password: String, // x9K2m1Lq".into(),
        "secret: my-app-db-credentials-v2".into(),
        "token: ${{ secrets.GITHUB_TOKEN }}".into(),
        "secretName: web-6d4cf56db6".into(),
        "next_page_token: \"CAUQAAcB3x9Kq81mZzP0wL\"".into(),
        "csrf_token: \"9fK2lQ81mZzP0wLxA7bB\"".into(),
        "token = nextTokenFromLexer2".into(),
        "\"token\": \"550e8400-e29b-41d4-a716-446655440000\"".into(),
        "api_key: text-embedding-3-small".into(),
        "max_tokens: 1500".into(),
        "tokens: 8191".into(),
        "let token = Token::new(TokenKind::Ident, Span::new(0, 12));".into(),
        "postgres://user:password@localhost/db".into(),
        "postgres://{user}:{password}@{host}/db".into(),
        "postgres://postgres:postgres@db/app".into(),
        "http://user:Zk9vQ!p2@example.com/".into(),
        "https://github.com/a/b:c@d".into(),
        "std::collections::HashMap://x".into(),
        "http://user%40host:pass%40host@127.0.0.1/".into(),
        "[redacted: gitlab-token]=vJWtTbmmh1GLakXFFs3bStEtqH7bLt72".into(),
        "ssh://git@host.org:22/x".into(),
        "mailto:a:b@c.org".into(),
        // Random strings that are not secrets.
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".into(),
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8".into(),
        "task-ant-hill sk-toolbar desk-project glpatten xoxb hf_model AKIAna".into(),
    ];
    for text in texts {
        assert_eq!(rules(&text), [""; 0], "{text}");
    }
}

fn document(text: &str, places: SourceMap) -> Document {
    let title = String::new();
    Document { title, text: text.to_owned(), places, ..Document::default() }
}

#[test]
fn a_redacted_document_has_the_same_lines() {
    let key = pem("RSA PRIVATE KEY", 12);
    let text = format!("one\n{key}\nlast: {}\n", secrets()[0].1);
    let mut redacted = document(&text, SourceMap::Verbatim);
    let found = examine(&mut redacted, "a.md", OnSecret::Redact);
    let citations: Vec<&str> = found.listed.iter().map(|row| row.citation.as_str()).collect();
    assert_eq!(citations, ["a.md:L2", "a.md:L16"]);
    let lines: Vec<&str> = redacted.text.lines().collect();
    assert_eq!(lines.len(), text.lines().count());
    assert_eq!(lines[1], "[redacted: private-key]");
    assert_eq!(lines[15], "last: [redacted: aws-access-key-id]");
    assert!(lines[2..15].iter().all(|line| line.is_empty()));
}

#[test]
fn places_and_sections_move_with_the_text() {
    let key = pem("PRIVATE KEY", 4);
    let text = format!("first {key} rest\nsecond");
    let second = text.find("second").unwrap();
    let within = text.find('\n').unwrap() + 1;
    let mark = |offset, page| UnitMark { offset, first: page, last: page };
    let marks = vec![mark(0, 1), mark(within, 2), mark(second, 3)];
    let mut redacted = document(&text, SourceMap::Marked(LocatorUnit::Page, marks));
    redacted.sections = vec![Section { offset: second, headings: Vec::new(), syntax: None }];
    examine(&mut redacted, "a.pdf", OnSecret::Redact);
    let places = PlaceIndex::new(&redacted);
    let page = |words: &str| {
        let at = redacted.text.find(words).unwrap();
        places.locate(&(at..at + 1)).cite("a.pdf")
    };
    assert_eq!(page("[redacted"), "a.pdf#page=1");
    assert_eq!(page("rest"), "a.pdf#page=2");
    assert_eq!(page("second"), "a.pdf#page=3");
    assert_eq!(redacted.sections[0].offset, redacted.text.find("second").unwrap());
}

#[test]
fn titles_and_headings_are_part_of_a_document() {
    let token = secrets()[2].1.clone();
    let with = |title: &str, heading: &str, text: &str| {
        let mut document = document(text, SourceMap::Verbatim);
        document.title = title.to_owned();
        document.sections =
            vec![Section { offset: 4, headings: vec![heading.to_owned()], syntax: None }];
        document
    };
    let mut redacted = with(&format!("Use {token}"), &format!("{token}?"), "one\ntwo\n");
    let found = examine(&mut redacted, "a.md", OnSecret::Redact);
    assert_eq!((found.total, found.listed[0].citation.as_str()), (1, "a.md:L1"));
    assert_eq!(redacted.title, "Use [redacted: github-token]");
    assert_eq!(redacted.sections[0].headings, ["[redacted: github-token]?"]);
    // The title is the first line: one secret.
    let mut both = with(&token, "", &format!("{token}\ntwo\n"));
    assert_eq!(examine(&mut both, "a.md", OnSecret::Warn).total, 1);
}

#[test]
fn secrets_stay_in_the_text_unless_they_are_redacted() {
    let text = format!("x {} y", secrets()[0].1);
    for policy in [OnSecret::Warn, OnSecret::Skip, OnSecret::Fail] {
        let mut kept = document(&text, SourceMap::Verbatim);
        let found = examine(&mut kept, "a.md", policy);
        assert_eq!((found.total, kept.text.as_str()), (1, text.as_str()));
    }
    let mut kept = document(&text, SourceMap::Verbatim);
    let found = examine(&mut kept, "a.md", OnSecret::Fail);
    assert_eq!(
        found.failure("a.md"),
        "holds what looks like an AWS access key (L1); see --on-secret"
    );
    assert!(!serde_json::to_string(&found).unwrap().contains(&secrets()[0].1));
}
