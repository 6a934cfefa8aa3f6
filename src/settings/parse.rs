//! Parses the text of a setting. Each error completes the sentence "`VALUE` ...".

use std::time::Duration;

use super::EmbeddingModel;
use crate::types::{
    HubModel, Mode, OcrPolicy, OnSecret, Quantization, SparseId, TENANT_MARK, collection_of_tenant,
    is_tenant_name,
};

pub fn collection(text: &str) -> Result<String, String> {
    let fits = text.len() <= 100
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if fits {
        Ok(text.to_owned())
    } else {
        Err("is not a collection name: use letters, digits, `-`, `_` and `.`, starting with a letter or digit".to_owned())
    }
}

/// Parses a collection, with or without a tenant: `docs`, `docs~acme`.
pub fn collection_or_tenants(text: &str) -> Result<String, String> {
    match text.split_once(TENANT_MARK) {
        Some((name, whose)) => Ok(collection_of_tenant(&collection(name)?, Some(&tenant(whose)?))),
        None => collection(text),
    }
}

pub fn tenant(text: &str) -> Result<String, String> {
    if is_tenant_name(text) {
        Ok(text.to_owned())
    } else {
        Err("is not a tenant name: use lower-case letters, digits, `-` and `_`, at most 64 characters".to_owned())
    }
}

/// Parses the name of a project, which is also the name of a collection.
pub fn project(text: &str) -> Result<String, String> {
    collection(text).map_err(|_| "is not a project name: use letters, digits, `-`, `_` and `.`, starting with a letter or digit".to_owned())
}

pub fn embedder(text: &str) -> Result<EmbeddingModel, String> {
    match text.split_once(':') {
        None if text == "builtin" => Ok(EmbeddingModel::Builtin),
        Some(("openai", model)) if !model.is_empty() => {
            Ok(EmbeddingModel::OpenAi(model.to_owned()))
        }
        Some(("onnx", dir)) if !dir.is_empty() => Ok(EmbeddingModel::Onnx(dir.into())),
        Some((HubModel::SCHEME, name)) => name.parse().map(EmbeddingModel::Hub),
        _ => Err(format!(
            "is not an embedder: use {}",
            models_for(text, "`builtin`, `openai:MODEL`, `hf:ORG/NAME` or `onnx:DIR`")
        )),
    }
}

/// What may be meant by a model without a scheme: `known`, or both things that a name with a `/` can be.
fn models_for(text: &str, known: &str) -> String {
    match text.parse::<HubModel>() {
        Ok(_) if text.contains('/') => {
            format!("`hf:{text}` for the model of that name, `onnx:{text}` for that directory")
        }
        _ => known.to_owned(),
    }
}

/// Parses `hf:ORG/NAME[@REVISION][#FILE]`.
pub fn hub_model(text: &str) -> Result<HubModel, String> {
    match text.split_once(':') {
        Some((HubModel::SCHEME, name)) => name.parse(),
        _ => Err("is not a model of a hub: use hf:ORG/NAME".to_owned()),
    }
}

/// A reranker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RerankerSpec {
    Endpoint(String),
    /// A directory.
    Onnx(String),
    Hub(HubModel),
}

pub fn reranker(text: &str) -> Result<RerankerSpec, String> {
    match text.split_once(':') {
        Some(("onnx", dir)) if !dir.is_empty() => Ok(RerankerSpec::Onnx(dir.to_owned())),
        Some((HubModel::SCHEME, name)) => name.parse().map(RerankerSpec::Hub),
        _ => url(text).map(RerankerSpec::Endpoint).map_err(|_| {
            let known = "the URL of an endpoint (http://...), `hf:ORG/NAME` or `onnx:DIR`";
            format!("is not a reranker: use {}", models_for(text, known))
        }),
    }
}

/// A model that checks citations.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum VerifierSpec {
    OpenAi(String),
    /// A directory.
    Onnx(String),
    Hub(HubModel),
}

pub fn verifier(text: &str) -> Result<VerifierSpec, String> {
    match text.split_once(':') {
        Some(("openai", model)) if !model.is_empty() => Ok(VerifierSpec::OpenAi(model.to_owned())),
        Some(("onnx", dir)) if !dir.is_empty() => Ok(VerifierSpec::Onnx(dir.to_owned())),
        Some((HubModel::SCHEME, name)) => name.parse().map(VerifierSpec::Hub),
        _ => Err(format!(
            "is not a model that checks citations: use {}",
            models_for(text, "openai:MODEL, hf:ORG/NAME or onnx:DIR")
        )),
    }
}

/// Values of `ingest.ocr`.
pub enum OcrMode {
    Policy(OcrPolicy),
    /// A vision model of an endpoint, for the pages that `auto` reads.
    Model(String),
}

