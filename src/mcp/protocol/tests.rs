//! The protocol over two streams, with an access that answers nothing.

#![allow(clippy::unwrap_used, reason = "tests")]

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, duplex};
use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::error::Failure;
use crate::mcp::TOKENS;
use crate::mcp::access::{
    CallCost, CallPermit, ClientAccess, ClientRead, ClientView, resource_url,
};
use crate::mcp::tools::tests::tokens;
use crate::mcp::tools::usual;
use crate::query::{Answer, AnswerEvent};
use crate::service::retrieval::DocumentFilter;
use crate::task::Task;
use crate::types::Locator;

/// Calls that begin, and run until they are dropped.
struct Hanging {
    /// Receives, for each call that begins, the channel that closes when it ends.
    begun: mpsc::UnboundedSender<oneshot::Receiver<()>>,
}

#[async_trait]
impl ClientAccess for Hanging {
    fn collections(&self) -> Vec<String> {
        (0..400).map(|at| format!("collection-{at}")).collect()
    }

    fn view(&self, _: Option<&str>) -> Result<ClientView, Failure> {
        Err(Failure::usage("there is none"))
    }

    async fn begin(&self, work: CallCost) -> Result<CallPermit, Failure> {
        assert_ne!(work, CallCost::Answer, "a mistake, as a test wants");
        let (held, ended) = oneshot::channel::<()>();
        self.begun.send(ended).unwrap();
        std::future::pending::<()>().await;
        Ok(CallPermit(Box::new(held)))
    }

    async fn answer(
        &self,
        _: &ClientView,
        _: &str,
        _: DocumentFilter,
        _: &mut (dyn FnMut(AnswerEvent) + Send),
    ) -> Result<Answer, Failure> {
        Err(Failure::usage("there is none"))
    }

    fn saw(&self, _: &ClientRead<'_>) {}

    fn url(&self, collection: &str, source: &str, place: Option<Locator>) -> String {
        resource_url(collection, source, place)
    }

    fn told(&self, failure: Failure) -> Failure {
        failure
    }

    fn is_local(&self) -> bool {
        false
    }

    fn asks_others(&self) -> bool {
        false
    }
}

/// A client of the protocol.
struct Client {
    input: DuplexStream,
    output: BufReader<DuplexStream>,
    served: Task<()>,
    begun: mpsc::UnboundedReceiver<oneshot::Receiver<()>>,
}

impl Client {
    fn new() -> Self {
        let (begun, hears) = mpsc::unbounded_channel();
        let access = Arc::new(Hanging { begun });
        let offer =
            ServerOffer { access, tools: usual().collect(), max_tokens: TOKENS, server: None };
        let (input, reads) = duplex(1 << 20);
        let (writes, output) = duplex(1 << 16);
        let served = Task::spawn(serve(offer, reads, writes));
        Self { input, output: BufReader::new(output), served, begun: hears }
    }

    async fn send(&mut self, message: Value) {
        self.input.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).await.unwrap();
        serde_json::from_str(&line).unwrap()
    }

    async fn request(&mut self, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
        self.send(request).await;
        let response = self.receive().await;
        assert_eq!(response["id"], 7);
        response
    }
}

/// The metadata of a request since revision 2026-07-28.
fn meta(version: &str) -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

fn modern() -> Value {
    json!({ "_meta": meta("2026-07-28") })
}

#[tokio::test]
async fn the_list_of_tools_is_short_and_always_the_same() {
    let mut client = Client::new();
    let first = client.request("tools/list", modern()).await["result"].take();
    assert!(tokens(&first.to_string()) <= 700, "{} tokens", tokens(&first.to_string()));
    assert_eq!((&first["ttlMs"], &first["cacheScope"]), (&json!(60_000), &json!("private")));
    assert_eq!(first["resultType"], "complete");
    for tool in first["tools"].as_array().unwrap() {
        assert_eq!(tool["annotations"]["readOnlyHint"], true);
    }
    assert_eq!(client.request("tools/list", modern()).await["result"], first);
}

#[tokio::test]
async fn instructions_fit_the_limit_of_clients() {
    let mut client = Client::new();
    let found = client.request("server/discover", modern()).await["result"].take();
    let told = found["instructions"].as_str().unwrap();
    assert!(told.chars().count() <= 2_000, "{}", told.chars().count());
    assert!(told.contains("collection-0, collection-1,"), "{told}");
    let (_, rest) = told.rsplit_once(" and ").unwrap();
    assert!(rest.ends_with(" more"), "{told}");
    assert!(found["supportedVersions"].as_array().unwrap().contains(&json!("2026-07-28")));
    let docent = &found["_meta"]["io.modelcontextprotocol/serverInfo"];
    assert_eq!(docent["name"], "docent");
}

