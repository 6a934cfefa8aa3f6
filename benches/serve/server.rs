//! `docent serve` in a process of its own, and what it takes.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use crate::client::Client;
use crate::model::Model;
use crate::process::docent;

/// Killed when dropped.
pub(crate) struct Server {
    child: Child,
    address: String,
}

impl Server {
    /// Serves the collection of the project in `dir`, without a log.
    pub(crate) fn start(dir: &Path, args: &[&str]) -> Self {
        let all = [&["serve", "--listen", "127.0.0.1:0"][..], args].concat();
        let mut command = docent(dir, &all);
        // Clients here only read when they want to, and do not answer pings.
        command.env("DOCENT_SERVE_CHAT_PING", "1h");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("docent starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let line: serde_json::Value = serde_json::from_str(&line).expect("where it listens");
        let url = line["listening"][0].as_str().expect("an address");
        Self { child, address: url.trim_start_matches("http://").to_owned() }
    }

    /// Serves with a model of this name.
    pub(crate) fn with_model(dir: &Path, model: &Model, name: &str, args: &[&str]) -> Self {
        let url = model.base_url();
        let named = ["--model", name, "--base-url", &url, "--request-timeout", "10m"];
        Self::start(dir, &[&named[..], args].concat())
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// Private memory now, in bytes, without what is mapped from files.
    pub(crate) fn memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kilobytes = line.and_then(|it| it.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kilobytes.expect("its memory") << 10
    }

    /// Open sockets, including the listener.
    pub(crate) fn sockets(&self) -> usize {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("a process");
        let targets = open.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
        targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
    }

    /// Questions being answered, and questions waiting.
    pub(crate) async fn questions(&self) -> u64 {
        let metrics = self.client().get("/metrics").await.expect("the server").body;
        let text = String::from_utf8_lossy(&metrics).into_owned();
        let lines = text.lines().filter(|line| line.starts_with("docent_questions{"));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