pub fn ocr(text: &str) -> Result<OcrMode, String> {
    match text {
        "off" => Ok(OcrMode::Policy(OcrPolicy::Off)),
        "auto" => Ok(OcrMode::Policy(OcrPolicy::Auto)),
        "always" => Ok(OcrMode::Policy(OcrPolicy::Always)),
        _ => match text.split_once(':') {
            Some(("openai", model)) if !model.is_empty() => Ok(OcrMode::Model(model.to_owned())),
            _ => Err("is not a setting for OCR: use off, auto, always or openai:MODEL".to_owned()),
        },
    }
}

/// Values of `ocr.model`.
pub enum OcrModelSpec {
    OpenAi(String),
    Directory(String),
}

pub fn ocr_model(text: &str) -> Result<OcrModelSpec, String> {
    match text.split_once(':') {
        Some(("openai", "")) => Err("names no model: use openai:MODEL, or a directory".to_owned()),
        Some(("openai", model)) => Ok(OcrModelSpec::OpenAi(model.to_owned())),
        _ => Ok(OcrModelSpec::Directory(text.to_owned())),
    }
}

pub fn mode(text: &str) -> Result<Mode, String> {
    [Mode::Hybrid, Mode::Dense, Mode::Sparse]
        .into_iter()
        .find(|mode| mode.name() == text)
        .ok_or_else(|| "is not a mode: use hybrid, dense or sparse".to_owned())
}

/// The quantizations that a new collection may have.
pub fn quantization(text: &str) -> Result<Quantization, String> {
    [Quantization::Scalar, Quantization::Binary, Quantization::None]
        .into_iter()
        .find(|kind| kind.name() == text)
        .ok_or_else(|| "is not a quantization: use scalar, binary or none".to_owned())
}

pub fn on_secret(text: &str) -> Result<OnSecret, String> {
    OnSecret::ALL
        .into_iter()
        .find(|action| action.name() == text)
        .ok_or_else(|| "is not a secrets policy: use warn, skip, redact or fail".to_owned())
}

pub fn url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err("is not a URL such as http://HOST:PORT".to_owned()),
    }
}

/// Parses a version that goes into a query unescaped: `2024-10-21`, `preview`.
pub fn api_version(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let all = text.chars().all(fits);
    all.then(|| text.to_owned()).ok_or_else(|| "is not a version, such as 2024-10-21".to_owned())
}

/// Parses the name of a header, as in RFC 9110, without the characters that nobody uses.
pub fn header_name(text: &str) -> Result<String, String> {
    let all = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    all.then(|| text.to_owned())
        .ok_or_else(|| "is not the name of a header, such as api-key".to_owned())
}

/// Parses the address of a Qdrant server, with or without a scheme. A key in it is refused, since it
/// would appear in messages.
pub fn address(text: &str) -> Result<String, String> {
    if text.contains(['@', '?']) {
        return Err(
            "has more than an address, and is not shown: a key goes into QDRANT_API_KEY".to_owned()
        );
    }
    Ok(text.to_owned())
}

/// Parses a language for which BM25 has stemming or stop words, or that of each document.
pub fn language(text: &str) -> Result<String, String> {
    let name = text.to_lowercase();
    if name == SparseId::OF_DOCUMENT || SparseId::LANGUAGES.contains(&name.as_str()) {
        return Ok(name);
    }
    let languages = SparseId::LANGUAGES.join(", ");
    Err(format!("is not one of {languages}, or {}", SparseId::OF_DOCUMENT))
}

pub fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("is neither true nor false".to_owned()),
    }
}

/// Parses a switch as other tools do for such variables: `1`, `on`, `yes` or `true`.
pub fn switch(text: &str) -> Result<bool, String> {
    match &*text.to_ascii_lowercase() {
        "1" | "on" | "yes" | "true" => Ok(true),
        "0" | "off" | "no" | "false" => Ok(false),
        _ => Err("is neither true (or 1) nor false (or 0)".to_owned()),
    }
}

/// Parses `30s`, `2m`, `500ms`, `1h`; a bare number is seconds.
pub fn time(text: &str) -> Option<Duration> {
    let (number, unit) = measured(text)?;
    let seconds = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        "w" => 7.0 * 86_400.0,
        "y" => 365.0 * 86_400.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number * seconds).ok()
}

/// Parses `64MB`, `500kB`, `1GB`, `1MiB` into bytes; a bare number is bytes. Units are powers of 1024.
pub fn size(text: &str) -> Option<f64> {
    let (number, unit) = measured(text)?;
    let unit = unit.to_ascii_lowercase();
    let factor = match unit.trim_end_matches('b').trim_end_matches('i') {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        _ => return None,
    };
    Some(number * f64::from(1 << factor))
}

/// Splits a number without a sign from the unit behind it.
fn measured(text: &str) -> Option<(f64, &str)> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    Some((digits.parse().ok()?, unit.trim()))
}

/// A URL for a message, without user, password or query.
pub fn without_credentials(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_once('/').map_or((rest, None), |(a, p)| (a, Some(p)));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let path = path.map(|p| format!("/{p}")).unwrap_or_default();
    if scheme.is_empty() { format!("{host}{path}") } else { format!("{scheme}://{host}{path}") }
}
