//! Documents as files: of a vector store, and of all that the caller may see.

use axum::response::Response;
use serde_json::{Value, json};

use super::attributes::attributes;
use super::paging::{Cursor, Row};
use super::{opened, store_id, unix};
use crate::error::Exit;
use crate::serve::access::Scoped;
use crate::serve::call::Call;
use crate::serve::links::Links;
use crate::serve::native;
use crate::serve::refusal::Refusal;
use crate::service::retrieval::DocumentFilter;
use crate::store::{Reader, chunks_of, damaged};
use crate::types::{ChunkerId, ContentHash, DocumentRecord, FailureRecord};

/// Hexadecimal digits of an id: 120 bits of a hash.
const DIGITS: usize = 30;

/// The id of a document: the same as long as its collection and its source have their names.
pub(in crate::serve::openai) fn file_id(collection: &str, source: &str) -> String {
    let hash = ContentHash::of(format!("{collection}\0{source}").as_bytes()).0;
    format!("file-{}", hash.split_at(DIGITS).0)
}

/// What a caller sees of a collection, at one time.
struct Seen {
    scoped: Scoped,
    reader: Reader,
    documents: Vec<DocumentRecord>,
    /// Sources that could not be brought in, and of which nothing is there.
    failures: Vec<FailureRecord>,
}

enum Stored<'a> {
    Document(&'a DocumentRecord),
    Failure(&'a FailureRecord),
}

impl Seen {
    async fn of(scoped: Scoped) -> Result<Self, crate::error::Failure> {
        let reader = scoped.engine().reader().await?;
        let filter = scoped.filter(DocumentFilter::default());
        let documents = scoped.engine().seen_documents(&filter, &reader).await?;
        // Of what failed, only the name is known: too little to say who may see it.
        let mut failures = if scoped.is_whole() { reader.failures().await? } else { Vec::new() };
        let known = |source: &str| {
            documents.binary_search_by(|record| record.source.as_str().cmp(source)).is_ok()
        };
        failures.retain(|failure| !known(&failure.source));
        Ok(Self { scoped, reader, documents, failures })
    }

    fn all(&self) -> impl Iterator<Item = Stored<'_>> {
        let documents = self.documents.iter().map(Stored::Document);
        documents.chain(self.failures.iter().map(Stored::Failure))
    }

    fn id(&self, stored: &Stored<'_>) -> String {
        file_id(&self.scoped.name, stored.source())
    }

    fn rows(&self) -> impl Iterator<Item = Row<Stored<'_>>> {
        self.all().map(|stored| Row {
            id: self.id(&stored),
            created_at: stored.created_at(),
            of: stored,
        })
    }

    fn find(&self, id: &str) -> Option<Stored<'_>> {
        self.all().find(|stored| self.id(stored) == id)
    }

    /// A file of a vector store.
    fn in_store(&self, stored: &Stored<'_>, links: &Links) -> Value {
        let attributes = match stored {
            Stored::Document(record) => {
                let url = links.to_whole(&self.scoped.name, &record.source);
                let others = [("source", record.source.clone()), ("url", url)];
                attributes(Some(record.kind), others, &record.tags)
            }
            Stored::Failure(_) => serde_json::Map::new(),
        };
        let ChunkerId { max_tokens, overlap_tokens, .. } = &self.reader.manifest().chunker;
        json!({
            "id": self.id(stored),
            "object": "vector_store.file",
            "vector_store_id": store_id(&self.scoped.name),
            "created_at": stored.created_at(),
            "status": stored.status(),
            "last_error": stored.error(),
            "usage_bytes": stored.size(),
            "attributes": attributes,
            "chunking_strategy": {
                "type": "static",
                "static": {
                    "max_chunk_size_tokens": max_tokens,
                    "chunk_overlap_tokens": overlap_tokens,
                },
            },
        })
    }

    /// A file of its own.
    fn file(&self, stored: &Stored<'_>) -> Value {
        let error = stored.error();
        json!({
            "id": self.id(stored),
            "object": "file",
            "bytes": stored.size(),
            "created_at": stored.created_at(),
            "expires_at": null,
            "filename": stored.source(),
            "purpose": "assistants",
            "status": if error.is_null() { "processed" } else { "error" },
            "status_details": error["message"],
        })
    }
}

impl Stored<'_> {
    fn source(&self) -> &str {
        match self {
            Self::Document(record) => &record.source,
            Self::Failure(failure) => &failure.source,
        }
    }

    fn status(&self) -> &'static str {
        match self {
            Self::Document(_) => "completed",
            Self::Failure(_) => "failed",
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::Document(record) => record.size,
            Self::Failure(failure) => failure.size,
        }
    }

    fn created_at(&self) -> i64 {
        match self {
            Self::Document(record) => unix(&record.ingested_at),
            Self::Failure(failure) => unix(&failure.failed_at),
        }
    }

    fn error(&self) -> Value {
        match self {
            Self::Document(_) => Value::Null,
            Self::Failure(failure) => json!({ "code": "invalid_file", "message": failure.reason }),
        }
    }
}

