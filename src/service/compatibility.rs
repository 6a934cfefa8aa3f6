//! Whether a collection fits the settings: vectors of two models, chunks of two sizes or words of two
//! languages never share a collection. A mismatch names the command that resolves it.

use super::context::Context;
use crate::embed::sparse;
use crate::error::Failure;
use crate::hub::Purpose;
use crate::settings::{EmbeddingModel, Settings, parse};
use crate::types::{ChunkerId, EmbedderId, HubModel, Manifest, SparseId};

/// Compares revisions: models that run in this process are identified by a digest of their files.
pub(super) fn same_revision(
    settings: &Settings,
    built: &EmbedderId,
    now: &EmbedderId,
) -> Result<(), Failure> {
    if built == now {
        return Ok(());
    }
    match &settings.embedding.model {
        EmbeddingModel::OpenAi(_) => Ok(()),
        EmbeddingModel::Builtin => {
            let other = format!("another revision of the built-in embedder ({})", built.revision);
            Err(mismatch(settings, built, &other))
        }
        EmbeddingModel::Onnx(_) | EmbeddingModel::Hub(_) if built.revision != now.revision => {
            let (name, was) = (&built.name, &built.revision);
            let other = format!("another model, `{name}` ({was}; this one is {})", now.revision);
            Err(mismatch(settings, built, &other))
        }
        EmbeddingModel::Onnx(_) | EmbeddingModel::Hub(_) if built.dimensions != now.dimensions => {
            Err(mismatch(settings, built, &format!("vectors of {} dimensions", built.dimensions)))
        }
        EmbeddingModel::Onnx(_) | EmbeddingModel::Hub(_) => {
            Err(mismatch(settings, built, &prefixes(built)))
        }
    }
}

/// Whether the configured embedder has the name of this one.
pub fn embeds_with(settings: &Settings, built: &EmbedderId) -> bool {
    match &settings.embedding.model {
        // The name of a directory means nothing on another machine: see `same_revision`.
        EmbeddingModel::Onnx(_) => {
            built.name.starts_with("onnx:") || parse::hub_model(&built.name).is_ok()
        }
        // A directory may hold this same model; another name on a hub is another model.
        EmbeddingModel::Hub(model) => {
            built.name.starts_with("onnx:") || built.name == model.without_revision().to_string()
        }
        model => built.name == model.name(),
    }
}

/// Vectors of two models never share a collection.
pub(super) fn same_embedder(settings: &Settings, manifest: &Manifest) -> Result<(), Failure> {
    let (built, configured) = (&manifest.embedder, &settings.embedding);
    if !embeds_with(settings, built) {
        return Err(mismatch(settings, built, &format!("the embedder `{}`", built.name)));
    }
    if !configured.model.is_endpoint() {
        return Ok(());
    }
    if configured.dimensions.is_some_and(|dimensions| dimensions != built.dimensions) {
        return Err(mismatch(
            settings,
            built,
            &format!("vectors of {} dimensions", built.dimensions),
        ));
    }
    if built.document_prefix != configured.document_prefix
        || built.query_prefix != configured.query_prefix
    {
        return Err(mismatch(settings, built, &prefixes(built)));
    }
    Ok(())
}

/// Uses the embedder that a collection was built with instead of the configured one, if it costs
/// nothing, or is served by the same endpoint.
pub(super) fn take_embedder(context: &mut Context, built: &EmbedderId) {
    let configured = &mut context.settings.embedding;
    match (parse::embedder(&built.name), &configured.model) {
        (Ok(EmbeddingModel::Builtin), _) => configured.model = EmbeddingModel::Builtin,
        (Ok(model @ EmbeddingModel::OpenAi(_)), EmbeddingModel::OpenAi(_)) => {
            configured.model = model;
            configured.dimensions = configured.dimensions.filter(|it| *it == built.dimensions);
            configured.document_prefix.clone_from(&built.document_prefix);
            configured.query_prefix.clone_from(&built.query_prefix);
        }
        // The collection may come from elsewhere: a model is not fetched because it names it.
        (Ok(EmbeddingModel::Hub(model)), _) => {
            let revision = built.commit().map(str::to_owned);
            let model = HubModel { revision, ..model };
            if matches!(context.hub.cached(&model, Purpose::Embed), Ok(Some(_))) {
                configured.model = EmbeddingModel::Hub(model);
                configured.dimensions = Some(built.dimensions);
                configured.document_prefix.clone_from(&built.document_prefix);
                configured.query_prefix.clone_from(&built.query_prefix);
            }
        }
        _ => {}
    }
}

fn prefixes(built: &EmbedderId) -> String {
    let EmbedderId { document_prefix, query_prefix, .. } = built;
    format!("the prefixes {document_prefix:?} (documents) and {query_prefix:?} (questions)")
}

fn mismatch(settings: &Settings, built: &EmbedderId, built_with: &str) -> Failure {
    let name = settings.embedding.model.name();
    let remedy = match flag(built) {
        Some(flag) if built.name != name => format!("use {flag}"),
        _ => "use the settings it was built with (`docent status` shows them)".to_owned(),
    };
    Failure::config(format!(
        "collection `{}` was built with {built_with}, and the embedder is `{name}`",
        settings.collection
    ))
    .hint(format!("{remedy}, or rebuild it: docent ingest --rebuild --embedder {name}"))
}

