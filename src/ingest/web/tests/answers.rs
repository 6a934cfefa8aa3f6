//! Answers of servers, and what docent makes of them.

use super::*;

#[tokio::test]
async fn robots_are_obeyed() {
    let site = Site::start();
    site.put("/robots.txt", Answer::text("User-agent: docent\nDisallow: /no\n"));
    site.put("/", links(&["/no/a", "/yes"]));
    site.put("/yes", links(&[]));
    site.put("/no/a", links(&[]));
    let attempt = Try::new(&site).depth(1);
    let discovery = attempt.visit(&["/"]).await;
    assert_eq!(attempt.found(&discovery), ["/", "/yes"]);
    assert_eq!(attempt.skipped(&discovery), [("/no/a".to_owned(), "disallowed by robots.txt")]);
    assert_eq!(site.asked(), ["/robots.txt", "/", "/yes"]);
    let discovery = attempt.visit(&["/no/a"]).await;
    let reason = "disallowed by robots.txt".to_owned();
    assert_eq!(attempt.failed(&discovery), [("/no/a".to_owned(), reason)]);
}

#[tokio::test]
async fn rules_that_cannot_be_read_forbid_and_missing_rules_allow() {
    let site = Site::start();
    site.put("/page", links(&[]));
    let attempt = Try::new(&site);
    site.once("/robots.txt", Answer::status("503 Busy"));
    let discovery = attempt.visit(&["/page"]).await;
    let reason = "robots.txt: HTTP 503".to_owned();
    assert_eq!(attempt.failed(&discovery), [("/page".to_owned(), reason)]);
    site.once("/robots.txt", Answer::text("User-agent: *\nDisallow: /\nCrawl-delay: 3600").cut());
    assert_eq!(attempt.visit(&["/page"]).await.failed.len(), 1);
    site.once("/robots.txt", Answer::text("User-agent: *\nCrawl-delay: 3600"));
    let discovery = attempt.visit(&["/page"]).await;
    let reason = "robots.txt asks for 3600 seconds between two requests".to_owned();
    assert_eq!(attempt.failed(&discovery), [("/page".to_owned(), reason)]);
    site.once("/robots.txt", Answer::status("403 Forbidden"));
    assert_eq!(attempt.found(&attempt.visit(&["/page"]).await), ["/page"]);
    site.once("/robots.txt", Answer::redirect("/rules"));
    site.once("/rules", Answer::text("User-agent: *\nDisallow: /page"));
    assert_eq!(attempt.visit(&["/page"]).await.failed.len(), 1);
}

#[tokio::test]
async fn pages_that_ask_robots_to_stay_away() {
    let site = Site::start();
    let meta = |content: &str, to: &str| {
        Answer::html(&format!("<meta name=robots content={content}><a href='{to}'>x</a>"))
    };
    site.put("/", links(&["/a", "/b", "/c", "/d"]));
    site.put("/a", meta("noindex", "/from-a"));
    site.put("/b", meta("nofollow", "/from-b"));
    site.put("/c", links(&["/from-c"]).header("x-robots-tag", "none"));
    site.put("/d", links(&["/from-d"]).header("x-robots-tag", "otherbot: none"));
    for path in ["/from-a", "/from-b", "/from-c", "/from-d"] {
        site.put(path, links(&[]));
    }
    let attempt = Try::new(&site).depth(2);
    let discovery = attempt.visit(&["/"]).await;
    assert_eq!(attempt.found(&discovery), ["/", "/b", "/d", "/from-a", "/from-d"]);
    let noindex = |path: &str| (path.to_owned(), "noindex");
    assert_eq!(attempt.skipped(&discovery), [noindex("/a"), noindex("/c")]);
}

#[tokio::test]
async fn bad_answers_are_rows() {
    let site = Site::start();
    let (large, slow) = ("x".repeat(100_001), "a beginning, and then nothing");
    let broken = Answer::new("text/plain", &b"\x1f\x8b\x08 and no more"[..]);
    for (path, answer, expected) in [
        ("/large", Answer::text(&large), "over the size limit (raise it with --max-file-size)"),
        ("/endless", Answer::text(&large[..1000]).for_ever(), "over the size limit"),
        ("/slow", Answer::text(slow).then_silence(), "no answer in time"),
        ("/mute", Answer::silence(), "no answer in time"),
        ("/cut", Answer::text("half").cut(), "the answer was cut"),
        ("/odd", Answer::text("x").header("content-encoding", "br"), "the encoding \"br\""),
        ("/broken", broken.header("content-encoding", "gzip"), "its compression is broken"),
        ("/lost", Answer::status("302 Found"), "HTTP 302: redirects without a usable target"),
        (
            "/away",
            Answer::redirect("ftp://example.org/"),
            "HTTP 302: redirects without a usable target",
        ),
        ("/login", Answer::status("401 Unauthorized"), "HTTP 401: a password is required"),
        ("/teapot", Answer::status("418 Teapot"), "HTTP 418"),
        ("/down", Answer::status("500 Down"), "HTTP 500"),
    ] {
        site.put(path, answer);
        let mut attempt = Try::new(&site);
        attempt.options.timeout = Duration::from_millis(300);
        let discovery = attempt.visit(&[path]).await;
        let kept = fs::read_dir(attempt.spool.path()).unwrap().count();
        assert!(discovery.found.is_empty(), "{path}");
        assert!(discovery.failed[0].reason.contains(expected), "{path}: {:?}", discovery.failed);
        assert_eq!(kept, 0, "{path} left something behind");
    }
}

