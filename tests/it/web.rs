//! Pages of the web, end to end, from a scripted site.

use serde_json::{Value, json};

use crate::assert_run;
use crate::env::{Run, TestEnv};
use crate::site::{Answer, Site};

/// A page with text of its own and links.
fn page(words: &str, links: &[&str]) -> Answer {
    let links: Vec<String> = links.iter().map(|to| format!("<a href='{to}'>on</a>")).collect();
    Answer::html(&format!("<html><body><h1>{words}</h1><p>It says {words}. {}", links.join(" ")))
}

/// Ingests with JSON, private addresses allowed.
fn ingest(env: &TestEnv, args: &[&str]) -> Run {
    let mut all = vec!["ingest", "--format", "json", "--allow-private"];
    all.extend(args);
    env.run(&all)
}

/// Asserts (added, changed, moved, deleted, unchanged) of a report.
#[track_caller]
fn counts(report: &Value, expected: [u64; 5]) {
    let names = ["added", "changed", "moved", "deleted", "unchanged"];
    let found = names.map(|name| report[name].as_u64().expect("a count"));
    assert_eq!(found, expected, "{names:?} in {report:#}");
}

/// Paths of the stored pages of a site.
fn stored(env: &TestEnv, site: &Site) -> Vec<String> {
    let status = env.run(&["status", "--documents", "--format", "json"]).expect(0).json();
    let records = status["records"].as_array().expect("records").clone();
    let source = |record: &Value| record["source"].as_str().expect("a source").to_owned();
    records.iter().map(|record| source(record).replace(&site.url(""), "")).collect()
}

/// Without the address of the site, which differs from run to run.
fn anonymous(mut run: Run, site: &Site) -> Run {
    for text in [&mut run.args, &mut run.stdout, &mut run.stderr] {
        *text = text.replace(&site.url(""), "[SITE]");
    }
    run
}

#[test]
fn a_page_is_cited_by_its_url_and_asked_about_next_time() {
    let (env, site) = (TestEnv::new(), Site::start());
    let ferry = page("the ferry leaves at nine", &["/other"]);
    site.put("/guide", ferry.header("etag", "\"v1\""));
    let url = site.url("/guide");
    counts(&ingest(&env, &[&url]).expect(0).json(), [1, 0, 0, 0, 0]);
    assert_eq!(site.asked(), ["/robots.txt", "/guide"]);
    let found = env.run(&["search", "ferry", "--format", "json"]).expect(0).json();
    assert_eq!(found["hits"][0]["citation"], format!("{url}#L1"));

    let second = ingest(&env, &[&url]).expect(0).json();
    counts(&second, [0, 0, 0, 0, 1]);
    assert_eq!((&second["embedded"], &second["chunks"]), (&0.into(), &0.into()));
    let requests = site.requests();
    assert_eq!(requests[1].headers["if-none-match"], "\"v1\"");

    site.put("/guide", page("the ferry leaves at ten", &[]).header("etag", "\"v2\""));
    counts(&ingest(&env, &[&url]).expect(0).json(), [0, 1, 0, 0, 0]);
    site.put("/guide", page("the ferry leaves at ten", &[]).header("etag", "\"v3\""));
    counts(&ingest(&env, &[&url]).expect(0).json(), [0, 0, 0, 0, 1]);
    site.asked();
    counts(&ingest(&env, &[&url]).expect(0).json(), [0, 0, 0, 0, 1]);
    let known = &site.requests()[1].headers["if-none-match"];
    assert_eq!(known, "\"v3\"", "a new validator of an old page is remembered");

    site.remove("/guide");
    counts(&ingest(&env, &[&url]).expect(0).json(), [0, 0, 0, 1, 0]);
    assert_eq!(stored(&env, &site), [""; 0]);
    let report = ingest(&env, &[&url]).expect(5).json();
    assert_eq!(report["failed"][0]["reason"], "no such page (HTTP 404)");
}

