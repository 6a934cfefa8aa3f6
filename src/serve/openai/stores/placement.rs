//! Decides the source and the tags of an upload in a collection.

use http::StatusCode;
use serde_json::{Map, Value};

use super::changes::{asked_by, note, owned, uploads};
use super::files::no_such_file;
use crate::serve::access::Scoped;
use crate::serve::call::AdmittedRequest;
use crate::serve::openai::filters::TAG;
use crate::serve::openai::unix_now;
use crate::serve::refusal::{ErrorCode, RequestRefusal};
use crate::serve::uploads::received::unwritable;
use crate::serve::uploads::{Upload, UploadPlace, UploadState};
use crate::service::globs::plain_directory;
use crate::text::composed;
use crate::types::upload_source;

/// Most attributes of a file.
const MOST_ATTRIBUTES: usize = 16;

/// Longest tag, in bytes.
const LONGEST_TAG: usize = 600;

/// An upload, and its intended place in a collection.
pub(super) struct RequestedPlacement {
    upload: String,
    place: UploadPlace,
}

/// The intended place of a file in a collection. Nothing is changed yet.
///
/// # Errors
/// There is no such upload, or the caller may not add it.
pub(super) fn wanted(
    call: &AdmittedRequest,
    scoped: &Scoped,
    file: &str,
    attributes: Option<&Map<String, Value>>,
) -> Result<RequestedPlacement, RequestRefusal> {
    let uploads = uploads(call)?;
    // Documents are embedded when they are added, which may cost money.
    call.caller.check_budget(|key| call.server.observers.usage.cost_of(key))?;
    let upload = owned(call, uploads, file).ok_or_else(|| no_such_file(file))?;
    if !uploads.has_room() {
        return Err(RequestRefusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Overloaded,
            "the queue of documents to add is full",
        )
        .after(std::time::Duration::from_secs(30)));
    }
    let there = upload.places.get(&scoped.name);
    let source = match there {
        Some(place) => place.source.clone(),
        None => source_for(scoped, &upload)?,
    };
    let tags = tags_for(scoped, attributes)?;
    let created_at = there.map_or_else(unix_now, |place| place.created_at);
    let state = UploadState::Waiting;
    let place = UploadPlace { source, tags, created_at, state, asked_by: asked_by(call) };
    Ok(RequestedPlacement { upload: upload.id, place })
}

/// Adds an upload to a collection.
///
/// # Errors
/// The change cannot be written to disk.
pub(super) fn put(
    call: &AdmittedRequest,
    scoped: &Scoped,
    RequestedPlacement { upload, place }: RequestedPlacement,
) -> Result<(), RequestRefusal> {
    note(call, scoped, &place.source);
    let uploads = uploads(call)?;
    uploads.place(&upload, &scoped.name, place).map_err(|error| unwritable(&error))
}

/// The source of an upload in a collection: below its own directory, or else below the first directory that
/// the caller may write.
///
/// # Errors
/// The caller's key sees none of these places.
pub(super) fn source_for(scoped: &Scoped, upload: &Upload) -> Result<String, RequestRefusal> {
    let restrictions = scoped.within().iter().map(|pattern| plain_directory(pattern));
    let candidates = std::iter::once(&*upload.directory).chain(restrictions);
    let sources = candidates.map(|directory| upload_source(directory, &upload.id, &upload.name));
    let mut seen = sources.filter(|source| scoped.engine().selects(scoped.within(), source));
    seen.next().ok_or_else(|| {
        let message = format!(
            "this key may only write documents that match `{}`, and no place for `{}` matches",
            scoped.within().join("`, `"),
            upload.name
        );
        let refusal = RequestRefusal::new(StatusCode::FORBIDDEN, ErrorCode::OutsideOfKey, message);
        RequestRefusal { param: "file".into(), ..refusal }.hint(
            "upload it as DIRECTORY/NAME so that DIRECTORY/uploads/ID/NAME, its source, matches; or use \
             a key of a directory: docent keys create NAME --source DIRECTORY",
        )
    })
}

/// Attributes as tags, together with the tags that all documents of the caller have.
pub(super) fn tags_for(
    scoped: &Scoped,
    attributes: Option<&Map<String, Value>>,
) -> Result<Vec<String>, RequestRefusal> {
    let mut tags: Vec<String> = scoped.tags().to_vec();
    let attributes = attributes.into_iter().flatten().filter(|(_, value)| !value.is_null());
    for (count, (name, value)) in attributes.enumerate() {
        let at = || format!("attributes.{name}");
        let bare = name.strip_prefix(TAG).unwrap_or(name);
        let tag = match value {
            Value::Bool(true) => bare.to_owned(),
            Value::Bool(false) => format!("{bare}=false"),
            Value::Number(number) => format!("{bare}={number}"),
            Value::String(text) => format!("{bare}={text}"),
            _ => {
                let message = "an attribute must be a string, a number, true or false";
                return Err(RequestRefusal::invalid(at(), message));
            }
        };
        let is_sane = !bare.is_empty() && !bare.contains('=') && !tag.chars().any(char::is_control);
        if !is_sane || tag.len() > LONGEST_TAG || count >= MOST_ATTRIBUTES {
            return Err(RequestRefusal::invalid(
                at(),
                format!("`{name}` can't be a tag of a document"),
            )
            .hint(format!(
                "a file has at most {MOST_ATTRIBUTES}, each with a name and a short value"
            )));
        }
        if !may_tag(scoped.tags(), &tag) {
            return Err(RequestRefusal::new(
                StatusCode::FORBIDDEN,
                ErrorCode::OutsideOfKey,
                format!("this key may not tag a document `{tag}`"),
            )
            .hint("tags of this name decide who sees a document, so this key may not set them"));
        }
        tags.push(tag);
    }
    let mut tags: Vec<String> = tags.iter().map(|tag| composed(tag).into_owned()).collect();
    tags.sort();
    tags.dedup();
    Ok(tags)
}

/// Whether a caller whose documents all have tags may set this one: it must not show the document to
/// callers of another tenant.
fn may_tag(own: &[String], tag: &str) -> bool {
    let name = |tag: &str| tag.split_once('=').map(|(name, _)| name.to_owned());
    own.iter().all(|own| own == tag || name(own) != name(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_tags_for_no_other() {
        let own = ["tenant=a".to_owned(), "internal".to_owned()];
        for (tag, may) in [
            ("tenant=a", true),
            ("tenant=b", false),
            ("team=b", true),
            ("internal", true),
            ("public", false),
        ] {
            assert_eq!(may_tag(&own, tag), may, "{tag}");
        }
        assert!(may_tag(&[], "anything"));
    }
}
