//! The table of settings. A row has everything that people read about a setting: its flag and
//! variables, `--help`, `config show` and `docs/settings.md` are made from it.
//!
//! A new setting is a row here, a field with the line that resolves it in one of the sections beside
//! this file, and, if it has a flag, its name in the list of a command in `cli`.

use super::range::Range;
use crate::types::DEEPEST;

/// One setting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SettingKey {
    /// Dotted name: the table and key of the TOML files.
    pub name: &'static str,
    pub flag: Option<Flag>,
    /// Environment variables, the first that is set wins.
    pub env: &'static [&'static str],
    /// The value unless another is set.
    pub default: Option<&'static str>,
    /// What happens if no value is set, in words, if `default` cannot say it.
    pub unless_set: Option<&'static str>,
    /// Masked wherever it is shown.
    pub secret: bool,
    /// An empty text is an error, and does not unset the setting.
    pub never_empty: bool,
    /// The broader or alternative setting that this one gives way to: if the flag of that setting was typed and the
    /// flag of this one was not, this setting is ignored. What is typed wins over any file, whatever its table.
    pub gives_way_to: Option<&'static str>,
    /// Whether a project file that the user has not trusted may set it.
    pub trust: ProjectTrust,
    /// The range, if the setting is a number.
    pub range: Option<Range>,
    /// What the setting is: a phrase without a capital or a full stop.
    pub about: &'static str,
    /// What its flag does, if `about` does not say it.
    help: Option<&'static str>,
}

/// A flag that sets a setting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flag {
    /// As it is typed: `--chunk-tokens`.
    pub long: &'static str,
    /// `k` for `-k`.
    pub short: Option<char>,
    pub takes: FlagValue,
}

/// What follows a flag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FlagValue {
    /// A value, by its name in `--help`.
    Value(&'static str),
    /// Nothing: the flag alone sets this.
    Nothing(&'static str),
}

/// What a project file may set that the user has not trusted: it may have come with a clone, from somebody else. A
/// setting is for the user alone unless its row says otherwise: it may choose a host, a model, a path, what is sent or
/// kept, or how much memory, time and money is spent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProjectTrust {
    /// Only the user, and files that the user trusts.
    Needed,
    /// Any file: the setting changes what is found, and nothing else.
    Harmless,
    /// Any file, but only these values: they are the strict ones.
    HarmlessAs(&'static [&'static str]),
    /// Any file, for the store in the project; not for a server, which also has collections of others.
    HarmlessEmbedded,
}

impl ProjectTrust {
    /// `embedded`: no server is configured, except perhaps by the project file.
    pub(super) fn is_harmless(self, value: &str, embedded: bool) -> bool {
        match self {
            Self::Needed => false,
            Self::Harmless => true,
            Self::HarmlessAs(values) => values.contains(&value),
            Self::HarmlessEmbedded => embedded,
        }
    }

    /// In words, for the table in the documentation.
    pub fn words(self) -> String {
        match self {
            Self::Needed => "trusted".to_owned(),
            Self::Harmless => "any".to_owned(),
            Self::HarmlessAs(values) => {
                let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
                format!("any, as {}", values.join(" "))
            }
            Self::HarmlessEmbedded => "any, for the embedded store".to_owned(),
        }
    }
}

impl SettingKey {
    /// `--model, DOCENT_MODEL or "model" in docent.toml`
    pub fn how_to_set(&self) -> String {
        let mut ways: Vec<String> = self.flag.iter().map(|flag| flag.long.to_owned()).collect();
        ways.extend(self.env.iter().map(ToString::to_string));
        format!("set {} or `{}` in docent.toml", ways.join(", "), self.name)
    }

    /// The help text of the flag, without its default.
    pub fn help(&self) -> String {
        let mut text = self.help.unwrap_or(self.about).to_owned();
        if let Some(first) = text.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        text
    }

    /// What the setting is, with its range: a phrase.
    pub fn about(&self) -> String {
        match self.range {
            Some(range) => format!("{} ({})", self.about, range.words()),
            None => self.about.to_owned(),
        }
    }

    /// What `config show` says of a setting that has no value.
    pub fn absence(&self) -> String {
        let unless_set = self.unless_set.map(|words| format!("; unless set, {words}"));
        format!("not set: {}{}", self.about, unless_set.unwrap_or_default())
    }

    const fn flag(mut self, long: &'static str, value: &'static str) -> Self {
        self.flag = Some(Flag { long, short: None, takes: FlagValue::Value(value) });
        self
    }

    const fn short_flag(mut self, short: char, long: &'static str, value: &'static str) -> Self {
        self.flag = Some(Flag { long, short: Some(short), takes: FlagValue::Value(value) });
        self
    }