async fn seen(call: &Call) -> Result<Seen, Refusal> {
    let scoped = opened(&call.caller, call.param("id"), "vector_store_id")?;
    Ok(Seen::of(scoped).await?)
}

pub(in crate::serve) async fn list_in_store(call: Call) -> Result<Response, Refusal> {
    let cursor = Cursor::of(&call)?;
    let wanted = call.query_value("filter");
    let known = ["in_progress", "completed", "failed", "cancelled"];
    if wanted.as_deref().is_some_and(|wanted| !known.contains(&wanted)) {
        return Err(Refusal::invalid("filter", format!("`filter` is one of {}", known.join(", "))));
    }
    let (seen, links) = (seen(&call).await?, Links::new(&call.server, &call.headers));
    let is_wanted =
        |row: &Row<Stored<'_>>| wanted.as_deref().is_none_or(|wanted| row.of.status() == wanted);
    let rows = seen.rows().filter(is_wanted).collect();
    Ok(native::json(&cursor.page(rows, |stored| seen.in_store(stored, &links))?))
}

pub(in crate::serve) async fn one_in_store(call: Call) -> Result<Response, Refusal> {
    let (seen, links) = (seen(&call).await?, Links::new(&call.server, &call.headers));
    let stored = seen.find(call.param("file_id")).ok_or_else(|| no_file(&call))?;
    Ok(native::json(&seen.in_store(&stored, &links)))
}

/// What was read of a document: its passages, in order, which may overlap.
pub(in crate::serve) async fn content(call: Call) -> Result<Response, Refusal> {
    let seen = seen(&call).await?;
    let record = match seen.find(call.param("file_id")) {
        Some(Stored::Document(record)) => record,
        Some(Stored::Failure(failure)) => {
            return Err(Refusal::not_found(
                "no_content",
                format!("{} could not be brought in: {}", failure.source, failure.reason),
            ));
        }
        None => return Err(no_file(&call)),
    };
    call.notes.note(|notes| {
        notes.collection = Some(seen.scoped.name.clone());
        notes.documents = vec![record.source.clone()];
    });
    let mut chunks = chunks_of(&**seen.reader.store(), &record.source).await?;
    // Of two versions, where a run was cut off, the one that the record is of.
    chunks.retain(|chunk| chunk.document_hash == record.document_hash);
    if let Some(chunk) = chunks.iter().find(|chunk| !chunk.is_intact()) {
        return Err(damaged(&**seen.reader.store(), chunk).into());
    }
    let parts = chunks.iter().map(|chunk| json!({ "type": "text", "text": chunk.text }));
    Ok(native::json(&json!({
        "object": "vector_store.file_content.page",
        "data": parts.collect::<Vec<_>>(),
        "has_more": false,
        "next_page": null,
    })))
}

/// What the caller sees of each collection, but for those that were not built yet.
async fn seen_everywhere(call: &Call) -> Result<Vec<Seen>, Refusal> {
    let mut everywhere = Vec::new();
    for name in call.caller.collections() {
        match Seen::of(call.caller.open(Some(name))?).await {
            Ok(seen) => everywhere.push(seen),
            Err(failure) if failure.exit == Exit::Config => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    Ok(everywhere)
}

pub(in crate::serve) async fn list(call: Call) -> Result<Response, Refusal> {
    let cursor = Cursor::of(&call)?;
    let everywhere = seen_everywhere(&call).await?;
    let rows = everywhere.iter().flat_map(|seen| {
        let of =
            move |row: Row<_>| Row { id: row.id, created_at: row.created_at, of: (seen, row.of) };
        seen.rows().map(of)
    });
    // Every document has this purpose.
    let wanted = call.query_value("purpose").is_none_or(|purpose| purpose == "assistants");
    let rows = rows.filter(|_| wanted).collect();
    Ok(native::json(&cursor.page(rows, |(seen, stored): &(&Seen, _)| seen.file(stored))?))
}

pub(in crate::serve) async fn one(call: Call) -> Result<Response, Refusal> {
    let id = call.param("file_id");
    let everywhere = seen_everywhere(&call).await?;
    let found = everywhere.iter().find_map(|seen| Some(seen.file(&seen.find(id)?)));
    found.map(|file| native::json(&file)).ok_or_else(|| no_file(&call))
}

fn no_file(call: &Call) -> Refusal {
    let id = call.param("file_id");
    Refusal {
        param: "file_id".into(),
        ..Refusal::not_found("file_not_found", format!("there is no file `{id}`"))
    }
    .hint("GET /v1/files lists those that this key may see")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_of_one_document_of_one_collection() {
        // Ids are kept by callers: they stay what they are.
        assert_eq!(
            file_id("docs", "a.md"),
            format!("file-{}", &ContentHash::of(b"docs\0a.md").0[..30])
        );
        assert_ne!(file_id("docs", "a.md"), file_id("other", "a.md"));
        assert_ne!(file_id("a", "b\0c"), file_id("a", "b"));
    }
}
