//! Options of retrieval from settings, and filters of documents from the caller.

use std::collections::HashSet;
use std::sync::Arc;

use super::backends;
use super::condition::DocumentCondition;
use super::engine::Engine;
use super::globs::{GLOBS, is_under};
use super::source::ProjectPlace;
use crate::error::Failure;
use crate::ingest::discover::lexical;
use crate::query::Retriever;
use crate::query::rerank::RerankOptions;
use crate::query::retrieve::{AdaptiveWeight, RetrieveOptions};
use crate::query::rewrite::{self, Queries};
use crate::rerank::RerankerKind;
use crate::settings::RerankSettings;
use crate::store::CollectionReader;
use crate::text::composed;
use crate::types::{DocumentKind, DocumentRecord, Filter, Manifest, Mode};

/// Which documents a question is asked of; the default is all.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct DocumentFilter {
    /// Paths of documents or directories, or globs, each from the project's root: one of them has to
    /// match.
    pub sources: Vec<String>,
    /// Kinds of documents, one of which the document has to be.
    pub kinds: Vec<String>,
    /// Tags, all of which the document has to have.
    pub tags: Vec<String>,
    /// Like `sources`: one of these has to match, too; none restricts nothing. A front end that asks
    /// for somebody else says here what that caller may see at all.
    pub within: Vec<String>,
    /// Another condition on the document.
    pub condition: Option<DocumentCondition>,
}

/// Options of retrieval with which a question overrides the settings.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct RetrievalOverrides {
    pub k: Option<usize>,
    pub mode: Option<Mode>,
    pub min_score: Option<f32>,
}

impl RetrievalOverrides {
    /// Applies the overrides to options.
    #[must_use]
    pub fn applied(self, options: RetrieveOptions) -> RetrieveOptions {
        RetrieveOptions {
            k: self.k.unwrap_or(options.k),
            mode: self.mode.unwrap_or(options.mode),
            min_score: self.min_score.or(options.min_score),
            ..options
        }
    }
}

/// A filter and the exact sources that it selects, kept for the next question with the same filter.
pub(super) struct Exact {
    asked: DocumentFilter,
    version: u32,
    manifest: Arc<Manifest>,
    filter: Filter,
}

impl Exact {
    /// Whether this is the result for a filter and a snapshot. An unfinished run may change the
    /// documents at any time; finished runs are in the manifest.
    fn is_of(&self, asked: &DocumentFilter, reader: &CollectionReader) -> bool {
        self.manifest.unfinished.is_none()
            && self.version == reader.version()
            && self.manifest == *reader.manifest()
            && self.asked == *asked
    }
}

impl Engine {
    /// The options for retrieval from this snapshot.
    ///
    /// # Errors
    /// `filter` has something that is not a kind of document or not a glob, or the documents can't be
    /// listed.
    pub async fn retrieve_options(
        &self,
        filter: &DocumentFilter,
        retriever: &Retriever,
    ) -> Result<RetrieveOptions, Failure> {
        let settings = &self.context.settings.search;
        let rerank = self.context.settings.rerank.as_ref().zip(retriever.reranker.as_ref());
        let rerank = rerank.map(|(set, reranker)| reranking(set, reranker.kind()));
        let (sparse_weight, late_weight) = weights(retriever);
        Ok(RetrieveOptions {
            rerank,
            mode: settings.mode,
            k: settings.k,
            min_score: settings.min_score,
            sparse_weight: settings.sparse_weight.map_or(sparse_weight, AdaptiveWeight::fixed),
            late_weight: settings.late_weight.map_or(late_weight, AdaptiveWeight::fixed),
            filter: self.exact(filter, &retriever.reader).await?,
            ..RetrieveOptions::default()
        })
    }

