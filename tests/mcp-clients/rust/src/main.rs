//! The client for Rust, in both eras of the protocol, over standard streams and over HTTP.

use std::env::var;

use rmcp::RoleClient;
use rmcp::model::{CallToolRequestParams, ProtocolVersion};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, RunningService, serve_client_with_lifecycle,
};
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use serde_json::{Value, json};
use tokio::process::Command;

type Client = RunningService<RoleClient, ()>;

async fn call(client: &Client, tool: &'static str, arguments: Value) -> Value {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    let asked = CallToolRequestParams::new(tool).with_arguments(arguments);
    let result = client.call_tool(asked).await.expect("a result");
    assert_ne!(result.is_error, Some(true), "{result:?}");
    result.structured_content.expect("data")
}

async fn uses(name: &str, client: Result<Client, ClientInitializeError>) {
    let client = client.expect("a connection");
    let tools = client.list_all_tools().await.expect("tools");
    let names: Vec<&str> = tools.iter().map(|tool| &*tool.name).collect();
    assert_eq!(names, ["search", "fetch", "ask", "status"]);
    let question = "How long are ledger backups kept?";
    let found = call(&client, "search", json!({"query": question, "limit": 2})).await;
    let page = json!({"query": question, "limit": 2, "cursor": found["next_cursor"]});
    let more = call(&client, "search", page).await;
    assert_ne!(found["results"][0]["id"], more["results"][0]["id"]);
    let read = call(&client, "fetch", json!({"id": found["results"][0]["id"]})).await;
    assert!(!read["text"].as_str().expect("a text").is_empty());
    let answer = call(&client, "ask", json!({"question": question})).await;
    assert_eq!(answer["citations"][0]["verified"], true);
    assert!(!client.list_all_resources().await.expect("resources").is_empty());
    client.cancel().await.expect("an end");
    println!("ok      {name}");
}

#[tokio::main]
async fn main() {
    println!("rmcp");
    let (docent, url, key) = (var("MCP_DOCENT"), var("MCP_URL"), var("MCP_KEY"));
    let (docent, url, key) = (docent.expect("set"), url.expect("set"), key.expect("set"));
    let discover =
        ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::LATEST] };
    for (era, lifecycle) in [("modern", discover), ("handshake", ClientLifecycleMode::Initialize)] {
        let mut command = Command::new(&docent);
        command.arg("mcp");
        let transport = TokioChildProcess::new(command).expect("docent starts");
        let client = serve_client_with_lifecycle((), transport, lifecycle.clone()).await;
        uses(&format!("stdio, {era}"), client).await;
        let config = StreamableHttpClientTransportConfig::with_uri(format!("{url}/mcp"));
        let transport = StreamableHttpClientTransport::from_config(config.auth_header(&*key));
        let client = serve_client_with_lifecycle((), transport, lifecycle).await;
        uses(&format!("HTTP, {era}"), client).await;
    }
}
