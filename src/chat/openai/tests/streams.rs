//! Streams as servers write them, and where a key goes.

use super::*;

/// Text and end of an answer with this body, whatever its content type.
async fn body(headers: &[(&str, &str)], body: &[u8]) -> Result<Outcome, BackendError> {
    let head: Vec<String> = headers.iter().map(|(n, v)| format!("{n}: {v}\r\n")).collect();
    let head = head.concat();
    let head = format!("HTTP/1.1 200 OK\r\n{head}content-length: {}\r\n\r\n", body.len());
    ask(Script::Answer([head.as_bytes(), body].concat())).await
}

#[tokio::test]
async fn streams_are_read_as_servers_write_them() {
    let delta = r#"data: {"choices":[{"delta":{"content":"Ünder way"}}]}"#;
    let last = r#"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    let whole = r#"{"choices":[{"message":{"role":"assistant","content":"Ünder way"}}]}"#;
    let stream = format!("{delta}\n\n{last}\n\ndata: [DONE]\n\n");
    let expected = ("Ünder way".to_owned(), Ok(done("stop", "asked", None)));
    let kind = |kind: &'static str| vec![("content-type", kind)];
    let gzip = {
        use std::io::Write as _;
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(stream.as_bytes()).unwrap();
        packed.finish().unwrap()
    };
    for (headers, bytes) in [
        (kind("text/event-stream"), format!("\u{feff}{stream}").into_bytes()),
        (kind("application/json"), stream.clone().into_bytes()),
        (kind("text/event-stream; charset=utf-8"), stream.replace('\n', "\r\n").into_bytes()),
        (kind("text/event-stream"), stream.replace('\n', "\r").into_bytes()),
        (Vec::new(), stream.replace("data: ", "data:").into_bytes()),
        (kind("text/plain"), format!(": wait\n\n{delta}\n{last}").into_bytes()),
        (kind("application/json; charset=utf-8"), whole.as_bytes().to_vec()),
        (kind("text/event-stream"), format!("\u{feff} {whole}\n").into_bytes()),
        (vec![("content-encoding", "gzip"), ("content-type", "text/event-stream")], gzip.clone()),
    ] {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert_eq!(body(&headers, &bytes).await.as_ref(), Ok(&expected), "{text}");
    }
    let brotli = body(&[("content-encoding", "br")], &gzip).await.unwrap_err();
    assert_eq!(brotli.message, "answered compressed as \"br\", which was not asked for");
    let broken = body(&[("content-encoding", "gzip")], &gzip[..20]).await.unwrap();
    assert_eq!(broken.0, "The first passage says so [1].", "it was asked again");
    let server = ScriptedServer::start();
    let overloaded = "event: error\ndata: {\"message\":\"engine overloaded\"}\n\n";
    server.keep(Script::Answer(response("200 OK", &[], overloaded)));
    let error = connect(options(&server)).unwrap().stream(question()).await.err().unwrap();
    assert_eq!(error.message, "after 3 tries: engine overloaded");
}

#[tokio::test]
async fn a_character_may_come_in_two_reads() {
    let event =
        "data: {\"choices\":[{\"delta\":{\"content\":\"日本é\"},\"finish_reason\":\"stop\"}]}\n\n";
    let chunk = |byte: u8| [b"1\r\n".as_slice(), &[byte], b"\r\n"].concat();
    let bytes: Vec<u8> = event.bytes().flat_map(chunk).collect();
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let outcome = ask(Script::Answer([head.as_bytes(), &bytes, b"0\r\n\r\n"].concat())).await;
    assert_eq!(outcome, Ok(("日本é".to_owned(), Ok(done("stop", "asked", None)))));
}

#[tokio::test]
async fn a_closing_tag_alone_takes_back_what_was_passed_on() {
    let delta = |text: &str| format!(r#"{{"choices":[{{"delta":{{"content":"{text}"}}}}]}}"#);
    let last = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#.to_owned();
    let events = ["It is early. ", "</th", "ink>\\n", "\\nAt 7"].map(delta);
    let events: Vec<&str> = events.iter().chain([&last]).map(String::as_str).collect();
    let server = ScriptedServer::start();
    server.push(Script::Answer(event_stream(&events)));
    let stream = connect(options(&server)).unwrap().stream(question()).await.unwrap();
    let events: Vec<ChatEvent> = stream.map(Result::unwrap).collect().await;
    let delta = |text: &str| ChatEvent::Delta(text.to_owned());
    assert_eq!(
        events,
        [delta("It is early. "), ChatEvent::Retracted, delta("At 7"), done("stop", "asked", None)]
    );
}

#[tokio::test]
async fn a_key_goes_where_its_server_looks() {
    let entra = "eyJhbGciOi.eyJhdWQiOi.c2lnbmF0dXJl";
    for (query, key, set, header, value) in [
        ("", "sk-key-1234", None, "authorization", "Bearer sk-key-1234"),
        ("?api-version=2024-10-21", "0123456789", None, "api-key", "0123456789"),
        ("?api-version=2024-10-21", entra, None, "authorization", &*format!("Bearer {entra}")),
        ("", "sk-key-1234", Some("X-Api-Key"), "x-api-key", "sk-key-1234"),
        ("?api-version=1", "k-1", Some("Authorization"), "authorization", "Bearer k-1"),
    ] {
        let server = ScriptedServer::start();
        let options = ChatOptions {
            base_url: server.base_url() + query,
            api_key: Some(key.to_owned()),
            key_header: set.map(str::to_owned),
            ..options(&server)
        };
        collect(connect(options).unwrap().stream(question()).await.unwrap()).await.1.unwrap();
        let request = &server.requests()[0];
        assert_eq!(request.header(header), Some(value), "{query} {set:?}");
        assert!(request.path.ends_with(query), "{}", request.path);
        let others = ["authorization", "api-key", "x-api-key"];
        let sent = others.iter().filter(|name| request.header(name).is_some()).count();
        assert_eq!(sent, 1, "in one place only");
    }
}
