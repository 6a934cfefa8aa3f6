//! Flags + environment + project file + user file + defaults → [`Settings`]. Pure: the layers come
//! in as data, and nothing here reads a file or a variable.
//!
//! Every setting is a row of [`keys::KEYS`]; a layer is a map from a row's name to text; the first
//! layer that has a value wins. `docent config show` prints exactly what [`resolve`] decided.

pub mod keys;
pub mod layers;
mod models;
pub mod parse;

use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

pub use keys::{KEYS, Key};
pub use layers::{Layer, Layers, Origin};
pub use models::{Rerank, RerankModel};

use crate::types::{ChatPrice, Mode, OnSecret};

/// Everything that can be set, with the types the rest of the program wants.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    pub collection: String,
    /// `None`: `.docent` in the project root.
    pub data_dir: Option<PathBuf>,
    /// How long another process may keep the collection.
    pub wait: Duration,
    pub tape: Option<TapeFile>,
    pub embedding: Embedding,
    pub chat: Chat,
    pub qdrant: Qdrant,
    pub chunk_tokens: usize,
    pub chunk_overlap: usize,
    /// Of the sparse leg; `None` where it is not set.
    pub language: Option<String>,
    pub search: Search,
    /// `None`: hits stay in the order of retrieval.
    pub rerank: Option<Rerank>,
    pub ingest: Ingest,
    pub web: Web,
    pub trace: Trace,
    /// Tries of a request that is worth retrying, the first included.
    pub attempts: u32,
    /// What was decided, row by row, for `config show`.
    pub resolved: Vec<Resolved>,
    /// Keys and permissions that were withheld, each with the reason.
    pub notices: Vec<String>,
}

impl Settings {
    /// Takes another chat model of the same endpoint; `None` quotes.
    pub fn take_model(&mut self, model: Option<String>) {
        for row in self.resolved.iter_mut().filter(|row| row.key.name == "model") {
            row.value.clone_from(&model);
        }
        self.chat.model = model;
    }
}

/// A recording of the exchanges with models, and what it is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TapeFile {
    Record(PathBuf),
    Replay(PathBuf),
}

#[derive(Clone, PartialEq, Debug)]
pub struct Embedding {
    pub model: EmbeddingModel,
    pub endpoint: Endpoint,
    pub dimensions: Option<usize>,
    pub document_prefix: String,
    pub query_prefix: String,
    pub batch_items: usize,
    pub batch_tokens: usize,
    pub input_tokens: usize,
    pub concurrency: usize,
    /// Requests and tokens per minute. `None`: as fast as the endpoint goes.
    pub rpm: Option<u64>,
    pub tpm: Option<u64>,
    /// Of a million tokens, in the user's currency.
    pub price: Option<f64>,
    pub timeout: Duration,
}

