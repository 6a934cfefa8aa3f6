//! `POST /v1/embeddings`: texts → vectors, by the embedder that a collection was built with.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{model_id, named_ignored, open_model, split};
use crate::embed::{Embedder, Role, Vector};
use crate::openai::tokens::cl100k_text;
use crate::serve::call::Call;
use crate::serve::native;
use crate::serve::refusal::Refusal;
use crate::serve::request::{object, typed};
use crate::task::off_thread;
use crate::types::Usage;

const KNOWN: [&str; 6] = ["model", "input", "encoding_format", "dimensions", "input_type", "user"];

/// Texts of one request, at most: as many as `OpenAI` takes.
const MOST_INPUTS: usize = 2_048;

/// Tokens of all texts of a request together: as many as `OpenAI` takes.
const MOST_TOKENS: usize = 300_000;

#[derive(Deserialize)]
struct EmbeddingsRequest {
    model: String,
    input: Input,
    encoding_format: Option<String>,
    dimensions: Option<usize>,
    input_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Text(String),
    Texts(Vec<String>),
    /// Of cl100k: `LangChain` sends these unless it is told not to.
    Tokens(Vec<u32>),
    TokenLists(Vec<Vec<u32>>),
}

impl Input {
    fn texts(self) -> Result<Vec<String>, Refusal> {
        let decoded = |tokens: &[u32]| {
            cl100k_text(tokens).ok_or_else(|| {
                Refusal::invalid("input", "`input` has a number that is no token of cl100k_base")
                    .hint("send texts: which tokenizer your client uses is not known here")
            })
        };
        match self {
            Self::Text(text) => Ok(vec![text]),
            Self::Texts(texts) => Ok(texts),
            Self::Tokens(tokens) => Ok(vec![decoded(&tokens)?]),
            Self::TokenLists(lists) => lists.iter().map(|tokens| decoded(tokens)).collect(),
        }
    }
}

pub(in crate::serve) async fn embed(call: Call) -> Result<Response, Refusal> {
    let (members, ignored) = split(object(&call.body)?, &KNOWN);
    let request: EmbeddingsRequest = typed(members)?;
    let scoped = open_model(&call.caller, &request.model)?;
    let as_base64 = match request.encoding_format.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(other) => {
            let problem = format!("there is no encoding `{other}`");
            return Err(
                Refusal::invalid("encoding_format", problem).hint("there is float and base64")
            );
        }
    };
    let role = role(request.input_type.as_deref())?;
    let texts = request.input.texts()?;
    if texts.is_empty() || texts.len() > MOST_INPUTS {
        return Err(Refusal::invalid("input", format!("`input` has 1 to {MOST_INPUTS} texts")));
    }
    call.notes.note(|notes| notes.collection = Some(scoped.name.clone()));
    let retriever = scoped.engine().retriever().await?;
    let embedder = &retriever.embedder;
    let id = embedder.id();
    if let Some(dimensions) = request.dimensions.filter(|asked| *asked != id.dimensions) {
        let problem = format!(
            "the vectors of `{}` have {} dimensions, not {dimensions}",
            id.name, id.dimensions
        );
        return Err(Refusal::invalid("dimensions", problem).hint("leave `dimensions` out"));
    }
    let tokens = counted(embedder, &texts).await?;
    let vectors = embedded(&**embedder, &texts, &tokens, role).await?;
    let mut unknown = Vec::new();
    let mut data = Vec::with_capacity(vectors.len());
    for (index, vector) in vectors.into_iter().enumerate() {
        // A client wants as many as it sent. Of nothing, a vector has no direction.
        let vector = vector.unwrap_or_else(|| {
            unknown.push(index);
            vec![0.0; id.dimensions]
        });
        let embedding = if as_base64 { json!(Vector(vector)) } else { json!(vector) };
        data.push(json!({ "object": "embedding", "index": index, "embedding": embedding }));
    }
    let tokens: usize = tokens.iter().sum();
    let used = Usage { prompt_tokens: Some(tokens as u64), ..Usage::default() };
    call.caller.took_tokens(used);
    call.notes.note(|notes| notes.prompt_tokens = used.prompt_tokens);
    let body = json!({
        "object": "list",
        "data": data,
        "model": model_id(&scoped.name),
        "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
        "docent": {
            "embedder": id.name,
            "embedded_as": match role { Role::Query => "query", Role::Document => "document" },
            "without_known_words": unknown,
            "ignored": &ignored,
        },
    });
    Ok(named_ignored(native::json(&body), &ignored))
}

