//! Chunks and records ↔ payloads, the JSON objects both stores keep beside the vectors.
//!
//! Pure. A payload that can't be read back is an error that says why: another version of docent, or another
//! program, may have written it.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::types::{
    Chunk, ContentHash, DocumentKind, DocumentRecord, FailureRecord, Locator, Recognition,
};

pub(super) type Payload = Map<String, Value>;

/// Values of the field `record`: what kind of point it is.
pub(super) const CHUNK: &str = "chunk";
pub(super) const DOCUMENT: &str = "document";
pub(super) const FAILURE: &str = "failure";
/// What a run is about to do, and what it replaces: see [`super::intent`].
pub(super) const INTENT: &str = "intent";
pub(super) const KEPT: &str = "kept";

/// The manifest of a collection whose writer can't keep it elsewhere: see [`super::server`].
pub(super) const MANIFEST: &str = "manifest";

/// Every point of docent is one of these; any other point was written by another program.
pub(super) const RECORDS: [&str; 6] = [CHUNK, DOCUMENT, FAILURE, INTENT, KEPT, MANIFEST];

/// Fields of a chunk that [`super::VectorStore::tally`] needs.
pub(super) const TALLIED: [&str; 2] = ["source", "document_hash"];

/// The error for a point that can't be one of docent's chunks: its id is a number, not a UUID.
pub(super) const FOREIGN_ID: &str = "a stored chunk has an id that docent did not give it";

/// Whether a point with this payload is a chunk: another program may have written points with
/// vectors, which a search finds.
pub(super) fn is_chunk(payload: &Payload) -> bool {
    payload.get("record").and_then(Value::as_str) == Some(CHUNK)
}

/// A chunk as it is stored: the locator spread over the fields that name its unit.
#[derive(Serialize)]
struct StoredChunk {
    record: String,
    source: String,
    title: String,
    headings: Vec<String>,
    titled: bool,
    text: String,
    #[serde(flatten)]
    locator: Locator,
    ordinal: u32,
    kind: DocumentKind,
    document_hash: ContentHash,
    chunk_hash: ContentHash,
    occurrence: u32,
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recognition: Option<Recognition>,
}

/// A point that has a payload and no vectors.
#[derive(Serialize, Deserialize)]
struct Stored<T> {
    record: String,
    #[serde(flatten)]
    content: T,
}

pub(super) fn of_chunk(chunk: Chunk) -> Payload {
    object(&StoredChunk {
        record: CHUNK.to_owned(),
        source: chunk.source,
        title: chunk.title,
        headings: chunk.headings,
        titled: chunk.titled,
        text: chunk.text,
        locator: chunk.locator,
        ordinal: chunk.ordinal,
        kind: chunk.kind,
        document_hash: chunk.document_hash,
        chunk_hash: chunk.chunk_hash,
        occurrence: chunk.occurrence,
        tags: chunk.tags,
        page_label: chunk.page_label,
        recognition: chunk.recognition,
    })
}

/// Field by field: a search reads hundreds of chunks, and serde copies what it flattens. The locator is read
/// from the remaining fields.
pub(super) fn to_chunk(mut payload: Payload) -> Result<Chunk, String> {
    let fields = &mut payload;
    expect_record(&take::<String>(fields, "record")?, CHUNK)?;
    Ok(Chunk {
        source: take(fields, "source")?,
        title: take_if_any(fields, "title")?.unwrap_or_default(),
        headings: take_if_any(fields, "headings")?.unwrap_or_default(),
        titled: take_if_any(fields, "titled")?.unwrap_or_default(),
        text: take(fields, "text")?,
        ordinal: take(fields, "ordinal")?,
        kind: take(fields, "kind")?,
        document_hash: take(fields, "document_hash")?,
        chunk_hash: take(fields, "chunk_hash")?,
        occurrence: take(fields, "occurrence")?,
        tags: take_if_any(fields, "tags")?.unwrap_or_default(),
        page_label: take_if_any(fields, "page_label")?,
        recognition: take_if_any(fields, "recognition")?,
        locator: read(payload, "chunk")?,
    })
}

/// Takes a field out of the payload of a chunk; `None` where it has no such field.
fn take_if_any<T: DeserializeOwned>(
    fields: &mut Payload,
    field: &str,
) -> Result<Option<T>, String> {
    let value = fields.remove(field).map(serde_json::from_value).transpose();
    value.map_err(|error| unreadable(&format!("chunk's {field}"), &error))
}

fn take<T: DeserializeOwned>(fields: &mut Payload, field: &str) -> Result<T, String> {
    let value = take_if_any(fields, field)?;
    value.ok_or_else(|| format!("a stored chunk can't be read: it has no {field}"))
}

pub(super) fn of_document(document: DocumentRecord) -> Payload {
    object(&Stored { record: DOCUMENT.to_owned(), content: document })
}