impl Embedding {
    /// What so many tokens cost; `None` where that is not known.
    pub fn cost(&self, tokens: u64) -> Option<f64> {
        let price = self.price.filter(|_| self.model.is_endpoint());
        price.map(|price| tokens as f64 * price / 1e6)
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EmbeddingModel {
    Builtin,
    OpenAi(String),
    /// The directory of an ONNX model.
    Onnx(PathBuf),
}

impl EmbeddingModel {
    /// As in `--embedder`.
    pub fn name(&self) -> String {
        match self {
            Self::Builtin => "builtin".to_owned(),
            Self::OpenAi(model) => format!("openai:{model}"),
            Self::Onnx(dir) => format!("onnx:{}", dir.display()),
        }
    }

    /// Whether it is asked over HTTP.
    pub fn is_endpoint(&self) -> bool {
        matches!(self, Self::OpenAi(_))
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Chat {
    /// `None`: answers are quoted from the passages.
    pub model: Option<String>,
    pub endpoint: Endpoint,
    pub temperature: Option<f32>,
    pub max_tokens: Option<u32>,
    /// File with the system prompt.
    pub system: Option<PathBuf>,
    /// File with a template of the whole prompt.
    pub prompt: Option<PathBuf>,
    pub timeout: Duration,
    pub idle_timeout: Duration,
    pub context_tokens: usize,
    /// Questions of a batch at a time.
    pub concurrency: usize,
    /// An answer that its citations do not bear out as a whole is none.
    pub require_citations: bool,
    /// `None` where it is not known.
    pub price: Option<ChatPrice>,
    /// What is typed in a conversation is remembered in a file.
    pub history: bool,
}

/// An OpenAI-compatible server and the key that goes with it, and only with it.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub base_url: String,
    pub api_key: Option<String>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("base_url", &self.base_url)
            .field("api_key", &self.api_key.as_ref().map(|_| "***"))
            .finish()
    }
}

#[derive(Clone, PartialEq)]
pub struct Qdrant {
    /// `None`: the embedded store.
    pub url: Option<String>,
    pub api_key: Option<String>,
    pub timeout: Duration,
    pub shard_number: Option<u32>,
    pub replication_factor: Option<u32>,
}

impl std::fmt::Debug for Qdrant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Qdrant")
            .field("url", &self.url)
            .field("api_key", &self.api_key.as_ref().map(|_| "***"))
            .finish_non_exhaustive()
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Search {
    pub k: usize,
    pub mode: Mode,
    pub min_score: Option<f32>,
    /// Of the sparse leg in the fused score; `None` decides by the embedder.
    pub sparse_weight: Option<f32>,
    /// Of late interaction in the score; `None` decides by the embedder.
    pub late_weight: Option<f32>,
    /// The chat model makes a query of the question.
    pub rewrite: bool,
    /// Wordings of the question by the chat model that are retrieved as well.
    pub expand: usize,
    /// The dense leg asks with a passage that the chat model makes up.
    pub hyde: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Ingest {
    pub max_file_size: u64,
    pub extract_timeout: Duration,
    pub extract_memory: u64,
    /// Part of the collection's documents that a run may delete without being told to, 0 to 1.
    pub prune_share: f64,
    /// What becomes of documents that hold secrets.
    pub on_secret: OnSecret,
    /// What one run may spend on embeddings, in the currency of [`Embedding::price`].
    pub max_cost: Option<f64>,
    /// How long one run may take.
    pub deadline: Option<Duration>,
}

/// How pages of the web are fetched.
#[derive(Clone, PartialEq, Debug)]
pub struct Web {
    /// From addresses of this machine and its networks too.
    pub allow_private: bool,
    pub max_pages: usize,
    pub timeout: Duration,
}

/// What is kept of each answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    /// A file, or a directory.
    pub path: Option<PathBuf>,
    /// The words of prompts and answers, too.
    pub content: bool,
}

/// One row of `config show`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolved {
    pub key: &'static Key,
    /// `None` where there is neither a value nor a default.
    pub value: Option<String>,
    pub origin: Origin,
}

/// A setting that cannot be used. All of these are exit 3, but for flags, which are exit 2.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{message}")]
pub struct SettingsError {
    pub message: String,
    pub hint: Option<String>,
    /// The value was typed on the command line.
    pub usage: bool,
}

/// Decides every setting.
///
/// `trusted` says that the user trusts the project file to choose where keys are sent.
pub fn resolve(layers: &Layers, trusted: bool) -> Result<Settings, SettingsError> {
    let values = Values { layers, trusted };
    let mut notices = Vec::new();
    let shared = values.endpoint("openai.base_url", "openai.api_key", &mut notices)?;
    let embedding_endpoint = values.own_endpoint("embedding", &shared, &mut notices)?;
    let chat_endpoint = values.own_endpoint("chat", &shared, &mut notices)?;
    let qdrant_url = values.optional("qdrant.url", parse::address)?;
    let qdrant_key = values.key_for("qdrant.url", "qdrant.api_key", &mut notices);
    let allow_private = values.permission("web.allow_private", &mut notices)?;
    let tape = values.tape(&mut notices)?;
    let rerank = values.rerank(&mut notices)?;
    let on_secret = values.on_secret(&mut notices)?;
    let trace_content = values.permission("trace.content", &mut notices)?;

    let settings = Settings {
        collection: values.parsed("collection", parse::collection)?,
        data_dir: values.path("data_dir")?,
        wait: values.parsed("wait", parse::wait)?,
        tape,
        embedding: Embedding {
            model: values.embedder()?,
            endpoint: embedding_endpoint,
            dimensions: values.optional("embedding.dimensions", parse::count)?,
            document_prefix: values.text("embedding.document_prefix").unwrap_or_default(),
            query_prefix: values.text("embedding.query_prefix").unwrap_or_default(),
            batch_items: values.parsed("embedding.batch_items", parse::count)?,
            batch_tokens: values.parsed("embedding.batch_tokens", parse::count)?,
            input_tokens: values.parsed("embedding.input_tokens", parse::count)?,
            concurrency: values.parsed("embedding.concurrency", parse::count)?,
            rpm: values.optional("embedding.rpm", parse::count)?,
            tpm: values.optional("embedding.tpm", parse::count)?,
            price: values.optional("embedding.price", parse::amount)?,
            timeout: values.parsed("embedding.timeout", parse::duration)?,
        },
        chat: Chat {
            model: values.text("model").filter(|model| model != "extractive"),
            endpoint: chat_endpoint,
            temperature: values.optional("chat.temperature", parse::float)?,
            max_tokens: values.optional("chat.max_tokens", parse::count)?,
            system: values.path("chat.system")?,
            prompt: values.path("chat.prompt")?,
            timeout: values.parsed("chat.timeout", parse::duration)?,
            idle_timeout: values.parsed("chat.idle_timeout", parse::duration)?,
            context_tokens: values.parsed("chat.context_tokens", parse::count)?,
            concurrency: values.parsed("chat.concurrency", parse::count)?,
            require_citations: values.parsed("chat.require_citations", parse::boolean)?,
            price: values.chat_price()?,
            history: values.parsed("chat.history", parse::boolean)?,
        },
        qdrant: Qdrant {
            url: qdrant_url,
            api_key: qdrant_key,
            timeout: values.parsed("qdrant.timeout", parse::duration)?,
            shard_number: values.optional("qdrant.shard_number", parse::count)?,
            replication_factor: values.optional("qdrant.replication_factor", parse::count)?,
        },
        chunk_tokens: values.parsed("chunk.tokens", parse::count)?,
        chunk_overlap: values.parsed("chunk.overlap", parse::number)?,
        language: values.optional("sparse.language", parse::language)?,
        search: Search {
            k: values.parsed("search.k", parse::count)?,
            mode: values.parsed("search.mode", parse::mode)?,
            min_score: values.optional("search.min_score", parse::float)?,
            sparse_weight: values.optional("search.sparse_weight", parse::share)?.map(|x| x as f32),
            late_weight: values.optional("search.late_weight", parse::share)?.map(|x| x as f32),
            rewrite: values.parsed("search.rewrite", parse::boolean)?,
            expand: values.parsed("search.expand", parse::variants)?,
            hyde: values.parsed("search.hyde", parse::boolean)?,
        },
        rerank,
        ingest: Ingest {
            max_file_size: values.parsed("ingest.max_file_size", parse::size)?,
            extract_timeout: values.parsed("ingest.extract_timeout", parse::duration)?,
            extract_memory: values.parsed("ingest.extract_memory", parse::size)?,
            on_secret,
            prune_share: values.parsed("ingest.prune_share", parse::share)?,
            max_cost: values.optional("ingest.max_cost", parse::amount)?,
            deadline: values.optional("ingest.deadline", parse::duration)?,
        },
        web: Web {
            allow_private,
            max_pages: values.parsed("web.max_pages", parse::count)?,
            timeout: values.parsed("web.timeout", parse::duration)?,
        },
        trace: Trace { path: values.path("trace.path")?, content: trace_content },
        attempts: values.parsed("attempts", parse::count)?,
        resolved: KEYS.iter().map(|key| layers.resolved(key)).collect(),
        notices,
    };
    values.agree(&settings)?;
    Ok(settings)
}

/// The layers, read with types.
struct Values<'a> {
    layers: &'a Layers,
    trusted: bool,
}

