//! What every front end asks: settings in, answers, passages and reports out. No terminal, no
//! argument types, so that commands, a server and tests ask the same way.
//!
//! An [`Engine`] is opened once and lives as long as the process. Each question takes a snapshot of
//! the collection ([`Engine::retriever`]) that was checked against the models that ask it.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`context`] | settings, directories and the recording that an engine is opened with |
//! | [`backends`] | settings → embedder, reranker, chat model, store; the only place that chooses one |
//! | [`changes`] | the right to change a collection, and what was done with it, on file |
//! | [`compatibility`] | whether a collection fits the embedder, the chunker and the language |
//! | [`condition`] | what a document has to be, in any combination |
//! | [`answering`] | a question → an answer: id, prompt, price, times, exit code |
//! | [`purge`] | documents that are forgotten, in every version and wherever docent keeps their text |
//! | [`questions`] | many questions, one a line |
//! | [`resync`] | another run over what a collection was made from, for who can be asked about deleting much |
//! | `readiness` | whether questions can be answered, before one is asked |
//! | [`retrieval`] | what retrieval is asked: options from settings, globs over sources |
//! | `ownership` | whether a project may write a collection on a server, and what of it is its own |
//! | [`portable`] | a collection → a file, and a file → a collection |
//! | [`project`] | what a project is called on a Qdrant server |
//! | [`provenance`] | where the records of answers go |
//! | [`expiring`] | which documents are too old, or will be soon |
//! | [`explaining`] | why a document is not among the passages |
//! | [`freshness`] | how stored documents compare with their files |
//! | [`globs`] | paths, directories and globs that choose documents |
//! | [`integrity`] | whether what is stored says what its records say |
//! | [`key`] | what an index that is kept in a cache is found by |
//! | [`sizing`] | what a collection of so many chunks takes, and where it belongs |
//! | [`source`] | what somebody names → a document that is stored |
//! | [`show`] | what was read of a document, chunk by chunk |
//! | [`sync`] | sources → the collection: what `ingest` and `query --from` do |
//! | [`transfer`] | a collection → the same one on another store |
//! | [`uploads`] | documents that were uploaded to a server → the collection |
//! | [`versions`] | the versions of a collection: listed, switched to, removed |
//! | [`watching`] | a collection that is kept in line with its files |
//! | [`written`] | where a file may be written that somebody named |

pub mod answering;
pub mod backends;
pub mod changes;
pub mod compatibility;
pub mod condition;
pub mod context;
pub mod deployment;
pub mod engine;
pub mod expiring;
pub mod explaining;
pub mod freshness;
pub mod globs;
pub mod integrity;
pub mod key;
mod layout;
mod ownership;
pub mod portable;
pub mod project;
pub mod provenance;
pub mod purge;
pub mod questions;
mod readiness;
pub mod resync;
pub mod retrieval;
pub mod show;
pub mod sizing;
pub mod source;
pub mod sync;
pub mod transfer;
pub mod uploads;
pub mod versions;
pub mod watching;
pub mod written;

pub use context::{Context, SOCKET};
pub use engine::Engine;