#[tokio::test]
async fn a_slow_trickle_is_cut_off() {
    let site = Site::start();
    site.put("/page", Answer::text("a beginning").then_trickle());
    let mut attempt = Try::new(&site);
    attempt.options.timeout = Duration::from_secs(1);
    attempt.options.retry.attempts = 3;
    let discovery = attempt.visit(&["/page"]).await;
    assert!(discovery.failed[0].reason.starts_with("not finished after 5 s"), "{discovery:?}");
    assert_eq!(site.asked(), ["/robots.txt", "/page"], "a page that took so long is not retried");
    site.put("/robots.txt", Answer::text("User-agent: *").then_trickle());
    let discovery = attempt.visit(&["/page"]).await;
    assert!(
        discovery.failed[0].reason.starts_with("robots.txt: not finished after 5 s"),
        "{discovery:?}"
    );
}

#[tokio::test]
async fn temporary_failures_are_retried() {
    let site = Site::start();
    site.put("/page", links(&[]));
    let mut attempt = Try::new(&site);
    attempt.options.retry =
        RetryPolicy { attempts: 3, within: None, base: Duration::ZERO, max: Duration::ZERO };
    site.once("/page", Answer::status("429 Too Many").header("retry-after", "0"));
    site.once("/page", Answer::html("<p>half a page").cut());
    let discovery = attempt.visit(&["/page"]).await;
    assert_eq!(attempt.found(&discovery), ["/page"]);
    assert_eq!(fs::read_dir(attempt.spool.path()).unwrap().count(), 1);
    site.asked();
    for _ in 0..3 {
        site.once("/page", Answer::status("503 Busy"));
    }
    let discovery = attempt.visit(&["/page"]).await;
    assert_eq!(discovery.failed[0].reason, "after 3 tries: HTTP 503");
    site.once("/page", Answer::status("503 Busy").header("retry-after", "7200"));
    let discovery = attempt.visit(&["/page"]).await;
    assert!(discovery.failed[0].reason.contains("asks for a wait of 2 hours"), "{discovery:?}");
}

#[tokio::test]
async fn a_host_that_keeps_failing_is_left_alone() {
    let site = Site::start();
    let pages: Vec<String> = (0..40).map(|number| format!("/{number}")).collect();
    site.put("/", links(&pages.iter().map(String::as_str).collect::<Vec<_>>()));
    for page in &pages {
        site.put(page, Answer::status("500 Down"));
    }
    let attempt = Try::new(&site).depth(1);
    let discovery = attempt.visit(&["/"]).await;
    assert_eq!(discovery.failed.len(), 40);
    assert!(site.asked().len() < 20);
    let reason = &discovery.failed.last().unwrap().reason;
    assert!(reason.starts_with("not fetched: its host failed"), "{reason}");
}

#[tokio::test]
async fn types_and_charsets() {
    let site = Site::start();
    site.put("/latin", Answer::new("text/html; charset=iso-8859-1", &b"<p>Gr\xF6\xDFe"[..]));
    site.put("/readme", Answer::new("text/markdown", "# Title"));
    site.put("/main.rs", Answer::text("fn main() {}"));
    site.put("/paper", Answer::new("application/pdf", "%PDF-1.4"));
    site.put("/photo", Answer::new("image/jpeg", "jpeg"));
    let attempt = Try::new(&site);
    let paths = ["/latin", "/readme", "/main.rs", "/paper", "/photo"];
    let discovery = attempt.visit(&paths).await;
    let kinds: Vec<&str> = discovery.found.iter().map(extension).collect();
    assert_eq!(kinds, ["html", "rs", "pdf", "md"]);
    assert_eq!(content(&discovery.found[0]), "\u{FEFF}<p>Größe");
    assert_eq!(attempt.skipped(&discovery), [("/photo".to_owned(), "unsupported type")]);
}

#[tokio::test]
async fn compressed_pages_are_unpacked() {
    use std::io::Write as _;
    let site = Site::start();
    let packed = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let gzip = |answer: Answer| answer.header("content-encoding", "gzip");
    site.put("/page", gzip(Answer::new("text/html", packed("<p>Words."))));
    site.put("/bomb", gzip(Answer::new("text/plain", packed(&"a".repeat(100_001)))));
    let list = format!("<urlset><url><loc>{}</loc></url></urlset>", site.url("/page"));
    site.put("/sitemap.xml.gz", Answer::new("application/gzip", packed(&list)));
    let attempt = Try::new(&site);
    let discovery = attempt.visit(&["/page", "/bomb"]).await;
    assert_eq!(content(&discovery.found[0]), "<p>Words.");
    assert!(discovery.failed[0].reason.contains("over the size limit"), "{discovery:?}");
    let discovery = attempt.visit(&["/sitemap.xml.gz"]).await;
    assert_eq!(attempt.found(&discovery), ["/page"]);
}
