//! The files of a model, and how it has to be used: reads the configuration files of sentence-transformers
//! and Hugging Face, as far as vectors and scores depend on them.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{ModelPlace, OnnxError, unreadable};

/// Tokens that a model reads if nothing else is known.
const DEFAULT_TOKENS: usize = 512;
/// Usual name of the graph's file.
const GRAPH: &str = "model.onnx";
const EXPORT: &str = "export the model to ONNX: `optimum-cli export onnx --model NAME DIR`, or save it with sentence-transformers and backend=\"onnx\"";
const FAST_TOKENIZER: &str =
    "save the fast tokenizer beside it: AutoTokenizer.from_pretrained(NAME).save_pretrained(DIR)";

/// How the vectors of the tokens become one (pooling in sentence-transformers).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pooling {
    /// The vector of the first token.
    Cls,
    Max,
    Mean,
    /// The sum divided by the square root of the number of tokens. Alone, it has the direction of the mean.
    MeanSqrtLength,
    /// The mean, each token weighted by its position from 1.
    WeightedMean,
    LastToken,
}

/// A model in a directory.
#[derive(Clone, PartialEq, Debug)]
pub struct ModelLayout {
    /// `onnx:` and the name of the directory, or the name under which it was published.
    pub name: String,
    /// The commit with which it was published, if known.
    pub commit: Option<String>,
    pub model: PathBuf,
    /// Files beside the model that hold its weights, if they are not in it.
    pub weights: Vec<PathBuf>,
    pub tokenizer: PathBuf,
    /// Parts of a vector, in order: usually one.
    pub pooling: Vec<Pooling>,
    /// Names of modules after pooling that are not in the ONNX file.
    pub further_modules: Vec<String>,
    /// Tokens of an input that the model reads, including special tokens.
    pub max_tokens: usize,
    pub lowercase: bool,
    pub pad_id: Option<u32>,
    pub document_prompt: String,
    pub query_prompt: String,
    /// Whether the model was made to score pairs of texts.
    pub scores_pairs: bool,
    /// Path of the model's configuration, whether or not it exists.
    pub config: PathBuf,
    /// Meanings of the values that the model returns for a text or a pair, in order; empty if the
    /// configuration does not name all of them.
    pub labels: Vec<String>,
}

#[derive(Deserialize)]
struct Module {
    #[serde(default)]
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

impl Module {
    /// `sentence_transformers.models.Pooling` → `Pooling`.
    fn name(&self) -> &str {
        self.kind.rsplit('.').next().unwrap_or_default()
    }
}

impl ModelLayout {
    /// Reads the configuration in a directory. Only the model and `tokenizer.json` are required.
    pub fn read(place: impl Into<ModelPlace>) -> Result<Self, OnnxError> {
        let place: ModelPlace = place.into();
        let dir = &*place.dir;
        if !dir.is_dir() {
            let hint = "name the directory that has tokenizer.json and model.onnx";
            return Err(OnnxError::new(dir, "is not a directory", hint));
        }
        let modules: Vec<Module> = json(&dir.join("modules.json"))?.unwrap_or_default();
        let module = |name: &str| modules.iter().find(|module| module.name() == name);
        let transformer = dir.join(module("Transformer").map_or("", |module| &module.path));
        let places =
            [dir.to_owned(), dir.join("onnx"), transformer.clone(), transformer.join("onnx")];
        let graph = place.graph.as_deref();
        let model = match graph {
            Some(graph) => Some(dir.join(graph)).filter(|file| file.is_file()),
            None => first_file(&places, GRAPH),
        };
        let model = model.ok_or_else(|| {
            OnnxError::new(&dir.join(graph.unwrap_or(GRAPH)), "is not there", EXPORT)
        })?;
        let tokenizer = first_file(&places, "tokenizer.json").ok_or_else(|| {
            OnnxError::new(&dir.join("tokenizer.json"), "is not there", FAST_TOKENIZER)
        })?;
        let config_path = transformer.join("config.json");
        let config: Config = json(&config_path)?.unwrap_or_default();
        let sentence: SentenceConfig =
            json(&transformer.join("sentence_bert_config.json"))?.unwrap_or_default();
        let tokens: TokenizerConfig =
            json(&transformer.join("tokenizer_config.json"))?.unwrap_or_default();
        let prompts: PromptConfig =
            json(&dir.join("config_sentence_transformers.json"))?.unwrap_or_default();
        let pooling = module("Pooling").map_or("1_Pooling", |module| &module.path);
        let known = ["Transformer", "Pooling", "Normalize"];
        Ok(Self {
            name: place.name(),
            commit: place.published.map(|published| published.commit),
            weights: weights(&model)?,
            pooling: read_pooling(&dir.join(pooling).join("config.json"))?,
            further_modules: modules
                .iter()
                .map(|module| module.name().to_owned())
                .filter(|name| !known.contains(&name.as_str()))
                .collect(),
            max_tokens: max_tokens(&config, &sentence, &tokens),
            lowercase: sentence.do_lower_case,
            pad_id: config.pad_token_id,
            document_prompt: prompts.of(&["document", "passage", "corpus"]),
            query_prompt: prompts.of(&["query"]),
            scores_pairs: config
                .architectures
                .iter()
                .any(|name| name.ends_with("ForSequenceClassification")),
            labels: config.labels(),
            config: config_path,
            model,
            tokenizer,
        })
    }