    /// A flag without a value, which sets `value`.
    const fn switch(mut self, long: &'static str, value: &'static str) -> Self {
        self.flag = Some(Flag { long, short: None, takes: FlagValue::Nothing(value) });
        self
    }

    const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    const fn unless_set(mut self, words: &'static str) -> Self {
        self.unless_set = Some(words);
        self
    }

    const fn help_of_flag(mut self, text: &'static str) -> Self {
        self.help = Some(text);
        self
    }

    const fn trust(mut self, trust: ProjectTrust) -> Self {
        self.trust = trust;
        self
    }

    const fn never_empty(mut self) -> Self {
        self.never_empty = true;
        self
    }

    const fn range(mut self, range: Range) -> Self {
        self.range = Some(range);
        self
    }

    const fn gives_way_to(mut self, name: &'static str) -> Self {
        self.gives_way_to = Some(name);
        self
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

/// The row of the setting `name`.
///
/// # Panics
/// If there is no such setting: names are only written in this crate.
#[expect(
    clippy::expect_used,
    reason = "a wrong name is a mistake in this crate, found by any test"
)]
pub fn key(name: &str) -> &'static SettingKey {
    KEYS.iter().find(|key| key.name == name).expect("a setting of that name")
}

/// The range of the setting `name`.
///
/// # Panics
/// If the setting is not a number: a mistake in this crate, found by any test.
#[expect(clippy::expect_used, reason = "as with `key`")]
pub(super) fn range(name: &str) -> Range {
    key(name).range.expect("a setting with a range")
}

