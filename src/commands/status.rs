//! `docent status`: what is stored, what built it, and whether it is stale.

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::connect::{self, StoreAccess};
use super::context::Context;
use crate::cli::{Format, StatusArgs};
use crate::error::{Exit, Failure};
use crate::query::explain::Drift;
use crate::service::source;
use crate::types::{DocumentRecord, FailureRecord, Manifest};
use crate::ui::Ui;
use crate::ui::json::{Stale, Status};
use crate::ui::sanitize::sanitize_line;
use crate::ui::words::{counted, grouped};

/// Mean chunk lengths further apart than this factor cost the sparse leg quality.
const DRIFT: f64 = 1.5;

pub(super) async fn run(ui: &mut Ui, context: &Context, args: StatusArgs) -> Result<Exit, Failure> {
    let store = connect::store(ui, context, StoreAccess::Read)?;
    let manifest =
        store.manifest().await?.ok_or_else(|| connect::missing_collection(context, &*store))?;
    let documents = store.documents().await?;
    let chunks = store.count_chunks().await?;
    let failures = store.failures().await?;
    store.leave().await;
    let freshness = Freshness::of(context, &documents);
    if ui.format == Format::Text {
        let text = text(ui, context, store.endpoint(), &manifest, &documents, chunks, &freshness);
        ui.data(&text)?;
        ui.data(&failed(ui, &failures))?;
        if args.documents {
            for record in &documents {
                let source = sanitize_line(&record.source);
                let chunks = counted(record.chunks as usize, "chunk");
                ui.data(&format!("{source}  {}  {chunks}\n", record.kind))?;
            }
        }
    } else {
        ui.json(Status {
            collection: context.settings.collection.clone(),
            store: store.endpoint().to_owned(),
            documents: documents.len(),
            chunks,
            manifest: manifest.clone(),
            mean_terms: mean_terms(&documents),
            stale: Stale { changed: freshness.changed, missing: freshness.missing },
            failures,
            pages: freshness.pages,
            records: args.documents.then(|| documents.clone()),
        })?;
    }
    if let Some(warning) = drift(&manifest, &documents) {
        ui.warn(&warning);
    }
    Ok(Exit::Done)
}

fn text(
    ui: &Ui,
    context: &Context,
    endpoint: &str,
    manifest: &Manifest,
    documents: &[DocumentRecord],
    chunks: u64,
    freshness: &Freshness,
) -> String {
    let embedder = &manifest.embedder;
    let last = manifest.runs.last();
    let rows = [
        ("collection", format!("{} in {endpoint}", context.settings.collection)),
        ("documents", grouped(documents.len())),
        ("chunks", grouped(chunks as usize)),
        (
            "embedder",
            format!(
                "{}, {} dimensions ({})",
                embedder.name, embedder.dimensions, embedder.revision
            ),
        ),
        (
            "chunker",
            format!(
                "{} tokens, {} overlapping",
                manifest.chunker.max_tokens, manifest.chunker.overlap_tokens
            ),
        ),
        ("created", format!("{} by docent {}", manifest.created_at, manifest.docent)),
        (
            "last run",
            manifest.unfinished.as_ref().or(last).map_or("-".to_owned(), |run| {
                let cut = if manifest.unfinished.is_some() { ", not finished" } else { "" };
                format!("{} over {}{cut}", run.started_at, run.roots.join(" "))
            }),
        ),
        ("sources", freshness.describe()),
    ];
    let mut text = String::new();
    for (name, value) in &rows {
        let name = ui.out_style.strong(&format!("{name:10}"));
        text += &format!("{name}  {}\n", sanitize_line(value));
    }
    text
}

/// One row for each source that could not be brought in.
fn failed(ui: &Ui, failures: &[FailureRecord]) -> String {
    let mut text = String::new();
    for failure in failures {
        let label = ui.out_style.strong("failed    ");
        let (source, reason) = (sanitize_line(&failure.source), sanitize_line(&failure.reason));
        text += &format!("{label}  {source}  {reason}\n");
    }
    if !failures.is_empty() {
        text += "            docent ingest --retry-failed takes them up again\n";
    }
    text
}

/// How the stored documents compare with their files as they are now.
struct Freshness {
    changed: Vec<String>,
    missing: Vec<String>,
    /// Pages of the web, which are not asked for here.
    pages: usize,
}

impl Freshness {
    fn of(context: &Context, documents: &[DocumentRecord]) -> Self {
        let (mut changed, mut missing) = (Vec::new(), Vec::new());
        // The system answers for several files at once, and those in doubt are read.
        let drift = |record| source::drift_of(&context.root, record);
        let drifts: Vec<_> = documents.par_iter().map(drift).collect();
        for (record, drift) in documents.iter().zip(drifts) {
            match drift {
                None => {}
                Some(Drift::Gone) => missing.push(record.source.clone()),
                Some(Drift::Changed) => changed.push(record.source.clone()),
            }
        }
        let pages = documents.iter().filter(|record| record.web.is_some()).count();
        Self { changed, missing, pages }
    }

    fn describe(&self) -> String {
        let files = if self.changed.is_empty() && self.missing.is_empty() {
            "as they were ingested".to_owned()
        } else {
            format!(
                "stale: {} changed, {} missing; docent ingest PATH brings the collection up to date",
                self.changed.len(),
                self.missing.len()
            )
        };
        match self.pages {
            0 => files,
            pages => format!("{files}; {} of the web not checked", counted(pages, "page")),
        }
    }
}

/// Mean number of BM25 terms of the chunks as they are now.
fn mean_terms(documents: &[DocumentRecord]) -> Option<f64> {
    let terms: u64 = documents.iter().map(|record| record.terms).sum();
    let chunks: u64 = documents.iter().map(|record| u64::from(record.chunks)).sum();
    (chunks > 0).then(|| terms as f64 / chunks as f64)
}

fn drift(manifest: &Manifest, documents: &[DocumentRecord]) -> Option<String> {
    let now = mean_terms(documents)?;
    let then = manifest.sparse.avg_len;
    let factor = (now / then).max(then / now);
    (factor > DRIFT).then(|| {
        format!(
            "chunks are {now:.0} terms long on average, and were {then:.0} when the collection was created: ingest into a new --collection for better ranking"
        )
    })
}
