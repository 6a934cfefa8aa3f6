//! `docent explain`: why these passages, and why that one not.

use std::time::Instant;

use super::connect::{self, StoreAccess};
use super::context::Context;
use super::ingest::{Inputs, discover_failure, discover_options};
use super::{on_interrupt, query, search, status};
use crate::cli::{ExplainArgs, IngestFlags, WebFlags};
use crate::error::{Exit, Failure};
use crate::ingest::absence::{self, Absence};
use crate::query::explain::{self, Drift, Expected, Facts, Verdict, Words};
use crate::query::{AnswerOptions, Prepared, Retriever};
use crate::types::{DocumentRecord, Locator};
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
        let expected = expected(self.context, typed, &known);
        let record = records.iter().find(|record| record.source == expected.source);
        let drift = record.and_then(|record| status::drift_of(self.context, record));
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
            Some(Absence::NoFile | Absence::NoPage) => nearest(&expected.source, &known),
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

/// What was typed, as a source and a place: the name of a document as it is stored, or a path from
/// here, with or without what cites a place in it.
fn expected(context: &Context, typed: &str, known: &[&str]) -> Expected {
    let from_here = |name: &str| {
        let path = crate::ingest::discover::lexical(&context.cwd.join(name));
        path.strip_prefix(&context.root).unwrap_or(&path).to_str().map(str::to_owned)
    };
    let source = |name: &str| {
        if known.contains(&name) || crate::types::is_url(name) {
            return name.to_owned();
        }
        from_here(name).unwrap_or_else(|| name.to_owned())
    };
    match cited(typed) {
        Some((name, place)) if !known.contains(&typed) => {
            Expected { source: source(name), place: Some(place) }
        }
        _ => Expected { source: source(typed), place: None },
    }
}

/// As [`Locator::cite`] writes it; lines may do without their `L`.
fn cited(typed: &str) -> Option<(&str, Locator)> {
    Locator::from_citation(typed).or_else(|| {
        let (name, lines) = typed.rsplit_once(':')?;
        let (first, last) = lines.split_once('-').unwrap_or((lines, lines));
        Some((name, Locator::Lines(first.parse().ok()?, last.parse().ok()?)))
    })
}

/// The source that may have been meant: the only one with this file name, else one that is spelled
/// much like it.
fn nearest<'a>(source: &str, known: &[&'a str]) -> Option<&'a str> {
    let name = |source: &str| source.rsplit('/').next().unwrap_or_default().to_lowercase();
    let mut namesakes = known.iter().filter(|known| name(known) == name(source));
    if let (Some(only), None) = (namesakes.next(), namesakes.next()) {
        return Some(only);
    }
    let edits = |a: &str, b: &str| strsim::osa_distance(&a.to_lowercase(), &b.to_lowercase());
    let distance = |known: &str| edits(known, source).min(edits(&name(known), &name(source)));
    known
        .iter()
        .map(|known| (distance(known), *known))
        .filter(|(distance, known)| distance * 3 <= name(known).chars().count())
        .min()
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_typed_as_they_are_cited() {
        let lines = |a, b| Some(("a.md", Locator::Lines(a, b)));
        for (typed, place) in [
            ("a.md", None),
            ("a.md:L3-L9", lines(3, 9)),
            ("a.md:3-9", lines(3, 9)),
            ("a.md:3", lines(3, 3)),
            ("a.md:x", None),
            ("a.md#page=2", Some(("a.md", Locator::Page(2)))),
        ] {
            assert_eq!(cited(typed), place, "{typed}");
        }
    }

    #[test]
    fn a_misspelled_source_has_a_nearest_one() {
        let known = ["docs/backups.md", "docs/tides.md", "notes/tides.md"];
        for (typed, meant) in [
            ("docs/backup.md", Some("docs/backups.md")),
            ("backups.md", Some("docs/backups.md")),
            ("doc/tides.md", Some("docs/tides.md")),
            ("docs/zymurgy.md", None),
        ] {
            assert_eq!(nearest(typed, &known), meant, "{typed}");
        }
    }
}
