//! `POST /v1/embeddings`: turns texts into vectors with the embedder of a collection.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{model_id, named_ignored, open_model, split};
use crate::embed::{Embedder, TextRole, Vector};
use crate::openai::tokens::cl100k_text;
use crate::serve::call::AdmittedRequest;
use crate::serve::native;
use crate::serve::openapi::ApiOperation;
use crate::serve::refusal::{ErrorCode, RequestRefusal};
use crate::serve::request::{object, typed};
use crate::task::off_thread;
use crate::types::Usage;

/// Most texts of one request: as many as `OpenAI` accepts.
const MOST_INPUTS: usize = 2_048;

/// Most tokens of all texts of a request: as many as `OpenAI` accepts.
const MOST_TOKENS: usize = 300_000;

/// Texts to embed.
#[derive(Deserialize, JsonSchema)]
struct EmbeddingsRequest {
    /// `docent/COLLECTION`: the embedder that this collection was built with.
    model: String,
    input: Input,
    encoding_format: Option<Encoding>,
    /// Only the embedder's own number of dimensions.
    #[schemars(range(min = 1, max = "u32::MAX"))]
    dimensions: Option<usize>,
    /// The role in which the texts are embedded; documents by default.
    input_type: Option<InputType>,
    /// Without effect.
    #[serde(rename = "user")]
    _user: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    Float,
    Base64,
}

/// Under the names that Cohere, Voyage, Jina and NVIDIA use.
#[derive(Deserialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum InputType {
    Document,
    SearchDocument,
    Passage,
    Query,
    SearchQuery,
}