    /// Resolves globs against the list of documents, once for each state of the collection, since the
    /// store filters by exact names.
    async fn exact(
        &self,
        asked: &DocumentFilter,
        reader: &CollectionReader,
    ) -> Result<Filter, Failure> {
        let root_and_cwd = ProjectPlace { root: &self.context.root, cwd: &self.context.cwd };
        let DocumentFilter { sources, within, condition, .. } = asked;
        if sources.is_empty() && within.is_empty() && condition.is_none() {
            return exact(asked, reader, root_and_cwd).await;
        }
        let mut known = self.exact_filter().lock().await;
        if let Some(known) = known.as_ref().filter(|known| known.is_of(asked, reader)) {
            return Ok(known.filter.clone());
        }
        let filter = exact(asked, reader, root_and_cwd).await?;
        *known = Some(Exact {
            asked: asked.clone(),
            version: reader.version(),
            manifest: Arc::clone(reader.manifest()),
            filter: filter.clone(),
        });
        Ok(filter)
    }

    /// The documents that pass a filter, ordered by source.
    ///
    /// # Errors
    /// As [`Self::retrieve_options`].
    pub async fn seen_documents(
        &self,
        filter: &DocumentFilter,
        reader: &CollectionReader,
    ) -> Result<Vec<DocumentRecord>, Failure> {
        let Filter { sources, kinds, tags } = self.exact(filter, reader).await?;
        let sources: Option<HashSet<String>> = sources.map(HashSet::from_iter);
        let mut documents = reader.documents().await?;
        documents.retain(|record| {
            sources.as_ref().is_none_or(|sources| sources.contains(&record.source))
                && (kinds.is_empty() || kinds.contains(&record.kind))
                && tags.iter().all(|tag| record.tags.contains(tag))
        });
        Ok(documents)
    }

    /// The queries for a question: the question itself, or what the chat model makes of it if that is
    /// configured.
    pub async fn queries(&self, question: &str) -> Result<Queries, Failure> {
        let options = backends::rewriting(&self.context.settings)?;
        if !options.asks_model() {
            return Ok(Queries::of(question));
        }
        let (chat, nonce) = (self.chat()?, self.context.nonce(question)?);
        Ok(rewrite::queries(question, &[], &*chat, &options, &nonce).await?)
    }

    /// Whether [`Self::queries`] asks the chat model, which takes long.
    ///
    /// # Errors
    /// It would, but no chat model is configured.
    pub fn rewrites(&self) -> Result<bool, Failure> {
        Ok(backends::rewriting(&self.context.settings)?.asks_model())
    }
}

/// Options of reranking: as they are set, or defaults for the kind of model.
pub fn reranking(set: &RerankSettings, kind: RerankerKind) -> RerankOptions {
    let usual = RerankOptions::of(kind);
    RerankOptions {
        candidates: set.candidates.unwrap_or(usual.candidates),
        weight: set.weight.unwrap_or(usual.weight),
    }
}

/// Weights of sparse retrieval and late interaction, as measured with the built-in embedder and with a
/// model that reads context: such a model is right more often than the words are.
fn weights(retriever: &Retriever) -> (AdaptiveWeight, AdaptiveWeight) {
    if backends::is_builtin(retriever.embedder.id()) {
        let measured = RetrieveOptions::default();
        (measured.sparse_weight, measured.late_weight)
    } else {
        (AdaptiveWeight::fixed(0.3), AdaptiveWeight { known: 0.3, foreign: 0.0 })
    }
}

async fn exact(
    filter: &DocumentFilter,
    reader: &CollectionReader,
    at: ProjectPlace<'_>,
) -> Result<Filter, Failure> {
    let kinds = filter.kinds.iter().map(|name| {
        DocumentKind::from_name(name).ok_or_else(|| {
            let names: Vec<&str> = DocumentKind::ALL.iter().map(|kind| kind.name()).collect();
            Failure::usage(format!("`{name}` is not a kind of document"))
                .hint(format!("use one of {}", names.join(", ")))
        })
    });
    let kinds = kinds.collect::<Result<_, _>>()?;
    let sources = match [&filter.sources, &filter.within].map(Vec::as_slice) {
        [[], []] if filter.condition.is_none() => None,
        restrictions => {
            let documents = reader.documents().await?;
            let fits = |record: &&DocumentRecord| {
                filter.condition.as_ref().is_none_or(|condition| condition.holds(record))
            };
            let fitting = documents.iter().filter(fits);
            let mut left: Vec<&str> = fitting.map(|record| record.source.as_str()).collect();
            for patterns in restrictions.into_iter().filter(|patterns| !patterns.is_empty()) {
                left = selected(patterns, &left, at)?;
            }
            Some(left.into_iter().map(str::to_owned).collect())
        }
    };
    let tags = filter.tags.iter().map(|tag| composed(tag).into_owned()).collect();
    Ok(Filter { sources, kinds, tags })
}