    /// All files that vectors and scores are computed from.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        [&self.model, &self.tokenizer].into_iter().chain(&self.weights).map(PathBuf::as_path)
    }

    /// Pooling as text, for the identity of a model.
    pub fn pooling_name(&self) -> String {
        self.pooling.iter().map(|pooling| format!("{pooling:?}")).collect::<Vec<_>>().join("+")
    }
}

#[derive(Deserialize, Default)]
struct Config {
    #[serde(default)]
    architectures: Vec<String>,
    #[serde(default)]
    model_type: String,
    max_position_embeddings: Option<usize>,
    pad_token_id: Option<u32>,
    #[serde(default)]
    id2label: Value,
    #[serde(default)]
    label2id: Value,
}

impl Config {
    /// From `id2label`, or else from `label2id`. In models without usable labels these have all kinds of
    /// values.
    fn labels(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let named = self.id2label.as_object().into_iter().flatten();
        let mut labels: BTreeMap<usize, String> =
            named.filter_map(|(id, label)| Some((id.parse().ok()?, text(label)?))).collect();
        if labels.is_empty() {
            let ids = self.label2id.as_object().into_iter().flatten();
            labels = ids
                .filter_map(|(label, id)| Some((id.as_u64()? as usize, label.clone())))
                .collect();
        }
        let whole = labels.keys().copied().eq(0..labels.len());
        if whole { labels.into_values().collect() } else { Vec::new() }
    }
}

#[derive(Deserialize, Default)]
struct SentenceConfig {
    max_seq_length: Option<usize>,
    #[serde(default)]
    do_lower_case: bool,
}

#[derive(Deserialize, Default)]
struct TokenizerConfig {
    /// 1e30 if nobody knows it.
    model_max_length: Option<f64>,
}

#[derive(Deserialize, Default)]
struct PromptConfig {
    #[serde(default)]
    prompts: BTreeMap<String, Option<String>>,
    default_prompt_name: Option<String>,
}

impl PromptConfig {
    /// The prompt of the first of `names` that has one, or else the default one.
    fn of(&self, names: &[&str]) -> String {
        let named = names.iter().find_map(|name| self.prompts.get(*name));
        let default = || self.prompts.get(self.default_prompt_name.as_ref()?);
        named.or_else(default).cloned().flatten().unwrap_or_default()
    }
}