#[test]
fn a_site_is_followed_as_it_changes() {
    let (env, site) = (TestEnv::new(), Site::start());
    site.put("/docs/", page("index of everything", &["keep", "edit", "move", "drop", "/blog"]));
    site.put("/docs/keep", page("this one stays", &[]));
    site.put("/docs/edit", page("this one is edited", &[]));
    site.put("/docs/move", page("this one gets another name", &[]));
    site.put("/docs/drop", page("this one is dropped", &["deep"]));
    site.put("/docs/deep", page("this one is further away", &[]));
    site.put("/blog", page("this one is outside", &[]));
    let url = site.url("/docs/");
    counts(&ingest(&env, &[&url, "--depth", "1"]).expect(0).json(), [5, 0, 0, 0, 0]);
    let all = ["/docs/", "/docs/drop", "/docs/edit", "/docs/keep", "/docs/move"];
    assert_eq!(stored(&env, &site), all);

    // This only concerns the page itself.
    counts(&ingest(&env, &[&url]).expect(0).json(), [0, 0, 0, 0, 1]);
    assert_eq!(stored(&env, &site), all);

    site.put("/docs/", page("index of everything", &["keep", "edit", "moved", "drop"]));
    site.put("/docs/edit", page("this one was edited", &[]));
    site.put("/docs/moved", page("this one gets another name", &[]));
    site.remove("/docs/drop");
    // While a page cannot be fetched, only pages that the server reports as gone are deleted.
    site.once("/docs/keep", Answer::status("403 Forbidden"));
    let report = ingest(&env, &[&url, "--depth", "1"]).expect(5).json();
    counts(&report, [1, 2, 0, 1, 0]);
    assert!(stored(&env, &site).contains(&"/docs/keep".to_owned()));
    let report = ingest(&env, &[&url, "--depth", "1"]).expect(0).json();
    counts(&report, [0, 0, 0, 1, 4]);
    assert_eq!(stored(&env, &site), ["/docs/", "/docs/edit", "/docs/keep", "/docs/moved"]);
}

#[test]
fn a_page_with_another_name_is_not_embedded_again() {
    let (env, site) = (TestEnv::new(), Site::start());
    let list = |path: &str| {
        let list = format!("<urlset><url><loc>{}</loc></url></urlset>", site.url(path));
        Answer::new("application/xml", list)
    };
    site.put("/sitemap.xml", list("/old"));
    site.put("/old", page("the words stay as they are", &[]));
    let url = site.url("/sitemap.xml");
    counts(&ingest(&env, &[&url]).expect(0).json(), [1, 0, 0, 0, 0]);
    site.put("/sitemap.xml", list("/new"));
    site.put("/new", page("the words stay as they are", &[]));
    let report = ingest(&env, &[&url]).expect(0).json();
    counts(&report, [0, 0, 1, 0, 0]);
    assert_eq!(report["embedded"], 0);
    assert_eq!(stored(&env, &site), ["/new"]);
}

