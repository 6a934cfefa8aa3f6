//! Settings of the server: where it listens, who may call it, and its limits.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::values::resolve_path;
use super::{LayerValues, SettingsError, parse, tenant};

#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
#[derive(Clone, PartialEq, Debug)]
pub struct ServeSettings {
    pub listen: Vec<ListenAddress>,
    /// Collections that are served; never empty.
    pub collections: Vec<String>,
    /// File with the keys of callers; `None` if none was named.
    pub keys: Option<PathBuf>,
    /// `None`: callers speak plain HTTP.
    pub tls: Option<TlsFiles>,
    /// File that counts what keys have used; `None`: beside the file of keys.
    pub usage: Option<PathBuf>,
    /// Public URL, without a slash at its end.
    pub public_url: Option<String>,
    /// Serve the web page, and the documents that it opens.
    pub ui: bool,
    /// How long a link opens a document without a key.
    pub link_expiry: Duration,
    /// Allowed hosts, in lower case.
    pub allow_host: Vec<String>,
    pub allow_origin: Vec<String>,
    pub max_connections: usize,
    pub max_questions: usize,
    pub queue: usize,
    pub queue_wait: Duration,
    pub timeout: Duration,
    pub header_timeout: Duration,
    pub slow_client: Duration,
    pub body_limit: u64,
    /// Size of the cache of retrieval, in bytes; 0: no cache.
    pub cache: u64,
    /// Let keys with the right to ingest change collections by request.
    pub ingest: bool,
    /// Largest file that may be uploaded, in bytes.
    pub upload_limit: u64,
    pub drain: Duration,
    /// How long a conversation may go without a question.
    pub chat_idle: Duration,
    /// How often the connection of a conversation is pinged; it is closed if no answer comes before the
    /// next ping.
    pub chat_ping: Duration,
    pub fallback: Fallback,
    /// Audit file, with a line for each request; `None`: no audit file.
    pub audit: Option<PathBuf>,
    /// Whether questions are kept in the audit file.
    pub audit_content: bool,
    /// Whether a request is refused if the audit file can't be written.
    pub audit_required: bool,
    /// Baseline of signals of drift; `None`: the first questions.
    pub drift_baseline: Option<PathBuf>,
}

/// Files in PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFiles {
    /// The certificate chain of the server.
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// What answers while the chat model fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fallback {
    /// Nothing: callers get an error.
    None,
    /// The extractive model, which quotes passages.
    Extractive,
}

/// A place to listen at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ListenAddress {
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl ListenAddress {
    /// Whether other machines cannot reach the address.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl ServeSettings {
    pub(super) fn resolve(
        values: &LayerValues<'_>,
        tenant: Option<&str>,
    ) -> Result<Self, SettingsError> {
        const LISTEN: &str = "serve.listen";
        const COLLECTIONS: &str = "serve.collections";
        let mut listen = values.parsed(LISTEN, |text| list(text, address))?;
        if let Some((_, origin)) = values.found(LISTEN) {
            for address in &mut listen {
                if let ListenAddress::Unix(path) = address {
                    *path = resolve_path(&path.to_string_lossy(), origin);
                }
            }
        }
        let named =
            values.optional(COLLECTIONS, |text| list(text, parse::collection_or_tenants))?;
        let of_tenant = |name: String| tenant::of_tenant(values, COLLECTIONS, &name, tenant);
        let names = |name| {
            let listed = values.optional(name, |text| {
                list(text, |item| Ok(item.trim_end_matches('/').to_ascii_lowercase()))
            });
            listed.map(Option::unwrap_or_default)
        };
        Ok(Self {
            listen,
            collections: match named {
                Some(named) => named.into_iter().map(of_tenant).collect::<Result<_, _>>()?,
                None => vec![tenant::collection(values, "collection", tenant)?],
            },
            keys: values.path("serve.keys"),
            tls: tls(values)?,
            usage: values.path("serve.usage"),
            public_url: values.optional("serve.public_url", parse::url)?,
            ui: values.parsed("serve.ui", parse::boolean)?,
            link_expiry: values.time("serve.link_expiry")?,
            allow_host: names("serve.allow_host")?,
            allow_origin: names("serve.allow_origin")?,
            max_connections: values.whole("serve.max_connections")?,
            max_questions: values.whole("serve.max_questions")?,
            queue: values.whole("serve.queue")?,
            queue_wait: values.time("serve.queue_wait")?,
            timeout: values.time("serve.timeout")?,
            header_timeout: values.time("serve.header_timeout")?,
            slow_client: values.time("serve.slow_client")?,
            body_limit: values.bytes("serve.body_limit")?,
            cache: values.bytes("serve.cache")?,
            ingest: values.parsed("serve.ingest", parse::boolean)?,
            upload_limit: values.bytes("serve.upload_limit")?,
            drain: values.time("serve.drain")?,
            chat_idle: values.time("serve.chat_idle")?,
            chat_ping: values.time("serve.chat_ping")?,
            fallback: values.parsed("serve.fallback", |text| match text {
                "none" => Ok(Fallback::None),
                "extractive" => Ok(Fallback::Extractive),
                _ => Err("is not a fallback: use none or extractive".to_owned()),
            })?,
            audit: values.path("serve.audit"),
            audit_content: values.parsed("serve.audit_content", parse::boolean)?,
            audit_required: values.parsed("serve.audit_required", parse::boolean)?,
            drift_baseline: values.path("serve.drift_baseline"),
        })
    }
}

