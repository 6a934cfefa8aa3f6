//! What retrieval is asked: options from settings, and globs over sources from the caller.

use std::sync::Arc;

use super::backends;
use super::engine::Engine;
use crate::error::Failure;
use crate::query::Retriever;
use crate::query::rerank::RerankOptions;
use crate::query::retrieve::{RetrieveOptions, Weight};
use crate::query::rewrite::{self, Queries};
use crate::store::Reader;
use crate::types::{Filter, Kind, Manifest};

/// Which documents a question is asked of; the default is all.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct DocumentFilter {
    /// Globs, each from the project's root: one of them has to match.
    pub sources: Vec<String>,
    /// Names of kinds, one of which the document has.
    pub kinds: Vec<String>,
    /// All of them the document has.
    pub tags: Vec<String>,
}

/// A filter and what it came to, for the next question that has it.
pub(super) struct Exact {
    asked: DocumentFilter,
    version: u32,
    manifest: Arc<Manifest>,
    filter: Filter,
}

impl Exact {
    /// A run that goes on may change the documents at any time; one that is done is in the manifest.
    fn is_of(&self, asked: &DocumentFilter, reader: &Reader) -> bool {
        self.manifest.unfinished.is_none()
            && self.version == reader.version()
            && self.manifest == *reader.manifest()
            && self.asked == *asked
    }
}

impl Engine {
    /// What retrieval is asked of this snapshot.
    ///
    /// # Errors
    /// Where `filter` has no kind of document or no glob, or the documents can't be listed.
    pub async fn retrieve_options(
        &self,
        filter: &DocumentFilter,
        retriever: &Retriever,
    ) -> Result<RetrieveOptions, Failure> {
        let settings = &self.context.settings.search;
        let rerank = self.context.settings.rerank.as_ref();
        let rerank = rerank
            .map(|rerank| RerankOptions { candidates: rerank.candidates, weight: rerank.weight });
        let (sparse_weight, late_weight) = weights(retriever);
        Ok(RetrieveOptions {
            rerank,
            mode: settings.mode,
            k: settings.k,
            min_score: settings.min_score,
            sparse_weight: settings.sparse_weight.map_or(sparse_weight, Weight::fixed),
            late_weight: settings.late_weight.map_or(late_weight, Weight::fixed),
            filter: self.exact(filter, &retriever.reader).await?,
            ..RetrieveOptions::default()
        })
    }

    /// Globs over sources are resolved against the list of documents, once for a state of the
    /// collection: the store filters on exact names.
    async fn exact(&self, asked: &DocumentFilter, reader: &Reader) -> Result<Filter, Failure> {
        if asked.sources.is_empty() {
            return exact(asked, reader).await;
        }
        let mut known = self.exact_filter().lock().await;
        if let Some(known) = known.as_ref().filter(|known| known.is_of(asked, reader)) {
            return Ok(known.filter.clone());
        }
        let filter = exact(asked, reader).await?;
        *known = Some(Exact {
            asked: asked.clone(),
            version: reader.version(),
            manifest: Arc::clone(reader.manifest()),
            filter: filter.clone(),
        });
        Ok(filter)
    }

    /// What retrieval asks for a question: the question, or what the chat model makes of it where
    /// that is configured.
    pub async fn queries(&self, question: &str) -> Result<Queries, Failure> {
        let options = backends::rewriting(&self.context.settings)?;
        if !options.asks_model() {
            return Ok(Queries::of(question));
        }
        let (chat, nonce) = (self.chat()?, self.context.nonce(question)?);
        Ok(rewrite::queries(question, &[], &*chat, &options, &nonce).await?)
    }

    /// Whether [`Self::queries`] asks the chat model, which takes its time.
    ///
    /// # Errors
    /// Where it would, and none is configured.
    pub fn rewrites(&self) -> Result<bool, Failure> {
        Ok(backends::rewriting(&self.context.settings)?.asks_model())
    }
}

/// What the sparse leg and late interaction count for, as measured with the built-in embedder and with
/// one that reads context: such a model is right more often than the words are.
fn weights(retriever: &Retriever) -> (Weight, Weight) {
    if backends::is_builtin(retriever.embedder.id()) {
        let measured = RetrieveOptions::default();
        (measured.sparse_weight, measured.late_weight)
    } else {
        (Weight::fixed(0.3), Weight { known: 0.3, foreign: 0.0 })
    }
}

async fn exact(filter: &DocumentFilter, reader: &Reader) -> Result<Filter, Failure> {
    let kinds = filter.kinds.iter().map(|name| {
        Kind::from_name(name).ok_or_else(|| {
            let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
            Failure::usage(format!("`{name}` is not a kind of document"))
                .hint(format!("use one of {}", names.join(", ")))
        })
    });
    let kinds = kinds.collect::<Result<_, _>>()?;
    let sources = match globs(&filter.sources)? {
        None => None,
        Some(globs) => {
            let documents = reader.documents().await?.into_iter();
            Some(documents.map(|record| record.source).filter(|s| globs.is_match(s)).collect())
        }
    };
    Ok(Filter { sources, kinds, tags: filter.tags.clone() })
}

fn globs(patterns: &[String]) -> Result<Option<globset::GlobSet>, Failure> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let mut set = globset::GlobSetBuilder::new();
    for pattern in patterns {
        let glob = globset::Glob::new(pattern.trim_start_matches("./"))
            .map_err(|error| Failure::usage(format!("--source `{pattern}`: {}", error.kind())))?;
        set.add(glob);
    }
    set.build().map(Some).map_err(|error| Failure::usage(format!("--source: {error}")))
}
