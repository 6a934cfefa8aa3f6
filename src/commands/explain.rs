//! `docent explain`: why these passages, and why that one not.

use std::time::Instant;

use super::connect::{self, StoreAccess};
use super::context::Context;
use super::ingest::{Inputs, discover_failure, discover_options};
use super::{on_interrupt, query, search};
use crate::cli::{ExplainArgs, IngestFlags, WebFlags};
use crate::error::{Exit, Failure};
use crate::ingest::absence::{self, Absence};
use crate::query::explain::{self, Drift, Facts, Verdict, Words};
use crate::query::{AnswerOptions, Prepared, Retriever};
use crate::service::source::{self, Place};
use crate::types::DocumentRecord;
use crate::ui::Ui;
use crate::ui::explain::{Explained, Sought};
use crate::ui::progress::Waiting;

pub(super) async fn run(
    ui: &mut Ui,
    context: &Context,
    args: ExplainArgs,
) -> Result<Exit, Failure> {
    let question = super::question(&args.question)?;
    let started = Instant::now();
    let template = query::template(context)?;
    let rewriting = connect::rewriting(&context.settings)?;
    let chat = connect::chat(context)?;
    let asks_model = rewriting.asks_model();
    let store = connect::store(ui, context, StoreAccess::Read)?;
    let retriever = connect::retriever(context, store).await?;
    connect::describe(ui, &*retriever.store, &*retriever.embedder);
    let retrieve = search::retrieve_options(context, &args.retrieval, &retriever).await?;
    let options = AnswerOptions {
        nonce: context.nonce(&question)?,
        ..query::options(context, rewriting, retrieve, template)
    };
    let cancel = on_interrupt();
    let mut waiting = asks_model.then(|| Waiting::new(ui, &format!("asking {}", chat.name())));
    let prepared =
        crate::query::prepare(&question, &retriever, &*chat, &options, &cancel, &mut drop).await?;
    if let Some(waiting) = &mut waiting {
        waiting.done();
    }
    if cancel.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    ui.asking(&prepared.queries);
    let case = Case { context, question: &question, retriever: &retriever, options: &options };
    let sought = match &args.expect {
        Some(typed) => Some(case.seek(typed, &prepared).await?),
        None => None,
    };
    let elapsed_ms = started.elapsed().as_millis() as u64;
    let elapsed_ms = context.tape.value("explain time", &question, elapsed_ms)?;
    retriever.store.leave().await;
    ui.explained(&Explained {
        question: &question,
        mode: options.retrieve.mode,
        max_tokens: options.pack.max_tokens,
        k: options.pack.max_chunks,
        prepared: &prepared,
        sought: sought.as_ref(),
        elapsed_ms,
        root: &context.root,
    })?;
    let missing = sought.is_some_and(|sought| !sought.is_found());
    Ok(if missing { Exit::Negative } else { Exit::Done })
}

/// A question, and what it is asked of.
struct Case<'a> {
    context: &'a Context,
    question: &'a str,
    retriever: &'a Retriever,
    options: &'a AnswerOptions,
}

impl Case<'_> {
    /// What became of a document that is expected.
    async fn seek(&self, typed: &str, prepared: &Prepared) -> Result<Sought, Failure> {
        let store = &self.retriever.store;
        let (records, failures) = (store.documents().await?, store.failures().await?);
        let failed = failures.iter().map(|failure| failure.source.as_str());
        let known: Vec<&str> =
            records.iter().map(|record| record.source.as_str()).chain(failed).collect();
        let at = Place { root: &self.context.root, cwd: &self.context.cwd };
        let expected = source::named(typed, &known, at);
        let record = records.iter().find(|record| record.source == expected.source);
        let drift = record.and_then(|record| source::drift_of(&self.context.root, record));
        let fates = &prepared.composed.fates;
        let verdict = explain::verdict(&Facts {
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
            (Verdict::BelowCut, None) => {
                explain::probe(self.retriever, queries, &expected, options).await?
            }
            _ => None,
        };
        let verdict = match (verdict, &probe) {
            (Verdict::BelowCut, None) => Verdict::NoSuchPlace,
            (verdict, _) => verdict,
        };
        let words =
            probe.as_ref().map(|it| Words::of(self.question, &it.chunk, &self.retriever.sparse));
        let absence = match verdict {
            Verdict::NotIngested => Some(self.absence(&expected.source, &records).await?),
            _ => None,
        };
        let nearest = match absence {
            Some(Absence::NoFile | Absence::NoPage) => {
                source::nearest(&expected.source, &known, 1).first().copied()
            }
            _ => None,
        };
        Ok(Sought {
            shadowed: drift == Some(Drift::Changed) && matches!(verdict, Verdict::Found { .. }),
            record: record.cloned(),
            expected,
            verdict,
            absence,
            nearest: nearest.map(str::to_owned),
            probe,
            words: words.unwrap_or_default(),
        })
    }

    /// Why a source has no record: a run over what earlier runs named would tell.
    async fn absence(&self, source: &str, records: &[DocumentRecord]) -> Result<Absence, Failure> {
        let manifest = self.retriever.store.manifest().await?;
        let roots = manifest.map(|manifest| manifest.roots).unwrap_or_default();
        let inputs = Inputs::parse(roots.clone(), &WebFlags::default())?;
        let mut options = discover_options(self.context, &inputs, &IngestFlags::default());
        options.cwd.clone_from(&options.root);
        options.known = records.iter().map(|record| record.source.clone()).collect();
        options.named = roots;
        (options.remembered, options.allow_gone) = (true, true);
        let policy = self.context.settings.ingest.on_secret;
        absence::absence(source, &options, policy).map_err(|error| discover_failure(&error))
    }
}
