//! `fetch`: the stored text of a document, or of a place in it.

use serde_json::{Value, json};

use super::{Call, gives, number, takes, text, title};
use crate::error::Failure;
use crate::mcp::access::{ClientRead, ClientView};
use crate::mcp::arguments::Arguments;
use crate::mcp::cursor::CursorScope;
use crate::mcp::fence::{TokenBudget, label};
use crate::mcp::resource_uri::{from_uri, lookup};
use crate::query::pack::Joined;
use crate::types::{Chunk, DocumentRecord, Locator};

/// Most passages before or after a place: a caller that wants more wants the whole document.
const MOST_AROUND: usize = 100;

/// Tokens of a result beside its text.
const AROUND: usize = 150;

pub(super) fn input() -> Value {
    takes(
        json!({
            "id": text("Id from search, path, path:L10-L60, file.pdf#page=3"),
            "collection": text("Which collection"),
            "before": number("Passages before it"),
            "after": number("Passages after it"),
            "max_tokens": number("Size of result"),
            "cursor": text("next_cursor of a result"),
        }),
        &["id"],
    )
}

pub(super) fn output() -> Value {
    gives(json!({
        "id": { "type": "string" },
        "title": { "type": "string" },
        "text": { "type": "string" },
        "url": { "type": "string" },
        "metadata": { "type": "object" },
        "next_cursor": { "type": "string" },
    }))
}

pub(super) async fn run(call: &Call<'_>, arguments: Arguments) -> Result<Value, Failure> {
    let id = arguments.needed("id")?;
    let named = from_uri(&id);
    let view = match &named {
        Some(named) => call.offer.access.view(Some(&named.collection))?,
        None => call.view(&arguments)?,
    };
    let around = |name| arguments.number(name, 0, MOST_AROUND).map(Option::unwrap_or_default);
    let (before, after) = (around("before")?, around("after")?);
    let tokens = call.tokens(&arguments)?;
    let (reader, documents) = view.documents().await?;
    let known: Vec<&str> = documents.iter().map(|record| &*record.source).collect();
    let found = match &named {
        Some(named) => lookup(&named.source, &known).map(|(source, _)| (source, named.place)),
        None => lookup(&id, &known),
    };
    let (source, place) = found.map_err(|near| unknown(&id, &view, &near))?;
    let record = documents.iter().find(|record| record.source == source);
    let record = record.ok_or_else(|| unknown(&id, &view, &[]))?;
    let chunks = view.chunks(&reader, record).await?;
    let part = part(&chunks, place, before, after).ok_or_else(|| elsewhere(&id, &chunks))?;
    let seen = ClientRead {
        collection: &view.name,
        version: reader.version(),
        question: None,
        sources: &[source],
    };
    call.offer.access.saw(&seen);

    let (from, to) = (before.to_string(), after.to_string());
    let hash = record.document_hash.to_string();
    let pages = CursorScope::of(&[&view.name, &id, &from, &to, &hash]);
    let from = pages.begin(arguments.text("cursor")?.as_deref())?;
    let joined = Joined::of(&part[0], part[1..].iter());
    let page = Page::of(part, &joined, from, tokens);
    let place = page.place().or(place);
    let fence = super::fence(&view, &id)?;
    let mut said = json!({
        "id": call.id(&view, source, place),
        "title": title(chunks.first().map_or("", |chunk| &chunk.title), source),
        "text": fence.around(page.text),
        "url": call.offer.access.url(&view.name, source, place),
        "metadata": metadata(record, &page, chunks.len()),
    });
    said["metadata"]["collection"] = json!(view.name);
    said["metadata"]["note"] = json!(fence.rule());
    if let Some(next) = page.next {
        said["next_cursor"] = json!(pages.next(next));
    }
    Ok(said)
}

