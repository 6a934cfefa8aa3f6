//! Which servers a crawl connects to, and what it sends them.

use super::*;
use crate::ingest::web::guard::Guard;
use crate::ingest::web::guard::tests::answers;

#[tokio::test]
async fn private_addresses_are_refused_at_every_hop() {
    let site = Site::start();
    let public = Answer::redirect(&site.url("/secret"));
    site.put("/secret", links(&[]));
    let mut attempt = Try::new(&site);
    attempt.options.allow_private = false;
    for host in ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]", "127.1"] {
        let url = format!("http://{host}:{}/secret", site.port());
        let discovery = attempt.visit_urls(&[url]).await;
        assert!(discovery.found.is_empty(), "{host}");
        let reason = &discovery.failed[0].reason;
        assert!(reason.contains("a loopback address (allow it with --allow-pri"), "{reason}");
    }
    assert!(site.asked().is_empty(), "nothing was asked");

    // An allowed name redirects to an address that is never allowed.
    attempt.options.allow_private = true;
    site.put("/open", Answer::redirect("http://169.254.169.254/latest/meta-data/"));
    site.put("/public", public);
    let discovery = attempt.visit(&["/open", "/public"]).await;
    assert_eq!(attempt.found(&discovery), ["/secret"]);
    let reason =
        "169.254.169.254 is the address of a metadata service, which docent never connects to";
    assert_eq!(discovery.failed[0].reason, reason);
}

/// A crawl of one page at a name that a scripted name server knows.
async fn visit_name(site: &Site, allow_private: bool, script: &[&[&str]]) -> WebDiscovery {
    let guard = Guard::with_lookup(allow_private, answers(script));
    let attempt = Try::new(site);
    let starts =
        [CrawlSeed::parse(&format!("http://docs.example:{}/page", site.port()), attempt.reach)
            .unwrap()];
    let (_canceller, cancel) = cancel::pair();
    let progress = &mut |_| {};
    gather_guarded(guard, attempt.itinerary(&starts, &cancel), progress).await
}

#[tokio::test]
async fn connections_go_to_the_addresses_that_were_checked() {
    let site = Site::start();
    site.put("/page", links(&[]));
    let discovery = visit_name(&site, false, &[&["127.0.0.1"]]).await;
    let reason = "docs.example is at 127.0.0.1, a loopback address (allow it with --allow-private)";
    assert_eq!(discovery.failed[0].reason, reason);
    assert!(site.asked().is_empty());

    // Of several addresses only the allowed ones are tried.
    let discovery = visit_name(&site, true, &[&["169.254.169.254", "127.0.0.1"]]).await;
    assert_eq!(discovery.found[0].source, format!("http://docs.example:{}/page", site.port()));
    assert_eq!(site.requests()[1].headers["host"], format!("docs.example:{}", site.port()));
    site.asked();

    // A name is resolved and checked again for each connection.
    let discovery = visit_name(&site, true, &[&["127.0.0.1"], &["169.254.169.254"]]).await;
    let reason = "docs.example is at 169.254.169.254, the address of a metadata service, which docent never connects to";
    assert_eq!(discovery.failed[0].reason, reason);
    assert_eq!(site.asked(), ["/robots.txt"]);
}

#[tokio::test]
async fn credentials_stay_with_their_origin() {
    let (site, other) = (Site::start(), Site::start());
    site.put("/page", Answer::redirect(&other.url("/page")));
    other.put("/page", links(&[]));
    let attempt = Try::new(&site);
    let url = site.url("/page").replace("http://", "http://me:s3cret@");
    let discovery = attempt.visit_urls(&[url]).await;
    assert_eq!(discovery.found[0].source, other.url("/page"));
    assert!(!format!("{discovery:?}").contains("s3cret"));
    let basic = "Basic bWU6czNjcmV0";
    assert!(site.requests().iter().all(|request| request.headers["authorization"] == basic));
    assert!(other.requests().iter().all(|r| !r.headers.contains_key("authorization")));
}