pub(super) fn to_document(payload: Payload) -> Result<DocumentRecord, String> {
    record(payload, DOCUMENT)
}

pub(super) fn of_failure(failure: FailureRecord) -> Payload {
    object(&Stored { record: FAILURE.to_owned(), content: failure })
}

pub(super) fn to_failure(payload: Payload) -> Result<FailureRecord, String> {
    record(payload, FAILURE)
}

fn record<T: DeserializeOwned>(payload: Payload, kind: &str) -> Result<T, String> {
    let stored: Stored<T> = read(payload, &format!("{kind} record"))?;
    expect_record(&stored.record, kind)?;
    Ok(stored.content)
}

/// A record from the JSON of its payload, which is known to be of this kind.
pub(super) fn parse<T: DeserializeOwned>(json: &str, kind: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| unreadable(&format!("{kind} record"), &error))
}

/// The chunk hash, for [`super::VectorStore::vectors`].
pub(super) fn chunk_hash(payload: &Payload) -> Result<ContentHash, String> {
    text(payload, "chunk_hash").map(|hash| ContentHash(hash.to_owned()))
}

/// The version of the document that a chunk belongs to, from its [`TALLIED`] fields.
pub(super) fn version(payload: &Payload) -> Result<(&str, &str), String> {
    let [source, hash] = TALLIED.map(|field| text(payload, field));
    Ok((source?, hash?))
}

fn text<'a>(payload: &'a Payload, field: &str) -> Result<&'a str, String> {
    payload.get(field).and_then(Value::as_str).ok_or(format!("a stored chunk has no {field}"))
}

fn object(stored: &impl Serialize) -> Payload {
    match serde_json::to_value(stored) {
        Ok(Value::Object(map)) => map,
        // Structs of strings, integers and lists always become objects.
        other => unreachable!("a payload is a JSON object, not {other:?}"),
    }
}

fn read<T: DeserializeOwned>(payload: Payload, what: &str) -> Result<T, String> {
    serde_json::from_value(Value::Object(payload)).map_err(|error| unreadable(what, &error))
}

fn unreadable(what: &str, error: &serde_json::Error) -> String {
    format!("a stored {what} can't be read: {error}")
}

