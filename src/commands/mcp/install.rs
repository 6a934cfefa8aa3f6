//! `docent mcp install`: the configuration that a client needs to start `docent mcp`, and the file for
//! it.

mod file;
mod merge;

use std::env;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::super::context::home;
use crate::cli::{InstallArgs, McpClient};
use crate::error::{Exit, Failure};
use crate::service::Context;
use crate::settings::parse::without_credentials;
use crate::ui::Ui;
use file::ClientFile;
use merge::{Merged, into_json, into_toml};

pub(super) fn run(ui: &mut Ui, context: &Context, args: &InstallArgs) -> Result<Exit, Failure> {
    let file = Place::of(args.client, &context.root, home().as_deref())?;
    check(args)?;
    let entry = file.entry(context, &args.options);
    let path = file.path.display();
    let left_out = left_out(context);
    if !left_out.is_empty() {
        ui.note(&format!(
            "{} was set for this command only, and is not in the entry: put it into docent.toml, or into the `env` of the entry",
            left_out.join(", ")
        ));
    }
    if !args.write {
        ui.data(&file.merged("", &entry).map(|merged| merged.text).unwrap_or_default())?;
        ui.note(&format!("this belongs in {path}; --write adds it there"));
        return Ok(Exit::Done);
    }
    let known = ClientFile::read(&file.path, file.of_project.then_some(&*context.root))?;
    let old = known.text.as_deref().unwrap_or_default();
    let merged = file.merged(old, &entry).map_err(|problem| {
        let command = format!("docent mcp install {}", args.client.name());
        Failure::config(format!("{path}: {problem}"))
            .hint(format!("nothing was changed; add by hand what `{command}` prints"))
    })?;
    if merged.is_new {
        known.replace(&merged.text)?;
        ui.status(&format!("added docent to {path}"));
    } else {
        ui.status(&format!("docent is already in {path}"));
    }
    Ok(Exit::Done)
}

/// `docent mcp` would end at once with options that it does not know, and clients show next to nothing of that.
fn check(args: &InstallArgs) -> Result<(), Failure> {
    args.refused_option().map_or(Ok(()), |problem| {
        Err(Failure::usage(format!("docent mcp {}: {problem}", args.options.join(" ")))
            .hint("docent mcp --help lists its options"))
    })
}

/// The file of a client, and what an entry in it looks like.
struct Place {
    path: PathBuf,
    /// Key of the object that has the servers.
    key: &'static str,
    /// Whether the file belongs to this project: the client then starts docent in the project.
    of_project: bool,
    client: McpClient,
}

impl Place {
    /// # Errors
    /// The file is in a home directory that is not known.
    fn of(client: McpClient, root: &Path, home: Option<&Path>) -> Result<Self, Failure> {
        let in_home = |path: &str| {
            home.map(|home| home.join(path)).ok_or_else(|| {
                Failure::config("HOME is not set").hint("set it to your home directory")
            })
        };
        let in_project = |path: &str| root.join(path);
        let (path, of_project) = match client {
            McpClient::Claude => (in_project(".mcp.json"), true),
            McpClient::Cursor => (in_project(".cursor/mcp.json"), true),
            McpClient::Vscode => (in_project(".vscode/mcp.json"), true),
            McpClient::Gemini => (in_project(".gemini/settings.json"), true),
            McpClient::Codex => (in_home(".codex/config.toml")?, false),
            McpClient::Windsurf => (in_home(".codeium/windsurf/mcp_config.json")?, false),
            McpClient::ClaudeDesktop if cfg!(target_os = "macos") => {
                (in_home("Library/Application Support/Claude/claude_desktop_config.json")?, false)
            }
            McpClient::ClaudeDesktop => {
                (in_home(".config/Claude/claude_desktop_config.json")?, false)
            }
        };
        let key = match client {
            McpClient::Vscode => "servers",
            McpClient::Codex => "mcp_servers",
            _ => "mcpServers",
        };
        Ok(Self { path, key, of_project, client })
    }

    /// The entry that starts docent.
    fn entry(&self, context: &Context, options: &[String]) -> Value {
        let mut args = vec!["mcp".to_owned()];
        args.extend_from_slice(options);
        let elsewhere = !self.of_project && self.client != McpClient::Codex;
        // So that docent, started elsewhere, uses the same collections.
        if elsewhere || context.is_of_this_run("data_dir") {
            args.extend(["--data-dir".to_owned(), context.data_dir.display().to_string()]);
        }
        if let Some(url) = server_of_this_run(context) {
            args.extend(["--qdrant-url".to_owned(), url.clone()]);
        }
        if !context.is_default("collection") {
            args.extend(["--collection".to_owned(), context.settings.collection.clone()]);
        } else if let Some(tenant) = &context.settings.tenant {
            args.extend(["--tenant".to_owned(), tenant.clone()]);
        }
        let mut entry = json!({ "command": command(), "args": args });
        match self.client {
            McpClient::Vscode => entry["type"] = json!("stdio"),
            McpClient::Codex => entry["cwd"] = json!(context.root),
            _ => {}
        }
        entry
    }

    fn merged(&self, old: &str, entry: &Value) -> Result<Merged, String> {
        match self.client {
            McpClient::Codex => into_toml(old, self.key, entry),
            _ => into_json(old, self.key, entry),
        }
    }
}

/// The server that was set for this run, unless its address has a password.
fn server_of_this_run(context: &Context) -> Option<&String> {
    let url = context.settings.qdrant.url.as_ref();
    url.filter(|url| context.is_of_this_run("qdrant.url") && without_credentials(url) == **url)
}

/// Names of the settings that were set for this run, and are not in the entry.
fn left_out(context: &Context) -> Vec<&'static str> {
    let is_in = |name: &str| match name {
        "collection" | "tenant" | "data_dir" => true,
        "qdrant.url" => server_of_this_run(context).is_some(),
        _ => false,
    };
    let names = context.settings.resolved.iter().map(|row| row.key.name);
    names.filter(|name| context.is_of_this_run(name) && !is_in(name)).collect()
}

/// The command: its name if a shell finds it, otherwise its path.
fn command() -> String {
    let paths = env::var_os("PATH").unwrap_or_default();
    let program = format!("docent{}", env::consts::EXE_SUFFIX);
    let found = env::split_paths(&paths).any(|directory| directory.join(&program).is_file());
    let own = || env::current_exe().ok().map(|path| path.display().to_string());
    let command = if found { None } else { own() };
    command.unwrap_or_else(|| "docent".to_owned())
}
