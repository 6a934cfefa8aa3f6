//! `docent serve` over TLS: certificates that change, that are wrong, and callers who do not speak it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

use crate::env::TestEnv;
use crate::served::{QUESTION, Served, asks, ingested, read};

/// A certificate for this machine until the first day of a year, and its key.
pub(crate) struct Pair {
    certificate: rcgen::Certificate,
    key: String,
}

impl Pair {
    pub(crate) fn until(year: i32) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { certificate, key: key.serialize_pem() }
    }

    /// Puts both into files of the project.
    pub(crate) fn put(&self, env: &TestEnv) -> (PathBuf, PathBuf) {
        (env.write("cert.pem", self.certificate.pem()), env.write("key.pem", &self.key))
    }

    /// A caller that trusts only this certificate.
    pub(crate) fn client(&self, protocols: &[&str]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// A connection whose handshake is done; the error is the client's.
fn connect(served: &Served, client: Arc<ClientConfig>) -> std::io::Result<Tls> {
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(client, name).expect("a client");
    let mut stream = StreamOwned::new(connection, served.connect());
    stream.conn.complete_io(&mut stream.sock)?;
    Ok(stream)
}

/// The body of the answer to one request.
fn ask(mut stream: Tls, method: &str, path: &str, body: &str) -> String {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("the request is taken");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("an answer and a proper end");
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    reply.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
}

pub(crate) const FLAGS: [&str; 4] = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];

fn start(env: &TestEnv, more: &[&str]) -> Served {
    Served::start(env, &[&FLAGS, more].concat())
}

