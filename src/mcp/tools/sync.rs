//! `sync`: brings the collection in line with its sources again, if the user who started docent allows it.

use std::pin::pin;

use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::{Call, Confirmation, Consent, Unfinished, gives, takes, text};
use crate::cancel::{self, Cancel, Canceller, Stop};
use crate::error::Failure;
use crate::ingest::preview::IngestPreview;
use crate::ingest::{FailedSource, IngestEvent, IngestReport};
use crate::mcp::access::ClientView;
use crate::mcp::arguments::Arguments;
use crate::mcp::fence::label;
use crate::output::humanize::counted;
use crate::service::resync::{Deletion, Resync, Resynced};
use crate::service::sync::{OnSync, SyncEvent};
use crate::task::off_thread;
use crate::types::ContentHash;

/// Most names that a result or a confirmation lists.
const LISTED: usize = 20;

/// Most paths in a call.
const MOST_PATHS: usize = 100;

pub(super) fn input() -> Value {
    takes(
        json!({
            "collection": text("Which collection"),
            "paths": {
                "type": "array",
                "items": { "type": "string" },
                "description": "Files or directories among its sources; default all"
            },
            "dry_run": { "type": "boolean", "description": "Only say what would change" },
        }),
        &[],
    )
}

pub(super) fn output() -> Value {
    let count = |what: &str| super::number(&format!("Documents {what}"));
    let list =
        |what: &str| json!({ "type": "array", "items": { "type": "string" }, "description": what });
    gives(json!({
        "collection": text("Which collection"),
        "outcome": text("done, partial (some failed), stopped (a limit was reached), planned (dry_run) or declined"),
        "added": count("that are new"),
        "changed": count("that were read again"),
        "moved": count("whose file has another name"),
        "deleted": count("that were taken out, since their file is gone"),
        "unchanged": count("that are as they were"),
        "skipped": count("and directories passed over"),
        "failed": count("that could not be read"),
        "failed_sources": list("Some of those that failed, each with the reason"),
        "deleted_sources": list("With dry_run: some of those that would be taken out"),
        "note": text("What else there is to know"),
    }))
}

pub(super) async fn run(call: &Call<'_>, arguments: Arguments) -> Result<Value, Unfinished> {
    let view = call.view(&arguments)?;
    let paths = arguments.texts("paths")?;
    if paths.len() > MOST_PATHS {
        let problem = format!("`paths` has {} entries", paths.len());
        return Err(Failure::usage(problem)
            .hint(format!("name directories: {MOST_PATHS} at most"))
            .into());
    }
    let is_part = !paths.is_empty();
    let mut resync = Resync { paths, agreed: None };
    if arguments.flag("dry_run")? {
        let engine = view.share();
        let preview = to_its_end(call, move |runtime, cancel, _| {
            runtime.block_on(engine.preview_resync(&resync, cancel))
        });
        return Ok(planned(&view, &preview.await?, is_part));
    }
    match &call.consent {
        Consent::Declined => return Ok(declined(&view)),
        Consent::Agreed(state) => resync.agreed = deletion_of(state, &view.name),
        Consent::Askable | Consent::Unaskable => {}
    }
    let engine = view.share();
    let synced = to_its_end(call, move |runtime, cancel, hear| {
        runtime.block_on(engine.resync(&resync, cancel, hear))
    });
    match synced.await? {
        Resynced::Done(report) => Ok(done(&view, *report, is_part)?),
        Resynced::Unagreed(deletion) if matches!(call.consent, Consent::Unaskable) => {
            let names = listed(deletion.sources.iter().map(|source| label(source)));
            Err(deletion.failure.caused_by(format!("it would delete {}", names.join(", "))).into())
        }
        Resynced::Unagreed(deletion) => Err(Unfinished::Asks(confirmation(&view, &deletion))),
    }
}

/// Ends the run in an orderly way when it is dropped because the client has cancelled the call.
struct EndWith(Canceller);

impl Drop for EndWith {
    fn drop(&mut self) {
        self.0.cancel(Stop::Interrupt);
    }
}

/// Runs the work on its own thread: a run borrows too much of what it uses to move between threads. If the
/// call is cancelled, the run is told to stop, and still leaves the collection, the log of changes and the
/// right to write as an interrupted run does.
async fn to_its_end<T: Send + 'static>(
    call: &Call<'_>,
    run: impl FnOnce(&Handle, &Cancel, OnSync<'_>) -> T + Send + 'static,
) -> T {
    let (canceller, cancel) = cancel::pair();
    let _end = EndWith(canceller);
    let (told, mut heard) = mpsc::unbounded_channel();
    let runtime = Handle::current();
    let run = off_thread(move || {
        let mut teller = SyncProgress::default();
        let mut hear = |event| {
            if let Some(news) = teller.news(event) {
                // The receiver may be gone.
                let _ = told.send(news);
            }
        };
        run(&runtime, &cancel, &mut hear)
    });
    let mut run = pin!(run);
    loop {
        tokio::select! {
            synced = &mut run => return synced,
            Some(news) = heard.recv() => (call.progress)(&news),
        }
    }
}

/// Progress messages of a run.
#[derive(Default)]
struct SyncProgress {
    documents: usize,
    finished: usize,
}

