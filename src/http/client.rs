//! The HTTP client behind every request that docent sends.

use std::time::Duration;

use reqwest::{Url, redirect};

use super::url::is_loopback;

/// How long a TCP and TLS handshake may take.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Redirects are not followed: a key goes to the host it was given for, and a POST that becomes a
/// GET helps nobody.
pub(crate) fn http_client(url: &Url) -> reqwest::Result<reqwest::Client> {
    // An error means that another part of the process has installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("docent/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(redirect::Policy::none());
    if url.scheme() == "http" {
        // No certificate will be checked, so none is loaded: a machine without any still works.
        let tls = rustls::ClientConfig::builder()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        builder = builder.tls_backend_preconfigured(tls);
    }
    if is_loopback(url) {
        builder = builder.no_proxy();
    }
    builder.build()
}