/// The flag that chooses the embedder a collection was built with; `None` for a directory, which may be
/// elsewhere on this machine, and for a name that a shell would not take as it is.
fn flag(built: &EmbedderId) -> Option<String> {
    let model = match parse::embedder(&built.name).ok()? {
        EmbeddingModel::Onnx(_) => return None,
        EmbeddingModel::Hub(model) => {
            HubModel { revision: built.commit().map(str::to_owned), ..model }.to_string()
        }
        EmbeddingModel::Builtin | EmbeddingModel::OpenAi(_) => built.name.clone(),
    };
    // The name comes with the collection, and people paste what a hint says.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@#".contains(c);
    model.chars().all(is_plain).then(|| format!("--embedder {model}"))
}

/// Chunks of two sizes would compete in one collection.
pub fn same_chunker(
    settings: &Settings,
    chunker: &ChunkerId,
    manifest: &Manifest,
) -> Result<(), Failure> {
    let built = &manifest.chunker;
    if built == chunker {
        return Ok(());
    }
    if built.revision != chunker.revision {
        return Err(Failure::config(format!(
            "collection `{}` was built by docent {}, which cut documents into other chunks",
            settings.collection, manifest.docent
        ))
        .hint("the collection can still be searched; to change it, rebuild it: docent ingest --rebuild"));
    }
    Err(Failure::config(format!(
        "collection `{}` was built with chunks of {} tokens with an overlap of {}; the settings are now {} and {}",
        settings.collection,
        built.max_tokens,
        built.overlap_tokens,
        chunker.max_tokens,
        chunker.overlap_tokens,
    ))
    .hint(format!(
        "use --chunk-tokens {} --chunk-overlap {}, or rebuild it: docent ingest --rebuild",
        built.max_tokens, built.overlap_tokens
    )))
}

/// A collection has the terms of one language, or those of each document's own language.
pub fn check_analyzer(settings: &Settings, manifest: &Manifest) -> Result<(), Failure> {
    let built = &manifest.sparse.language;
    match &settings.language {
        Some(language) if language != built => Err(Failure::config(format!(
            "collection `{}` was built with the words of {}, not of {}",
            settings.collection,
            words_of(built),
            words_of(language)
        ))
        .hint(format!(
            "use --language {built}, or rebuild it: docent ingest --rebuild --language {language}"
        ))),
        _ => sparse::check(&manifest.sparse).map_err(|problem| other_words(settings, &problem)),
    }
}

/// The language for the words of new documents, as in [`SparseId::language`]: the one that is `set`, or
/// that of what is `stored`, or of the `former` version that this one is built from; otherwise each
/// document has its own.
pub(super) fn words_of_new(
    set: Option<&str>,
    stored: Option<&Manifest>,
    former: Option<&Manifest>,
) -> String {
    // Before languages were detected, collections for which none was set were English.
    let chosen = |former: &&Manifest| {
        former.sparse.language != sparse::LANGUAGE || !former.languages.is_empty()
    };
    let built = stored.or(former.filter(chosen)).map(|built| built.sparse.language.as_str());
    set.or(built).unwrap_or(SparseId::OF_DOCUMENT).to_owned()
}

/// The language that is set, or what takes its place.
fn words_of(language: &str) -> &str {
    if language == SparseId::OF_DOCUMENT { "each document's own language" } else { language }
}

pub(super) fn other_words(settings: &Settings, problem: &str) -> Failure {
    Failure::config(format!("collection `{}`: {problem}", settings.collection))
        .hint("rebuild it: docent ingest --rebuild")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    fn built(language: &str, languages: &serde_json::Value) -> Manifest {
        let manifest = json!({
            "schema_version": 1,
            "embedder": {"name": "builtin", "revision": "1", "dimensions": 4},
            "chunker": {"max_tokens": 256, "overlap_tokens": 32, "revision": 1},
            "sparse": {"model": "bm25", "revision": 2, "language": language, "k": 1.2, "b": 0.75, "avg_len": 40.0},
            "docent": "0.1.0",
            "created_at": "2026-01-01T00:00:00Z",
            "languages": languages,
        });
        serde_json::from_value(manifest).unwrap()
    }

    #[test]
    fn the_flag_for_the_embedder_of_a_collection_can_be_pasted() {
        let flag_of = |name: &str, revision: &str| {
            let built = json!({"name": name, "revision": revision, "dimensions": 4});
            flag(&serde_json::from_value(built).unwrap())
        };
        assert_eq!(flag_of("builtin", "1").as_deref(), Some("--embedder builtin"));
        assert_eq!(flag_of("openai:a-3", "").as_deref(), Some("--embedder openai:a-3"));
        let hub = flag_of("hf:a/b#onnx/q.onnx", "5f@0123abc");
        assert_eq!(hub.as_deref(), Some("--embedder hf:a/b@0123abc#onnx/q.onnx"));
        for odd in ["onnx:models/a", "openai:a; rm -rf b", "openai:$(a)", "other"] {
            assert_eq!(flag_of(odd, ""), None, "{odd}");
        }
    }

    #[test]
    fn a_collection_keeps_its_language_and_a_new_one_has_those_of_its_documents() {
        let (none, some) = (json!({}), json!({"english": 3}));
        let [before, german, english, auto] = [
            built("english", &none),
            built("german", &none),
            built("english", &some),
            built("auto", &some),
        ];
        for (set, stored, former, words) in [
            (None, None, None, "auto"),
            (Some("french"), None, None, "french"),
            (None, Some(&before), None, "english"),
            (None, Some(&auto), None, "auto"),
            (None, None, Some(&before), "auto"),
            (None, None, Some(&german), "german"),
            (None, None, Some(&english), "english"),
            (None, None, Some(&auto), "auto"),
            (Some("auto"), None, Some(&german), "auto"),
        ] {
            assert_eq!(words_of_new(set, stored, former), words);
        }
    }
}
