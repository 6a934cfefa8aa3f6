//! Properties of a URL, and which parts of it may be shown. Pure.

use reqwest::Url;

/// The URL as it may be shown: no `user:password@`, no query, no trailing slash.
pub(crate) fn shown_url(url: &str) -> String {
    let url = url.trim().split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(s, r)| (s, r));
    let host = rest.find('/').unwrap_or(rest.len());
    let user = rest[..host].rfind('@').map_or(0, |at| at + 1);
    let separator = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{separator}{}", &rest[user..])
}

/// Whether the URL points to this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_urls_have_no_secrets() {
        let table = [
            ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
            ("http://me:secret@host:8080/v1?key=secret#x", "http://host:8080/v1"),
            ("http://me:sec@ret@host/v1", "http://host/v1"),
            ("me:secret@host/v1", "host/v1"),
            (" http://[::1]:80 ", "http://[::1]:80"),
            ("http://host/a@b", "http://host/a@b"),
        ];
        for (url, expected) in table {
            assert_eq!(shown_url(url), expected, "{url}");
        }
    }

    #[test]
    fn loopback_hosts() {
        for (url, expected) in [
            ("http://localhost:1/v1", true),
            ("http://127.0.0.9/v1", true),
            ("http://[::1]:8/v1", true),
            ("http://10.0.0.1/v1", false),
            ("http://localhost.example.org/v1", false),
        ] {
            assert_eq!(Url::parse(url).is_ok_and(|url| is_loopback(&url)), expected, "{url}");
        }
    }
}
