//! What `mcp` takes.

use clap::{Args, CommandFactory as _, Subcommand, ValueEnum};

use super::flags::flags;
use super::{ChatFlags, Cli, RecordingFlags, RerankFlags, TraceFlags};

/// Offer the documents to agents, over the Model Context Protocol
///
/// Speaks the protocol over standard input and output: a client such as Claude Code, Codex, Cursor or
/// VS Code starts it, and ends it by closing its input. The store is opened by the first call. Errors,
/// warnings and notes go to stderr, as lines of JSON.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct McpArgs {
    #[command(subcommand)]
    pub command: Option<McpCommand>,
    /// Tools to offer, separated by commas; explain can be added
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "search,fetch,ask,status"
    )]
    pub tools: Vec<String>,
    /// Also offer the tool sync, which updates a collection from its sources as `docent ingest`
    /// does
    #[arg(long)]
    pub allow_ingest: bool,
    /// Tokens of a result, at most, unless the client asks for another number
    #[arg(long, value_name = "N", default_value = "4000", value_parser = clap::value_parser!(u16).range(100..=20_000))]
    pub result_tokens: u16,
    #[command(flatten)]
    pub collections: McpCollections,
    #[command(flatten)]
    pub passages: super::PassageFlags,
    #[command(flatten)]
    pub wording: super::WordingFlags,
    #[command(flatten)]
    pub rerank: RerankFlags,
    #[command(flatten)]
    pub chat: ChatFlags,
    #[command(flatten)]
    pub trace: TraceFlags,
    #[command(flatten)]
    pub tape: RecordingFlags,
}

/// Which collections.
#[derive(Args, Debug, Default, Clone)]
#[command(args = flags(&["serve.collections"]))]
pub struct McpCollections;

#[derive(Subcommand, Debug)]
pub enum McpCommand {
    /// Print the configuration that a client needs to start `docent mcp`, or add it to the client's
    /// file
    ///
    /// Everything else in the file stays as it is, and an existing entry is never overwritten.
    Install(InstallArgs),
}

#[derive(Args, Debug)]
pub struct InstallArgs {
    #[arg(value_enum, value_name = "CLIENT")]
    pub client: McpClient,
    /// Add it to the client's file
    #[arg(long)]
    pub write: bool,
    /// What the client starts `docent mcp` with, such as `-- --allow-ingest`
    #[arg(last = true, value_name = "OPTION")]
    pub options: Vec<String>,
}

impl InstallArgs {
    /// Why `docent mcp` would not start with these options; `None` if it would.
    pub fn refused_option(&self) -> Option<&'static str> {
        let typed = ["docent", "mcp"].into_iter().chain(self.options.iter().map(String::as_str));
        let error = Cli::command().try_get_matches_from(typed).err()?;
        Some(error.kind().as_str().unwrap_or("they cannot be used"))
    }
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum McpClient {
    /// Claude Code: .mcp.json of the project
    Claude,
    ClaudeDesktop,
    /// config.toml in ~/.codex
    Codex,
    /// .cursor/mcp.json of the project
    Cursor,
    /// .gemini/settings.json of the project
    Gemini,
    /// .vscode/mcp.json of the project
    Vscode,
    Windsurf,
}

impl McpClient {
    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::ClaudeDesktop => "claude-desktop",
            Self::Codex => "codex",
            Self::Cursor => "cursor",
            Self::Gemini => "gemini",
            Self::Vscode => "vscode",
            Self::Windsurf => "windsurf",
        }
    }
}