/// As in sentence-transformers: its own setting, or else what the tokenizer and the positions allow.
/// `RoBERTa` and its relatives count positions from after the padding token.
fn max_tokens(config: &Config, sentence: &SentenceConfig, tokens: &TokenizerConfig) -> usize {
    let shifted = ["roberta", "camembert", "mpnet", "longformer"]
        .iter()
        .any(|kin| config.model_type.contains(kin));
    let before = if shifted { config.pad_token_id.unwrap_or(1) as usize + 1 } else { 0 };
    let positions = config.max_position_embeddings.map(|count| count.saturating_sub(before));
    let tokenizer = tokens.model_max_length.filter(|count| *count >= 1.0 && *count < 1e9);
    let known = [sentence.max_seq_length, tokenizer.map(|count| count as usize), positions];
    known.into_iter().flatten().filter(|count| *count > 0).min().unwrap_or(DEFAULT_TOKENS)
}

/// The mean if nothing is configured, as in sentence-transformers.
fn read_pooling(path: &Path) -> Result<Vec<Pooling>, OnnxError> {
    let Some(config) = json::<Value>(path)? else { return Ok(vec![Pooling::Mean]) };
    // In the order in which several are concatenated.
    let known = [
        ("cls", "pooling_mode_cls_token", Pooling::Cls),
        ("max", "pooling_mode_max_tokens", Pooling::Max),
        ("mean", "pooling_mode_mean_tokens", Pooling::Mean),
        ("mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens", Pooling::MeanSqrtLength),
        ("weightedmean", "pooling_mode_weightedmean_tokens", Pooling::WeightedMean),
        ("lasttoken", "pooling_mode_lasttoken", Pooling::LastToken),
    ];
    let named: Vec<&str> = match config.get("pooling_mode") {
        Some(Value::String(name)) => name.split('+').collect(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let unknown = named.iter().find(|name| !known.iter().any(|row| row.0 == **name));
    let chosen = known.iter().filter(|(name, flag, _)| {
        let flagged = config.get(flag).and_then(Value::as_bool) == Some(true);
        if named.is_empty() { flagged } else { named.contains(name) }
    });
    let chosen: Vec<Pooling> = chosen.map(|row| row.2).collect();
    if unknown.is_some() || chosen.is_empty() {
        let problem = match unknown {
            Some(name) => format!("has the unknown pooling {name:?}"),
            None => "has no known pooling".to_owned(),
        };
        let hint = "use a model with cls, max, mean, weightedmean or lasttoken pooling";
        return Err(OnnxError::new(path, problem, hint));
    }
    Ok(chosen)
}

/// `None` if there is no such file.
fn json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, OnnxError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, &error)),
    };
    serde_json::from_slice(&text).map(Some).map_err(|error| {
        let hint = "copy the model's files again: this one is not as it was published";
        OnnxError::new(path, format!("is not what was expected: {error}"), hint)
    })
}

fn first_file(places: &[PathBuf], name: &str) -> Option<PathBuf> {
    places.iter().map(|place| place.join(name)).find(|file| file.is_file())
}

/// Weights may be in separate files: `model.onnx_data`, `model.onnx.data` and the like. Files of other
/// variants of the model are named `model_*`; those of such a variant begin with its whole name.
fn weights(model: &Path) -> Result<Vec<PathBuf>, OnnxError> {
    let dir = model.parent().unwrap_or(Path::new("."));
    let graph = model.file_name().and_then(|name| name.to_str()).unwrap_or(GRAPH);
    let entries = fs::read_dir(dir).map_err(|error| unreadable(dir, &error))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut weights: Vec<PathBuf> = paths
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let of_another =
                if graph == GRAPH { name.starts_with("model_") } else { !name.starts_with(graph) };
            if of_another {
                return false;
            }
            let extension = path.extension().and_then(|extension| extension.to_str());
            extension.is_some_and(|text| text.starts_with("onnx_data") || text.starts_with("data"))
        })
        .collect();
    weights.sort();
    Ok(weights)
}
