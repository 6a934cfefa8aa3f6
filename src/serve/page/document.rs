//! `GET /s/COLLECTION/SOURCE`: the stored text of a document, chunk by chunk, to which citations link. The
//! source is looked up among the documents that the caller may see; no file is opened.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::LazyLock;

use axum::body::Body;
use axum::response::Response;
use futures::stream;
use http::header::{CACHE_CONTROL, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::html::{ServedPage, escaped};
use crate::output::humanize::counted;
use crate::output::{DocumentJson, ShowJson, ShownChunkJson, Versioned};
use crate::serve::answering::AskedCollection;
use crate::serve::call::AdmittedRequest;
use crate::serve::links::Links;
use crate::serve::native;
use crate::serve::openapi::ApiOperation;
use crate::serve::refusal::{ErrorCode, RequestRefusal};
use crate::serve::request::query;
use crate::service::retrieval::DocumentFilter;
use crate::service::show::{self, ShownChunk, ShownDocument};
use crate::types::{DocumentKind, Locator, is_url};

pub(super) static PAGE: LazyLock<ServedPage> = LazyLock::new(|| {
    ServedPage::new(
        &[include_str!("base.css"), include_str!("document.css")],
        &[include_str!("place.js"), include_str!("reflow.js"), include_str!("document.js")],
    )
});

/// Most chunks before and after a place: a reader who wants more wants the whole document.
const MOST_AROUND: usize = 100;

/// As in `docent show --format json`, with the collection that it was read from.
#[derive(Serialize, JsonSchema)]
struct DocumentResponse {
    #[serde(flatten)]
    asked: AskedCollection,
    /// A URL for a browser; if the request had a key, it opens without one for a while.
    url: String,
    #[serde(flatten)]
    show: ShowJson,
}

/// The part of the document that the URL asks for.
#[derive(Deserialize, JsonSchema)]
struct PartQuery {
    /// A place: `L3-L9`, `page=3`.
    at: Option<String>,
    /// Number of chunks before and after it.
    #[schemars(range(max = "MOST_AROUND"))]
    around: Option<usize>,
}

/// The part of the document to show.
struct Part {
    /// `None`: the whole document.
    at: Option<Locator>,
    /// Number of chunks before and after it.
    around: usize,
}

pub(in crate::serve) fn described(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("showDocument", "The stored text of a document, to which citations link")
        .says("A signed link from an answer opens it without a key.")
        .asks::<PartQuery>()
        .answers_text("text/html; charset=utf-8")
        .answers::<Versioned<DocumentResponse>>()
}

pub(in crate::serve) async fn show(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let part = Part::read(&call)?;
    let source = call.param("source");
    let scoped = call.caller.open(Some(call.param("collection")))?;
    let engine = scoped.engine();
    let reader = engine.reader().await?;
    let asked = AskedCollection::new(&scoped.name, &reader);
    call.notes.note(|notes| {
        notes.collection = Some(asked.collection.clone());
        notes.version = Some(asked.version);
        notes.generation = asked.generation.map(|id| id.to_string());
    });
    let seen = engine.seen_documents(&scoped.filter(DocumentFilter::default()), &reader).await?;
    let record = seen.into_iter().find(|record| record.source == source).ok_or_else(|| {
        let message = format!("there is no document `{source}` in `{}`", asked.collection);
        RequestRefusal::not_found(ErrorCode::DocumentNotFound, message)
    })?;
    call.notes.note(|notes| notes.documents = vec![source.to_owned()]);
    let mut shown = show::stored(&*reader, source, Some(record)).await?;
    part.cut(&mut shown);
    let links = Links::new(&call.server, &call.caller, &call.headers);
    let links = if call.caller.has_link() { links.unsigned() } else { links };
    if !call.accepts_html() && call.accepts("application/json") {
        let mut response = native::json(&Versioned::new(DocumentResponse {
            url: links.stored(&asked.collection, source),
            asked,
            show: ShowJson {
                document: DocumentJson::new(&shown),
                chunks: shown.chunks.iter().map(ShownChunkJson::new).collect(),
            },
        }));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        return Ok(response);
    }
    let head = head(&shown, &asked, &links);
    let mut ids = HashSet::new();
    let sections = shown.chunks.into_iter().map(move |chunk| section(&chunk, &mut ids));
    let end = format!("</main>{}", ServedPage::END);
    let pieces = std::iter::once(head).chain(sections).chain(std::iter::once(end));
    Ok(PAGE.response(Body::from_stream(stream::iter(pieces.map(Ok::<_, Infallible>)))))
}

impl Part {
    fn read(call: &AdmittedRequest) -> Result<Self, RequestRefusal> {
        let PartQuery { at, around } = query(&call.query)?;
        let at = at.map(|at| {
            let place = Locator::from_citation(&format!("#{at}")).map(|(_, place)| place);
            place.ok_or_else(|| {
                RequestRefusal::invalid(
                    "at",
                    format!("`{at}` is not a place such as L3-L9 or page=3"),
                )
                .hint("leave `at` out to see the whole document")
            })
        });
        Ok(Self { at: at.transpose()?, around: around.unwrap_or(0) })
    }

    /// Keeps the chunks at the place and around it.
    fn cut(&self, shown: &mut ShownDocument) {
        let Some(place) = self.at else { return };
        shown.asked.place = Some(place);
        let is_there = |it: &ShownChunk| place.overlaps(it.chunk.locator);
        let first = shown.chunks.iter().position(is_there);
        let last = shown.chunks.iter().rposition(is_there);
        let Some((first, last)) = first.zip(last) else {
            shown.chunks.clear();
            return;
        };
        shown.chunks.truncate(last.saturating_add(self.around).saturating_add(1));
        shown.chunks.drain(..first.saturating_sub(self.around));
    }
}

/// The page up to the inside of `main`.
fn head(shown: &ShownDocument, asked: &AskedCollection, links: &Links) -> String {
    let source = shown.asked.source.as_str();
    let file = source.rsplit('/').find(|part| !part.is_empty()).unwrap_or(source);
    let title = Some(shown.title()).filter(|title| !title.is_empty()).unwrap_or(file);
    let mut html = PAGE.head(&format!("{title} · docent"));
    html.push_str(&format!(
        "<a class=\"skip\" href=\"#text\">Skip to the text</a><header class=\"top\">\
         <p class=\"crumbs\"><a class=\"brand\" href=\"{}\">docent</a><span>{}</span></p>\
         <h1 lang=\"\" dir=\"auto\">{}</h1>",
        escaped(&links.home()),
        escaped(&asked.collection),
        escaped(title),
    ));
    let named = escaped(source);
    html.push_str(&if is_url(source) {
        format!(
            "<p class=\"source\"><a href=\"{named}\" rel=\"noopener noreferrer\">{named}</a></p>"
        )
    } else {
        format!("<p class=\"source\">{named}</p>")
    });
    if let Some(record) = &shown.document {
        let mut facts = vec![record.kind.name().to_owned(), counted(shown.stored, "chunk")];
        facts.push(format!("read {}", record.ingested_at.replace('T', " ").replace('Z', " UTC")));
        facts.extend(record.tags.iter().cloned());
        html.push_str(&format!("<p class=\"facts\">{}</p>", escaped(&facts.join(" · "))));
    }
    for warning in warnings(shown) {
        html.push_str(&format!("<p class=\"note\">{}</p>", escaped(&warning)));
    }
    html.push_str("</header><main id=\"text\" tabindex=\"-1\">\n");
    html
}

/// Warnings if the text is not the whole document.
fn warnings(shown: &ShownDocument) -> Vec<String> {
    let mut warnings = Vec::new();
    if shown.outdated > 0 || shown.lacking() > 0 {
        warnings.push("An ingest was cut off: this text is not one complete version.".to_owned());
    }
    let unread = shown.document.iter().flat_map(|record| &record.warnings);
    warnings.extend(unread.map(|warning| {
        let what = if warning.code.is_guess() { "Guessed" } else { "Not read" };
        format!("{what}: {}", warning.message)
    }));
    match shown.asked.place {
        Some(place) if shown.chunks.is_empty() => {
            warnings.push(format!("Nothing is stored at {}.", place_of(place)));
        }
        Some(_) if shown.chunks.len() < shown.stored => {
            warnings.push(format!(
                "This is a part: {} of {}.",
                shown.chunks.len(),
                counted(shown.stored, "chunk")
            ));
        }
        _ => {}
    }
    warnings
}

/// A place in the form that follows the `#` of a link.
fn place_of(locator: Locator) -> String {
    locator.cite("").trim_start_matches([':', '#']).to_owned()
}

/// A chunk. The first one at a place has the place as its id, so that browsers find it without the script.
fn section(ShownChunk { chunk, .. }: &ShownChunk, ids: &mut HashSet<String>) -> String {
    let place = place_of(chunk.locator);
    let escaped_place = escaped(&place);
    let id = if ids.insert(place) { format!(" id=\"{escaped_place}\"") } else { String::new() };
    let label = match &chunk.page_label {
        Some(label) => format!("{escaped_place} ({})", escaped(label)),
        None => escaped_place.clone(),
    };
    let headings = match chunk.headings.as_slice() {
        [] => String::new(),
        headings => format!(
            "<span class=\"path\" lang=\"\" dir=\"auto\">{}</span>",
            escaped(&headings.join(" › "))
        ),
    };
    let class = match chunk.kind {
        DocumentKind::Code => "text code",
        // The same kinds as `PROSE` in the scripts.
        DocumentKind::Markdown
        | DocumentKind::Text
        | DocumentKind::Rst
        | DocumentKind::Asciidoc
        | DocumentKind::Html
        | DocumentKind::Pdf
        | DocumentKind::Docx
        | DocumentKind::Odt
        | DocumentKind::Rtf
        | DocumentKind::Epub => "text prose",
        _ => "text",
    };
    format!(
        "<section{id} data-place=\"{escaped_place}\"><p class=\"place\">\
         <a href=\"#{escaped_place}\">{label}</a>{headings}</p>\
         <div class=\"{class}\" lang=\"\" dir=\"auto\">{}</div></section>\n",
        escaped(&chunk.text),
    )
}
