//! Crawls, and what they mean for stored pages.

use super::*;

#[tokio::test]
async fn one_page() {
    let site = Site::start();
    let html = Answer::html("<p>Words. <a href=/other>other</a>");
    site.put("/guide", html.header("etag", "\"v1\"").header("last-modified", "yesterday"));
    let attempt = Try::new(&site);
    let discovery = attempt.visit(&["/guide#part"]).await;
    let [page] = &discovery.found[..] else { panic!("{discovery:?}") };
    assert_eq!(page.source, site.url("/guide"));
    assert_eq!(content(page), "<p>Words. <a href=/other>other</a>");
    assert_eq!((extension(page), page.size), ("html", 34));
    assert_eq!(page.hash, ContentHash::of(content(page).as_bytes()));
    assert_eq!((page.origin.root.as_str(), page.origin.depth), (page.source.as_str(), 0));
    assert_eq!(page.origin.validators.etag.as_deref(), Some("\"v1\""));
    assert_eq!(page.origin.validators.last_modified.as_deref(), Some("yesterday"));
    let requests = site.requests();
    assert_eq!(requests[1].headers["user-agent"], concat!("docent/", env!("CARGO_PKG_VERSION")));
    assert_eq!(site.asked(), ["/robots.txt", "/guide"]);
}

#[tokio::test]
async fn a_site_by_its_links() {
    let site = Site::start();
    site.put("/docs/", links(&["a", "b#x", "b", "/", "/docsx", "../up", "sub/", "a.png"]));
    site.put("/docs/a", links(&["c"]));
    site.put("/docs/b", links(&["./", "missing"]));
    site.put("/docs/c", links(&["d"]));
    site.put("/docs/sub/", links(&[]));
    site.put("/docs/a.png", Answer::new("image/png", "png"));
    let attempt = Try::new(&site).depth(1);
    let discovery = attempt.visit(&["/docs/"]).await;
    assert_eq!(attempt.found(&discovery), ["/docs/", "/docs/a", "/docs/b", "/docs/sub/"]);
    assert_eq!(attempt.skipped(&discovery), [("/docs/a.png".to_owned(), "unsupported type")]);
    let attempt = Try::new(&site).depth(2);
    let discovery = attempt.visit(&["/docs/"]).await;
    assert_eq!(
        attempt.found(&discovery),
        ["/docs/", "/docs/a", "/docs/b", "/docs/c", "/docs/sub/"]
    );
    let depths: Vec<u32> = discovery.found.iter().map(|page| page.origin.depth).collect();
    assert_eq!(depths, [0, 1, 1, 2, 1]);
    let skipped = attempt.skipped(&discovery);
    assert!(skipped.contains(&("/docs/missing".to_owned(), "no such page")), "{skipped:?}");
    assert!(discovery.failed.is_empty());
}

#[tokio::test]
async fn the_whole_host_on_request_and_patterns() {
    let site = Site::start();
    site.put("/docs/", links(&["/", "/blog/one", "/docs/x.txt", "/docs/y"]));
    for path in ["/", "/blog/one", "/docs/y"] {
        site.put(path, links(&[]));
    }
    site.put("/docs/x.txt", Answer::text("text"));
    let mut attempt = Try::new(&site).depth(1);
    attempt.reach.whole_host = true;
    let discovery = attempt.visit(&["/docs/"]).await;
    assert_eq!(attempt.found(&discovery), ["/", "/blog/one", "/docs/", "/docs/x.txt", "/docs/y"]);
    let patterns = Patterns::new(&[], &["blog/".to_owned(), "*.txt".to_owned()]).unwrap();
    attempt.options.patterns = patterns;
    let discovery = attempt.visit(&["/docs/"]).await;
    assert_eq!(attempt.found(&discovery), ["/", "/docs/", "/docs/y"]);
    assert_eq!(
        attempt.skipped(&discovery),
        [("/blog/one".to_owned(), "excluded"), ("/docs/x.txt".to_owned(), "excluded")]
    );
    // Pages that are not wanted themselves lead to pages that are.
    attempt.options.patterns = Patterns::new(&["*.txt".to_owned()], &[]).unwrap();
    let discovery = attempt.visit(&["/docs/"]).await;
    assert_eq!(attempt.found(&discovery), ["/docs/x.txt"]);
}

