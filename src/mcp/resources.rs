//! Documents as resources: listed in pages, read by URI, completed by their beginning. Reading returns what
//! is stored; no file is opened.

use std::collections::BTreeMap;

use super::MOST_TOKENS;
use super::access::{ClientAccess, ClientRead, ClientView, generation};
use super::cursor::CursorScope;
use super::fence::{TokenBudget, label};
use super::resource_uri::{ResourceRef, from_uri, uri};
use crate::chat::data::data;
use crate::error::Failure;
use crate::output::humanize::counted;
use crate::query::pack::Joined;
use crate::types::{Chunk, DocumentKind, DocumentRecord};

/// The template from which a client makes its own URIs.
pub(super) const TEMPLATE: &str = "docent://{collection}/{+source}{?lines,page}";

/// Resources in a page.
const PAGE: usize = 100;

/// Most completions.
const COMPLETIONS: usize = 100;

/// Most directories that an overview lists.
const DIRECTORIES: usize = 200;

/// A row of the list.
pub(super) struct ListedResource {
    pub(super) uri: String,
    pub(super) name: String,
    pub(super) media_type: &'static str,
    /// For a document: its bytes, and when it was read (RFC 3339, UTC).
    pub(super) size: Option<u64>,
    pub(super) read_at: Option<String>,
}

/// A page of the list, and where the next one begins.
pub(super) struct ListedPage {
    pub(super) resources: Vec<ListedResource>,
    pub(super) next: Option<String>,
}

/// Each collection, followed by its documents, by source.
///
/// # Errors
/// The cursor belongs to another state of the documents.
pub(super) async fn list(
    access: &dyn ClientAccess,
    cursor: Option<&str>,
) -> Result<ListedPage, Failure> {
    let (mut all, mut states) = (Vec::new(), Vec::new());
    for name in access.collections() {
        // A collection that does not exist yet has nothing to list.
        let Ok((reader, documents)) = documents_of(access, &name).await else { continue };
        states.push(format!("{name} {}", generation(&reader)));
        all.push(ListedResource {
            uri: uri(&name, "", None).trim_end_matches('/').to_owned(),
            name: label(&name),
            media_type: "text/plain",
            size: None,
            read_at: None,
        });
        all.extend(documents.into_iter().map(|record| ListedResource {
            uri: uri(&name, &record.source, None),
            name: label(&record.source),
            media_type: media_type(record.kind),
            size: Some(record.size),
            read_at: Some(record.ingested_at),
        }));
    }
    let pages = CursorScope::of(&states.iter().map(String::as_str).collect::<Vec<_>>());
    let first = pages.begin(cursor)?;
    let next = first.saturating_add(PAGE);
    let next = (next < all.len()).then(|| pages.next(next));
    let resources = all.into_iter().skip(first).take(PAGE).collect();
    Ok(ListedPage { resources, next })
}

async fn documents_of(
    access: &dyn ClientAccess,
    collection: &str,
) -> Result<(crate::store::CollectionReader, Vec<DocumentRecord>), Failure> {
    access.view(Some(collection))?.documents().await
}

/// A text and its media type.
pub(super) struct ResourceText {
    pub(super) text: String,
    pub(super) media_type: &'static str,
}

/// What a URI refers to; `None` if there is nothing that the client may see.
///
/// # Errors
/// The collection can't be read.
pub(super) async fn read(
    access: &dyn ClientAccess,
    uri: &str,
) -> Result<Option<ResourceText>, Failure> {
    let Some(ResourceRef { collection, source, place }) = from_uri(uri) else { return Ok(None) };
    let Ok(view) = access.view(Some(&collection)) else { return Ok(None) };
    let (reader, documents) = view.documents().await?;
    let named = [&*source];
    let sources = if source.is_empty() { &[][..] } else { &named[..] };
    let version = reader.version();
    let seen = ClientRead { collection: &collection, version, question: None, sources };
    if source.is_empty() {
        access.saw(&seen);
        return Ok(Some(ResourceText {
            text: overview(&view, &documents),
            media_type: "text/plain",
        }));
    }
    let Some(record) = documents.iter().find(|record| record.source == source) else {
        return Ok(None);
    };
    let chunks = view.chunks(&reader, record).await?;
    let is_meant = |chunk: &&Chunk| place.is_none_or(|place| place.overlaps(chunk.locator));
    let mut meant = chunks.iter().filter(is_meant);
    let Some(first) = meant.next() else { return Ok(None) };
    access.saw(&seen);
    let joined = Joined::of(first, meant);
    let mut budget = TokenBudget::new(MOST_TOKENS);
    let shown = budget.cut(&joined.text);
    let mut text = data(shown, "");
    if shown.len() < joined.text.len() {
        text += "\n[cut off here: `lines` and `page` of the URI name a part]\n";
    }
    Ok(Some(ResourceText { text, media_type: media_type(record.kind) }))
}

/// The contents of a collection, by directory.
fn overview(view: &ClientView, documents: &[DocumentRecord]) -> String {
    let mut directories: BTreeMap<&str, usize> = BTreeMap::new();
    for record in documents {
        let directory = record.source.rsplit_once('/').map_or("", |(directory, _)| directory);
        *directories.entry(directory).or_default() += 1;
    }
    let documents = counted(documents.len(), "document");
    let mut text = format!("collection {}: {documents}\n", label(&view.name));
    for (directory, count) in directories.iter().take(DIRECTORIES) {
        text += &format!("{}/ {}\n", label(directory), counted(*count, "document"));
    }
    if directories.len() > DIRECTORIES {
        let others = directories.len() - DIRECTORIES;
        text += &format!("and {others} more directories\n");
    }
    text
}

/// Media type of the stored text, not of the original file.
fn media_type(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Markdown => "text/markdown",
        _ => "text/plain",
    }
}

/// Completions of a variable of the [template](TEMPLATE), and whether there are more.
///
/// # Errors
/// The collection can't be read.
pub(super) async fn complete(
    access: &dyn ClientAccess,
    variable: &str,
    begun: &str,
    collection: Option<&str>,
) -> Result<(Vec<String>, bool), Failure> {
    let all: Vec<String> = match variable {
        "collection" => access.collections(),
        "source" => {
            let (_, documents) = access.view(collection)?.documents().await?;
            documents.into_iter().map(|record| record.source).collect()
        }
        _ => Vec::new(),
    };
    let mut fitting: Vec<String> = all.into_iter().filter(|it| it.starts_with(begun)).collect();
    let more = fitting.len() > COMPLETIONS;
    fitting.truncate(COMPLETIONS);
    Ok((fitting, more))
}

/// The state of each collection; it changes when the documents do.
pub(super) async fn states(access: &dyn ClientAccess) -> BTreeMap<String, String> {
    let mut states = BTreeMap::new();
    for name in access.collections() {
        let Ok(view) = access.view(Some(&name)) else { continue };
        if let Ok(Some(reader)) = view.engine().collection().read().await {
            states.insert(name, format!("{} {}", reader.version(), generation(&reader)));
        }
    }
    states
}

/// The state of a URI's target; `None` if there is none.
pub(super) async fn state_of(access: &dyn ClientAccess, uri: &str) -> Option<String> {
    let named = from_uri(uri)?;
    let (reader, documents) = documents_of(access, &named.collection).await.ok()?;
    if named.source.is_empty() {
        return Some(generation(&reader));
    }
    let record = documents.into_iter().find(|record| record.source == named.source)?;
    Some(record.document_hash.to_string())
}