impl SyncProgress {
    fn news(&mut self, event: SyncEvent) -> Option<String> {
        let SyncEvent::Ingest(event) = event else { return None };
        match event {
            IngestEvent::Fetched { pages } => Some(format!("{} fetched", counted(pages, "page"))),
            IngestEvent::Discovered { files } => Some(format!("{} found", counted(files, "file"))),
            IngestEvent::Planned { documents, .. } => {
                self.documents = documents;
                Some(format!("{} to bring in", counted(documents, "document")))
            }
            IngestEvent::Finished { .. } => {
                self.finished += 1;
                Some(format!("{} of {}", self.finished, counted(self.documents, "document")))
            }
            IngestEvent::Recognized(_) => Some("a page was read".to_owned()),
            IngestEvent::Optimizing => Some("building indexes".to_owned()),
        }
    }
}

fn done(view: &ClientView, report: IngestReport, is_part: bool) -> Result<Value, Failure> {
    if let Some(error) = report.aborted {
        let failure = Failure::from(error);
        let hint = failure.hint.as_ref().map(|hint| format!("{hint}; ")).unwrap_or_default();
        return Err(failure.hint(format!(
            "{hint}what was stored until then is kept, and the next sync continues from there"
        )));
    }
    let stopped = report.interrupted || report.stopped.is_some();
    let mut notes = Vec::new();
    if stopped {
        notes.push("it stopped early; the next sync continues from there".to_owned());
    }
    let outcome = match () {
        () if stopped => "stopped",
        () if !report.failed.is_empty() => "partial",
        () => "done",
    };
    let mut said = json!({
        "collection": view.name,
        "outcome": outcome,
        "added": report.added,
        "changed": report.changed,
        "moved": report.moved,
        "deleted": report.deleted,
        "unchanged": report.unchanged,
        "skipped": report.skipped,
    });
    tell_failed(&mut said, &report.failed, &mut notes);
    notes.extend(is_part.then(|| no_document(&said)).flatten());
    Ok(with_notes(said, &notes))
}

fn planned(view: &ClientView, preview: &IngestPreview, is_part: bool) -> Value {
    let mut notes = Vec::new();
    let mut said = json!({
        "collection": view.name,
        "outcome": "planned",
        "added": preview.added.len(),
        "changed": preview.changed.len(),
        "moved": preview.moved.len(),
        "deleted": preview.deleted.len(),
        "unchanged": preview.unchanged,
        "skipped": preview.skipped,
        "deleted_sources": listed(preview.deleted.iter().map(|source| label(source))),
    });
    tell_failed(&mut said, &preview.failed, &mut notes);
    notes.extend(is_part.then(|| no_document(&said)).flatten());
    notes.push("nothing was changed".to_owned());
    with_notes(said, &notes)
}

/// The note for `paths` that match nothing a sync works on.
fn no_document(said: &Value) -> Option<String> {
    const COUNTS: [&str; 6] = ["added", "changed", "moved", "deleted", "unchanged", "failed"];
    COUNTS.iter().all(|name| said[name] == 0).then(|| {
        "`paths` named no document: there is no such file, or it is ignored, hidden, a link, or of a type that \
         is not read"
            .to_owned()
    })
}

fn declined(view: &ClientView) -> Value {
    json!({
        "collection": view.name,
        "outcome": "declined",
        "note": "the deletion was declined, so nothing was changed: no document was added or updated either",
    })
}

fn tell_failed(said: &mut Value, failed: &[FailedSource], notes: &mut Vec<String>) {
    said["failed"] = json!(failed.len());
    if failed.is_empty() {
        return;
    }
    let row = |failed: &FailedSource| label(&format!("{}: {}", failed.source, failed.reason));
    said["failed_sources"] = json!(listed(failed.iter().map(row)));
    notes.push("files that failed are read again when they change".to_owned());
}

fn with_notes(mut said: Value, notes: &[String]) -> Value {
    if !notes.is_empty() {
        said["note"] = json!(notes.join("; "));
    }
    said
}

/// The first names, and how many more there are.
fn listed(names: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = names.len().saturating_sub(LISTED);
    let mut listed: Vec<String> = names.take(LISTED).collect();
    if more > 0 {
        listed.push(format!("and {more} more"));
    }
    listed
}

/// The question to a person, and the state that identifies this deletion in this collection.
fn confirmation(view: &ClientView, deletion: &Deletion) -> Confirmation {
    let names = listed(deletion.sources.iter().map(|source| label(source))).join("\n");
    let collection = label(&view.name);
    let problem = &deletion.failure.message;
    Confirmation {
        message: format!(
            "The sync of the collection `{collection}` was stopped: {problem}. These documents would be \
             taken out of the collection (no file is touched):\n{names}"
        ),
        consent: format!("Take {} out", counted(deletion.sources.len(), "document")),
        state: format!("{}:{}", view.name, deletion.hash()),
    }
}

/// The hash of the deletion that was shown, if it belongs to this collection.
fn deletion_of(state: &str, collection: &str) -> Option<ContentHash> {
    let (of, hash) = state.rsplit_once(':')?;
    (of == collection).then(|| ContentHash(hash.to_owned()))
}