#[tokio::test]
async fn sitemaps_and_their_indexes() {
    let site = Site::start();
    let list = |tag: &str, paths: &[&str]| {
        let entry = |path: &&str| format!("<{tag}><loc>{}</loc></{tag}>", site.url(path));
        paths.iter().map(entry).collect::<Vec<_>>().concat()
    };
    let index = list("sitemap", &["/docs/one.xml", "/docs/two.xml"]);
    let index = format!("<sitemapindex>{index}</sitemapindex>");
    site.put("/docs/sitemap.xml", Answer::new("application/xml", index));
    let one = format!("<urlset>{}</urlset>", list("url", &["/docs/a", "/docs/b", "/blog/x"]));
    site.put("/docs/one.xml", Answer::new("text/xml", one));
    site.put("/docs/two.xml", Answer::html("<p>an error page"));
    site.put("/docs/a", links(&["/docs/c"]));
    site.put("/docs/b", links(&[]));
    site.put("/docs/c", links(&[]));
    let attempt = Try::new(&site);
    let discovery = attempt.visit(&["/docs/sitemap.xml"]).await;
    assert_eq!(attempt.found(&discovery), ["/docs/a", "/docs/b"]);
    assert_eq!(discovery.found[0].origin.root, site.url("/docs/sitemap.xml"));
    assert_eq!(attempt.skipped(&discovery), [("/blog/x".to_owned(), "outside the site")]);
    let reason = "listed as a sitemap, but it is not one".to_owned();
    assert_eq!(attempt.failed(&discovery), [("/docs/two.xml".to_owned(), reason)]);
    let attempt = Try::new(&site).depth(1);
    let discovery = attempt.visit(&["/docs/sitemap.xml"]).await;
    assert_eq!(attempt.found(&discovery), ["/docs/a", "/docs/b", "/docs/c"]);
    // Other XML is a document.
    site.put("/feed.xml", Answer::new("application/xml", "<rss>words</rss>"));
    let discovery = attempt.visit(&["/feed.xml"]).await;
    assert_eq!(attempt.found(&discovery), ["/feed.xml"]);
}

#[tokio::test]
async fn redirects_give_the_page_its_last_name() {
    let site = Site::start();
    site.put("/old", Answer::redirect("/new/"));
    site.put("/new/", links(&["x", "out", "loop"]));
    site.put("/new/x", Answer::html("<meta http-equiv=refresh content='0; url=y'>"));
    site.put("/new/y", links(&[]));
    site.put("/new/out", Answer::redirect("/elsewhere"));
    site.put("/new/loop", Answer::redirect("/new/pool"));
    site.put("/new/pool", Answer::redirect("/new/loop"));
    let attempt = Try::new(&site).depth(1);
    let discovery = attempt.visit(&["/old"]).await;
    assert_eq!(attempt.found(&discovery), ["/new/", "/new/y"]);
    assert_eq!(discovery.found[0].origin.root, site.url("/old"));
    let outside = ("/new/out".to_owned(), "redirects to outside the site");
    assert_eq!(attempt.skipped(&discovery), [outside]);
    let circle = ("/new/pool".to_owned(), "redirects in a circle".to_owned());
    assert_eq!(attempt.failed(&discovery), [circle]);
}