#[test]
fn callers_speak_tls_and_urls_say_so() {
    let env = ingested();
    let pair = Pair::until(4000);
    pair.put(&env);
    let served = start(&env, &[]);
    assert!(served.url().starts_with("https://127.0.0.1:"), "{}", served.url());
    for (offered, agreed) in [
        (&["h2", "http/1.1"][..], Some(&b"h2"[..])),
        (&["http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ] {
        let stream = connect(&served, pair.client(offered)).expect("a handshake");
        assert_eq!(stream.conn.alpn_protocol(), agreed);
    }
    let stream = connect(&served, pair.client(&[])).expect("a handshake");
    let body = ask(stream, "POST", "/v1/chat/completions", &asks(QUESTION).to_string());
    let answer: Value = serde_json::from_str(&body).expect("an answer");
    let url = &answer["choices"][0]["message"]["annotations"][0]["url_citation"]["url"];
    assert!(url.as_str().expect("a URL").starts_with("https://localhost/s/docent/"), "{url}");
    let stranger = connect(&served, Pair::until(4000).client(&[]));
    assert!(stranger.is_err(), "nobody vouches for it there");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let env = ingested();
    Pair::until(4000).put(&env);
    env.write("other.pem", Pair::until(4000).key);
    env.write("broken.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    let run = |flags: &[&str]| env.run(&[&["serve", "--listen", "127.0.0.1:0"], flags].concat());
    let alone = run(&["--tls-cert", "cert.pem"]).expect(2);
    assert!(alone.stderr.contains("--tls-key is not"), "{alone}");
    let alone = run(&["--tls-key", "key.pem"]).expect(2);
    assert!(alone.stderr.contains("--tls-cert is not"), "{alone}");
    for (certificate, key, said) in [
        ("missing.pem", "key.pem", "missing.pem: "),
        ("cert.pem", "missing.pem", "missing.pem: "),
        ("key.pem", "key.pem", "key.pem has no certificate"),
        ("cert.pem", "cert.pem", "cert.pem has no private key"),
        ("cert.pem", "broken.pem", "broken.pem"),
        ("cert.pem", "other.pem", "other.pem is not the key of"),
    ] {
        let run = run(&["--tls-cert", certificate, "--tls-key", key]).expect(3);
        assert!(run.stderr.contains(said), "{certificate}, {key}: {run}");
        assert!(run.stderr.contains("--tls-cert takes"), "{run}");
    }
}

#[test]
fn tls_alone_opens_no_door_to_other_machines() {
    let env = ingested();
    Pair::until(4000).put(&env);
    let run = env.run(&[&["serve", "--listen", "0.0.0.0:0"][..], &FLAGS].concat()).expect(3);
    assert!(run.stderr.contains("docent keys create"), "{run}");
}

#[test]
fn a_new_certificate_is_shown_without_a_restart_and_a_broken_one_never() {
    let env = ingested();
    let old = Pair::until(4000);
    old.put(&env);
    let served = start(&env, &[]);
    let shown = || -> CertificateDer<'static> {
        let stream = served.connect();
        let client = ClientConnection::new(
            old.client(&[]),
            ServerName::try_from("localhost").expect("a name"),
        );
        let mut stream = StreamOwned::new(client.expect("a client"), stream);
        // The new certificate is not trusted, but can be seen.
        let _ = stream.conn.complete_io(&mut stream.sock);
        let trusted = stream.conn.peer_certificates().map(|chain| chain[0].clone().into_owned());
        trusted.unwrap_or_else(|| CertificateDer::from(Vec::new()))
    };
    assert_eq!(&shown(), old.certificate.der());
    let kept = connect(&served, old.client(&[])).expect("a handshake");
    let new = Pair::until(4001);
    new.put(&env);
    let switched = (0..1000).find_map(|_| {
        std::thread::sleep(Duration::from_millis(20));
        connect(&served, new.client(&[])).ok()
    });
    ask(switched.expect("the files are read again"), "GET", "/livez", "");
    assert!(connect(&served, old.client(&[])).is_err());
    ask(kept, "GET", "/livez", "");

    env.write("key.pem", Pair::until(4000).key);
    let warning = served.logged("the previous certificate stays in use");
    assert!(warning.contains("key.pem is not the key of"), "{warning}");
    ask(connect(&served, new.client(&[])).expect("the pair of before"), "GET", "/livez", "");
    std::fs::remove_file(env.path("cert.pem")).expect("it was there");
    served.logged("cert.pem: ");
    ask(connect(&served, new.client(&[])).expect("the pair of before"), "GET", "/livez", "");
}

#[test]
fn a_certificate_that_has_expired_is_said_and_shown() {
    let env = ingested();
    Pair::until(2002).put(&env);
    let served = start(&env, &[]);
    served.logged("the certificate expired at 2002-01-01");
}

#[test]
fn who_speaks_plain_http_is_told_so() {
    let env = ingested();
    let pair = Pair::until(4000);
    pair.put(&env);
    let served = start(&env, &[]);
    let long = "x".repeat(30_000);
    for body in ["", &*long] {
        // It is answered before there is a request.
        let refused = read(served.send("POST", "/v1/docent/search", &[], body)).expect(400);
        assert_eq!(refused.code(), "tls_required");
        assert!(refused.body.contains("https://"), "{refused:?}");
    }
    let mut nonsense = served.connect();
    nonsense.write_all(b"\x16\x03\x01\x00\x05hello").expect("taken");
    let mut rest = Vec::new();
    let _ = nonsense.read_to_end(&mut rest);
    ask(connect(&served, pair.client(&[])).expect("a handshake"), "GET", "/livez", "");
}

#[test]
fn a_handshake_that_does_not_come_ends_and_keeps_nobody_waiting() {
    let env = ingested();
    let pair = Pair::until(4000);
    pair.put(&env);
    let served = start(&env, &["--header-timeout", "1s"]);
    let mut silent = [served.connect(), served.connect(), served.connect()];
    for (stream, begun) in silent.iter_mut().zip([&b""[..], b"\x16", b"\x16\x03\x01\x02\x00"]) {
        stream.write_all(begun).expect("taken");
    }
    ask(connect(&served, pair.client(&[])).expect("a handshake"), "GET", "/livez", "");
    for stream in &mut silent {
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        assert!(ended.is_ok(), "{ended:?}");
    }
    // It counts among the connections, and only as long as it lasts.
    let served = start(&env, &["--header-timeout", "1s", "--max-connections", "1"]);
    let silent = served.connect();
    ask(connect(&served, pair.client(&[])).expect("a handshake"), "GET", "/livez", "");
    drop(silent);
}

#[cfg(unix)]
#[test]
fn a_socket_of_the_file_system_stays_plain() {
    let env = ingested();
    Pair::until(4000).put(&env);
    let address = format!("127.0.0.1:0,unix:{}", env.path("docent.sock").display());
    let _served = start(&env, &["--listen", &address]);
    let mut stream =
        std::os::unix::net::UnixStream::connect(env.path("docent.sock")).expect("a connection");
    let request = b"GET /livez HTTP/1.1\r\nhost: docent\r\nconnection: close\r\n\r\n";
    stream.write_all(request).expect("taken");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("a reply");
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
}

#[cfg(unix)]
#[test]
fn an_end_does_not_wait_for_handshakes() {
    let env = ingested();
    Pair::until(4000).put(&env);
    let served = start(&env, &["--header-timeout", "1h"]);
    let silent = served.connect();
    served.terminate();
    assert_eq!(read(silent).status, 0);
    assert_eq!(served.ended(), Some(0));
}