/// The sources that one of the patterns selects, in their order. A pattern is a name, which may have
/// brackets, a directory, or a glob. A pattern that selects nothing from the root is read as a path
/// from the working directory.
pub(super) fn selected<'a>(
    patterns: &[String],
    known: &[&'a str],
    at: ProjectPlace<'_>,
) -> Result<Vec<&'a str>, Failure> {
    let mut taken = vec![false; known.len()];
    let mut take = |is_meant: &dyn Fn(&str) -> bool| {
        let mut any = false;
        for (taken, source) in taken.iter_mut().zip(known) {
            let meant = is_meant(&composed(source));
            *taken |= meant;
            any |= meant;
        }
        any
    };
    for typed in patterns {
        let pattern = composed(typed.trim_start_matches("./"));
        let here = lexical(&at.cwd.join(&*pattern));
        let here = here.strip_prefix(at.root).unwrap_or(&here).to_string_lossy().into_owned();
        let glob = globset::Glob::new(&pattern).map(|glob| glob.compile_matcher());
        let found = take(&|source| is_under(source, &pattern))
            || take(&|source| glob.as_ref().is_ok_and(|glob| glob.is_match(source)))
            || take(&|source| is_under(source, &here));
        if let (false, Err(error)) = (found, glob) {
            return Err(not_a_glob(typed, &error));
        }
    }
    Ok(known.iter().zip(taken).filter(|(_, taken)| *taken).map(|(source, _)| *source).collect())
}

fn not_a_glob(typed: &str, error: &globset::Error) -> Failure {
    Failure::usage(format!(
        "`{typed}` is neither a document, a directory nor a glob: {}",
        error.kind()
    ))
    .hint(GLOBS)
    .about("sources")
}

/// Whether one of the patterns selects a source; an invalid glob selects nothing.
pub(super) fn selects(patterns: &[String], source: &str, at: ProjectPlace<'_>) -> bool {
    let one = |pattern: &String| selected(std::slice::from_ref(pattern), &[source], at);
    patterns.iter().any(|pattern| one(pattern).is_ok_and(|selected| !selected.is_empty()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::path::Path;

    use super::*;

    #[test]
    fn sources_are_selected_by_name_directory_and_glob() {
        let known = [
            "docs/app/[slug]/page.tsx",
            "docs/app/s/page.tsx",
            "docs/application.md",
            "docs/U\u{308}bersicht.md",
            "top.md",
            "{odd.md",
        ];
        let at = ProjectPlace { root: Path::new("/project"), cwd: Path::new("/project/docs") };
        for (typed, meant) in [
            ("docs/app/[slug]/page.tsx", &["docs/app/[slug]/page.tsx"][..]),
            ("docs/app/[s]/page.tsx", &["docs/app/s/page.tsx"]),
            ("docs/app/[slug]", &["docs/app/[slug]/page.tsx"]),
            ("docs/app", &["docs/app/[slug]/page.tsx", "docs/app/s/page.tsx"]),
            ("./docs/app/", &["docs/app/[slug]/page.tsx", "docs/app/s/page.tsx"]),
            ("app", &["docs/app/[slug]/page.tsx", "docs/app/s/page.tsx"]),
            ("/project/docs/application.md", &["docs/application.md"]),
            ("docs/Übersicht.md", &["docs/U\u{308}bersicht.md"]),
            ("**/U*.md", &[]),
            ("**/Ü*.md", &["docs/U\u{308}bersicht.md"]),
            ("*.md", &["docs/application.md", "docs/U\u{308}bersicht.md", "top.md", "{odd.md"]),
            ("../top.md", &["top.md"]),
            ("{odd.md", &["{odd.md"]),
            ("nowhere", &[]),
        ] {
            assert_eq!(selected(&[typed.to_owned()], &known, at).unwrap(), meant, "{typed}");
        }
        assert!(selected(&["{none.md".to_owned()], &known, at).is_err());
    }
}
