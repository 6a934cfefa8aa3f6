//! Why a document is not among the passages, or why it is.

use super::context::Context;
use super::engine::Engine;
use super::source::{self, ProjectPlace};
use super::sync::{SyncInputs, SyncOptions, discover_failure, discover_options};
use crate::error::Failure;
use crate::ingest::absence::{self, AbsenceReason};
use crate::ingest::discover::DiscoverOptions;
use crate::query::explain::{
    self, DocumentFacts, Expected, ExplainVerdict, Probe, Staleness, WordMatch,
};
use crate::query::{AnswerOptions, PreparedPrompt, Retriever};
use crate::types::{CrawlReach, DocumentRecord, IngestRun, Manifest, is_url};

/// What became of an expected document.
pub struct ExpectedOutcome {
    pub expected: Expected,
    pub record: Option<DocumentRecord>,
    pub verdict: ExplainVerdict,
    /// Why it was not ingested, if it was not.
    pub absence: Option<AbsenceReason>,
    /// The source that may have been meant.
    pub nearest: Option<String>,
    /// Its best chunk, if one was found.
    pub probe: Option<Probe>,
    /// Words of the question in that chunk.
    pub words: WordMatch,
    /// It is among the passages, and its file is another by now.
    pub shadowed: Option<Staleness>,
}

impl ExpectedOutcome {
    pub fn is_found(&self) -> bool {
        matches!(self.verdict, ExplainVerdict::Found { .. })
    }
}

impl Engine {
    /// Finds out what became of the document that `typed` names, for a prepared question. `typed` is
    /// the stored name of a document or a path from here, with or without a place in it.
    pub async fn seek(
        &self,
        typed: &str,
        question: &str,
        asked: &super::answering::PromptPreview,
    ) -> Result<ExpectedOutcome, Failure> {
        let (context, retriever) = (&self.context, &asked.retriever);
        let case = Case { context, question, retriever, options: &asked.options };
        case.seek(typed, &asked.prepared).await
    }
}

impl Engine {
    /// For each hit of a prepared question: the part of its BM25 score that is due to words in the name
    /// of its document.
    pub async fn name_scores(
        &self,
        asked: &super::answering::PromptPreview,
    ) -> Result<Vec<f32>, Failure> {
        let (queries, hits) = (&asked.prepared.queries, &asked.prepared.hits);
        Ok(explain::name_scores(&asked.retriever, queries, hits).await?)
    }
}

/// A prepared question, and the snapshot that it is asked of.
struct Case<'a> {
    context: &'a Context,
    question: &'a str,
    retriever: &'a Retriever,
    options: &'a AnswerOptions,
}

impl Engine {
    /// Files that an unfinished run was to ingest, and that are not stored. None if they cannot be
    /// looked for.
    pub fn awaited(
        &self,
        run: &IngestRun,
        manifest: &Manifest,
        documents: &[DocumentRecord],
    ) -> Vec<String> {
        let context = &self.context;
        let mut roots = manifest.roots.clone();
        roots.extend(run.roots.iter().filter(|root| !is_url(root)).cloned());
        let Ok(inputs) = SyncInputs::parse(roots, CrawlReach::default()) else { return Vec::new() };
        let options = remembered(context, inputs, documents);
        absence::pending(&options, documents, context.settings.ocr.policy)
    }
}

/// Options to discover what earlier runs named.
fn remembered(
    context: &Context,
    inputs: SyncInputs,
    records: &[DocumentRecord],
) -> DiscoverOptions {
    let mut options = discover_options(context, &inputs, &SyncOptions::default());
    options.cwd.clone_from(&options.root);
    options.known = records.iter().map(|record| record.source.clone()).collect();
    options.named = inputs.paths;
    (options.remembered, options.allow_gone) = (true, true);
    options
}

impl Case<'_> {
    /// Finds out what became of an expected document.
    async fn seek(
        &self,
        typed: &str,
        prepared: &PreparedPrompt,
    ) -> Result<ExpectedOutcome, Failure> {
        let store = &self.retriever.reader;
        let (records, failures) = (store.documents().await?, store.failures().await?);
        let failed = failures.iter().map(|failure| failure.source.as_str());
        let known: Vec<&str> =
            records.iter().map(|record| record.source.as_str()).chain(failed).collect();
        let at = ProjectPlace { root: &self.context.root, cwd: &self.context.cwd };
        let expected = source::named(typed, &known, at);
        let record = records.iter().find(|record| record.source == expected.source);
        let drift = record.and_then(|record| source::drift_of(&self.context.root, record));
        let fates = &prepared.composed.fates;
        let verdict = explain::verdict(&DocumentFacts {
            expected: &expected,
            record,
            failure: failures.iter().find(|failure| failure.source == expected.source),
            drift,
            filter: &self.options.retrieve.filter,
            min_score: self.options.pack.min_score,
            hits: &prepared.hits,
            fates,
        });
        let hit = explain::best(&expected, &prepared.hits, fates);
        let (queries, options) = (&prepared.queries, &self.options.retrieve);
        let probe = match (&verdict, hit) {
            (_, Some(hit)) => {
                Some(explain::probe_hit(self.retriever, queries, hit, options).await?)
            }
            (ExplainVerdict::BelowCut, None) => {
                explain::probe(self.retriever, queries, &expected, options).await?
            }
            _ => None,
        };
        let verdict = match (verdict, &probe) {
            (ExplainVerdict::BelowCut, None) => ExplainVerdict::NoSuchPlace,
            (verdict, _) => verdict,
        };
        let words = probe
            .as_ref()
            .map(|it| WordMatch::of(self.question, &it.chunk, &self.retriever.sparse));
        let absence = match verdict {
            ExplainVerdict::NotIngested => Some(self.absence(&expected.source, &records)?),
            _ => None,
        };
        let nearest = match absence {
            Some(AbsenceReason::NoFile | AbsenceReason::NoPage) => {
                source::nearest(&expected.source, &known, 1).first().copied()
            }
            _ => None,
        };
        Ok(ExpectedOutcome {
            shadowed: drift.filter(|_| matches!(verdict, ExplainVerdict::Found { .. })),
            record: record.cloned(),
            expected,
            verdict,
            absence,
            nearest: nearest.map(str::to_owned),
            probe,
            words: words.unwrap_or_default(),
        })
    }

    /// Why a source has no record, found out like a run over what earlier runs named would do.
    fn absence(&self, source: &str, records: &[DocumentRecord]) -> Result<AbsenceReason, Failure> {
        let manifest = self.retriever.reader.manifest();
        let inputs = SyncInputs::parse(manifest.roots.clone(), CrawlReach::default())?;
        let options = remembered(self.context, inputs, records);
        let settings = &self.context.settings;
        absence::absence(source, &options, settings.ingest.on_secret, settings.ocr.policy)
            .map_err(|error| discover_failure(&error))
    }
}
