//! The scripted servers of the end-to-end tests, for unit tests.

#[path = "../tests/it/hub.rs"]
pub(crate) mod hub;
#[path = "../tests/it/openai.rs"]
pub(crate) mod openai;
#[path = "../tests/it/qdrant.rs"]
pub(crate) mod qdrant;
#[path = "../tests/it/site.rs"]
pub(crate) mod site;