#[tokio::test]
async fn redirects_come_to_an_end() {
    let site = Site::start();
    for hop in 0..20 {
        site.put(&format!("/{hop}"), Answer::redirect(&format!("/{}", hop + 1)));
    }
    let attempt = Try::new(&site);
    let discovery = attempt.visit(&["/0"]).await;
    let too_often = ("/10".to_owned(), "redirects too often".to_owned());
    assert_eq!(attempt.failed(&discovery), [too_often]);
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again() {
    let site = Site::start();
    site.put("/docs/", links(&["a", "b"]).header("etag", "\"root\""));
    site.put("/docs/a", links(&[]).header("etag", "W/\"a1\""));
    site.put("/docs/b", links(&[]).header("last-modified", "Sat, 21 Nov 2026 05:40:01 GMT"));
    let attempt = Try::new(&site).depth(1);
    let before = attempt.visit(&["/docs/"]).await;
    assert_eq!(before.found.len(), 3);

    site.put("/docs/b", links(&[]).header("last-modified", "Sun, 22 Nov 2026 05:40:01 GMT"));
    let attempt = Try::new(&site).depth(1).after(&before);
    let discovery = attempt.visit(&["/docs/"]).await;
    // The first page is read because its links are needed; the pages at the end are not.
    assert_eq!(attempt.found(&discovery), ["/docs/", "/docs/b"]);
    assert_eq!(attempt.paths(discovery.unchanged.iter().map(|page| &page.source)), ["/docs/a"]);
    assert_eq!(discovery.unchanged[0].origin, before.found[1].origin);
    assert!(discovery.gone.is_empty());
    let discovery = Try::new(&site).after(&before).visit(&["/docs/"]).await;
    assert_eq!((discovery.found.len(), discovery.unchanged.len()), (0, 1));
}

#[tokio::test]
async fn pages_without_validators_are_fetched_again() {
    let site = Site::start();
    site.put("/a", links(&[]).header("etag", "\"1\""));
    let before = Try::new(&site).visit(&["/a"]).await;
    let mut attempt = Try::new(&site).after(&before);
    attempt.known.values_mut().for_each(|origin| origin.validators = Validators::default());
    assert_eq!(attempt.found(&attempt.visit(&["/a"]).await), ["/a"]);
}

#[tokio::test]
async fn pages_that_no_longer_exist_are_gone() {
    let site = Site::start();
    site.put("/docs/", links(&["a", "b", "c"]));
    for path in ["/docs/a", "/docs/b", "/docs/c"] {
        site.put(path, links(&[]));
    }
    let before = Try::new(&site).depth(1).visit(&["/docs/"]).await;
    assert_eq!(before.found.len(), 4);

    // One answers 404, the other is no longer linked.
    site.put("/docs/", links(&["a", "b"]));
    site.remove("/docs/b");
    let attempt = Try::new(&site).depth(1).after(&before);
    let discovery = attempt.visit(&["/docs/"]).await;
    assert_eq!(attempt.gone(&discovery), ["/docs/b", "/docs/c"]);
    assert!(discovery.failed.is_empty() && discovery.skipped.is_empty());

    // A start that is gone, and one that never existed.
    site.remove("/docs/");
    let discovery = attempt.visit(&["/docs/", "/docs/never"]).await;
    assert_eq!(attempt.gone(&discovery), ["/docs/"]);
    let reason = "no such page (HTTP 404)".to_owned();
    assert_eq!(attempt.failed(&discovery), [("/docs/never".to_owned(), reason)]);
}

#[tokio::test]
async fn a_run_deletes_only_within_what_it_looked_at() {
    let site = Site::start();
    site.put("/docs/", links(&["a", "x.txt"]));
    site.put("/docs/a", links(&["b"]));
    site.put("/docs/b", links(&[]));
    site.put("/docs/x.txt", Answer::text("text"));
    site.put("/other", links(&[]));
    let before = Try::new(&site).depth(2).visit(&["/docs/"]).await;
    assert_eq!(before.found.len(), 4);
    let gone = async |attempt: Try<'_>, starts: &[&str]| {
        let discovery = attempt.after(&before).visit(starts).await;
        (Try::new(&site).gone(&discovery), discovery)
    };

    // With less reach, from another start, or without a part of it, the rest stays.
    assert!(gone(Try::new(&site), &["/docs/"]).await.0.is_empty());
    assert!(gone(Try::new(&site).depth(1), &["/docs/"]).await.0.is_empty());
    assert!(gone(Try::new(&site).depth(2), &["/docs/a"]).await.0.is_empty());
    assert!(gone(Try::new(&site).depth(2), &["/other"]).await.0.is_empty());
    let mut few = Try::new(&site).depth(2);
    few.options.max_pages = 2;
    let (lost, discovery) = gone(few, &["/docs/"]).await;
    assert!(lost.is_empty());
    assert_eq!(discovery.found.len(), 2);
    let over = discovery.skipped.iter().filter(|skipped| skipped.reason == "over --max-pages");
    assert_eq!(over.count(), 2);
    let mut part = Try::new(&site).depth(2);
    part.options.patterns = Patterns::new(&[], &["*.txt".to_owned()]).unwrap();
    assert!(gone(part, &["/docs/"]).await.0.is_empty());

    // After a failure the crawl does not know what it missed.
    site.once("/docs/a", Answer::status("403 Forbidden"));
    let (lost, discovery) = gone(Try::new(&site).depth(2), &["/docs/"]).await;
    assert!(lost.is_empty());
    assert_eq!(discovery.failed[0].reason, "HTTP 403: forbidden");
    assert_eq!(gone(Try::new(&site).depth(2), &["/docs/"]).await.0, [""; 0]);
}

#[tokio::test]
async fn a_cancelled_crawl_deletes_nothing() {
    let site = Site::start();
    site.put("/docs/", links(&["a"]));
    site.put("/docs/a", links(&[]));
    let before = Try::new(&site).depth(1).visit(&["/docs/"]).await;
    site.put("/docs/", links(&[]).then_silence());
    let attempt = Try::new(&site).depth(1).after(&before);
    let (canceller, cancel) = cancel::pair();
    let starts = [CrawlSeed::parse(&site.url("/docs/"), attempt.reach).unwrap()];
    let progress = &mut |_| {};
    let crawl = gather(attempt.itinerary(&starts, &cancel), progress);
    let (discovery, ()) = futures::join!(crawl, async {
        while site.requests().iter().filter(|request| request.path == "/docs/").count() < 2 {
            tokio::task::yield_now().await;
        }
        canceller.cancel(cancel::Stop::Interrupt);
    });
    assert!(discovery.found.is_empty() && discovery.gone.is_empty(), "{discovery:?}");
}
