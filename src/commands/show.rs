//! `docent show`: prints what is stored of a document.

use super::{Context, open};
use crate::cli::ShowArgs;
use crate::error::{Exit, Failure, shell_word};
use crate::output::humanize::counted;
use crate::query::explain::Staleness;
use crate::service::backends;
use crate::service::show::{self, ShowRequest, ShownDocument};
use crate::service::source::ProjectPlace;
use crate::types::Locator;
use crate::ui::Ui;

pub(super) async fn run(ui: &mut Ui, context: Context, args: ShowArgs) -> Result<Exit, Failure> {
    let engine = open(ui, context)?;
    let context = &engine.context;
    let reader = engine.reader().await?;
    // Stored chunks can be read with any embedder that is configured now.
    let embedder = backends::tokenizer(context, Some(reader.manifest()), "docent show").await;
    if let Err(failure) = &embedder {
        ui.note(&format!("tokens are not counted: {}", failure.message));
    }
    let request = ShowRequest {
        typed: &args.source,
        at: ProjectPlace { root: &context.root, cwd: &context.cwd },
        embedder: embedder.as_deref().ok(),
    };
    let shown = show::show(&*reader, &request).await?;
    ui.document(&shown, &context.root)?;
    if shown.chunks.is_empty() {
        return Err(nothing(&shown, &context.settings.collection));
    }
    for warning in warnings(&shown) {
        ui.warn(&warning);
    }
    Ok(Exit::Done)
}

/// Why there is nothing to show.
fn nothing(shown: &ShownDocument, collection: &str) -> Failure {
    let source = &shown.asked.source;
    let (message, hint) = match (shown.extent, &shown.failure) {
        (Some(extent), _) => {
            (elsewhere(shown, extent), format!("all of it: docent show {}", shell_word(source)))
        }
        (None, Some(failure)) => (
            format!("{source} could not be read: {}", failure.reason),
            "correct the file, or try again with docent ingest --retry-failed".to_owned(),
        ),
        (None, None) if shown.document.is_some() => (
            format!("{source} has a record but no chunks: an ingest was cut off"),
            "run docent ingest, which completes it".to_owned(),
        ),
        (None, None) => {
            (format!("{source} is not in the collection `{collection}`"), unknown(shown))
        }
    };
    Failure::new(Exit::Negative, message).hint(hint)
}

/// Says where the document has text, if it has none at the place that was asked for.
fn elsewhere(shown: &ShownDocument, (first, last): (Locator, Locator)) -> String {
    let source = &shown.asked.source;
    let chunks = counted(shown.stored, "chunk");
    let places = if first == last {
        format!("at {}", first.cite(source))
    } else {
        format!("from {} to {}", first.cite(source), last.cite(source))
    };
    format!("nothing is stored at {}: the document has {chunks}, {places}", shown.asked.citation())
}

/// What to do about a document that is not stored.
fn unknown(shown: &ShownDocument) -> String {
    match &shown.nearest[..] {
        _ if shown.is_file => format!("docent ingest {}", shell_word(&shown.asked.source)),
        [] if shown.broken_link.is_some() => {
            let target = shown.broken_link.as_deref().unwrap_or_default();
            format!(
                "it is a link to {target}, which does not exist: correct the link, then run docent ingest"
            )
        }
        [] => "docent status --documents lists what is stored".to_owned(),
        [only] => format!("did you mean this? docent show {}", shell_word(only)),
        [first, others @ ..] => {
            let others: Vec<String> = others.iter().map(|source| shell_word(source)).collect();
            let first = shell_word(first);
            format!("did you mean one of these? docent show {first}, {}", others.join(", "))
        }
    }
}

/// Warnings that what is shown is incomplete or out of date.
fn warnings(shown: &ShownDocument) -> Vec<String> {
    let source = &shown.asked.source;
    let mut warnings = Vec::new();
    match (&shown.failure, shown.drift) {
        (Some(failure), _) => warnings.push(format!(
            "{source} could not be read again: {}; this is an earlier version; correct the file, then run docent ingest",
            failure.reason
        )),
        (None, Some(Staleness::Changed)) => warnings.push(format!(
            "{source} has changed since it was ingested: docent ingest brings the collection up to date"
        )),
        (None, Some(Staleness::Gone)) => warnings.push(format!(
            "{source} was deleted since it was ingested: docent ingest deletes it from the collection"
        )),
        (None, None) => {}
    }
    let cut_off = "an ingest was cut off: the next docent ingest completes it";
    if shown.document.is_none() {
        warnings.push(format!("{source} has chunks but no record; {cut_off}"));
    }
    if shown.outdated > 0 {
        let chunks = counted(shown.outdated, "chunk");
        warnings.push(format!("{source} also has {chunks} of another version; {cut_off}"));
    }
    if shown.lacking() > 0 {
        let chunks = counted(shown.lacking(), "chunk");
        warnings.push(format!("{source} lacks {chunks}; {cut_off}"));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::explain::Expected;
    use crate::types::{ContentHash, DocumentKind, DocumentRecord};

    fn shown(document: Option<DocumentRecord>, stored: usize) -> ShownDocument {
        ShownDocument {
            asked: Expected { source: "a.md".to_owned(), place: None },
            document,
            failure: None,
            drift: None,
            chunks: Vec::new(),
            stored,
            outdated: 0,
            extent: None,
            nearest: Vec::new(),
            is_file: true,
            broken_link: None,
        }
    }

    #[test]
    fn what_a_run_left_undone_is_said() {
        let record = DocumentRecord {
            project: None,
            source: "a.md".to_owned(),
            document_hash: ContentHash::of(b"a"),
            size: 1,
            mtime: 1,
            kind: DocumentKind::Markdown,
            chunks: 3,
            terms: 9,
            tags: Vec::new(),
            text_fields: Vec::new(),
            ingested_at: "2026-01-01T00:00:00Z".to_owned(),
            run_id: uuid::Uuid::nil(),
            web: None,
            secrets: None,
            warnings: Vec::new(),
            ocr: None,
            language: None,
            content_hash: None,
        };
        let said = |shown: &ShownDocument| warnings(shown).join("\n");
        let mut whole = shown(Some(record.clone()), 3);
        assert_eq!(said(&whole), "");
        whole.outdated = 1;
        let mend = "an ingest was cut off: the next docent ingest completes it";
        let mixed =
            format!("a.md also has 1 chunk of another version; {mend}\na.md lacks 1 chunk; {mend}");
        assert_eq!(said(&whole), mixed);
        let lacking = format!("a.md lacks 2 chunks; {mend}");
        assert_eq!(said(&shown(Some(record), 1)), lacking);
        let unrecorded = format!("a.md has chunks but no record; {mend}");
        assert_eq!(said(&shown(None, 1)), unrecorded);
    }
}
