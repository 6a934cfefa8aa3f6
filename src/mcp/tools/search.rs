//! `search`: finds passages.

use serde_json::{Value, json};

use super::{Call, filter, filtered, gives, number, question, takes, text, title};
use crate::error::Failure;
use crate::mcp::access::{ClientRead, ClientView};
use crate::mcp::arguments::Arguments;
use crate::mcp::cursor::{self, CursorScope};
use crate::mcp::fence::{Fence, TokenBudget, label};
use crate::openai::tokens::estimate;
use crate::service::retrieval::DocumentFilter;
use crate::types::Hit;

/// Results of a page: the default, and the most.
const RESULTS: usize = 6;
const MOST_RESULTS: usize = 20;

/// Most results over all pages: later ones have little to do with the query.
const DEEPEST: usize = 100;

/// Tokens of a result beside its text: names of fields, marks, tags.
const AROUND: usize = 70;

/// Most nearest passages.
const NEAREST: usize = 3;

pub(super) fn input() -> Value {
    let size = json!({
        "limit": number("1-20, default 6"),
        "max_tokens": number("Size of result"),
        "cursor": text("next_cursor of a result"),
        "exclude": { "type": "array", "items": { "type": "string" }, "description": "Ids seen before" },
    });
    takes(filtered(json!({ "query": text("Question or keywords") }), size), &["query"])
}

pub(super) fn output() -> Value {
    gives(json!({
        "results": { "type": "array" },
        "next_cursor": { "type": "string" },
        "note": { "type": "string" },
    }))
}

pub(super) async fn run(call: &Call<'_>, arguments: Arguments) -> Result<Value, Failure> {
    let query = question(&arguments, "query")?;
    let (view, filter) = (call.view(&arguments)?, filter(&arguments)?);
    let limit = arguments.number("limit", 1, MOST_RESULTS)?.unwrap_or(RESULTS);
    let exclude = arguments.texts("exclude")?;
    let cursor = arguments.text("cursor")?;
    let before = cursor.as_deref().map_or(0, cursor::offset).min(DEEPEST);
    let k = (before + limit + exclude.len() + 1).min(DEEPEST);
    let found = view.search(&query, filter.clone(), k).await?;
    let pages = {
        let filter = format!("{filter:?}");
        let excluded = exclude.join("\n");
        CursorScope::of(&[&view.name, &found.generation, &query, &filter, &excluded])
    };
    let first = pages.begin(cursor.as_deref())?;
    let fence = super::fence(&view, &query)?;
    let mut page = Page {
        call,
        view: &view,
        fence: &fence,
        budget: TokenBudget::new(call.tokens(&arguments)?),
        results: Vec::new(),
        cut: false,
    };
    let mut next = first;
    for hit in found.hits.iter().skip(first) {
        if page.results.len() == limit || page.cut {
            break;
        }
        let id = page.id(hit);
        if exclude.contains(&id) || exclude.contains(&hit.chunk.locator.cite(&hit.chunk.source)) {
            next += 1;
            continue;
        }
        if !page.add(id, hit) {
            break;
        }
        next += 1;
    }
    let Page { results, cut, .. } = page;
    let shown: Vec<&str> =
        found.hits[first.min(next)..next].iter().map(|hit| &*hit.chunk.source).collect();
    let seen = ClientRead {
        collection: &view.name,
        version: found.version,
        question: Some(&query),
        sources: &shown,
    };
    call.offer.access.saw(&seen);
    let mut said = json!({ "results": results, "collection": view.name, "version": found.version });
    if next < found.hits.len() {
        said["next_cursor"] = json!(pages.next(next));
    }
    said["note"] = json!(match results.is_empty() {
        true if first > 0 => "there are no more results".to_owned(),
        true => nothing(call, &view, &query, filter).await?,
        false if cut => format!("{}; fetch an id for all of its text", fence.rule()),
        false => fence.rule(),
    });
    Ok(said)
}

/// Results that fit.
struct Page<'a> {
    call: &'a Call<'a>,
    view: &'a ClientView,
    fence: &'a Fence,
    budget: TokenBudget,
    results: Vec<Value>,
    /// The last result is only a part of its passage.
    cut: bool,
}

impl Page<'_> {
    fn id(&self, hit: &Hit) -> String {
        self.call.id(self.view, &hit.chunk.source, Some(hit.chunk.locator))
    }

    /// Whether there was room for the hit. The first result is always added, cut off if it has to be.
    fn add(&mut self, id: String, hit: &Hit) -> bool {
        let chunk = &hit.chunk;
        let url = self.call.offer.access.url(&self.view.name, &chunk.source, Some(chunk.locator));
        let title = title(&chunk.title, &chunk.source);
        let headings: Vec<String> = chunk.headings.iter().map(|heading| label(heading)).collect();
        let citation = label(&chunk.locator.cite(&chunk.source));
        let names = [&id, &url, &title, &citation].into_iter().chain(&headings);
        let around = AROUND + names.map(|name| estimate(name)).sum::<usize>();
        let all = estimate(&chunk.text);
        if !self.results.is_empty() && !self.budget.has(around + all.div_ceil(2)) {
            return false;
        }
        self.budget.take(around);
        let text = self.budget.cut(&chunk.text);
        self.cut = text.len() < chunk.text.len();
        let mut result = json!({
            "id": id,
            "title": title,
            "url": url,
            "citation": citation,
            "score": (f64::from(hit.score) * 1e3).round() / 1e3,
            "text": self.fence.around(text),
        });
        if !headings.is_empty() {
            result["headings"] = json!(headings);
        }
        if self.cut {
            result["truncated"] = json!(true);
        }
        self.results.push(result);
        true
    }
}

/// The nearest passages, and what to try.
async fn nothing(
    call: &Call<'_>,
    view: &ClientView,
    query: &str,
    filter: DocumentFilter,
) -> Result<String, Failure> {
    if filter == DocumentFilter::default() {
        return Ok("nothing was found; try other words, or `status` for what is stored".to_owned());
    }
    let found = view.search(query, DocumentFilter::default(), NEAREST).await?;
    let sources: Vec<&str> = found.hits.iter().map(|hit| &*hit.chunk.source).collect();
    let (collection, version) = (&*view.name, found.version);
    call.offer.access.saw(&ClientRead {
        collection,
        version,
        question: Some(query),
        sources: &sources,
    });
    let near: Vec<String> =
        found.hits.iter().map(|hit| label(&hit.chunk.locator.cite(&hit.chunk.source))).collect();
    if near.is_empty() {
        return Ok("nothing was found, with these filters or without; try other words".to_owned());
    }
    let near = near.join(", ");
    Ok(format!("nothing passes these filters; without source, kind and tag the nearest are {near}"))
}
