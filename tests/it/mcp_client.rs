//! A running `docent mcp`, and the smallest client for it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use boon::{Compiler, Schemas};
use serde_json::{Value, json};

use crate::env::TestEnv;

/// Killed when dropped.
pub(crate) struct Agent {
    pub(crate) child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    asked: u64,
    /// What the client can do.
    pub(crate) capabilities: Value,
    /// Whether it began with a handshake.
    legacy: bool,
    /// Schemas of results, by tool.
    schemas: Vec<(String, Value)>,
}

impl Agent {
    pub(crate) fn start(env: &TestEnv, args: &[&str]) -> Self {
        let mut command = env.command(&[&["mcp"], args].concat());
        let mut child = command.stdin(Stdio::piped()).spawn().expect("docent starts");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let capabilities = json!({});
        Self { child, input, output, asked: 0, capabilities, legacy: false, schemas: Vec::new() }
    }

    /// The same as before 2026-07-28; also returns the capabilities of docent.
    pub(crate) fn shake_hands(env: &TestEnv, args: &[&str], capabilities: Value) -> (Self, Value) {
        let mut agent = Self::start(env, args);
        (agent.legacy, agent.capabilities) = (true, capabilities);
        let who = json!({"name": "test", "version": "1"});
        let hello = json!({"protocolVersion": "2025-11-25", "capabilities": agent.capabilities, "clientInfo": who});
        let welcome = agent.request("initialize", hello);
        agent.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        (agent, welcome["capabilities"].clone())
    }

    pub(crate) fn send_line(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the input is open");
        input.write_all(format!("{line}\n").as_bytes()).expect("docent reads");
    }

    pub(crate) fn send(&mut self, message: &Value) {
        self.send_line(&message.to_string());
    }

    /// The next message. Nothing else is ever on standard output.
    pub(crate) fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("docent writes");
        let message: Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        message
    }

    /// Sends a request, and does not wait for the response.
    pub(crate) fn begin(&mut self, method: &str, mut params: Value) -> u64 {
        self.asked += 1;
        if !self.legacy {
            let meta = &mut params["_meta"];
            meta["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
            meta["io.modelcontextprotocol/clientCapabilities"] = self.capabilities.clone();
        }
        let id = self.asked;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// The whole response.
    pub(crate) fn response(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params);
        loop {
            let message = self.receive();
            if message["id"] == id {
                return message;
            }
            assert!(message["method"].is_string(), "{message}");
        }
    }

    #[track_caller]
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Value {
        let mut response = self.response(method, params);
        assert!(response.get("error").is_none(), "{response}");
        response["result"].take()
    }

    /// The result of a tool, after checking that both forms are the same and match its schema.
    #[track_caller]
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let result = self.request("tools/call", json!({"name": tool, "arguments": arguments}));
        self.checked(tool, &result)
    }

    /// The same for a result that has come already.
    #[track_caller]
    pub(crate) fn checked(&mut self, tool: &str, result: &Value) -> Value {
        assert_eq!(result["isError"], false, "{result}");
        let structured = &result["structuredContent"];
        let content = result["content"].as_array().expect("content");
        assert_eq!(content.len(), 1);
        let text = content[0]["text"].as_str().expect("a text");
        let written: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(&written, structured);
        self.check(tool, structured);
        structured.clone()
    }

    /// The text of a call that failed.
    #[track_caller]
    pub(crate) fn fails(&mut self, tool: &str, arguments: Value) -> String {
        let result = self.request("tools/call", json!({"name": tool, "arguments": arguments}));
        assert_eq!(result["isError"], true, "{result}");
        let text = result["content"][0]["text"].as_str().expect("a text").to_owned();
        let error = result["structuredContent"]["error"].as_str().expect("an error");
        assert!(text.contains(error), "{result}");
        text
    }

    fn check(&mut self, tool: &str, structured: &Value) {
        if self.schemas.is_empty() {
            let listed = self.request("tools/list", json!({}));
            let tools = listed["tools"].as_array().expect("tools").iter();
            let schema = |tool: &Value| {
                let name = tool["name"].as_str().expect("a name").to_owned();
                (name, tool["outputSchema"].clone())
            };
            self.schemas = tools.map(schema).collect();
        }
        let (_, schema) = self.schemas.iter().find(|(name, _)| name == tool).expect("a schema");
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("tool.json", schema.clone()).expect("a schema");
        let index = compiler.compile("tool.json", &mut schemas).expect("a schema");
        if let Err(error) = schemas.validate(structured, index) {
            panic!("{tool}: {error}");
        }
    }

    /// What the client was asked with the id, before 2026-07-28.
    #[track_caller]
    pub(crate) fn asked(&mut self) -> (Value, Value) {
        let mut message = self.receive();
        assert_eq!(message["method"], "elicitation/create", "{message}");
        (message["id"].take(), message["params"].take())
    }

    /// Answers a request to the client.
    pub(crate) fn answer(&mut self, id: &Value, result: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "id": id, "result": result}));
    }

    /// Closes the input, and waits for the end.
    pub(crate) fn end(mut self) -> Option<i32> {
        drop(self.input.take());
        self.child.wait().expect("docent ends").code()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