fn metadata(record: &DocumentRecord, page: &Page<'_>, all: usize) -> Value {
    let number = |chunk: Option<&Chunk>| chunk.map_or(0, |chunk| chunk.ordinal + 1);
    let (first, last) = (number(page.chunks.first()), number(page.chunks.last()));
    let mut metadata = json!({
        "source": label(&record.source),
        "citation": label(&page.citation(&record.source)),
        "passages": format!("{first}-{last} of {all}"),
        "document_hash": record.document_hash,
        "ingested_at": record.ingested_at,
    });
    match page.place() {
        Some(Locator::Lines(first, last)) => metadata["lines"] = json!([first, last]),
        Some(place) => {
            if let Some(number) = place.page() {
                metadata["page"] = json!(number);
            }
        }
        None => {}
    }
    metadata
}

/// The passages at a place, and around it; `None` if nothing is stored there.
fn part(chunks: &[Chunk], place: Option<Locator>, before: usize, after: usize) -> Option<&[Chunk]> {
    let Some(place) = place else { return Some(chunks).filter(|chunks| !chunks.is_empty()) };
    let is_there = |chunk: &Chunk| place.overlaps(chunk.locator);
    let first = chunks.iter().position(is_there)?.saturating_sub(before);
    let last = chunks.iter().rposition(is_there)?.saturating_add(after);
    Some(&chunks[first..=last.min(chunks.len() - 1)])
}

/// A page of a document.
struct Page<'a> {
    text: &'a str,
    /// The passages that the page is cut from.
    chunks: &'a [Chunk],
    /// Where the next page begins.
    next: Option<usize>,
}

impl<'a> Page<'a> {
    /// As much of a part as fits into `tokens`, from byte `from` of its text.
    fn of(part: &'a [Chunk], joined: &'a Joined, from: usize, tokens: usize) -> Self {
        let mut budget = TokenBudget::new(tokens.saturating_sub(AROUND).max(1));
        let rest = joined.text.get(from..).unwrap_or_default();
        let text = budget.cut(rest);
        let end = from + text.len();
        let first = joined.ends.partition_point(|end| *end <= from).min(part.len() - 1);
        // Text that a chunk repeats from the chunk before it belongs to both.
        let begins = |at: usize| joined.ends[at].saturating_sub(part[at].text.len());
        let count = (first..part.len()).take_while(|at| *at == first || begins(*at) < end).count();
        let next = (text.len() < rest.len() && !text.is_empty()).then_some(end);
        Self { text, chunks: &part[first..first + count], next }
    }

    /// The place of all its passages; `None` if they have no place in common.
    fn place(&self) -> Option<Locator> {
        let mut places = self.chunks.iter().map(|chunk| chunk.locator);
        let first = places.next()?;
        places.try_fold(first, Locator::merge)
    }

    fn citation(&self, source: &str) -> String {
        if let Some(place) = self.place() {
            return place.cite(source);
        }
        let ends = [self.chunks.first(), self.chunks.last()].into_iter().flatten();
        ends.map(|chunk| chunk.locator.cite(source)).collect::<Vec<_>>().join(" to ")
    }
}

fn unknown(id: &str, view: &ClientView, near: &[&str]) -> Failure {
    let shown: String = label(id).chars().take(200).collect();
    let problem = format!("there is no document `{shown}` in `{}`", view.name);
    Failure::usage(problem).hint(match near {
        [] => "take the `id` of a result of `search`".to_owned(),
        near => {
            let near: Vec<String> = near.iter().map(|source| label(source)).collect();
            format!("did you mean {}?", near.join(" or "))
        }
    })
}

fn elsewhere(id: &str, chunks: &[Chunk]) -> Failure {
    let shown: String = label(id).chars().take(200).collect();
    let failure = Failure::usage(format!("nothing is stored at `{shown}`"));
    match (chunks.first(), chunks.last()) {
        (Some(first), Some(last)) => failure.hint(format!(
            "the document has {} to {}",
            label(&first.locator.cite(&first.source)),
            label(&last.locator.cite(&last.source))
        )),
        _ => failure.hint("an ingest was cut off: docent ingest completes it"),
    }
}
