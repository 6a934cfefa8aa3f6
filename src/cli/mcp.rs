//! What `mcp` takes.

use clap::Args;

use super::flags::flags;
use super::{ChatFlags, RerankFlags, TapeFlags, TraceFlags};

/// Give agents the documents, over the Model Context Protocol
///
/// Speaks the protocol over standard input and output: a client such as Claude Code, Codex, Cursor or VS
/// Code starts it, and ends it by closing its input. The store is opened by the first call. What there is
/// to say stands on stderr, as lines of JSON.
#[derive(Args, Debug)]
pub struct McpArgs {
    /// Tools that are offered, separated by commas
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "search,fetch,ask,status"
    )]
    pub tools: Vec<String>,
    /// Tokens of a result, unless the client asks for another number
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
    pub tape: TapeFlags,
}

/// Which collections.
#[derive(Args, Debug, Default, Clone)]
#[command(args = flags(&["serve.collections"]))]
pub struct McpCollections;