impl InputType {
    fn role(self) -> TextRole {
        match self {
            Self::Document | Self::SearchDocument | Self::Passage => TextRole::Document,
            Self::Query | Self::SearchQuery => TextRole::Query,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "EmbeddingsInput")]
#[serde(untagged)]
enum Input {
    Text(String),
    Texts(#[schemars(length(min = 1, max = "MOST_INPUTS"))] Vec<String>),
    /// Tokens of `cl100k_base`: `LangChain` sends these by default.
    Tokens(#[schemars(length(min = 1))] Vec<u32>),
    TokenLists(#[schemars(length(min = 1, max = "MOST_INPUTS"))] Vec<Vec<u32>>),
}

/// A vector for each text.
#[derive(Serialize, JsonSchema)]
struct EmbeddingsResponse {
    /// `list`.
    object: &'static str,
    data: Vec<Embedding>,
    model: String,
    usage: EmbeddingsUsage,
    docent: EmbeddingsDetails,
}

#[derive(Serialize, JsonSchema)]
struct Embedding {
    /// `embedding`.
    object: &'static str,
    /// Position of the text, from 0.
    index: usize,
    embedding: Embedded,
}

#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum Embedded {
    Floats(Vec<f32>),
    /// Base64 of little-endian 32-bit floats.
    Base64(#[schemars(with = "String")] Vector),
}

#[derive(Serialize, JsonSchema)]
struct EmbeddingsUsage {
    prompt_tokens: usize,
    total_tokens: usize,
}

#[derive(Serialize, JsonSchema)]
struct EmbeddingsDetails {
    embedder: String,
    /// `query` or `document`.
    embedded_as: &'static str,
    /// Positions of the texts without a word that the model knows: their vectors are zeros.
    without_known_words: Vec<usize>,
    /// Parameters that were sent and have no effect.
    ignored: Vec<String>,
}

pub(in crate::serve) fn described(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("createEmbeddings", "Texts as vectors, by the embedder of a collection")
        .takes::<EmbeddingsRequest>()
        .answers::<EmbeddingsResponse>()
        .names_ignored()
}

impl Input {
    fn texts(self) -> Result<Vec<String>, RequestRefusal> {
        let decoded = |tokens: &[u32]| {
            cl100k_text(tokens).ok_or_else(|| {
                RequestRefusal::invalid(
                    "input",
                    "`input` has a number that is not a token of cl100k_base",
                )
                .hint("send texts instead: the server does not know your client's tokenizer")
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

pub(in crate::serve) async fn embed(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let (members, ignored) = split::<EmbeddingsRequest>(object(&call.body)?);
    let request: EmbeddingsRequest = typed(members)?;
    let scoped = open_model(&call.caller, &request.model)?;
    let as_base64 = matches!(request.encoding_format, Some(Encoding::Base64));
    let role = request.input_type.map_or(TextRole::Document, InputType::role);
    let texts = request.input.texts()?;
    call.notes.note(|notes| notes.collection = Some(scoped.name.clone()));
    let retriever = scoped.engine().retriever().await?;
    let embedder = &retriever.embedder;
    let id = embedder.id();
    if let Some(dimensions) = request.dimensions.filter(|asked| *asked != id.dimensions) {
        let problem = format!(
            "the vectors of `{}` have {} dimensions, not {dimensions}",
            id.name, id.dimensions
        );
        return Err(RequestRefusal::invalid("dimensions", problem).hint("leave `dimensions` out"));
    }
    let tokens = counted(embedder, &texts).await?;
    let vectors = embedded(&**embedder, &texts, &tokens, role).await?;
    let mut unknown = Vec::new();
    let mut data = Vec::with_capacity(vectors.len());
    for (index, vector) in vectors.into_iter().enumerate() {
        // Clients expect as many vectors as they sent texts. An empty text has a vector without direction.
        let vector = vector.unwrap_or_else(|| {
            unknown.push(index);
            vec![0.0; id.dimensions]
        });
        let embedding =
            if as_base64 { Embedded::Base64(Vector(vector)) } else { Embedded::Floats(vector) };
        data.push(Embedding { object: "embedding", index, embedding });
    }
    let tokens: usize = tokens.iter().sum();
    let used = Usage { prompt_tokens: Some(tokens as u64), ..Usage::default() };
    call.server.spent(&call.caller, used, false);
    call.notes.note(|notes| notes.took(used));
    let embedded_as = match role {
        TextRole::Query => "query",
        TextRole::Document => "document",
    };
    let body = EmbeddingsResponse {
        object: "list",
        data,
        model: model_id(&scoped.name),
        usage: EmbeddingsUsage { prompt_tokens: tokens, total_tokens: tokens },
        docent: EmbeddingsDetails {
            embedder: id.name.clone(),
            embedded_as,
            without_known_words: unknown,
            ignored: ignored.clone(),
        },
    };
    Ok(named_ignored(native::json(&body), &ignored))
}

/// The number of tokens of each text.
async fn counted(
    embedder: &Arc<dyn Embedder>,
    texts: &[String],
) -> Result<Vec<usize>, RequestRefusal> {
    let longest = embedder.limits().input_tokens;
    let (counter, counted) = (Arc::clone(embedder), texts.to_vec());
    // Counting on this thread would hold up other requests.
    let count = move || counted.iter().map(|text| counter.count_tokens(text)).collect();
    let tokens: Vec<usize> = off_thread(count).await;
    if let Some((place, tokens)) = tokens.iter().enumerate().find(|(_, tokens)| **tokens > longest)
    {
        return Err(RequestRefusal {
            code: ErrorCode::ContextLengthExceeded,
            ..RequestRefusal::invalid(
                format!("input[{place}]"),
                format!("the text has {tokens} tokens, and the embedder takes at most {longest}"),
            )
        }
        .hint("split it into shorter ones"));
    }
    let all: usize = tokens.iter().sum();
    if all > MOST_TOKENS {
        return Err(RequestRefusal {
            status: StatusCode::BAD_REQUEST,
            code: ErrorCode::ContextLengthExceeded,
            ..RequestRefusal::invalid(
                "input",
                format!("`input` has {all} tokens, and a request takes at most {MOST_TOKENS}"),
            )
        }
        .hint("send it in several requests"));
    }
    Ok(tokens)
}

/// A vector for each text, in as many batches as the embedder needs.
async fn embedded(
    embedder: &dyn Embedder,
    texts: &[String],
    tokens: &[usize],
    role: TextRole,
) -> Result<Vec<Option<Vec<f32>>>, RequestRefusal> {
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

/// The same for texts whose tokens were not counted yet.
pub(super) async fn embedded_within_limits(
    embedder: &Arc<dyn Embedder>,
    texts: &[String],
    role: TextRole,
) -> Result<Vec<Option<Vec<f32>>>, RequestRefusal> {
    let tokens = counted(embedder, texts).await?;
    embedded(&**embedder, texts, &tokens, role).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Value, json};

    use super::*;

    fn texts(input: Value) -> Result<Vec<String>, RequestRefusal> {
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
}
