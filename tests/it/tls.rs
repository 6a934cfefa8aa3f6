//! Endpoints with TLS: HTTP/2 is used if it is offered, one connection serves all requests, and an
//! untrusted certificate is refused. The environment decides about trust only on Linux.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{Request, Response};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream as Connection};
use tokio_rustls::TlsAcceptor;

use crate::env::TestEnv;
use crate::openai::{Fault, ScriptedServer};

/// In front of a scripted server, which knows neither: takes HTTP/2 over TLS on a port of its own. It
/// goes on until the runtime that serves it is dropped.
struct Front {
    address: SocketAddr,
    /// In PEM.
    certificate: String,
    /// The protocol of each connection that was agreed on.
    protocols: Arc<Mutex<Vec<String>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Front {
    fn before(server: &ScriptedServer) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .expect("a certificate and its key");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));

        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_io().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let protocols = Arc::new(Mutex::new(Vec::new()));
        let (agreed, behind) = (Arc::clone(&protocols), server.address());
        runtime.spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(acceptor.clone(), connection, Arc::clone(&agreed), behind));
            }
        });
        Self { address, certificate: cert.pem(), protocols, _runtime: runtime }
    }

    fn base_url(&self) -> String {
        format!("https://localhost:{}/v1", self.address.port())
    }

    fn protocols(&self) -> Vec<String> {
        self.protocols.lock().expect("no panic").clone()
    }
}

/// One connection. An error is a client that went away.
async fn serve(
    acceptor: TlsAcceptor,
    connection: Connection,
    agreed: Arc<Mutex<Vec<String>>>,
    behind: SocketAddr,
) {
    let Ok(connection) = acceptor.accept(connection).await else { return };
    let protocol = connection.get_ref().1.alpn_protocol().unwrap_or_default();
    agreed.lock().expect("no panic").push(String::from_utf8_lossy(protocol).into_owned());
    let Ok(mut requests) = h2::server::handshake(connection).await else { return };
    while let Some(Ok((request, respond))) = requests.accept().await {
        tokio::spawn(pass_on(request, respond, behind));
    }
}

/// One request, to the server behind.
async fn pass_on(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    behind: SocketAddr,
) -> Option<()> {
    let (head, mut stream) = request.into_parts();
    let mut body = Vec::new();
    while let Some(data) = stream.data().await {
        let data = data.ok()?;
        stream.flow_control().release_capacity(data.len()).ok()?;
        body.extend_from_slice(&data);
    }
    let mut plain = format!("{} {} HTTP/1.1\r\n", head.method, head.uri.path());
    for (name, value) in &head.headers {
        if name != "content-length" {
            plain += &format!("{name}: {}\r\n", value.to_str().ok()?);
        }
    }
    plain += &format!("content-length: {}\r\n\r\n", body.len());
    let answer = tokio::task::spawn_blocking(move || -> std::io::Result<String> {
        let mut connection = TcpStream::connect(behind)?;
        connection.write_all(plain.as_bytes())?;
        connection.write_all(&body)?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer)
    });
    let answer = answer.await.ok()?.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status: u16 = head.split(' ').nth(1)?.parse().ok()?;
    let response = Response::builder().status(status).header("content-type", "application/json");
    let mut stream = respond.send_response(response.body(()).ok()?, false).ok()?;
    stream.send_data(Bytes::from(body.to_owned()), true).ok()
}

/// With documents for several requests, and the endpoint behind the front.
fn project(front: &Front) -> TestEnv {
    let mut env = TestEnv::new();
    for document in 0..6 {
        let words: Vec<String> = (0..9_000).map(|word| format!("w{document}x{word}")).collect();
        env.write(&format!("docs/{document}.txt"), words.join(" "));
    }
    env.set("OPENAI_API_KEY", "sk-test").set("OPENAI_BASE_URL", &front.base_url());
    env
}

const INGEST: [&str; 4] = ["ingest", "docs", "--embedder", "openai:scripted-embedding"];

#[test]
fn all_requests_share_one_connection() {
    let server = ScriptedServer::start();
    let front = Front::before(&server);
    let mut env = project(&front);
    let certificate = env.write("front.pem", &front.certificate);
    env.set("SSL_CERT_FILE", certificate.to_str().expect("UTF-8"));
    server.keep(Fault::Stall);
    let child = env.command(&INGEST).spawn().expect("docent starts");
    // It goes on only if two are under way.
    for count in [1, 3] {
        server.wait_for_requests(count);
        server.release();
    }
    server.recover();
    server.release();
    let run = env.outcome(&INGEST, child.wait_with_output().expect("docent ends")).expect(0);
    assert!(server.requests().len() > 3, "{run}");
    assert!(server.most_stalled() >= 2, "{run}");
    assert_eq!(front.protocols(), ["h2"], "{run}");
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let server = ScriptedServer::start();
    let front = Front::before(&server);
    let run = project(&front).run(&INGEST).expect(4);
    assert!(run.stderr.contains("SSL_CERT_FILE can name"), "{run}");
    assert!(server.requests().is_empty(), "{run}");
}