/// As what a text is embedded, by the names that Cohere, Voyage, Jina and NVIDIA have for it.
fn role(input_type: Option<&str>) -> Result<Role, Refusal> {
    match input_type {
        None | Some("document" | "search_document" | "passage") => Ok(Role::Document),
        Some("query" | "search_query") => Ok(Role::Query),
        Some(other) => {
            Err(Refusal::invalid("input_type", format!("there is no input type `{other}`"))
                .hint("there is query and document"))
        }
    }
}

/// The tokens of each text.
async fn counted(embedder: &Arc<dyn Embedder>, texts: &[String]) -> Result<Vec<usize>, Refusal> {
    let longest = embedder.limits().input_tokens;
    let (counter, counted) = (Arc::clone(embedder), texts.to_vec());
    // Others wait where this thread counts what somebody sent.
    let count = move || counted.iter().map(|text| counter.count_tokens(text)).collect();
    let tokens: Vec<usize> = off_thread(count).await;
    if let Some((place, tokens)) = tokens.iter().enumerate().find(|(_, tokens)| **tokens > longest)
    {
        return Err(Refusal {
            code: "context_length_exceeded",
            ..Refusal::invalid(
                format!("input[{place}]"),
                format!("the text has {tokens} tokens, and the embedder takes {longest}"),
            )
        }
        .hint("cut it into shorter ones"));
    }
    let all: usize = tokens.iter().sum();
    if all > MOST_TOKENS {
        return Err(Refusal {
            status: StatusCode::BAD_REQUEST,
            code: "context_length_exceeded",
            ..Refusal::invalid(
                "input",
                format!("`input` has {all} tokens, and a request takes {MOST_TOKENS}"),
            )
        }
        .hint("send it in several requests"));
    }
    Ok(tokens)
}

/// A vector for each text, asked for in as many batches as the embedder wants.
async fn embedded(
    embedder: &dyn Embedder,
    texts: &[String],
    tokens: &[usize],
    role: Role,
) -> Result<Vec<Option<Vec<f32>>>, Refusal> {
    let limits = embedder.limits();
    let mut vectors = Vec::with_capacity(texts.len());
    while vectors.len() < texts.len() {
        let rest = vectors.len()..texts.len();
        let mut sum = 0_usize;
        let fits = rest.clone().take(limits.batch_items.max(1)).take_while(|place| {
            sum = sum.saturating_add(tokens[*place]);
            sum <= limits.batch_tokens
        });
        let count = fits.count().max(1);
        let batch = &texts[rest.start..rest.start + count];
        vectors.extend(embedder.embed(batch, role).await?);
    }
    Ok(vectors)
}

/// Of texts that were not counted yet.
pub(super) async fn embedded_within_limits(
    embedder: &Arc<dyn Embedder>,
    texts: &[String],
    role: Role,
) -> Result<Vec<Option<Vec<f32>>>, Refusal> {
    let tokens = counted(embedder, texts).await?;
    embedded(&**embedder, texts, &tokens, role).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::Value;

    use super::*;

    fn texts(input: Value) -> Result<Vec<String>, Refusal> {
        serde_json::from_value::<Input>(input).unwrap().texts()
    }

    #[test]
    fn texts_and_tokens_are_read() {
        for (input, expected) in [
            (json!("a"), &["a"][..]),
            (json!(["a", ""]), &["a", ""]),
            (json!([83, 1609, 5963]), &["tiktoken"]),
            (json!([[83, 1609, 5963], [2294]]), &["tiktoken", " great"]),
        ] {
            assert_eq!(texts(input.clone()).unwrap(), expected, "{input}");
        }
        assert_eq!(&*texts(json!([4_000_000])).unwrap_err().param, "input");
        assert!(serde_json::from_value::<Input>(json!(["a", 1])).is_err());
    }

    #[test]
    fn a_text_is_a_document_unless_it_is_a_query() {
        assert_eq!(role(None).unwrap(), Role::Document);
        assert_eq!(role(Some("search_query")).unwrap(), Role::Query);
        assert!(role(Some("classification")).is_err());
    }
}
