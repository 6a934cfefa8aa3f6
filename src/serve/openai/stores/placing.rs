//! Where in a collection an upload goes: its source, and its tags.

use http::StatusCode;
use serde_json::{Map, Value};

use super::changes::{asked_by, note, owned, uploads};
use super::files::no_such_file;
use crate::serve::access::Scoped;
use crate::serve::call::Call;
use crate::serve::openai::filters::TAG;
use crate::serve::openai::unix_now;
use crate::serve::refusal::{ErrorCode, Refusal};
use crate::serve::uploads::received::unwritable;
use crate::serve::uploads::{Place, State, Upload};
use crate::service::globs::plain_directory;
use crate::text::composed;
use crate::types::upload_source;

/// Attributes of a file, at most.
const MOST_ATTRIBUTES: usize = 16;

/// Of a tag, in bytes.
const LONGEST_TAG: usize = 600;

/// An upload, and what it is to be in a collection.
pub(super) struct Wanted {
    upload: String,
    place: Place,
}

/// What a file is to be in a collection. Nothing is done yet.
///
/// # Errors
/// There is no such upload, or the caller may not put it there.
pub(super) fn wanted(
    call: &Call,
    scoped: &Scoped,
    file: &str,
    attributes: Option<&Map<String, Value>>,
) -> Result<Wanted, Refusal> {
    let uploads = uploads(call)?;
    // What is brought in is embedded, which may cost money.
    call.caller.check_budget(|key| call.server.observers.usage.cost_of(key))?;
    let upload = owned(call, uploads, file).ok_or_else(|| no_such_file(file))?;
    if !uploads.has_room() {
        return Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Overloaded,
            "as many documents wait to be brought in as may",
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
    let state = State::Waiting;
    let place = Place { source, tags, created_at, state, asked_by: asked_by(call) };
    Ok(Wanted { upload: upload.id, place })
}

/// Puts an upload into a collection.
///
/// # Errors
/// It can't be written down.
pub(super) fn put(
    call: &Call,
    scoped: &Scoped,
    Wanted { upload, place }: Wanted,
) -> Result<(), Refusal> {
    note(call, scoped, &place.source);
    let uploads = uploads(call)?;
    uploads.place(&upload, &scoped.name, place).map_err(|error| unwritable(&error))
}

/// What an upload is called in a collection: below its own directory, or else below the first of the
/// caller's where it may be.
///
/// # Errors
/// None of these is a place that the caller's key lets it see.
pub(super) fn source_for(scoped: &Scoped, upload: &Upload) -> Result<String, Refusal> {
    let restrictions = scoped.within().iter().map(|pattern| plain_directory(pattern));
    let candidates = std::iter::once(&*upload.directory).chain(restrictions);
    let sources = candidates.map(|directory| upload_source(directory, &upload.id, &upload.name));
    let mut seen = sources.filter(|source| scoped.engine().selects(scoped.within(), source));
    seen.next().ok_or_else(|| {
        let message = format!(
            "this key writes only what `{}` matches, and no place that `{}` could have does",
            scoped.within().join("`, `"),
            upload.name
        );
        let refusal = Refusal::new(StatusCode::FORBIDDEN, ErrorCode::OutsideOfKey, message);
        Refusal { param: "file".into(), ..refusal }.hint(
            "upload it with a name that matches, DIRECTORY/NAME: it is kept as DIRECTORY/uploads/ID/NAME; or use \
             a key of a directory: docent keys create NAME --source DIRECTORY",
        )
    })
}

/// Attributes as tags, and with them those that all documents of the caller have.
pub(super) fn tags_for(
    scoped: &Scoped,
    attributes: Option<&Map<String, Value>>,
) -> Result<Vec<String>, Refusal> {
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
                let message = "an attribute is a text, a number, true or false";
                return Err(Refusal::invalid(at(), message));
            }
        };
        let is_sane = !bare.is_empty() && !bare.contains('=') && !tag.chars().any(char::is_control);
        if !is_sane || tag.len() > LONGEST_TAG || count >= MOST_ATTRIBUTES {
            return Err(Refusal::invalid(at(), format!("`{name}` can't be a tag of a document"))
                .hint(format!(
                    "there are {MOST_ATTRIBUTES} at most, each a name and a short text"
                )));
        }
        if !may_tag(scoped.tags(), &tag) {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                ErrorCode::OutsideOfKey,
                format!("this key may not tag a document `{tag}`"),
            )
            .hint("what its own documents are told apart by is not its to say"));
        }
        tags.push(tag);
    }
    let mut tags: Vec<String> = tags.iter().map(|tag| composed(tag).into_owned()).collect();
    tags.sort();
    tags.dedup();
    Ok(tags)
}

/// Whether a caller whose documents all have tags may give one: not one that would show the document to
/// those of another tenant.
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
