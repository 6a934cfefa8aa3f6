//! TLS: the server's certificate and key, read again when their files change.

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::file_stamp::{OptionalStamp, stamp};
use super::log::{LogEntry, LogSink};
use super::refusal::{ErrorCode, RequestRefusal};
use super::slow::SlowClient;
use crate::error::Failure;
use crate::rooted_fs;
use crate::settings::TlsFiles;

/// How often the files are checked.
const PAUSE: Duration = Duration::from_secs(1);

/// Far more than any chain of certificates has.
const LARGEST: u64 = 1 << 20;

/// How much of a plain-text request is read before the connection is closed: if some of it is left unread,
/// the system discards the response that is being sent.
const PLAIN_REQUEST: u64 = 64 << 10;

pub(super) struct Tls {
    files: TlsFiles,
    state: Mutex<State>,
}

struct State {
    config: Arc<ServerConfig>,
    /// The certificate in use.
    certificate: CertificateDer<'static>,
    stamps: [OptionalStamp; 2],
    /// The files did not match at the last check. Two files are not replaced in one step, so this is
    /// reported only if the next check finds the same.
    in_doubt: bool,
    /// It was reported that the certificate is expired or not valid yet.
    was_untimely: bool,
}

impl Tls {
    /// # Errors
    /// A file cannot be read, has no certificate or no key, or the two do not match.
    pub(super) fn open(files: &TlsFiles) -> Result<Self, Failure> {
        let stamps = stamps(files);
        let (config, certificate) = load(files).map_err(|problem| {
            Failure::config(problem).hint(
                "--tls-cert takes the server's certificate followed by the chain up to its root, --tls-key its private key, both in PEM",
            )
        })?;
        let state = State { config, certificate, stamps, in_doubt: false, was_untimely: false };
        Ok(Self { files: files.clone(), state: Mutex::new(state) })
    }