/// # Errors
/// Only one of the two files is set.
fn tls(values: &LayerValues<'_>) -> Result<Option<TlsFiles>, SettingsError> {
    const NAMES: [&str; 2] = ["serve.tls_cert", "serve.tls_key"];
    match NAMES.map(|name| values.path(name)) {
        [Some(certificate), Some(key)] => Ok(Some(TlsFiles { certificate, key })),
        [None, None] => Ok(None),
        [certificate, _] => {
            let (there, missing) = if certificate.is_some() {
                ("--tls-cert", "--tls-key")
            } else {
                ("--tls-key", "--tls-cert")
            };
            Err(values.at_odds(
                &NAMES,
                format!("{there} is set, but {missing} is not"),
                &format!("TLS needs a certificate and its key: name the other file with {missing}"),
            ))
        }
    }
}

/// Splits a list at commas, with each item once, in order.
fn list<T: PartialEq>(
    text: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let mut items = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let item = parse(item)?;
        if !items.contains(&item) {
            items.push(item);
        }
    }
    if items.is_empty() { Err("names nothing".to_owned()) } else { Ok(items) }
}

/// `127.0.0.1:7400`, `[::1]:7400`, `localhost:7400`, `:7400` (every address of this machine),
/// `unix:PATH`.
fn address(text: &str) -> Result<ListenAddress, String> {
    if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
        return Ok(ListenAddress::Unix(path.into()));
    }
    let wrong = || "is not ADDRESS:PORT or unix:PATH, such as 127.0.0.1:7400".to_owned();
    if let Ok(address) = text.parse() {
        return Ok(ListenAddress::Tcp(address));
    }
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port: u16 = port.parse().map_err(|_| wrong())?;
    let ip = match host {
        "" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        // `localhost` has a fixed meaning; no other name is looked up.
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        _ => return Err(wrong()),
    };
    Ok(ListenAddress::Tcp(SocketAddr::new(ip, port)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn an_address_is_one_of_this_machine_or_a_socket() {
        for (text, is_local) in [
            ("127.0.0.1:7400", true),
            ("127.1.2.3:0", true),
            ("[::1]:7400", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("localhost:7400", true),
            ("unix:docent.sock", true),
            (":7400", false),
            ("0.0.0.0:7400", false),
            ("[::]:7400", false),
            ("192.168.1.5:80", false),
        ] {
            assert_eq!(address(text).unwrap().is_local(), is_local, "{text}");
        }
        for text in ["7400", "unix:", "example.org:80", "127.0.0.1", "127.0.0.1:99999", ""] {
            assert!(address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_list_has_each_item_once() {
        let items = |text| list(text, |item| Ok(item.to_owned()));
        assert_eq!(items(" a, b,,a ").unwrap(), ["a", "b"]);
        assert!(items(" , ").is_err());
    }
}