const fn row(name: &'static str, env: &'static [&'static str], about: &'static str) -> SettingKey {
    SettingKey {
        name,
        flag: None,
        env,
        default: None,
        unless_set: None,
        secret: false,
        never_empty: false,
        gives_way_to: None,
        trust: ProjectTrust::Needed,
        range: None,
        about,
        help: None,
    }
}

/// Every setting, in the order `config show` prints them.
#[rustfmt::skip]
pub static KEYS: &[SettingKey] = &[
    row("collection", &["DOCENT_COLLECTION"], "collection to work on").flag("--collection", "NAME").default(super::DEFAULT_COLLECTION).trust(ProjectTrust::HarmlessEmbedded),
    row("tenant", &["DOCENT_TENANT"], "tenant whose collections to work on; tenants cannot reach each other's collections").flag("--tenant", "NAME").never_empty().trust(ProjectTrust::HarmlessEmbedded),
    row("project", &["DOCENT_PROJECT"], "name of the project on a Qdrant server, the same in every checkout: it says which documents are the project's, and names its default collection").unless_set("a name that is generated once and kept in `.docent/project.json`").trust(ProjectTrust::HarmlessEmbedded),
    row("data_dir", &["DOCENT_DATA_DIR"], "directory of the embedded store").flag("--data-dir", "DIR").unless_set(".docent in the project root"),
    row("wait", &["DOCENT_WAIT"], "how long to wait for a collection that is in use; 0: not at all").flag("--wait", "TIME").default("10s").range(Range::WAIT),
    row("record", &["DOCENT_RECORD"], "file to which exchanges with models are added").flag("--record", "FILE").help_of_flag("Add every exchange with the embedding, reranking and chat endpoints to this file, without keys").gives_way_to("replay"),
    row("replay", &["DOCENT_REPLAY"], "recording that answers in place of the models").flag("--replay", "FILE").help_of_flag("Answer from this recording; no endpoint is called and no key is needed").gives_way_to("record"),
    row("embedder", &["DOCENT_EMBEDDER"], "embedding model: `builtin`, `openai:MODEL` for any OpenAI-compatible endpoint, `hf:ORG/NAME` for a model that is fetched once, or `onnx:DIR` for one in a directory").flag("--embedder", "MODEL").default("builtin").trust(ProjectTrust::HarmlessAs(&["builtin"])),
    row("model", &["DOCENT_MODEL"], "chat model at the endpoint; `extractive` quotes the passages instead").short_flag('m', "--model", "MODEL").default("extractive").trust(ProjectTrust::HarmlessAs(&["extractive"])),
    row("openai.base_url", &["OPENAI_BASE_URL"], "base URL of the OpenAI-compatible endpoint, such as `http://localhost:11434/v1`").flag("--base-url", "URL").default("https://api.openai.com/v1"),
    row("openai.api_key", &["OPENAI_API_KEY"], "key of openai.base_url; sent there only").secret(),
    row("openai.api_version", &["DOCENT_OPENAI_API_VERSION"], "API version that openai.base_url is called with (`?api-version=`), for Azure"),
    row("openai.key_header", &["DOCENT_OPENAI_KEY_HEADER"], "header in which the key of openai.base_url is sent").unless_set("`api-key` if the URL has an api-version (Azure), otherwise `Authorization: Bearer`"),
    row("hub.endpoint", &["DOCENT_HUB_ENDPOINT", "HF_ENDPOINT"], "hub from which models are fetched by name (`hf:ORG/NAME`)").default("https://huggingface.co"),
    row("hub.token", &["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"], "token of hub.endpoint; sent there only").unless_set("the token that `hf auth login` saved").secret(),
    row("hub.token_file", &["HF_TOKEN_PATH"], "file with hub.token").unless_set("token in hub.home"),
    row("hub.home", &["HF_HOME"], "directory of the Hugging Face tools on this machine").unless_set("huggingface in the user's cache directory"),
    row("hub.cache", &["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"], "directory of fetched models, in the layout that all Hugging Face tools share").unless_set("hub in hub.home"),
    row("hub.no_download", &["DOCENT_NO_DOWNLOAD", "HF_HUB_OFFLINE"], "do not fetch models; use those that are in the cache").switch("--no-download", "true").default("false").help_of_flag("Do not fetch models by name; use those that are in the cache").trust(ProjectTrust::HarmlessAs(&["true"])),
    row("embedding.base_url", &["DOCENT_EMBEDDING_BASE_URL"], "another endpoint for embeddings").gives_way_to("openai.base_url"),
    row("embedding.api_key", &["DOCENT_EMBEDDING_API_KEY"], "key of the endpoint for embeddings").secret(),
    row("embedding.dimensions", &["DOCENT_EMBEDDING_DIMENSIONS"], "dimensions to ask the model for").range(Range::whole(1, 65_536)),
    row("embedding.document_prefix", &["DOCENT_EMBEDDING_DOCUMENT_PREFIX"], "text that is put before each chunk"),
    row("embedding.query_prefix", &["DOCENT_EMBEDDING_QUERY_PREFIX"], "text that is put before each question"),
    row("embedding.batch_items", &["DOCENT_EMBEDDING_BATCH_ITEMS"], "texts in a request, at most").default("128").range(Range::whole(1, 10_000)),
    row("embedding.batch_tokens", &["DOCENT_EMBEDDING_BATCH_TOKENS"], "tokens in a request, at most").default("32000").range(Range::TOKENS),
    row("embedding.input_tokens", &["DOCENT_EMBEDDING_INPUT_TOKENS"], "tokens of one text, at most: the model's limit").default("8191").range(Range::TOKENS),
    row("embedding.concurrency", &["DOCENT_EMBEDDING_CONCURRENCY"], "embedding requests in flight").flag("--concurrency", "N").default("4").range(Range::AT_ONCE),
    row("embedding.rpm", &["DOCENT_EMBEDDING_RPM"], "embedding requests a minute, at most").flag("--rpm", "N").range(Range::whole(1, 1_000_000_000)),
    row("embedding.tpm", &["DOCENT_EMBEDDING_TPM"], "embedded tokens a minute, at most").flag("--tpm", "N").range(Range::whole(1, 1_000_000_000_000)),
    row("embedding.price", &["DOCENT_EMBEDDING_PRICE"], "price of a million tokens, in your currency").range(Range::AMOUNT),
    row("embedding.timeout", &["DOCENT_EMBEDDING_TIMEOUT"], "longest wait for one request").default("60s").range(Range::PATIENCE),
    row("chat.base_url", &["DOCENT_CHAT_BASE_URL"], "another endpoint for answers").gives_way_to("openai.base_url"),
    row("chat.api_key", &["DOCENT_CHAT_API_KEY"], "key of the endpoint for answers").secret(),
    row("chat.temperature", &["DOCENT_CHAT_TEMPERATURE"], "sampling temperature; not sent unless set").flag("--temperature", "T").range(Range::number(0, 10)),
    row("chat.max_tokens", &["DOCENT_CHAT_MAX_TOKENS"], "longest answer, in tokens; not sent unless set").flag("--max-tokens", "N").range(Range::TOKENS),
    row("chat.system", &["DOCENT_CHAT_SYSTEM"], "file with an introduction to the prompt that replaces docent's own; docent's rules follow it").flag("--system", "FILE").gives_way_to("chat.prompt"),
    row("chat.prompt", &["DOCENT_CHAT_PROMPT"], "file with the template of the whole prompt").flag("--prompt", "FILE").help_of_flag("Template of the whole prompt, with `{{rules}}`, `{{passages}}` and `{{question}}`").gives_way_to("chat.system"),
    row("chat.context_tokens", &["DOCENT_CHAT_CONTEXT_TOKENS"], "tokens that the chat model is sent, at most, counted as the model counts them").flag("--context-tokens", "N").default("4000").range(Range::TOKENS),
    row("chat.price_in", &["DOCENT_CHAT_PRICE_IN"], "price of a million tokens sent to the chat model, in your currency").range(Range::AMOUNT),
    row("chat.price_cached", &["DOCENT_CHAT_PRICE_CACHED"], "price of a million tokens sent to the chat model, where the endpoint had cached them").unless_set("as chat.price_in").range(Range::AMOUNT),
    row("chat.price_out", &["DOCENT_CHAT_PRICE_OUT"], "price of a million tokens generated by the chat model").range(Range::AMOUNT),
    row("chat.timeout", &["DOCENT_CHAT_TIMEOUT"], "longest wait for the first token").flag("--timeout", "TIME").default("60s").range(Range::PATIENCE),
    row("chat.idle_timeout", &["DOCENT_CHAT_IDLE_TIMEOUT"], "longest silence while the answer streams").flag("--idle-timeout", "TIME").default("30s").range(Range::PATIENCE),
    row("chat.concurrency", &["DOCENT_CHAT_CONCURRENCY"], "questions of a batch that are asked at the same time").flag("--concurrency", "N").default("4").range(Range::AT_ONCE),
    row("chat.require_citations", &["DOCENT_CHAT_REQUIRE_CITATIONS"], "exit with 1 unless every sentence is cited and every citation supports its sentence").switch("--require-citations", "true").default("false").trust(ProjectTrust::HarmlessAs(&["true"])),
    row("chat.history", &["DOCENT_CHAT_HISTORY"], "keep what is typed in a history file").switch("--no-history", "false").default("true").help_of_flag("Do not keep what is typed in a history file").trust(ProjectTrust::HarmlessAs(&["false"])),
    row("qdrant.url", &["DOCENT_QDRANT_URL", "QDRANT_URL"], "URL of a Qdrant server (gRPC), several nodes of a cluster separated by commas; unless set, the store is embedded").flag("--qdrant-url", "URL").help_of_flag("Use a Qdrant server (gRPC) instead of the embedded store; several nodes of a cluster are separated by commas"),
    row("qdrant.api_key", &["DOCENT_QDRANT_API_KEY", "QDRANT_API_KEY"], "key of the Qdrant server").secret(),
    row("qdrant.timeout", &["DOCENT_QDRANT_TIMEOUT"], "longest wait for one request").default("30s").range(Range::PATIENCE),
    row("qdrant.retry_for", &["DOCENT_QDRANT_RETRY_FOR"], "how long an ingest retries requests that a Qdrant server fails, or waits for its restart; a question retries for 10 s at most").default("2m").range(Range::WAIT),
    row("qdrant.shard_number", &["DOCENT_QDRANT_SHARD_NUMBER"], "shards of the collection on a Qdrant server, when it is created").flag("--shard-number", "N").range(Range::whole(1, 256)),
    row("qdrant.replication_factor", &["DOCENT_QDRANT_REPLICATION_FACTOR"], "copies of each shard on a Qdrant cluster, when the collection is created").flag("--replication-factor", "N").range(Range::whole(1, 100)),
    row("qdrant.write_consistency", &["DOCENT_QDRANT_WRITE_CONSISTENCY"], "copies on a Qdrant cluster that confirm a write before it counts as done, when the collection is created").flag("--write-consistency", "N").range(Range::whole(1, 100)),
    row("qdrant.on_disk", &["DOCENT_QDRANT_ON_DISK"], "whether a Qdrant server reads vectors and payloads from disk, when the collection is created").switch("--on-disk", "true").help_of_flag("Let the Qdrant server read vectors and payloads from disk, when the collection is created"),
    row("qdrant.quantization", &["DOCENT_QDRANT_QUANTIZATION"], "how a Qdrant server compresses vectors for the search of candidates, when the collection is created: scalar (a byte for each number), binary (a bit) or none").flag("--quantization", "scalar|binary|none"),
    row("qdrant.hnsw_m", &["DOCENT_QDRANT_HNSW_M"], "links of a vector in the HNSW graph of a Qdrant server, when the collection is created").flag("--hnsw-m", "N").unless_set("32").range(Range::whole(2, 1_000)),
    row("qdrant.hnsw_ef_construct", &["DOCENT_QDRANT_HNSW_EF_CONSTRUCT"], "candidates for the links while that graph is built").flag("--hnsw-ef-construct", "N").unless_set("256").range(Range::whole(4, 100_000)),
    row("qdrant.indexing_threshold", &["DOCENT_QDRANT_INDEXING_THRESHOLD"], "kilobytes of vectors from which a segment on a Qdrant server gets an HNSW graph, when the collection is created; 0: never").flag("--indexing-threshold", "KB").range(Range::whole(0, 1 << 40)),
    row("chunk.tokens", &["DOCENT_CHUNK_TOKENS"], "longest chunk, in tokens of the embedder").flag("--chunk-tokens", "N").default("256").trust(ProjectTrust::Harmless).range(Range::whole(1, 100_000)),
    row("chunk.overlap", &["DOCENT_CHUNK_OVERLAP"], "tokens that neighbouring chunks share").flag("--chunk-overlap", "N").default("32").trust(ProjectTrust::Harmless).range(Range::whole(0, 50_000)),
    row("sparse.language", &["DOCENT_SPARSE_LANGUAGE"], "language of the documents, for stemming and stop words").flag("--language", "LANGUAGE").unless_set("auto, or as the collection was built").help_of_flag("Language of the documents, for stemming and stop words in sparse retrieval, such as german or french; auto detects it for each document").trust(ProjectTrust::Harmless),
    row("search.k", &["DOCENT_SEARCH_K"], "how many passages").short_flag('k', "--k", "N").default("8").trust(ProjectTrust::Harmless).range(Range::whole(1, DEEPEST as u64)),
    row("search.mode", &["DOCENT_SEARCH_MODE"], "retrieval mode: hybrid, dense or sparse").flag("--mode", "MODE").default("hybrid").trust(ProjectTrust::Harmless),
    row("search.min_score", &["DOCENT_SEARCH_MIN_SCORE"], "lowest score of a hit").flag("--min-score", "SCORE").help_of_flag("Leave out hits that score lower: 0 to 1 in hybrid mode and with --rerank, the cosine or BM25 score otherwise").trust(ProjectTrust::Harmless).range(Range::signed(1_000_000)),
    row("search.sparse_weight", &["DOCENT_SEARCH_SPARSE_WEIGHT"], "share of sparse retrieval in the fused score, 0 to 1").unless_set("0.6 with the built-in embedder, up to 0.9 for words that are not English, and 0.3 with other embedders").trust(ProjectTrust::Harmless).range(Range::SHARE),
    row("search.late_weight", &["DOCENT_SEARCH_LATE_WEIGHT"], "share of late interaction in the score, 0 to 1").unless_set("0.4 with the built-in embedder, down to 0.2 for words that are not English, and 0.3 to 0 with other embedders").trust(ProjectTrust::Harmless).range(Range::SHARE),
    row("search.rewrite", &["DOCENT_SEARCH_REWRITE"], "let the chat model turn the question into a query, and retrieve with that").switch("--rewrite", "true").default("false").trust(ProjectTrust::HarmlessAs(&["false"])),
    row("search.expand", &["DOCENT_SEARCH_EXPAND"], "also retrieve with N other wordings of the question, written by the chat model").flag("--expand", "N").default("0").trust(ProjectTrust::HarmlessAs(&["0"])).range(Range::whole(0, 10)),
    row("search.hyde", &["DOCENT_SEARCH_HYDE"], "let the chat model draft an answer, and look for passages like it (dense retrieval only)").switch("--hyde", "true").default("false").trust(ProjectTrust::HarmlessAs(&["false"])),
    row("rerank.with", &["DOCENT_RERANK"], "reranker of the first hits: URL of a /rerank endpoint, hf:ORG/NAME, or onnx:DIR").flag("--rerank", "URL|MODEL").help_of_flag("Score the first hits again and order them by the new score, with the URL of a /rerank endpoint, `hf:ORG/NAME` for a model that is fetched once, or `onnx:DIR` for one in a directory"),
    row("rerank.model", &["DOCENT_RERANK_MODEL"], "model to ask the /rerank endpoint for").flag("--rerank-model", "MODEL"),
    row("rerank.api_key", &["DOCENT_RERANK_API_KEY"], "key of the /rerank endpoint").secret(),
    row("rerank.candidates", &["DOCENT_RERANK_CANDIDATES"], "number of hits that are reranked").flag("--rerank-candidates", "N").unless_set("20, and 50 with an embedding model").range(Range::whole(1, DEEPEST as u64)),
    row("rerank.weight", &["DOCENT_RERANK_WEIGHT"], "weight of the reranker's score; the score of retrieval gets the rest").unless_set("0.7, and 0.4 with an embedding model").range(Range::SHARE),
    row("rerank.timeout", &["DOCENT_RERANK_TIMEOUT"], "longest wait for one request").default("30s").range(Range::PATIENCE),
    row("verify.with", &["DOCENT_VERIFY"], "model that checks the claims of an answer against their passages, in addition to the rules: openai:MODEL, hf:ORG/NAME for a model that is fetched once, or onnx:DIR for one in a directory").flag("--verify", "MODEL").help_of_flag("Also let a model check each claim of the answer against the passages that it cites: `openai:MODEL` at the endpoint, or a model for natural language inference: `hf:ORG/NAME`, which is fetched once, or `onnx:DIR` in a directory. Its objections are reported like those of the rules"),
    row("verify.threshold", &["DOCENT_VERIFY_THRESHOLD"], "score from which an hf: or onnx: model counts a claim as supported").default("0.5").range(Range::SHARE),
    row("verify.base_url", &["DOCENT_VERIFY_BASE_URL"], "another endpoint for the model that checks citations").gives_way_to("openai.base_url"),
    row("verify.api_key", &["DOCENT_VERIFY_API_KEY"], "key of the endpoint for the model that checks citations").secret(),
    row("verify.price_in", &["DOCENT_VERIFY_PRICE_IN"], "price of a million tokens sent to the model that checks citations, in your currency").range(Range::AMOUNT),
    row("verify.price_cached", &["DOCENT_VERIFY_PRICE_CACHED"], "price of a million tokens sent to the model that checks citations, where the endpoint had cached them").unless_set("as verify.price_in").range(Range::AMOUNT),
    row("verify.price_out", &["DOCENT_VERIFY_PRICE_OUT"], "price of a million tokens generated by the model that checks citations").range(Range::AMOUNT),
    row("verify.timeout", &["DOCENT_VERIFY_TIMEOUT"], "longest wait for a reply of the model that checks citations").default("120s").range(Range::PATIENCE),
    row("index.keep", &["DOCENT_INDEX_KEEP"], "former versions of a collection that are kept when another is built").default("1").range(Range::whole(0, 1_000)).trust(ProjectTrust::HarmlessEmbedded),
    row("index.audit", &["DOCENT_INDEX_AUDIT"], "log every change of a collection in `changes.jsonl` of the data directory, and refuse changes that cannot be logged").default("true").trust(ProjectTrust::HarmlessAs(&["true"])),
    row("ingest.max_file_size", &["DOCENT_INGEST_MAX_FILE_SIZE"], "largest file that is read").flag("--max-file-size", "SIZE").default("64MB").range(Range::bytes(1, 64 << 30)),
    row("ingest.extract_timeout", &["DOCENT_INGEST_EXTRACT_TIMEOUT"], "processor time that a parser may take for a file").default("30s").range(Range::PATIENCE),
    row("ingest.extract_memory", &["DOCENT_INGEST_EXTRACT_MEMORY"], "memory that a parser may take").default("1024MB").range(Range::bytes(64 << 20, 1024 << 30)),
    row("ingest.prune_share", &["DOCENT_INGEST_PRUNE_SHARE"], "share of the collection that a run may delete without --allow-prune").default("50%").range(Range::SHARE),
    row("ingest.ttl", &["DOCENT_INGEST_TTL"], "maximum age of documents, such as 90d: older ones are not ingested, and are deleted from the collection").flag("--ttl", "AGE").help_of_flag("Maximum age of documents, such as 12h, 90d or 1y: older ones are not ingested, and are deleted from the collection. The age is that of a file's modification time, or what a web server says of its page").range(Range::AGE).never_empty().trust(ProjectTrust::HarmlessEmbedded),
    row("ingest.on_secret", &["DOCENT_INGEST_ON_SECRET"], "what to do with a document that contains a key, token or password: warn, skip it, redact them, or fail it").flag("--on-secret", "ACTION").default("warn").trust(ProjectTrust::HarmlessAs(&["skip", "redact", "fail"])),
    row("ingest.pdf_password", &["DOCENT_PDF_PASSWORD"], "password of locked PDFs").flag("--pdf-password", "PASSWORD").help_of_flag("Password of locked PDFs. Others on the machine see it in the list of processes: the variable DOCENT_PDF_PASSWORD is safer").secret(),
    row("ingest.comments", &["DOCENT_INGEST_COMMENTS"], "also read the comments of reviewers in DOCX, ODT and PPTX, after the text that they are about").switch("--comments", "true").default("false").trust(ProjectTrust::Harmless),
    row("ingest.ocr", &["DOCENT_INGEST_OCR"], "which text in pictures is read (OCR): off; auto: pages that have a picture and no text, and picture files that are named; always: also pictures beside text, and picture files below directories; openai:MODEL: as auto, by a vision model at the endpoint").flag("--ocr", "WHICH").default("auto").help_of_flag("Which text in pictures is read (OCR): `off`, `auto` (pages that have a picture and no text, and picture files that are named), `always` (also pictures beside text, and picture files below directories), or `openai:MODEL` (as auto, by a vision model at the endpoint). A page takes about 2 s on one core").trust(ProjectTrust::HarmlessAs(&["off"])),
    row("ocr.model", &["DOCENT_OCR_MODEL"], "model that reads pictures: a directory with a PP-OCR model (det*.onnx, rec*.onnx), or openai:MODEL").unless_set("the small model that is part of docent"),
    row("ocr.base_url", &["DOCENT_OCR_BASE_URL"], "another endpoint for a vision model").gives_way_to("openai.base_url"),
    row("ocr.api_key", &["DOCENT_OCR_API_KEY"], "key of the endpoint for a vision model").secret(),
    row("ocr.price_in", &["DOCENT_OCR_PRICE_IN"], "price of a million tokens sent to a vision model, in your currency").range(Range::AMOUNT),
    row("ocr.price_cached", &["DOCENT_OCR_PRICE_CACHED"], "price of a million tokens sent to a vision model, where the endpoint had cached them").unless_set("as ocr.price_in").range(Range::AMOUNT),
    row("ocr.price_out", &["DOCENT_OCR_PRICE_OUT"], "price of a million tokens generated by a vision model").range(Range::AMOUNT),
    row("ocr.timeout", &["DOCENT_OCR_TIMEOUT"], "longest wait for a vision model to read a page").default("120s").range(Range::PATIENCE),
    row("web.allow_private", &["DOCENT_WEB_ALLOW_PRIVATE"], "also fetch from this machine and private networks").switch("--allow-private", "true").default("false").trust(ProjectTrust::HarmlessAs(&["false"])),
    row("web.max_pages", &["DOCENT_WEB_MAX_PAGES"], "pages to fetch, at most").flag("--max-pages", "N").default("500").range(Range::whole(1, 1_000_000)),
    row("web.timeout", &["DOCENT_WEB_TIMEOUT"], "longest silence of a web server").default("30s").range(Range::PATIENCE),
    row("ingest.max_cost", &["DOCENT_INGEST_MAX_COST"], "most that a run may spend, in the currency of the prices").flag("--max-cost", "AMOUNT").help_of_flag("Stop before endpoints cost more than this, and keep what is stored; needs `embedding.price`, or `ocr.price_in` and `ocr.price_out`").range(Range::AMOUNT),
    row("ingest.deadline", &["DOCENT_INGEST_DEADLINE"], "longest time that a run may take").flag("--deadline", "TIME").help_of_flag("Stop after this time, such as `30s`, `15m` or `2h`, and keep what is stored").range(Range::RUN),
    row("trace.path", &["DOCENT_TRACE"], "file or directory for the record of each answer").flag("--trace", "FILE|DIR").help_of_flag("Add a record of where the answer comes from to this file, or write it as a new file in this directory"),
    row("trace.content", &["DOCENT_TRACE_CONTENT"], "also keep the prompt and the answer in the record of an answer").switch("--trace-content", "true").default("false").trust(ProjectTrust::HarmlessAs(&["false"])),
    row("serve.listen", &["DOCENT_SERVE_LISTEN"], "where the server listens: ADDRESS:PORT or unix:PATH, several separated by commas").flag("--listen", "ADDRESS").default("127.0.0.1:7400"),
    row("serve.collections", &["DOCENT_SERVE_COLLECTIONS"], "collections that are served, separated by commas").flag("--collections", "NAMES").unless_set("the collection"),
    row("serve.keys", &["DOCENT_SERVE_KEYS"], "file with the keys of callers, as `docent keys` writes it").flag("--keys", "FILE").unless_set("keys.toml beside the user's settings"),
    row("serve.tls_cert", &["DOCENT_SERVE_TLS_CERT"], "file with the certificate chain of the server, in PEM").flag("--tls-cert", "FILE").help_of_flag("Serve over TLS, with the certificate chain in this file (PEM); read again when it changes"),
    row("serve.tls_key", &["DOCENT_SERVE_TLS_KEY"], "file with the private key of the certificate, in PEM").flag("--tls-key", "FILE"),
    row("serve.usage", &["DOCENT_SERVE_USAGE"], "file that counts what each key has used, by day; servers may share one").flag("--usage", "FILE").unless_set("usage.json beside the file of keys"),
    row("serve.public_url", &["DOCENT_SERVE_PUBLIC_URL"], "URL under which the server is reached, for links in answers").flag("--public-url", "URL").unless_set("the Host header of the request"),
    row("serve.ui", &["DOCENT_SERVE_UI"], "serve a web page for people at `/`, and the documents that citations open").switch("--no-ui", "false").default("true").help_of_flag("Do not serve the web page for people, nor the documents that citations open"),
    row("serve.link_expiry", &["DOCENT_SERVE_LINK_EXPIRY"], "how long a link in an answer opens its document without a key").flag("--link-expiry", "TIME").default("1h").range(Range::PATIENCE),
    row("serve.allow_host", &["DOCENT_SERVE_ALLOW_HOST"], "names that the Host header of a request may have besides those of this machine, separated by commas").flag("--allow-host", "NAMES"),
    row("serve.allow_origin", &["DOCENT_SERVE_ALLOW_ORIGIN"], "origins of web pages that may call the server, separated by commas").flag("--allow-origin", "URLS"),
    row("serve.max_connections", &["DOCENT_SERVE_MAX_CONNECTIONS"], "connections at a time").flag("--max-connections", "N").default("10000").range(Range::whole(1, 1_000_000)),
    row("serve.max_questions", &["DOCENT_SERVE_MAX_QUESTIONS"], "questions at a time; more of them wait").flag("--max-questions", "N").default("256").range(Range::whole(1, 100_000)),
    row("serve.queue", &["DOCENT_SERVE_QUEUE"], "questions that may wait; more of them are refused").flag("--queue", "N").default("256").range(Range::whole(0, 100_000)),
    row("serve.queue_wait", &["DOCENT_SERVE_QUEUE_WAIT"], "longest time that a question waits for its turn").flag("--queue-wait", "TIME").default("2s").range(Range::WAIT),
    row("serve.timeout", &["DOCENT_SERVE_TIMEOUT"], "longest time that a request takes, its answer included").flag("--request-timeout", "TIME").default("120s").range(Range::PATIENCE),
    row("serve.header_timeout", &["DOCENT_SERVE_HEADER_TIMEOUT"], "longest time that the head of a request takes to arrive, and its body").flag("--header-timeout", "TIME").default("10s").range(Range::PATIENCE),
    row("serve.slow_client", &["DOCENT_SERVE_SLOW_CLIENT"], "longest time in which a caller takes nothing of its response").flag("--slow-client", "TIME").default("30s").range(Range::PATIENCE),
    row("serve.body_limit", &["DOCENT_SERVE_BODY_LIMIT"], "largest body of a request").flag("--body-limit", "SIZE").default("1MB").range(Range::bytes(1 << 10, 1 << 30)),
    row("serve.cache", &["DOCENT_SERVE_CACHE"], "memory for cached retrieval results, which are used again for the same question; 0: no cache").flag("--cache", "SIZE").default("64MB").range(Range::bytes(0, 1 << 40)),
    row("serve.ingest", &["DOCENT_SERVE_INGEST"], "let keys with the right `ingest` upload and delete documents").switch("--ingest", "true").default("false"),
    row("serve.upload_limit", &["DOCENT_SERVE_UPLOAD_LIMIT"], "largest file that may be uploaded").flag("--upload-limit", "SIZE").default("64MB").range(Range::bytes(1 << 10, 4 << 30)),
    row("serve.drain", &["DOCENT_SERVE_DRAIN"], "how long answers under way may go on after the server is told to end").flag("--drain", "TIME").default("30s").range(Range::WAIT),
    row("serve.chat_idle", &["DOCENT_SERVE_CHAT_IDLE"], "how long a conversation over one connection may go without a question").flag("--chat-idle", "TIME").default("10m").range(Range::PATIENCE),
    row("serve.chat_ping", &["DOCENT_SERVE_CHAT_PING"], "how often the connection of a conversation is pinged; it is closed if no answer comes before the next ping").default("20s").range(Range::PATIENCE),
    row("serve.fallback", &["DOCENT_SERVE_FALLBACK"], "what answers while the chat model fails: none, or extractive, which quotes passages").flag("--fallback", "WHAT").default("none"),
    row("serve.audit", &["DOCENT_SERVE_AUDIT"], "file with a line for each request: who asked, what was decided, which documents").flag("--audit", "FILE"),
    row("serve.audit_content", &["DOCENT_SERVE_AUDIT_CONTENT"], "also keep the questions in the audit file").switch("--audit-content", "true").default("false"),
    row("serve.audit_required", &["DOCENT_SERVE_AUDIT_REQUIRED"], "answer no request while the audit file cannot be written").default("true"),
    row("serve.drift_baseline", &["DOCENT_SERVE_DRIFT_BASELINE"], "file with which questions and answers are compared, as `docent eval --write-drift-baseline` writes it").flag("--drift-baseline", "FILE").unless_set("the first questions"),
    row("attempts", &["DOCENT_ATTEMPTS"], "how often a request that can be retried is tried").default("5").range(Range::whole(1, 100)),
];