    /// Checks the files regularly, and reports problems to the log.
    pub(super) async fn watch(self: Arc<Self>, log: LogSink) {
        loop {
            if let Some(problem) = self.look() {
                log(&LogEntry::warning(&problem));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A problem that was not reported yet. If the new files cannot be used, the previous certificate stays
    /// in use.
    fn look(&self) -> Option<String> {
        let mut state = self.state();
        let stamps = stamps(&self.files);
        if stamps != state.stamps || state.in_doubt {
            let was_in_doubt = std::mem::take(&mut state.in_doubt) && stamps == state.stamps;
            state.stamps = stamps;
            match load(&self.files) {
                Ok((config, certificate)) => {
                    (state.config, state.certificate) = (config, certificate);
                    state.was_untimely = false;
                }
                Err(problem) if was_in_doubt => {
                    return Some(format!("the previous certificate stays in use: {problem}"));
                }
                Err(_) => state.in_doubt = true,
            }
        }
        let untimely = untimely(&state.certificate, &provider());
        let said = std::mem::replace(&mut state.was_untimely, untimely.is_some());
        let path = self.files.certificate.display();
        untimely.filter(|_| !said).map(|problem| format!("{path}: {problem}"))
    }

    /// Starts a connection. `None`: the caller does not speak TLS, or no supported version of it; it was
    /// told so where that is possible.
    pub(super) async fn accept(
        &self,
        mut stream: TcpStream,
        patience: Duration,
    ) -> Option<TlsStream<SlowClient<TcpStream>>> {
        let mut first = [0];
        stream.peek(&mut first).await.ok().filter(|&bytes| bytes > 0)?;
        // TLS begins with a byte that is not a letter; every method of HTTP begins with a letter.
        if first[0].is_ascii_uppercase() {
            let _ = refuse_plain(&mut stream).await;
            return None;
        }
        let config = Arc::clone(&self.state().config);
        TlsAcceptor::from(config).accept(SlowClient::new(stream, patience)).await.ok()
    }
}

async fn refuse_plain(stream: &mut TcpStream) -> io::Result<()> {
    let refusal = RequestRefusal::new(
        StatusCode::BAD_REQUEST,
        ErrorCode::TlsRequired,
        "this port speaks HTTPS, not HTTP",
    );
    let body = serde_json::json!({ "error": refusal.object("") }).to_string();
    let head = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await?;
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(PLAIN_REQUEST), &mut tokio::io::sink()).await?;
    Ok(())
}

fn stamps(files: &TlsFiles) -> [OptionalStamp; 2] {
    [stamp(&files.certificate), stamp(&files.key)]
}

fn provider() -> CryptoProvider {
    ring::default_provider()
}

/// What connections need, and the certificate that is shown.
type Loaded = (Arc<ServerConfig>, CertificateDer<'static>);

/// The error names the file, and says nothing else about a key.
fn load(files: &TlsFiles) -> Result<Loaded, String> {
    let TlsFiles { certificate, key } = files;
    let shown = certificate.display();
    let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("{shown}: {error}"))?;
    let first = chain.first().ok_or_else(|| format!("{shown} has no certificate in PEM"))?.clone();
    let secret = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| {
        let key = key.display();
        format!("{key} has no private key in PEM; one that is encrypted cannot be read")
    })?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, secret))
        .map_err(|error| match error {
            Error::InconsistentKeys(_) => {
                format!("{} is not the key of the certificate in {shown}", key.display())
            }
            error => format!("{shown}, {}: {error}", key.display()),
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((Arc::new(config), first))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    rooted_fs::open_file(path)
        .and_then(|file| file.take(LARGEST).read_to_end(&mut bytes))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(bytes)
}

/// Why every client that checks certificates will refuse this one now. The check happens without a trusted
/// root: validity in time is checked before trust.
fn untimely(certificate: &CertificateDer<'_>, provider: &CryptoProvider) -> Option<String> {
    let certificate = ParsedCertificate::try_from(certificate).ok()?;
    let checked = verify_server_cert_signed_by_trust_anchor(
        &certificate,
        &RootCertStore::empty(),
        &[],
        UnixTime::now(),
        provider.signature_verification_algorithms.all,
    );
    let ended = |seconds: u64| {
        let time = i64::try_from(seconds).ok()?;
        Some(chrono::DateTime::from_timestamp(time, 0)?.to_rfc3339())
    };
    match checked {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            let time = ended(not_after.as_secs()).unwrap_or_default();
            Some(format!("the certificate expired at {time}: clients will refuse it"))
        }
        Err(Error::InvalidCertificate(CertificateError::NotValidYetContext {
            not_before, ..
        })) => {
            let time = ended(not_before.as_secs()).unwrap_or_default();
            Some(format!("the certificate is valid from {time} on: clients will refuse it"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    /// A certificate for these years, and its key.
    fn pair(years: (i32, i32)) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    struct Pair {
        dir: tempfile::TempDir,
        files: TlsFiles,
    }

    impl Pair {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let at = |name: &str| dir.path().join(name);
            let files = TlsFiles { certificate: at("cert.pem"), key: at("key.pem") };
            let pair = Self { dir, files };
            pair.put(&self::pair((2020, 4000)));
            pair
        }

        /// Replaces the files, with another modification time.
        fn put(&self, (certificate, key): &(String, String)) {
            for (path, text) in [(&self.files.certificate, certificate), (&self.files.key, key)] {
                let file = tempfile::NamedTempFile::new_in(self.dir.path()).unwrap();
                std::fs::write(file.path(), text).unwrap();
                file.persist(path).unwrap();
            }
        }
    }

    #[test]
    fn files_that_do_not_match_are_named() {
        let pair = Pair::new();
        let TlsFiles { certificate, key } = &pair.files;
        let problem = |certificate: &Path, key: &Path| {
            let files = TlsFiles { certificate: certificate.into(), key: key.into() };
            Tls::open(&files).err().map(|failure| failure.message).unwrap_or_default()
        };
        assert_eq!(problem(certificate, key), "");
        let missing = pair.dir.path().join("missing.pem");
        assert!(problem(&missing, key).starts_with(&missing.display().to_string()));
        assert!(problem(certificate, &missing).starts_with(&missing.display().to_string()));
        assert!(problem(key, key).ends_with("key.pem has no certificate in PEM"));
        assert!(problem(certificate, certificate).contains("cert.pem has no private key in PEM"));
        let other = Pair::new();
        let mixed = problem(certificate, &other.files.key);
        assert!(mixed.contains("is not the key of the certificate in"), "{mixed}");
        let garbled = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        std::fs::write(certificate, garbled).unwrap();
        assert!(problem(certificate, key).contains("cert.pem"));
    }

    #[test]
    fn a_new_pair_takes_over_and_a_broken_one_leaves_the_old() {
        let pair = Pair::new();
        let tls = Tls::open(&pair.files).unwrap();
        let shown = || tls.state().certificate.clone();
        let first = shown();
        assert_eq!(tls.look(), None);
        pair.put(&self::pair((2020, 4000)));
        assert_eq!(tls.look(), None);
        let second = shown();
        assert_ne!(first, second);
        std::fs::write(&pair.files.key, "no key").unwrap();
        assert_eq!(tls.look(), None, "the other file may be on its way");
        assert!(tls.look().unwrap().starts_with("the previous certificate stays in use: "));
        assert_eq!(tls.look(), None, "said once");
        assert_eq!(shown(), second);
        pair.put(&self::pair((2020, 4000)));
        assert_eq!(tls.look(), None);
        assert_ne!(shown(), second);
    }

    #[test]
    fn a_certificate_out_of_its_time_is_said_once() {
        let pair = Pair::new();
        let tls = Tls::open(&pair.files).unwrap();
        for (years, expected) in [
            ((2001, 2002), "expired at 2002-01-01T00:00:00"),
            ((3001, 3002), "valid from 3001-01-01T00:00:00"),
        ] {
            pair.put(&self::pair(years));
            let said = tls.look().unwrap();
            assert!(said.contains(expected), "{said}");
            assert_eq!(tls.look(), None);
        }
    }
}
