//! The table of settings: names, flags, variables, defaults.

/// One setting.
#[derive(PartialEq, Eq, Debug)]
pub struct Key {
    /// Dotted name: the table and key of the TOML files.
    pub name: &'static str,
    pub flag: Option<&'static str>,
    /// Environment variables, the first that is set wins.
    pub env: &'static [&'static str],
    pub default: Option<&'static str>,
    /// Masked wherever it is shown.
    pub secret: bool,
    pub about: &'static str,
}

impl Key {
    /// `--model, DOCENT_MODEL or "model" in docent.toml`
    pub fn how_to_set(&self) -> String {
        let mut ways: Vec<String> = self.flag.iter().map(ToString::to_string).collect();
        ways.extend(self.env.iter().map(ToString::to_string));
        format!("set {} or `{}` in docent.toml", ways.join(", "), self.name)
    }
}

/// The row of that name.
///
/// # Panics
/// Where there is none: names are written in this crate only.
#[expect(
    clippy::expect_used,
    reason = "a wrong name is a mistake in this crate, found by any test"
)]
pub fn key(name: &str) -> &'static Key {
    KEYS.iter().find(|key| key.name == name).expect("a setting of that name")
}

const fn row(
    name: &'static str,
    flag: Option<&'static str>,
    env: &'static [&'static str],
    default: Option<&'static str>,
    about: &'static str,
) -> Key {
    Key { name, flag, env, default, secret: false, about }
}

