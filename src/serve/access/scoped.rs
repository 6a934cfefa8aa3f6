//! A collection as far as a caller may see it.

use std::sync::Arc;

use crate::mcp::access::ClientView;
use crate::service::Engine;
use crate::service::retrieval::DocumentFilter;

/// A collection as far as a caller may see it.
pub(in crate::serve) struct Scoped {
    pub(in crate::serve) name: String,
    pub(super) engine: Arc<Engine>,
    pub(super) within: Vec<String>,
    pub(super) tags: Vec<String>,
}

/// The part of a collection that a caller may see.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::serve) struct VisibleScope {
    pub(in crate::serve) collection: String,
    within: Vec<String>,
    tags: Vec<String>,
}

impl Scoped {
    pub(in crate::serve) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The filter that was asked for, narrowed to what may be seen.
    pub(in crate::serve) fn filter(&self, asked: DocumentFilter) -> DocumentFilter {
        let DocumentFilter { sources, kinds, mut tags, within, condition } = asked;
        debug_assert!(within.is_empty(), "only a key restricts");
        tags.extend(self.tags.iter().cloned());
        DocumentFilter { sources, kinds, tags, within: self.within.clone(), condition }
    }

    /// The same for the tools of agents.
    pub(in crate::serve) fn view(&self) -> ClientView {
        let (within, tags) = (self.within.clone(), self.tags.clone());
        ClientView::new(self.name.clone(), Arc::clone(&self.engine), within, tags)
    }

    pub(in crate::serve) fn sight(&self) -> VisibleScope {
        let (within, tags) = (self.within.clone(), self.tags.clone());
        VisibleScope { collection: self.name.clone(), within, tags }
    }

    /// Whether the caller may see a document of this source with these tags.
    pub(in crate::serve) fn sees(&self, source: &str, tags: &[String]) -> bool {
        self.engine.selects(&self.within, source) && self.tags.iter().all(|tag| tags.contains(tag))
    }

    /// Paths, directories and globs, one of which must match each visible document; empty: all are visible.
    pub(in crate::serve) fn within(&self) -> &[String] {
        &self.within
    }

    /// Tags that every visible document has.
    pub(in crate::serve) fn tags(&self) -> &[String] {
        &self.tags
    }

    /// Whether the caller sees the whole collection.
    pub(in crate::serve) fn is_whole(&self) -> bool {
        self.within.is_empty() && self.tags.is_empty()
    }
}
