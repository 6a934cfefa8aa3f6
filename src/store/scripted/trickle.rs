//! A server whose answer begins and does not end.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use super::*;

/// Frames of HTTP/2 (RFC 9113, section 4.1).
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
const SETTINGS_ARE_KNOWN: &[u8] = &[0, 0, 0, 4, 1, 0, 0, 0, 0];
/// `:status: 200` and `content-type: application/grpc`, on the first stream.
const HEAD: &[u8] = b"\0\0\x14\x01\x04\0\0\0\x01\x88\x0f\x10\x10application/grpc";
/// One more byte of a message of a megabyte; zero is also how a message begins.
const BYTE: &[u8] = &[0, 0, 1, 0, 0, 0, 0, 0, 1, 0];
const BEGINNING: &[u8] = &[0, 0, 5, 0, 0, 0, 0, 0, 1, 0, 0, 0x10, 0, 0];

/// The port of a server that sends a byte at a time, until the client hangs up.
fn trickling() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            thread::spawn(move || -> std::io::Result<()> {
                client.write_all(SETTINGS)?;
                // The preface, and the beginning of the request.
                let _ = client.read(&mut [0; 4096])?;
                client.write_all(&[SETTINGS_ARE_KNOWN, HEAD, BEGINNING].concat())?;
                loop {
                    thread::sleep(Duration::from_millis(20));
                    client.write_all(BYTE)?;
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn an_answer_that_trickles_ends_in_time() {
    let limit = Duration::from_millis(300);
    let options = ServerOptions { timeout: limit, ..options(trickling()) };
    let options = ServerOptions { retry: RetryPolicy { attempts: 1, ..options.retry }, ..options };
    let store = connect(options, "docs").unwrap();
    let asked = tokio::time::timeout(Duration::from_mins(1), store.health());
    let error = asked.await.expect("an end").unwrap_err();
    assert_eq!(error.message, "did not answer within 0.3 s");
    assert!(error.is_transient());
}