fn expect_record(found: &str, expected: &str) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("a stored point is a {found:?} where a {expected:?} was asked for"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::types::{
        OcrRecord, PageArea, ReadingWarning, SecretScreening, Validators, WarningCode, WebOrigin,
    };

    fn locator() -> impl Strategy<Value = Locator> {
        prop_oneof![
            any::<(u32, u32)>().prop_map(|(a, b)| Locator::Lines(a, b)),
            any::<u32>().prop_map(Locator::Page),
            any::<(u32, u32, u32, u32, u32)>().prop_map(|(page, left, top, width, height)| {
                Locator::Area(page, PageArea { left, top, width, height })
            }),
            any::<(u32, u32)>().prop_map(|(a, b)| Locator::Paragraphs(a, b)),
            any::<u32>().prop_map(Locator::Slide),
            any::<(u32, u32, u32)>().prop_map(|(sheet, first, last)| Locator::Rows {
                sheet,
                first,
                last
            }),
            any::<(u32, u32)>().prop_map(|(a, b)| Locator::Cells(a, b)),
            any::<u32>().prop_map(Locator::Record),
            any::<u32>().prop_map(Locator::Message),
            any::<(u32, u32)>()
                .prop_map(|(message, number)| Locator::Attachment { message, number }),
            any::<u32>().prop_map(Locator::Section),
            any::<(u32, u32)>().prop_map(|(a, b)| Locator::Seconds(a, b)),
        ]
    }

    prop_compose! {
        pub(in crate::store) fn chunk()(
            (source, title, text) in any::<(String, String, String)>(),
            headings in any::<Vec<String>>(),
            titled in any::<bool>(),
            tags in any::<Vec<String>>(),
            locator in locator(),
            (ordinal, occurrence) in any::<(u32, u32)>(),
            page_label in any::<Option<String>>(),
            recognition in proptest::option::of(any::<(Option<u8>, Vec<(u32, u32)>)>().prop_map(
                |(confidence, doubtful)| Recognition { confidence, doubtful },
            )),
            kind in prop::sample::select(DocumentKind::ALL.to_vec()),
        ) -> Chunk {
            let document_hash = ContentHash::of(text.as_bytes());
            let chunk_hash = ContentHash::of(title.as_bytes());
            Chunk {
                source, title, headings, titled, text, locator, ordinal, kind, document_hash, chunk_hash,
                occurrence, tags, page_label, recognition,
            }
        }
    }

    fn web() -> impl Strategy<Value = Option<WebOrigin>> {
        let validators = any::<(Option<String>, Option<String>)>()
            .prop_map(|(etag, last_modified)| Validators { etag, last_modified });
        let origin = (any::<String>(), any::<u32>(), validators);
        proptest::option::of(origin.prop_map(|(root, depth, validators)| WebOrigin {
            root,
            depth,
            validators,
        }))
    }

    prop_compose! {
        pub(in crate::store) fn document()(
            (source, ingested_at) in any::<(String, String)>(),
            (chunks, mtime, run) in any::<(u32, i64, u128)>(),
            // Integers of the server are signed.
            (size, terms) in (0..=i64::MAX as u64, 0..=i64::MAX as u64),
            kind in prop::sample::select(DocumentKind::ALL.to_vec()),
            project in any::<Option<String>>(),
            (tags, text_fields) in any::<(Vec<String>, Vec<String>)>(),
            web in web(),
            secrets in proptest::option::of(any::<(u32, u32)>().prop_map(|(revision, stored)| {
                SecretScreening { revision, stored }
            })),
            warned in proptest::option::of(any::<(String, Vec<u32>)>()),
            read in proptest::option::of(any::<(String, Vec<u32>)>()),
            language in proptest::option::of(any::<String>()),
            content in proptest::option::of(any::<String>()),
        ) -> DocumentRecord {
            let document_hash = ContentHash::of(source.as_bytes());
            let warnings = warned.into_iter().map(|(message, pages)| {
                ReadingWarning { code: WarningCode::ScannedPages, message, pages }
            });
            let ocr = read.map(|(model, pages)| Box::new(OcrRecord { model, pages }));
            DocumentRecord {
                source, document_hash, size, mtime, kind, chunks, terms, tags, text_fields,
                ingested_at, run_id: Uuid::from_u128(run), project, web: web.map(Box::new), secrets,
                warnings: warnings.collect(), ocr, language,
                content_hash: content.map(|content| ContentHash::of(content.as_bytes())),
            }
        }
    }

    prop_compose! {
        pub(in crate::store) fn failure()(
            (source, reason, failed_at) in any::<(String, String, String)>(),
            (mtime, run, read) in any::<(i64, u128, bool)>(),
            size in 0..=i64::MAX as u64,
            project in any::<Option<String>>(),
        ) -> FailureRecord {
            let document_hash = read.then(|| ContentHash::of(reason.as_bytes()));
            FailureRecord {
                source, reason, size, mtime, document_hash, docent: "0.1.0".to_owned(), failed_at,
                run_id: Uuid::from_u128(run), project,
            }
        }
    }

    proptest! {
        #[test]
        fn chunks_round_trip(chunk in chunk()) {
            prop_assert_eq!(to_chunk(of_chunk(chunk.clone())), Ok(chunk));
        }

        #[test]
        fn documents_round_trip(document in document()) {
            prop_assert_eq!(to_document(of_document(document.clone())), Ok(document));
        }

        #[test]
        fn failures_round_trip(failure in failure()) {
            prop_assert_eq!(to_failure(of_failure(failure.clone())), Ok(failure));
        }

        #[test]
        fn nothing_is_read_as_another_kind(
            document in document(), chunk in chunk(), failure in failure(),
        ) {
            prop_assert!(to_chunk(of_document(document.clone())).is_err());
            prop_assert!(to_document(of_chunk(chunk)).is_err());
            prop_assert!(to_document(of_failure(failure)).is_err());
            prop_assert!(to_failure(of_document(document)).is_err());
        }
    }

    fn sample() -> Payload {
        let hash = ContentHash::of(b"x");
        match json!({
            "record": "chunk", "source": "a.md", "text": "t", "lines": [1, 2], "ordinal": 0,
            "kind": "markdown", "document_hash": hash, "chunk_hash": hash, "occurrence": 0,
        }) {
            Value::Object(map) => map,
            _ => unreachable!(),
        }
    }

    #[test]
    fn fields_of_other_versions_are_ignored_and_missing_lists_are_empty() {
        let mut payload = sample();
        payload.insert("added_later".to_owned(), json!({"x": 1}));
        let chunk = to_chunk(payload).unwrap();
        assert_eq!(chunk.locator, Locator::Lines(1, 2));
        assert!(chunk.tags.is_empty() && chunk.headings.is_empty());
    }

    #[test]
    fn garbled_payloads_are_errors_that_say_why() {
        for (field, value, why) in [
            ("kind", json!("painting"), "unknown variant"),
            ("text", json!(7), "invalid type"),
            ("lines", Value::Null, "exactly one"),
            ("page", json!(3), "exactly one"),
            ("lines", json!([1]), "invalid length"),
            ("ordinal", json!(-1), "invalid value"),
            ("record", json!("document"), "where a \"chunk\" was asked for"),
        ] {
            let mut payload = sample();
            payload.insert(field.to_owned(), value);
            let error = to_chunk(payload).unwrap_err();
            assert!(error.contains(why), "{field}: {error}");
        }
        assert!(to_chunk(Payload::new()).unwrap_err().contains("can't be read"));
    }
}