const fn secret(name: &'static str, env: &'static [&'static str], about: &'static str) -> Key {
    Key { name, flag: None, env, default: None, secret: true, about }
}

/// Every setting, in the order `config show` prints them.
#[rustfmt::skip]
pub static KEYS: &[Key] = &[
    row("collection", Some("--collection"), &["DOCENT_COLLECTION"], Some("docent"), "collection to work on"),
    row("data_dir", Some("--data-dir"), &["DOCENT_DATA_DIR"], None, "where the embedded store lives"),
    row("wait", Some("--wait"), &["DOCENT_WAIT"], Some("10s"), "longest wait for a collection that is in use"),
    row("record", Some("--record"), &["DOCENT_RECORD"], None, "file that exchanges with models are added to"),
    row("replay", Some("--replay"), &["DOCENT_REPLAY"], None, "file that models are answered from"),
    row("embedder", Some("--embedder"), &["DOCENT_EMBEDDER"], Some("builtin"), "builtin, openai:MODEL or onnx:DIR"),
    row("model", Some("--model"), &["DOCENT_MODEL"], Some("extractive"), "chat model; extractive quotes"),
    row("openai.base_url", Some("--base-url"), &["OPENAI_BASE_URL"], Some("https://api.openai.com/v1"), "OpenAI-compatible endpoint"),
    secret("openai.api_key", &["OPENAI_API_KEY"], "its key; sent to openai.base_url only"),
    row("embedding.base_url", None, &["DOCENT_EMBEDDING_BASE_URL"], None, "another endpoint for embeddings"),
    secret("embedding.api_key", &["DOCENT_EMBEDDING_API_KEY"], "its key"),
    row("embedding.dimensions", None, &["DOCENT_EMBEDDING_DIMENSIONS"], None, "dimensions to ask the model for"),
    row("embedding.document_prefix", None, &["DOCENT_EMBEDDING_DOCUMENT_PREFIX"], None, "put before each chunk"),
    row("embedding.query_prefix", None, &["DOCENT_EMBEDDING_QUERY_PREFIX"], None, "put before each question"),
    row("embedding.batch_items", None, &["DOCENT_EMBEDDING_BATCH_ITEMS"], Some("128"), "texts in a request, at most"),
    row("embedding.batch_tokens", None, &["DOCENT_EMBEDDING_BATCH_TOKENS"], Some("32000"), "tokens in a request, at most"),
    row("embedding.input_tokens", None, &["DOCENT_EMBEDDING_INPUT_TOKENS"], Some("8191"), "tokens of one text, at most: the model's limit"),
    row("embedding.concurrency", Some("--concurrency"), &["DOCENT_EMBEDDING_CONCURRENCY"], Some("4"), "requests in flight"),
    row("embedding.rpm", Some("--rpm"), &["DOCENT_EMBEDDING_RPM"], None, "requests a minute, at most"),
    row("embedding.tpm", Some("--tpm"), &["DOCENT_EMBEDDING_TPM"], None, "tokens a minute, at most"),
    row("embedding.price", None, &["DOCENT_EMBEDDING_PRICE"], None, "price of a million tokens, in your currency"),
    row("embedding.timeout", None, &["DOCENT_EMBEDDING_TIMEOUT"], Some("60s"), "longest wait for one request"),
    row("chat.base_url", None, &["DOCENT_CHAT_BASE_URL"], None, "another endpoint for answers"),
    secret("chat.api_key", &["DOCENT_CHAT_API_KEY"], "its key"),
    row("chat.temperature", Some("--temperature"), &["DOCENT_CHAT_TEMPERATURE"], None, "sampling temperature"),
    row("chat.max_tokens", Some("--max-tokens"), &["DOCENT_CHAT_MAX_TOKENS"], None, "longest answer"),
    row("chat.system", Some("--system"), &["DOCENT_CHAT_SYSTEM"], None, "file with the system prompt"),
    row("chat.prompt", Some("--prompt"), &["DOCENT_CHAT_PROMPT"], None, "file with the template of the whole prompt"),
    row("chat.context_tokens", Some("--context-tokens"), &["DOCENT_CHAT_CONTEXT_TOKENS"], Some("4000"), "tokens of all that is sent"),
    row("chat.price_in", None, &["DOCENT_CHAT_PRICE_IN"], None, "price of a million tokens that are sent, in your currency"),
    row("chat.price_cached", None, &["DOCENT_CHAT_PRICE_CACHED"], None, "the same for those the endpoint has cached; unless set, as chat.price_in"),
    row("chat.price_out", None, &["DOCENT_CHAT_PRICE_OUT"], None, "price of a million tokens that are generated"),
    row("chat.timeout", Some("--timeout"), &["DOCENT_CHAT_TIMEOUT"], Some("60s"), "longest wait for the first token"),
    row("chat.idle_timeout", Some("--idle-timeout"), &["DOCENT_CHAT_IDLE_TIMEOUT"], Some("30s"), "longest silence while streaming"),
    row("chat.concurrency", Some("--concurrency"), &["DOCENT_CHAT_CONCURRENCY"], Some("4"), "questions of a batch at a time"),
    row("chat.require_citations", Some("--require-citations"), &["DOCENT_CHAT_REQUIRE_CITATIONS"], Some("false"), "exit with 1 unless citations bear out the whole answer"),
    row("chat.history", Some("--no-history"), &["DOCENT_CHAT_HISTORY"], Some("true"), "a file remembers what is typed"),
    row("qdrant.url", Some("--qdrant-url"), &["DOCENT_QDRANT_URL", "QDRANT_URL"], None, "Qdrant server (gRPC); embedded unless set"),
    secret("qdrant.api_key", &["DOCENT_QDRANT_API_KEY", "QDRANT_API_KEY"], "its key"),
    row("qdrant.timeout", None, &["DOCENT_QDRANT_TIMEOUT"], Some("30s"), "longest wait for one request"),
    row("qdrant.shard_number", Some("--shard-number"), &["DOCENT_QDRANT_SHARD_NUMBER"], None, "shards of a new collection"),
    row("qdrant.replication_factor", Some("--replication-factor"), &["DOCENT_QDRANT_REPLICATION_FACTOR"], None, "copies of each shard"),
    row("chunk.tokens", Some("--chunk-tokens"), &["DOCENT_CHUNK_TOKENS"], Some("256"), "longest chunk"),
    row("chunk.overlap", Some("--chunk-overlap"), &["DOCENT_CHUNK_OVERLAP"], Some("32"), "tokens neighbours share"),
    row("sparse.language", Some("--language"), &["DOCENT_SPARSE_LANGUAGE"], None, "language of the words: stemming and stop words; unless set, english"),
    row("search.k", Some("--k"), &["DOCENT_SEARCH_K"], Some("8"), "passages"),
    row("search.mode", Some("--mode"), &["DOCENT_SEARCH_MODE"], Some("hybrid"), "hybrid, dense or sparse"),
    row("search.min_score", Some("--min-score"), &["DOCENT_SEARCH_MIN_SCORE"], None, "floor on the score"),
    row("search.sparse_weight", None, &["DOCENT_SEARCH_SPARSE_WEIGHT"], None, "share of the sparse leg in the fused score, 0 to 1; unless set, 0.6 with the built-in embedder, up to 0.9 for words that are not English, and 0.3 with others"),
    row("search.late_weight", None, &["DOCENT_SEARCH_LATE_WEIGHT"], None, "share of late interaction in the score, 0 to 1; unless set, 0.4 with the built-in embedder, 0.3 with others, and less for words that are not English"),
    row("search.rewrite", Some("--rewrite"), &["DOCENT_SEARCH_REWRITE"], Some("false"), "the chat model words the question for retrieval"),
    row("search.expand", Some("--expand"), &["DOCENT_SEARCH_EXPAND"], Some("0"), "wordings of the question that are retrieved besides"),
    row("search.hyde", Some("--hyde"), &["DOCENT_SEARCH_HYDE"], Some("false"), "the dense leg asks with a passage the chat model makes up"),
    row("rerank.with", Some("--rerank"), &["DOCENT_RERANK"], None, "what scores the first hits anew: URL of a /rerank endpoint, or onnx:DIR"),
    row("rerank.model", Some("--rerank-model"), &["DOCENT_RERANK_MODEL"], None, "model that the endpoint is asked for"),
    secret("rerank.api_key", &["DOCENT_RERANK_API_KEY"], "its key"),
    row("rerank.candidates", Some("--rerank-candidates"), &["DOCENT_RERANK_CANDIDATES"], Some("20"), "hits that are scored anew"),
    row("rerank.weight", None, &["DOCENT_RERANK_WEIGHT"], Some("0.7"), "weight of the new score; retrieval's has the rest"),
    row("rerank.timeout", None, &["DOCENT_RERANK_TIMEOUT"], Some("30s"), "longest wait for one request"),
    row("ingest.max_file_size", Some("--max-file-size"), &["DOCENT_INGEST_MAX_FILE_SIZE"], Some("64MB"), "largest file that is read"),
    row("ingest.extract_timeout", None, &["DOCENT_INGEST_EXTRACT_TIMEOUT"], Some("30s"), "longest a parser may take for a file"),
    row("ingest.extract_memory", None, &["DOCENT_INGEST_EXTRACT_MEMORY"], Some("1024MB"), "most memory a parser may take"),
    row("ingest.prune_share", None, &["DOCENT_INGEST_PRUNE_SHARE"], Some("50%"), "part of the collection a run may delete unasked"),
    row("ingest.on_secret", Some("--on-secret"), &["DOCENT_INGEST_ON_SECRET"], Some("warn"), "documents with secrets: warn, skip, redact or fail"),
    row("web.allow_private", Some("--allow-private"), &["DOCENT_WEB_ALLOW_PRIVATE"], Some("false"), "fetch from private addresses too"),
    row("web.max_pages", Some("--max-pages"), &["DOCENT_WEB_MAX_PAGES"], Some("500"), "pages that are fetched, at most"),
    row("web.timeout", None, &["DOCENT_WEB_TIMEOUT"], Some("30s"), "longest silence of a web server"),
    row("ingest.max_cost", Some("--max-cost"), &["DOCENT_INGEST_MAX_COST"], None, "most that a run may spend, in the currency of embedding.price"),
    row("ingest.deadline", Some("--deadline"), &["DOCENT_INGEST_DEADLINE"], None, "longest a run may take"),
    row("trace.path", Some("--trace"), &["DOCENT_TRACE"], None, "file or directory for the record of each answer"),
    row("trace.content", Some("--trace-content"), &["DOCENT_TRACE_CONTENT"], Some("false"), "prompts and answers in records, too"),
    row("attempts", None, &["DOCENT_ATTEMPTS"], Some("5"), "tries of a request that is worth retrying"),
];
