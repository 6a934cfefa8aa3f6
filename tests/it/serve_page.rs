//! What `docent serve` shows in a browser: the page to ask questions, and the documents that citations
//! open. Scripts of the page are tested in a Chromium: `tests/page/check.mjs`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::env::TestEnv;
use crate::served::{Reply, Served};

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const PROGRAM: (&str, &str) = ("accept", "application/json");

fn ingested() -> TestEnv {
    let env = TestEnv::with_samples();
    env.run(&["ingest", "sample-docs"]).expect(0);
    env
}

fn key(env: &TestEnv, name: &str, flags: &[&str]) -> String {
    let args = [&["keys", "create", name], flags].concat();
    env.run(&args).expect(0).stdout.trim().to_owned()
}

/// The text between two texts, at the first such place.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("no {from} in {text}"));
    rest.split_once(to).unwrap_or_else(|| panic!("no {to} after {from}")).0
}

/// Only the style and the script of the page itself may count.
#[track_caller]
fn is_held(reply: &Reply) {
    let policy = reply.header("content-security-policy").expect("a policy");
    let hash =
        |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
    let style = hash(between(&reply.body, "<style>", "</style>"));
    let script = hash(between(&reply.body, "<script type=\"module\">", "</script>"));
    for directive in [
        "default-src 'none'",
        &format!("script-src {script};"),
        &format!("style-src {style};"),
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "trusted-types 'none'",
    ] {
        assert!(policy.contains(directive), "no {directive} in {policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("content-type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(reply.header(name), Some(value));
    }
    for outside in [" src=\"", "@import", "url(", " style=\"", " onclick=", "innerHTML"] {
        assert!(!reply.body.contains(outside), "{outside}");
    }
}

#[test]
fn the_page_is_one_file_that_nothing_is_added_to() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let page = served.ask("GET", "/", &[BROWSER], "").expect(200);
    is_held(&page);
    assert!(page.body.contains("<textarea id=\"question\""));
    assert_eq!(served.ask("HEAD", "/", &[], "").expect(200).body, "");
    assert_eq!(served.ask("POST", "/", &[], "{}").expect(405).code(), "method_not_allowed");
    // A page of another site may not ask, nor a site whose name resolves to this machine.
    assert_eq!(
        served.ask("GET", "/", &[("origin", "https://evil.example")], "").expect(403).code(),
        "origin_not_allowed"
    );
}

#[test]
fn without_the_page_there_is_none_and_no_document() {
    let env = ingested();
    let served = Served::start(&env, &["--no-ui"]);
    for path in ["/", "/s/docent/sample-docs/handbook/backups.md"] {
        assert_eq!(served.get(path).expect(404).code(), "unknown_url", "{path}");
    }
    served.get("/v1/models").expect(200);
}

