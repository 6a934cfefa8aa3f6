//! The documents, for agents: the Model Context Protocol.
//!
//! A client lists the [`tools`] and calls them. The tools ask a [`access::ClientAccess`], which knows what
//! the client may see: all collections of this process ([`local`]), or what a key allows. Only [`protocol`]
//! knows the protocol itself, its messages and its two eras.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`access`] | which collections a client may see, and what answers its calls |
//! | [`local`] | access to all of them, for the one client of a process on standard input |
//! | [`tools`] | the table of the tools, and one file for each |
//! | [`arguments`] | reading of arguments, under whatever names a model sends them |
//! | [`cursor`] | where the next page of a result begins |
//! | [`fence`] | foreign text in a result, within a number of tokens |
//! | [`resource_uri`] | names of documents and places: citations and `docent://` URIs |
//! | [`resources`] | documents as resources: listed, read and completed |
//! | [`prompts`] | prompts that a person chooses, on how to work with the tools |
//! | [`instructions`] | instructions that a client gets before its first call |
//! | [`protocol`] | the types of `rmcp`, and the transports |

pub mod access;
mod arguments;
mod cursor;
mod fence;
mod instructions;
pub mod local;
mod prompts;
pub mod protocol;
mod resource_uri;
mod resources;
pub mod tools;

use std::sync::Arc;

use access::ClientAccess;
use tools::ToolRow;

/// Tokens of a result, unless a call asks for another number.
pub const TOKENS: usize = 4_000;

/// Most tokens of a result, whatever is asked for: clients refuse results that are longer.
pub const MOST_TOKENS: usize = 20_000;

/// What a client is offered.
#[derive(Clone)]
pub struct ServerOffer {
    pub access: Arc<dyn ClientAccess>,
    /// In the order in which they are listed.
    pub tools: Vec<&'static ToolRow>,
    /// Tokens of a result, unless a call asks for another number.
    pub max_tokens: usize,
    /// A running server that answers calls in place of this process, if there is one.
    pub server: Option<Arc<protocol::RunningServer>>,
}
