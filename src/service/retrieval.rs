//! What retrieval is asked: options from settings, and globs over sources from the caller.

use super::backends;
use super::engine::Engine;
use crate::error::Failure;
use crate::query::Retriever;
use crate::query::rerank::RerankOptions;
use crate::query::retrieve::{RetrieveOptions, Weight};
use crate::query::rewrite::{self, Queries};
use crate::types::{Filter, Kind};

/// Which documents a question is asked of; the default is all.
#[derive(Clone, Debug, Default)]
pub struct DocumentFilter {
    /// Globs, each from the project's root: one of them has to match.
    pub sources: Vec<String>,
    /// Names of kinds, one of which the document has.
    pub kinds: Vec<String>,
    /// All of them the document has.
    pub tags: Vec<String>,
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
            filter: exact(filter, retriever).await?,
            ..RetrieveOptions::default()
        })
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

/// Globs over sources are resolved against the list of documents: the store filters on exact names.
async fn exact(filter: &DocumentFilter, retriever: &Retriever) -> Result<Filter, Failure> {
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
            let documents = retriever.reader.documents().await?.into_iter();
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
