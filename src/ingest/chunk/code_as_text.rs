//! Replaces [`code`](super::code) in a build without grammars: code is cut as text.

use text_splitter::{ChunkConfig, ChunkSizer};

use super::outline::Outline;
use crate::ingest::document::CodeLanguage;

/// No code is cut along its syntax.
pub(super) const MAX_PARSED: usize = 0;

pub(super) fn split(
    _: &str,
    _: CodeLanguage,
    _: ChunkConfig<impl ChunkSizer>,
) -> Option<Vec<(usize, &str)>> {
    None
}

pub(super) fn outline(text: &str, _: CodeLanguage) -> (Outline, bool) {
    (Outline::flat(text), true)
}
