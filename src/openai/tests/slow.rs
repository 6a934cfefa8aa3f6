//! A client that reads an answer slowly.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

#[tokio::test]
async fn a_slow_reader_is_sent_no_more_than_the_system_buffers() {
    const EVENTS: &[u8] = b"data: {\"choices\": []}\n\n";
    const ENOUGH: usize = 64 << 20;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let sending = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        connection.read_u8().await.unwrap();
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
        connection.write_all(head).await.unwrap();
        let many = EVENTS.repeat(1_000);
        while counted.load(Ordering::Relaxed) < ENOUGH {
            connection.write_all(&many).await.unwrap();
            counted.fetch_add(many.len(), Ordering::Relaxed);
        }
    });
    let client = OpenAiClient::new(ExternalService::Chat, &url, None, backoff()).unwrap();
    let permit = client.admit(0).await.unwrap();
    let mut events = client.chat_events(&json!({"stream": true}), &permit).await.unwrap();
    assert!(events.next().await.unwrap().is_ok());
    // Until nothing moves any more.
    let mut before = usize::MAX;
    while std::mem::replace(&mut before, sent.load(Ordering::Relaxed)) != before {
        for _ in 0..10_000 {
            tokio::task::yield_now().await;
        }
    }
    assert!(!sending.is_finished() && before < ENOUGH, "{before} bytes");
    sending.abort();
}
