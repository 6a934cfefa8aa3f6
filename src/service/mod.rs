//! What every front end calls: settings in; answers, passages and reports out. It knows no terminal and
//! no argument types, so that commands, a server and tests call it in the same way.
//!
//! An [`Engine`] is opened once and lives as long as the process. Each question takes a snapshot of
//! the collection ([`Engine::retriever`]) that was checked against the models that ask it.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`context`] | settings, directories and the recording that an engine is opened with |
//! | [`backends`] | settings → embedder, reranker, chat model, store; the only place that chooses one |
//! | [`changes`] | the right to change a collection, and the log of changes |
//! | [`compatibility`] | whether a collection fits the embedder, the chunker and the language |
//! | [`condition`] | conditions on documents, in any combination |
//! | [`answering`] | a question → an answer: id, prompt, price, times, exit code |
//! | [`purge`] | deletes documents from every version, and from wherever docent keeps their text |
//! | [`questions`] | questions in a file or a request, one a line |
//! | [`resync`] | another run over what a collection was made from, for callers that can be asked about a large deletion |
//! | `readiness` | whether questions can be answered, before one is asked |
//! | [`retrieval`] | options of retrieval from settings, and filters of sources |
//! | `ownership` | whether a project may write a collection on a server, and which documents are its own |
//! | [`portable`] | a collection → a file, and a file → a collection |
//! | [`project`] | the name of a project on a Qdrant server |
//! | [`provenance`] | where the records of answers go |
//! | [`expiring`] | which documents are too old, or will be soon |
//! | [`explaining`] | why a document is not among the passages |
//! | [`freshness`] | how stored documents compare with their files |
//! | [`globs`] | paths, directories and globs that choose documents |
//! | [`integrity`] | whether what is stored matches its records |
//! | [`cache_key`] | the key under which a pipeline caches an index |
//! | [`sizing`] | the disk and memory that a collection takes, and the store that suits it |
//! | [`source`] | finds the stored document that a name or path means |
//! | [`show`] | what is stored of a document, chunk by chunk |
//! | [`sync`] | sources → the collection: what `ingest` and `query --from` do |
//! | [`transfer`] | a collection → the same one on another store |
//! | [`uploads`] | documents that were uploaded to a server → the collection |
//! | [`versions`] | the versions of a collection: listed, switched to, removed |
//! | [`watching`] | a collection that is kept in line with its files |
//! | [`output_file`] | where a named file may be written |

pub mod answering;
pub mod backends;
pub mod cache_key;
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
mod layout;
pub mod output_file;
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

pub use context::{Context, SOCKET};
pub use engine::Engine;