impl Values<'_> {
    fn found(&self, name: &str) -> Option<(&str, &Origin)> {
        self.layers.find(keys::key(name))
    }

    /// The value comes from the command line.
    fn typed(&self, name: &str) -> bool {
        self.found(name).is_some_and(|(_, origin)| *origin == Origin::Flag)
    }

    /// Settings that are fine alone and make no sense together.
    fn agree(&self, settings: &Settings) -> Result<(), SettingsError> {
        let typed = |names: &[&str]| names.iter().any(|name| self.typed(name));
        if settings.chunk_overlap * 2 > settings.chunk_tokens {
            return Err(SettingsError {
                message: format!(
                    "chunk.overlap is {}, more than half of chunk.tokens ({})",
                    settings.chunk_overlap, settings.chunk_tokens
                ),
                hint: Some("set --chunk-overlap lower or --chunk-tokens higher".to_owned()),
                usage: typed(&["chunk.overlap", "chunk.tokens"]),
            });
        }
        if settings.search.hyde && settings.search.mode == Mode::Sparse {
            return Err(SettingsError {
                message: "search.hyde is for the dense leg, and search.mode is sparse".to_owned(),
                hint: Some("leave out --hyde, or use --mode hybrid or dense".to_owned()),
                usage: typed(&["search.hyde", "search.mode"]),
            });
        }
        if settings.chat.system.is_some() && settings.chat.prompt.is_some() {
            return Err(SettingsError {
                message: "chat.prompt and chat.system are both set: a template has its own \
                          introduction"
                    .to_owned(),
                hint: Some("leave one out, or unset it with --system '' or --prompt ''".to_owned()),
                usage: typed(&["chat.system", "chat.prompt"]),
            });
        }
        let embedding = &settings.embedding;
        if settings.ingest.max_cost.is_some()
            && embedding.price.is_none()
            && embedding.model.is_endpoint()
        {
            let (_, origin) = self.found("ingest.max_cost").unzip();
            let name = origin.unwrap_or(&Origin::Default).of(keys::key("ingest.max_cost"));
            return Err(SettingsError {
                message: format!("{name} needs the price of {}", embedding.model.name()),
                hint: Some(format!(
                    "{}: what a million tokens cost, in the same currency",
                    keys::key("embedding.price").how_to_set()
                )),
                usage: typed(&["ingest.max_cost"]),
            });
        }
        Ok(())
    }

    /// What is sent and what is generated have a price each, and the sum needs both.
    fn chat_price(&self) -> Result<Option<ChatPrice>, SettingsError> {
        let [input, cached, output] = ["chat.price_in", "chat.price_cached", "chat.price_out"];
        let price = |name| self.optional(name, parse::amount);
        match (price(input)?, price(cached)?, price(output)?) {
            (Some(input), cached, Some(output)) => {
                Ok(Some(ChatPrice { input, cached: cached.unwrap_or(input), output }))
            }
            (None, None, None) => Ok(None),
            (found, _, _) => Err(SettingsError {
                message: "a cost needs both chat.price_in and chat.price_out".to_owned(),
                hint: Some(keys::key(if found.is_some() { output } else { input }).how_to_set()),
                usage: false,
            }),
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        let value = self.found(name).map(|(value, _)| value.to_owned());
        value.or_else(|| keys::key(name).default.map(str::to_owned)).filter(|v| !v.is_empty())
    }

    fn optional<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, SettingsError> {
        let Some(value) = self.text(name) else { return Ok(None) };
        parse(&value).map(Some).map_err(|problem| {
            let key = keys::key(name);
            let origin = self.found(name).map_or(Origin::Default, |(_, origin)| origin.clone());
            SettingsError {
                message: format!("{}: `{}` {problem}", origin.of(key), layers::shown(key, &value)),
                hint: None,
                usage: origin == Origin::Flag,
            }
        })
    }

    fn parsed<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, SettingsError> {
        self.optional(name, parse)?.ok_or_else(|| SettingsError {
            message: format!("{name} is empty"),
            hint: Some(keys::key(name).how_to_set()),
            usage: false,
        })
    }

    /// A path: relative to the file that sets it, or to the working directory. The project file may
    /// not name one outside the project.
    fn path(&self, name: &str) -> Result<Option<PathBuf>, SettingsError> {
        let Some((value, origin)) = self.found(name) else { return Ok(None) };
        self.located(name, value, origin).map(Some)
    }

    fn located(&self, name: &str, value: &str, origin: &Origin) -> Result<PathBuf, SettingsError> {
        let Some(base) = origin.directory() else { return Ok(PathBuf::from(value)) };
        let outside = Path::new(value).is_absolute()
            || Path::new(value).components().any(|c| c == std::path::Component::ParentDir);
        if outside && matches!(origin, Origin::Project(_)) && !self.trusted {
            return Err(SettingsError {
                message: format!(
                    "{}: `{value}` is outside the project",
                    origin.of(keys::key(name))
                ),
                hint: Some(
                    "use a path inside the project, or trust this file: docent config trust"
                        .to_owned(),
                ),
                usage: false,
            });
        }
        Ok(base.join(value))
    }

    /// `record` or `replay`: of both, the one that was typed.
    fn tape(&self, notices: &mut Vec<String>) -> Result<Option<TapeFile>, SettingsError> {
        let record = self.users_path("record", notices)?;
        let replay = self.users_path("replay", notices)?;
        match (record, replay) {
            (Some(record), Some(_)) if self.typed("record") => Ok(Some(TapeFile::Record(record))),
            (Some(_), Some(replay)) if self.typed("replay") => Ok(Some(TapeFile::Replay(replay))),
            (Some(_), Some(_)) => Err(SettingsError {
                message: "record and replay are both set".to_owned(),
                hint: Some("unset one of DOCENT_RECORD and DOCENT_REPLAY".to_owned()),
                usage: false,
            }),
            (record, replay) => {
                Ok(record.map(TapeFile::Record).or_else(|| replay.map(TapeFile::Replay)))
            }
        }
    }

    /// A path that only the user may name: an untrusted project file could have prompts written
    /// into the project, or put answers into a model's mouth.
    fn users_path(
        &self,
        name: &str,
        notices: &mut Vec<String>,
    ) -> Result<Option<PathBuf>, SettingsError> {
        match self.found(name) {
            Some((_, origin @ Origin::Project(_))) if !self.trusted => {
                notices.push(not_followed(name, origin));
                Ok(None)
            }
            _ => self.path(name),
        }
    }

    /// Something that only the user may allow: an untrusted project file may not.
    fn permission(&self, name: &str, notices: &mut Vec<String>) -> Result<bool, SettingsError> {
        let allowed = self.parsed(name, parse::boolean)?;
        match self.found(name) {
            Some((_, origin @ Origin::Project(_))) if allowed && !self.trusted => {
                notices.push(not_followed(name, origin));
                Ok(false)
            }
            _ => Ok(allowed),
        }
    }

    /// What becomes of secrets. An untrusted project file may keep them out, and may not let in what
    /// the user's own file keeps out.
    fn on_secret(&self, notices: &mut Vec<String>) -> Result<OnSecret, SettingsError> {
        const NAME: &str = "ingest.on_secret";
        let chosen = self.parsed(NAME, parse::on_secret)?;
        let Some((_, origin @ Origin::Project(_))) = self.found(NAME) else { return Ok(chosen) };
        let beneath =
            self.layers.beneath(keys::key(NAME)).map(|(value, _)| parse::on_secret(value));
        match beneath {
            Some(Ok(own)) if own.keeps_out() && !chosen.keeps_out() && !self.trusted => {
                notices.push(not_followed(NAME, origin));
                Ok(own)
            }
            _ => Ok(chosen),
        }
    }

    /// The key that goes with `url`, unless an untrusted project file chose the URL and the key
    /// comes from somewhere else.
    fn key_for(&self, url: &str, key: &str, notices: &mut Vec<String>) -> Option<String> {
        let (value, key_origin) = self.found(key)?;
        if let Some((host, Origin::Project(file))) = self.found(url)
            && !self.trusted
            && !matches!(key_origin, Origin::Project(_))
        {
            notices.push(format!(
                "{} was not used: {} sets {url} to {}, and that file is not trusted (docent config trust)",
                key_origin.of(keys::key(key)),
                file.display(),
                parse::without_credentials(host)
            ));
            return None;
        }
        Some(value.to_owned())
    }

    fn endpoint(
        &self,
        url: &str,
        key: &str,
        notices: &mut Vec<String>,
    ) -> Result<Endpoint, SettingsError> {
        Ok(Endpoint {
            base_url: self.parsed(url, parse::url)?,
            api_key: self.key_for(url, key, notices),
        })
    }

    /// `PREFIX.base_url` with its own key where it is set, the shared endpoint otherwise.
    fn own_endpoint(
        &self,
        prefix: &str,
        shared: &Endpoint,
        notices: &mut Vec<String>,
    ) -> Result<Endpoint, SettingsError> {
        let (url, key) = (format!("{prefix}.base_url"), format!("{prefix}.api_key"));
        if self.text(&url).is_some() {
            return self.endpoint(&url, &key, notices);
        }
        let own_key = self.key_for("openai.base_url", &key, notices);
        Ok(Endpoint {
            base_url: shared.base_url.clone(),
            api_key: own_key.or_else(|| shared.api_key.clone()),
        })
    }
}

fn not_followed(name: &str, origin: &Origin) -> String {
    let setting = origin.of(keys::key(name));
    format!("{setting} was not followed: that file is not trusted (docent config trust)")
}

#[cfg(test)]
mod tests;