#[tokio::test]
async fn both_eras_are_spoken() {
    for (asked, agreed) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let mut client = Client::new();
        let who = json!({"name": "test", "version": "1"});
        let hello = json!({"protocolVersion": asked, "capabilities": {}, "clientInfo": who});
        let welcome = client.request("initialize", hello).await["result"].take();
        assert_eq!(welcome["protocolVersion"], agreed);
        assert!(welcome["instructions"].is_string());
        client.send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        let listed = client.request("tools/list", json!({})).await["result"].take();
        assert_eq!(listed["tools"][0]["name"], "search");
        assert_eq!(listed.get("resultType"), None, "it is of the next era");
        for method in ["prompts/list", "resources/templates/list", "ping"] {
            let answered = client.request(method, json!({})).await;
            assert!(answered.get("error").is_none(), "{method}: {answered}");
        }
    }
    let mut client = Client::new();
    let unknown = client.request("tools/list", json!({ "_meta": meta("2099-01-01") })).await;
    assert_eq!(unknown["error"]["code"], -32022);
    assert!(unknown["error"]["data"]["supported"].is_array());
    let bare = json!({"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}});
    assert_eq!(client.request("tools/list", bare).await["error"]["code"], -32602);
}

#[tokio::test]
async fn invalid_calls_are_answered_with_an_error() {
    let mut client = Client::new();
    let mut call = modern();
    call["name"] = json!("no-such-tool");
    assert_eq!(client.request("tools/call", call.clone()).await["error"]["code"], -32602);
    call["name"] = json!("search");
    call["arguments"] = json!({"query": "x", "colour": "red"});
    let told = client.request("tools/call", call.clone()).await["result"].take();
    assert_eq!(told["isError"], true);
    let text = told["content"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("error: `search` has no argument `colour`\nhint: it takes"), "{text}");
    assert_eq!(told["structuredContent"]["error"], "`search` has no argument `colour`");
    // A panic ends only its own call.
    call["name"] = json!("ask");
    call["arguments"] = json!({"question": "x"});
    let told = client.request("tools/call", call).await["result"].take();
    assert_eq!(told["isError"], true);
    client.send(json!({"no": "message"})).await;
    assert_eq!(client.receive().await["error"]["code"], -32600);
    for garbage in [&b"{not JSON\n"[..], b"\xff\0\n"] {
        client.input.write_all(garbage).await.unwrap();
        let told = client.receive().await;
        assert_eq!((&told["error"]["code"], &told["id"]), (&json!(-32700), &Value::Null));
    }
    assert!(client.request("tools/list", modern()).await["result"].is_object());
}

fn search(id: u32) -> Value {
    let mut params = modern();
    params["name"] = json!("search");
    params["arguments"] = json!({"query": "x"});
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})
}

#[tokio::test]
async fn a_call_that_is_cancelled_ends() {
    let mut client = Client::new();
    client.send(search(1)).await;
    let ended = client.begun.recv().await.unwrap();
    let params = json!({"requestId": 1});
    let method = "notifications/cancelled";
    client.send(json!({"jsonrpc": "2.0", "method": method, "params": params})).await;
    assert!(ended.await.is_err(), "what it held is dropped");
    assert!(client.request("tools/list", modern()).await["result"].is_object());
}

#[tokio::test]
async fn the_end_of_the_input_ends_what_goes_on() {
    let mut client = Client::new();
    client.send(search(1)).await;
    let ended = client.begun.recv().await.unwrap();
    let Client { input, served, .. } = client;
    drop(input);
    served.await;
    assert!(ended.await.is_err(), "what it held is dropped");
}

#[tokio::test]
async fn a_client_that_never_reads_and_goes_is_not_waited_for() {
    let Client { mut input, output, served, .. } = Client::new();
    for id in 0..100 {
        let list = json!({"jsonrpc": "2.0", "id": id, "method": "tools/list", "params": modern()});
        input.write_all(format!("{list}\n").as_bytes()).await.unwrap();
    }
    drop((input, output));
    served.await;
}