#[test]
fn what_is_not_taken_is_said() {
    let (env, site) = (TestEnv::new(), Site::start());
    site.put("/robots.txt", Answer::text("User-agent: *\nDisallow: /internal"));
    let links = ["a", "internal", "hidden", "logo", "large", "slow", "gone", "away"];
    site.put("/", page("start here", &links));
    site.put("/a", page("words of a", &[]));
    site.put("/hidden", page("hidden words", &[]).header("x-robots-tag", "noindex"));
    site.put("/logo", Answer::new("image/png", "png"));
    site.put("/large", Answer::text(&"large ".repeat(1000)));
    site.put("/slow", Answer::text("slow").then_silence());
    site.put("/away", Answer::redirect("http://169.254.169.254/latest/meta-data/"));
    let mut env = env;
    env.set("DOCENT_WEB_TIMEOUT", "500ms").set("DOCENT_ATTEMPTS", "1");
    let url = site.url("/");
    let args = ["ingest", &url, "--depth", "1", "--allow-private", "--max-file-size", "4kB"]
        .map(str::to_owned);
    let run = env.run(&args.each_ref().map(String::as_str)).expect(5);
    assert_run!(anonymous(run, &site), @r"
    $ docent ingest [SITE]/ --depth 1 --allow-private --max-file-size 4kB
    exit 5
    --- stdout
    added 2, changed 0, moved 0, deleted 0, unchanged 0, skipped 5, failed 2 in [TIME]
    2 chunks stored, 2 texts embedded, 0 reused
    skipped: disallowed by robots.txt 1, no such page 1, noindex 1, redirects to outside the site 1, unsupported type 1
    --- stderr
    failed  [SITE]/large  over the size limit (raise it with --max-file-size)
    failed  [SITE]/slow   no answer in time
    ");
    assert_eq!(stored(&env, &site), ["/", "/a"]);
}

#[test]
fn private_addresses_are_refused_until_the_user_allows_them() {
    let (mut env, site) = (TestEnv::new(), Site::start());
    site.put("/", page("the vault is open", &[]));
    let url = site.url("/");
    let refused = env.run(&["ingest", &url]).expect(5);
    assert!(refused.stderr.contains("127.0.0.1 is a loopback address"), "{refused}");
    for host in ["localhost", "0x7f.1", "[::ffff:127.0.0.1]"] {
        let url = format!("http://{host}:{}/", site.port());
        let refused = env.run(&["ingest", &url]).expect(5);
        assert!(refused.stderr.contains("a loopback address"), "{refused}");
    }

    // A project file is somebody else's.
    env.write("docent.toml", "[web]\nallow_private = true\n");
    let refused = env.run(&["ingest", &url]).expect(3);
    assert!(refused.stderr.contains("web.allow_private = true"), "{refused}");
    assert!(refused.stderr.contains("docent config trust"), "{refused}");
    assert!(site.asked().is_empty(), "nothing was asked for");

    env.run(&["config", "trust"]).expect(0);
    env.run(&["ingest", &url]).expect(0);
    env.write("docent.toml", "");
    env.set("DOCENT_WEB_ALLOW_PRIVATE", "true");
    env.run(&["ingest", &url]).expect(0);
    env.set("DOCENT_WEB_ALLOW_PRIVATE", "maybe");
    env.run(&["ingest", &url]).expect(3);
}

#[test]
fn from_a_url_to_an_answer() {
    let (env, site) = (TestEnv::new(), Site::start());
    site.put("/docs/", page("index", &["ferry"]));
    site.put("/docs/ferry", page("the ferry to the island leaves at nine", &[]));
    let url = site.url("/docs/").replace("http://", "http://me:s3cret@");
    let args =
        ["query", "--from", &url, "--depth", "1", "--allow-private", "When does the ferry leave?"];
    let run = env.run(&args).expect(0);
    assert!(run.stdout.contains("leaves at nine [1]"), "{run}");
    assert!(run.stderr.contains(&format!("synced {}: 2 documents", site.url("/docs/"))), "{run}");
    assert!(!format!("{}{}", run.stdout, run.stderr).contains("s3cret"), "{run}");
    assert!(site.requests().iter().all(|request| request.headers.contains_key("authorization")));
}

#[test]
fn pages_are_no_missing_files() {
    let (env, site) = (TestEnv::new(), Site::start());
    site.put("/a", page("words of a", &[]));
    env.write("docs/b.md", "# B\n\nWords of b.\n");
    counts(&ingest(&env, &[&site.url("/a"), "docs"]).expect(0).json(), [2, 0, 0, 0, 0]);
    let status = env.run(&["status", "--format", "json"]).expect(0).json();
    assert_eq!(status["stale"], json!({"changed": [], "missing": [], "awaited": []}));
    assert_eq!(status["manifest"]["runs"][0]["roots"], json!(["docs", site.url("/a")]));
    let text = env.run(&["status"]).expect(0).stdout;
    assert!(text.contains("as they were ingested; 1 page of the web not checked"), "{text}");
    // Sites that were not named stay.
    counts(&ingest(&env, &["docs"]).expect(0).json(), [0, 0, 0, 0, 1]);
    counts(&ingest(&env, &[&site.url("/a")]).expect(0).json(), [0, 0, 0, 0, 1]);
    assert_eq!(stored(&env, &site), ["docs/b.md", "/a"]);
}

#[test]
fn types_and_charsets_of_headers_count() {
    let (env, site) = (TestEnv::new(), Site::start());
    let latin = b"<html><body><p>Die Gr\xF6\xDFe der F\xE4hre ist bekannt.";
    site.put("/latin", Answer::new("text/html; charset=iso-8859-1", &latin[..]));
    site.put("/readme", Answer::new("text/markdown", "# Harbour\n\nThe harbour has two piers.\n"));
    site.put("/tool.py", Answer::text("def dock():\n    return 'dock the boat'\n"));
    let urls = ["/latin", "/readme", "/tool.py"].map(|path| site.url(path));
    let report = ingest(&env, &urls.each_ref().map(String::as_str)).expect(0).json();
    counts(&report, [3, 0, 0, 0, 0]);
    let first = |question: &str| {
        let found = env.run(&["search", question, "--format", "json"]).expect(0).json();
        found["hits"][0].clone()
    };
    assert!(first("Größe Fähre")["text"].as_str().expect("text").contains("Größe der Fähre"));
    assert_eq!(first("piers")["headings"], json!(["Harbour"]));
    let status = env.run(&["status", "--documents", "--format", "json"]).expect(0).json();
    let kinds: Vec<&Value> =
        status["records"].as_array().expect("records").iter().map(|r| &r["kind"]).collect();
    assert_eq!(kinds, ["html", "markdown", "code"]);
}

#[test]
fn tags_and_checksums_ask_for_the_page_itself() {
    let (env, site) = (TestEnv::new(), Site::start());
    site.put("/a", page("words of a", &[]).header("etag", "\"1\""));
    let url = site.url("/a");
    ingest(&env, &[&url]).expect(0);
    counts(&ingest(&env, &[&url, "--tag", "public"]).expect(0).json(), [0, 1, 0, 0, 0]);
    counts(&ingest(&env, &[&url, "--tag", "public"]).expect(0).json(), [0, 0, 0, 0, 1]);
    site.asked();
    counts(&ingest(&env, &[&url, "--checksum"]).expect(0).json(), [0, 0, 0, 0, 1]);
    assert!(!site.requests()[1].headers.contains_key("if-none-match"));
}

#[test]
fn a_proxy_of_the_environment_is_used() {
    let (mut env, proxy) = (TestEnv::new(), Site::start());
    proxy.put("http://1.1.1.1/a", page("words from behind the proxy", &[]));
    proxy.put("http://10.0.0.1/a", page("words from the intranet", &[]));
    env.set("http_proxy", &proxy.url(""));
    env.run(&["ingest", "http://1.1.1.1/a"]).expect(0);
    assert_eq!(proxy.asked(), ["http://1.1.1.1/robots.txt", "http://1.1.1.1/a"]);
    let refused = env.run(&["ingest", "http://10.0.0.1/a"]).expect(5);
    assert!(refused.stderr.contains("10.0.0.1 is a private address"), "{refused}");
    assert!(proxy.asked().is_empty());
}

#[test]
fn what_is_no_url_of_a_page_is_wrong_usage() {
    let env = TestEnv::new();
    for (url, why) in [
        ("ftp://example.org/a", "ftp: is not supported, only http and https are"),
        ("https://", "empty host"),
        ("http://me:s3cret@[::1/", "invalid"),
    ] {
        let run = env.run(&["ingest", url]).expect(2);
        assert!(run.stderr.contains(why), "{run}");
        assert!(!run.stderr.contains("s3cret"), "{run}");
    }
    env.run(&["ingest", "https://example.org/", "--depth", "deep"]).expect(2);
    env.run(&["ingest", "https://example.org/", "--max-pages", "0"]).expect(2);
}

#[test]
fn nothing_of_a_page_is_left_on_disk() {
    let (mut env, site) = (TestEnv::new(), Site::start());
    site.put("/a", page("words of a", &[]));
    std::fs::create_dir(env.path("tmp")).expect("a directory");
    let place = env.path("tmp").display().to_string();
    env.set("TMPDIR", &place);
    ingest(&env, &[&site.url("/a")]).expect(0);
    assert_eq!(std::fs::read_dir(env.path("tmp")).expect("a directory").count(), 0);
}

#[test]
fn without_a_path_the_sites_of_earlier_runs_are_taken_up() {
    let (env, site) = (TestEnv::new(), Site::start());
    env.write("notes.md", "# Notes\n\nThe tide turns at noon.\n");
    site.put("/docs/", page("index of everything", &["a"]));
    site.put("/docs/a", page("the first page", &[]));
    site.put("/alone", page("a page by itself", &["/linked"]));
    site.put("/linked", page("not asked for", &[]));
    let (docs, alone) = (site.url("/docs/"), site.url("/alone"));
    counts(&ingest(&env, &["notes.md", &alone]).expect(0).json(), [2, 0, 0, 0, 0]);
    counts(&ingest(&env, &[&docs, "--depth", "1"]).expect(0).json(), [2, 0, 0, 0, 0]);

    site.put("/docs/", page("index of everything", &["a", "b"]));
    site.put("/docs/b", page("the second page", &[]));
    env.write("notes.md", "# Notes\n\nThe tide turned at noon.\n");
    counts(&ingest(&env, &[]).expect(0).json(), [1, 2, 0, 0, 2]);
    assert_eq!(stored(&env, &site), ["/alone", "/docs/", "/docs/a", "/docs/b", "notes.md"]);
    // Beside the old one, everything is fetched again.
    counts(&ingest(&env, &["--rebuild"]).expect(0).json(), [5, 0, 0, 0, 0]);
    counts(&ingest(&env, &[]).expect(0).json(), [0, 0, 0, 0, 5]);

    // A page that is gone is asked for once more, at most.
    site.remove("/alone");
    counts(&ingest(&env, &[]).expect(0).json(), [0, 0, 0, 1, 4]);
    site.asked();
    counts(&ingest(&env, &[]).expect(0).json(), [0, 0, 0, 0, 4]);
    assert!(!site.asked().contains(&"/alone".to_owned()));
}

#[test]
fn the_wider_of_two_crawls_is_remembered() {
    let (env, site) = (TestEnv::new(), Site::start());
    site.put("/docs/", page("index of everything", &["a"]));
    site.put("/docs/a", page("the first page", &["b"]));
    site.put("/docs/b", page("the second page", &[]));
    let (docs, a) = (site.url("/docs/"), site.url("/docs/a"));
    counts(&ingest(&env, &[&docs, "--depth", "2"]).expect(0).json(), [3, 0, 0, 0, 0]);
    counts(&ingest(&env, &[&docs]).expect(0).json(), [0, 0, 0, 0, 1]);
    // On the way of one crawl, the end of another.
    counts(&ingest(&env, &[&a]).expect(0).json(), [0, 0, 0, 0, 1]);
    counts(&ingest(&env, &[]).expect(0).json(), [0, 0, 0, 0, 3]);
    assert_eq!(stored(&env, &site), ["/docs/", "/docs/a", "/docs/b"]);
}

#[test]
fn pages_that_failed_are_taken_up_again() {
    let (env, site) = (TestEnv::new(), Site::start());
    site.put("/docs/", page("index of everything", &["bad", "good"]));
    site.put("/docs/good", page("the good page", &[]));
    site.put("/docs/bad", Answer::status("403 Forbidden"));
    let docs = site.url("/docs/");
    ingest(&env, &[&docs, &site.url("/none"), "--depth", "1"]).expect(5);
    let failures = || {
        let status = env.run(&["status", "--format", "json"]).expect(0).json();
        status["failures"].as_array().expect("failures").len()
    };
    assert_eq!(failures(), 1, "what is not a page is not remembered");

    counts(&ingest(&env, &["--retry-failed"]).expect(5).json(), [0, 0, 0, 0, 0]);
    site.put("/docs/bad", page("the bad page", &[]));
    site.put("/docs/good", page("the good page was edited", &[]));
    let report = ingest(&env, &["--retry-failed"]).expect(0).json();
    counts(&report, [1, 0, 0, 0, 0]);
    assert_eq!(failures(), 0);
    // It belongs to the site that it was found in.
    site.put("/docs/", page("index of everything", &["good"]));
    site.remove("/docs/bad");
    counts(&ingest(&env, &[]).expect(0).json(), [0, 2, 0, 1, 0]);
}