#[test]
fn a_document_is_shown_chunk_by_chunk() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let path = "/s/docent/sample-docs/handbook/backups.md";
    let page = served.ask("GET", path, &[BROWSER], "").expect(200);
    is_held(&page);
    assert!(page.body.contains("<section id=\"L12-L21\" data-place=\"L12-L21\">"), "{}", page.body);
    assert!(page.body.contains("Ledger backups are kept for 400 days."));
    // A request from a browser's address bar, and one from a program that accepts anything.
    served.get(path).expect(200);

    let stored = served.ask("GET", path, &[PROGRAM], "").expect(200).json();
    assert_eq!(stored["collection"], "docent");
    assert_eq!(stored["url"], json!(format!("http://{}{path}", served.address())));
    assert_eq!(stored["record"]["kind"], "markdown");
    let shown = env.run(&["show", "sample-docs/handbook/backups.md", "--format", "json"]).expect(0);
    let told = shown.json();
    let texts = |value: &Value| -> Vec<Value> {
        let chunks = value["chunks"].as_array().expect("chunks");
        chunks.iter().map(|chunk| chunk["text"].clone()).collect()
    };
    assert_eq!(texts(&stored), texts(&told));

    let part = |query: &str| {
        let reply = served.ask("GET", &format!("{path}?{query}"), &[PROGRAM], "").expect(200);
        let chunks = reply.json()["chunks"].as_array().expect("chunks").clone();
        chunks.iter().map(|chunk| chunk["lines"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(part("at=L13"), ["[12,21]"]);
    assert_eq!(part("at=L20-L24"), ["[12,21]", "[23,30]"]);
    assert_eq!(part("at=L13&around=1").len(), 3);
    assert_eq!(part("at=page%3D3"), Vec::<String>::new());
    for (query, param) in [("at=x", "at"), ("at=", "at"), ("at=L3&around=-1", "around")] {
        let refused = served.ask("GET", &format!("{path}?{query}"), &[PROGRAM], "").expect(400);
        assert_eq!(refused.json()["error"]["param"], param, "{query}");
    }
}

#[test]
fn what_is_not_stored_is_not_there() {
    let env = ingested();
    env.write("secret.txt", "nobody was asked to read this");
    let served = Served::start(&env, &[]);
    let elsewhere = env.path("secret.txt").to_string_lossy().into_owned();
    for path in [
        "/s/docent/secret.txt",
        "/s/docent/sample-docs/../secret.txt",
        "/s/docent/sample-docs/%2e%2e/secret.txt",
        "/s/docent/..%2fsecret.txt",
        "/s/docent/%2Fetc%2Fpasswd",
        "/s/docent//etc/passwd",
        "/s/docent/sample-docs/handbook/backups.md:L3",
        "/s/docent/sample-docs/handbook/backups.md%00",
        "/s/docent/sample-docs/handbook",
        "/s/docent/sample-docs/handbook/backups.mD",
        "/s/docent/sample-docs/handbook/*.md",
        "/s/other/sample-docs/handbook/backups.md",
        "/s/..%2fdocent/sample-docs/handbook/backups.md",
        &format!("/s/docent/{elsewhere}"),
        &format!("/s/docent/{}", elsewhere.replace('/', "%2F")),
    ] {
        let refused = served.ask("GET", path, &[PROGRAM], "").expect(404);
        assert!(!refused.body.contains("nobody was asked"), "{path}");
        assert!(refused.code().ends_with("_not_found"), "{path}: {refused:?}");
    }
    let page = served.ask("GET", "/s/docent/%3Cscript%3Ealert(1)%3C/script%3E", &[BROWSER], "");
    let page = page.expect(404);
    is_held(&page);
    assert!(page.body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{}", page.body);
    served.ask("GET", "/s/docent/%ff", &[PROGRAM], "").expect(400);
    served.get("/livez").expect(200);
}

#[test]
fn a_hostile_document_is_text() {
    let env = TestEnv::new();
    env.write(
        "docs/<b>\"odd'&name.md",
        "# <img src=x onerror=alert(1)>\n\n<script>alert(1)</script></section></main> \
         \u{1b}[2Jansi \u{202e}gpj.exe \u{2066}x\u{2069} it's \"quoted\" &amp;\n",
    );
    env.run(&["ingest", "docs"]).expect(0);
    let served = Served::start(&env, &[]);
    let path = "/s/docent/docs/%3Cb%3E%22odd%27%26name.md";
    let page = served.ask("GET", path, &[BROWSER], "").expect(200);
    is_held(&page);
    assert_eq!(page.body.matches("<script").count(), 1, "{}", page.body);
    assert_eq!(page.body.matches("</section>").count(), page.body.matches("<section").count());
    for tag in ["<img", "<b>"] {
        assert!(!page.body.contains(tag), "{tag}");
    }
    for c in ['\u{1b}', '\u{202e}', '\u{2066}'] {
        assert!(!page.body.contains(c), "{c:?}");
    }
    for text in [
        "&lt;script&gt;alert(1)&lt;/script&gt;&lt;/section&gt;",
        "⟨U+001B⟩[2Jansi ⟨U+202E⟩gpj.exe ⟨U+2066⟩x⟨U+2069⟩",
        "it&#39;s &quot;quoted&quot; &amp;amp;",
        "docs/&lt;b&gt;&quot;odd&#39;&amp;name.md",
    ] {
        assert!(page.body.contains(text), "{text} in {}", page.body);
    }
    // Programs get the document itself.
    let stored = served.ask("GET", path, &[PROGRAM], "").expect(200).json();
    assert!(stored.to_string().contains("<script>alert(1)</script>"), "{stored}");
}

/// The path of the link of an answer, with what signs it.
fn link(served: &Served, key: &str) -> String {
    let asked = json!({
        "model": "docent",
        "messages": [{ "role": "user", "content": "How long are ledger backups kept?" }],
    });
    let answer = served.post_as(key, "/v1/chat/completions", &asked).expect(200).json();
    let message = &answer["choices"][0]["message"];
    let url = message["annotations"][0]["url_citation"]["url"].as_str().expect("a URL");
    assert_eq!(answer["docent"]["citations"][0]["url"], url);
    let path = url.strip_prefix(&format!("http://{}", served.address())).expect("of this server");
    let (path, fragment) = path.split_once('#').expect("a place");
    assert_eq!(fragment, "L12-L21");
    path.to_owned()
}

#[test]
fn a_link_opens_its_document_without_a_key_and_nothing_else() {
    let env = ingested();
    let reader = key(&env, "reader", &[]);
    let served = Served::start(&env, &["--audit", "audit.jsonl"]);
    let link = link(&served, &reader);
    let page = served.ask("GET", &link, &[BROWSER], "").expect(200);
    is_held(&page);
    assert!(page.body.contains("Ledger backups are kept for 400 days."));
    let stored = served.ask("GET", &format!("{link}&at=L13"), &[PROGRAM], "").expect(200).json();
    let url = |stored: &Value| stored["url"].as_str().expect("a URL").to_owned();
    assert!(!url(&stored).contains("signature"), "it makes no link that lasts longer: {stored}");
    let own = served.ask(
        "GET",
        link.split_once('?').expect("signed").0,
        &[PROGRAM, ("authorization", &format!("Bearer {reader}"))],
        "",
    );
    assert!(url(&own.expect(200).json()).contains("?expires="));

    let (path, query) = link.split_once('?').expect("signed");
    let (expires, signature) = (between(query, "expires=", "&"), &query[query.len() - 64..]);
    let later = expires.parse::<i64>().expect("a time") + 1;
    for changed in [
        format!("{}?{query}", path.replace("backups", "security")),
        format!("{}?{query}", path.replace("/s/docent/", "/s/other/")),
        format!("{path}?expires={later}&signature={signature}"),
        format!("{path}?expires={expires}&signature={}", "0".repeat(64)),
        format!("{path}?expires={expires}&signature="),
        format!("{path}?signature={signature}"),
    ] {
        let refused = served.ask("GET", &changed, &[PROGRAM], "").expect(403);
        assert_eq!(refused.code(), "invalid_link", "{changed}");
        let page = served.ask("GET", &changed, &[BROWSER], "").expect(403);
        is_held(&page);
        assert!(page.body.contains("his link is not valid: "));
    }
    // The link does not replace a key for other requests, and neither does an empty one.
    for path in ["/v1/models", "/v1/docent/status", "/v1/docent/search"] {
        let asked = served.ask("GET", &format!("{path}?{query}"), &[], "");
        assert!(asked.status == 401 || asked.status == 405, "{asked:?}");
    }
    assert_eq!(served.get(path).expect(401).code(), "missing_api_key");
    let page = served.ask("GET", path, &[BROWSER], "").expect(401);
    assert!(page.body.contains("A key is needed"), "{}", page.body);
    // A valid key needs no link, and a link does not help an invalid key.
    served.get_as(&reader, path).expect(200);
    served.get_as(&reader, &format!("{path}?expires=1&signature=0")).expect(200);
    served.get_as("dk_no_no", &link).expect(401);
    // The log has no signature.
    assert!(!served.log().join("\n").contains(signature));
    // After a restart, earlier links are invalid.
    drop(served);
    let audit = std::fs::read_to_string(env.path("audit.jsonl")).expect("the audit");
    assert!(!audit.contains(signature));
    let lines = audit.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let opened = lines.filter(|line| line["path"] == path && line["status"] == 200);
    let documents: Vec<Value> = opened.map(|line| line["documents"].clone()).collect();
    assert!(documents.len() >= 2, "{audit}");
    assert!(
        documents.iter().all(|it| *it == json!(["sample-docs/handbook/backups.md"])),
        "{audit}"
    );
    let served = Served::start(&env, &[]);
    assert_eq!(served.get(&link).expect(403).code(), "invalid_link");
}

#[test]
fn a_link_opens_a_document_of_any_name() {
    let env = TestEnv::new();
    let names = ["docs/a[1]{b,c}*?.md", "docs/[a.md", "docs/a b&at=L3#c%2F.md", "docs/\u{fc}.md"];
    for name in names {
        env.write(name, "The quota of crates is 77.\n");
    }
    env.run(&["ingest", "docs"]).expect(0);
    let reader = key(&env, "reader", &[]);
    let served = Served::start(&env, &[]);
    let found = json!({ "question": "What is the quota of crates?", "k": 10 });
    let found = served.post_as(&reader, "/v1/docent/search", &found).expect(200).json();
    assert_eq!(found["hits"].as_array().expect("hits").len(), names.len());
    for name in names {
        let encoded: Vec<String> = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = format!("/s/docent/{}", encoded.concat().replace("%2F", "/"));
        let asked = [PROGRAM, ("authorization", &*format!("Bearer {reader}"))];
        let stored = served.ask("GET", &path, &asked, "").expect(200).json();
        assert_eq!(stored["source"], name);
        let url = stored["url"].as_str().expect("a URL");
        let link =
            url.strip_prefix(&format!("http://{}", served.address())).expect("of this server");
        let stored = served.ask("GET", link, &[PROGRAM], "").expect(200).json();
        assert_eq!(stored["source"], name);
    }
}

#[test]
fn a_link_ends() {
    let env = ingested();
    let reader = key(&env, "reader", &[]);
    let served = Served::start(&env, &["--link-expiry", "1s"]);
    let link = link(&served, &reader);
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    let refused = served.get(&link).expect(403);
    assert_eq!(refused.code(), "expired_link");
    assert!(refused.body.contains("ask again, and open the link of the new answer"), "{refused:?}");
}

#[test]
fn a_key_opens_what_it_may_see() {
    let env = ingested();
    let api = key(&env, "api", &["--source", "sample-docs/api"]);
    let other = key(&env, "other", &["--only", "other"]);
    let writer = key(&env, "writer", &["--right", "ingest"]);
    let served = Served::start(&env, &[]);
    let (own, foreign) =
        ("/s/docent/sample-docs/api/errors.md", "/s/docent/sample-docs/handbook/backups.md");
    served.get_as(&api, own).expect(200);
    let hidden = served.get_as(&api, foreign).expect(404);
    assert_eq!(hidden.code(), "document_not_found");
    // The same as for a document that does not exist.
    let missing = served.get_as(&api, &foreign.replace("backups", "nothing")).expect(404);
    let message = |reply: &Reply| reply.json()["error"]["message"].clone();
    let expected = message(&missing).to_string().replace("nothing", "backups");
    assert_eq!(message(&hidden).to_string(), expected);
    assert!(!hidden.body.contains("400 days"));
    assert_eq!(served.get_as(&other, own).expect(404).code(), "collection_not_found");
    assert_eq!(served.get_as(&writer, own).expect(403).code(), "missing_right");
}
