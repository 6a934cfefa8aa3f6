//! Rules of the repository, enforced.

mod paths;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use paths::Code;

/// A file under `src`.
struct Source {
    /// From `src`, with `/`.
    name: String,
    text: String,
    /// Every path that it names: see [`Code::paths`].
    paths: BTreeSet<String>,
    /// The types in it that others may name.
    types: Vec<String>,
    /// It is compiled for tests only.
    for_tests: bool,
}

impl Source {
    /// Whether it names something whose path begins so: `crate::ui::`, or a crate's `clap::`.
    fn names(&self, start: &str) -> bool {
        self.paths.iter().any(|path| format!("{path}::").starts_with(start))
    }

    /// The top-level module that it belongs to; none for the crate's roots.
    fn layer(&self) -> Option<&str> {
        let layer = self.name.split('/').next()?.trim_end_matches(".rs");
        (!["lib", "main"].contains(&layer)).then_some(layer)
    }
}

/// The files that are compiled, found as the compiler finds them.
static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let mut found = Vec::new();
    for root in ["lib.rs", "main.rs"] {
        collect(root, "", "crate", false, &mut found);
    }
    assert!(found.len() > 300, "{} files", found.len());
    found
});

/// The files that a user runs.
fn product() -> impl Iterator<Item = &'static Source> {
    SOURCES.iter().filter(|source| !source.for_tests)
}

fn layers() -> BTreeSet<&'static str> {
    product().filter_map(Source::layer).collect()
}

/// Adds a file, and those of its modules, which are in `folder`.
fn collect(name: &str, folder: &str, module: &str, for_tests: bool, found: &mut Vec<Source>) {
    let text = std::fs::read_to_string(src().join(name)).expect("a source file");
    let code = Code::of(&text);
    let paths = code.paths(module);
    let types = code.public_types();
    found.push(Source { name: name.to_owned(), text, paths, types, for_tests });
    for (child, tests) in &code.modules {
        let folder = format!("{folder}{child}");
        let files = [format!("{folder}.rs"), format!("{folder}/mod.rs")];
        let file = files.iter().find(|file| src().join(file).exists());
        // Those without one are for tests, in the folder of the end-to-end tests.
        assert!(file.is_some() || *tests || for_tests, "{name} declares {child}");
        if let Some(file) = file {
            let module = format!("{module}::{child}");
            collect(file, &format!("{folder}/"), &module, *tests || for_tests, found);
        }
    }
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The top-level modules from the bottom up, and what each may know of the others.
const LAYERS: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("cancel", &[]),
    ("error", &[]),
    ("heap", &["error"]),
    ("rooted_fs", &[]),
    ("private_files", &["rooted_fs"]),
    ("audit", &["rooted_fs", "error", "private_files", "types"]),
    ("task", &[]),
    ("disk_space", &[]),
    ("text", &[]),
    ("watch", &[]),
    ("settings", &["types"]),
    ("cli", &["settings", "types"]),
    ("retry", &["cancel", "error"]),
    ("http", &["cancel", "error", "retry", "types"]),
    ("openai", &["cancel", "error", "http", "retry"]),
    ("hub", &["error", "http", "retry", "disk_space", "types"]),
    ("onnx", &["types"]),
    ("ocr", &["error", "onnx", "openai", "retry", "types"]),
    ("chat", &["error", "openai", "retry", "text", "types"]),
    ("embed", &["cancel", "error", "http", "onnx", "openai", "retry", "task", "text", "types"]),
    ("interaction", &["embed"]),
    ("rerank", &["embed", "error", "onnx", "openai", "retry", "types"]),
    ("entailment", &["error", "onnx"]),
    ("store", &["error", "heap", "http", "retry", "disk_space", "task", "types"]),
    ("record", &["chat", "embed", "error", "http", "ocr", "private_files", "rerank", "types"]),
    (
        "ingest",
        &[
            "rooted_fs",
            "cancel",
            "embed",
            "error",
            "http",
            "ocr",
            "retry",
            "store",
            "task",
            "types",
        ],
    ),
    (
        "query",
        &[
            "cancel",
            "chat",
            "embed",
            "entailment",
            "error",
            "interaction",
            "rerank",
            "store",
            "task",
            "text",
            "types",
        ],
    ),
    ("eval", &["chat", "error", "query", "text", "types"]),
    (
        "trace",
        &[
            "chat",
            "embed",
            "entailment",
            "error",
            "http",
            "private_files",
            "query",
            "rerank",
            "types",
        ],
    ),
    (
        "service",
        &[
            "audit",
            "rooted_fs",
            "cancel",
            "chat",
            "embed",
            "entailment",
            "error",
            "http",
            "hub",
            "ingest",
            "interaction",
            "ocr",
            "onnx",
            "query",
            "record",
            "rerank",
            "retry",
            "settings",
            "store",
            "text",
            "trace",
            "types",
            "watch",
        ],
    ),
    ("output", &["error", "eval", "ingest", "query", "service", "trace", "types"]),
    (
        // It counts tokens as models do, and reports what an ingest has done.
        "mcp",
        &[
            "cancel", "chat", "error", "http", "ingest", "openai", "output", "query", "service",
            "store", "task", "text", "types",
        ],
    ),
    (
        // It embeds texts for callers, and reads the tokens that their clients send.
        "serve",
        &[
            "audit",
            "rooted_fs",
            "cancel",
            "chat",
            "embed",
            "error",
            "http",
            "interaction",
            "mcp",
            "openai",
            "output",
            "private_files",
            "query",
            "service",
            "settings",
            "store",
            "task",
            "text",
            "types",
        ],
    ),
    (
        "ui",
        &[
            "cancel", "cli", "error", "eval", "hub", "ingest", "output", "query", "serve",
            "service", "text", "trace", "types",
        ],
    ),
];

/// It shows everything, and may know it.
const TOP: &str = "commands";

#[test]
fn every_module_has_a_layer() {
    let rows: BTreeSet<&str> = LAYERS.iter().map(|(layer, _)| *layer).chain([TOP]).collect();
    assert_eq!(layers(), rows, "left: what there is; right: what has a row here");
}

#[test]
fn a_layer_may_know_only_those_below_it() {
    for (place, (layer, known)) in LAYERS.iter().enumerate() {
        for other in *known {
            let below = LAYERS[..place].iter().any(|(below, _)| below == other);
            assert!(below, "{other} is not below {layer}");
        }
    }
}

#[test]
fn layers_point_downwards() {
    let layers = layers();
    let mut wrong = BTreeSet::new();
    for (layer, known) in LAYERS {
        for source in product().filter(|source| source.layer() == Some(layer)) {
            let others = layers.iter().filter(|other| *other != layer && !known.contains(other));
            let others = others.filter(|other| source.names(&format!("crate::{other}::")));
            wrong.extend(others.map(|other| format!("{} uses crate::{other}", source.name)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The implementations of each trait. One file chooses among them.
const BACKENDS: &[&str] = &[
    "chat/extractive",
    "chat/openai",
    "embed/builtin",
    "embed/onnx",
    "embed/openai",
    "entailment/onnx",
    "ocr/local",
    "ocr/openai",
    "rerank/endpoint",
    "rerank/onnx",
    "store/edge",
    "store/server",
];

/// Other files that name an implementation, and why.
const KNOWN_BACKENDS: &[(&str, &str, &str)] = &[
    ("interaction/cosines.rs", "embed/builtin", "reads its table of words"),
    ("interaction/passages.rs", "embed/builtin", "reads its table of words"),
    ("interaction/question.rs", "embed/builtin", "reads its table of words"),
    ("rerank/onnx.rs", "embed/onnx", "a bi-encoder compares the vectors of such an embedder"),
];

#[test]
fn one_file_chooses_backends() {
    let mut found = BTreeSet::new();
    for source in product().filter(|source| !source.name.starts_with("service/backends")) {
        let others = BACKENDS.iter().filter(|backend| !source.name.starts_with(*backend));
        let path = |backend: &str| format!("crate::{}::", backend.replace('/', "::"));
        let others = others.filter(|backend| source.names(&path(backend)));
        found.extend(others.map(|backend| (source.name.as_str(), *backend)));
    }
    let known = KNOWN_BACKENDS.iter().map(|(file, backend, _)| (*file, *backend)).collect();
    assert_eq!(found, known, "left: what is used; right: what is known here to be");
}

/// The functions that give the right to change a collection, and the files that may call them, so that
/// the log of changes has every change.
const WAYS_TO_CHANGE: &[(&str, &str)] = &[
    (".write().await", "service/changes/mod.rs"),
    (".write_part(", "service/changes/mod.rs"),
    (".write_again(", "service/changes/mod.rs"),
    (".adopt(|", "service/ownership.rs"),
    ("files.repair()", "service/integrity.rs"),
];

#[test]
fn collections_are_changed_where_it_is_noted() {
    let above = ["service", "commands", "serve", "mcp", "eval", "ui", "output"];
    let is_above = |source: &&Source| source.layer().is_some_and(|layer| above.contains(&layer));
    let mut found = BTreeSet::new();
    for source in product().filter(is_above) {
        let code = source.text.split("#[cfg(test)]").next().unwrap_or_default();
        let ways = WAYS_TO_CHANGE.iter().filter(|(way, _)| code.contains(way));
        found.extend(ways.map(|(way, _)| (*way, source.name.as_str())));
    }
    assert_eq!(found, WAYS_TO_CHANGE.iter().copied().collect());
}

/// A vendor's types stay in the file or folder that wraps the vendor.
#[test]
fn vendors_stay_where_they_are_wrapped() {
    let vendors: &[(&str, &[&str])] = &[
        ("qdrant_edge::", &["store/edge", "embed/sparse"]),
        ("qdrant_client::", &["store/server", "store/scripted"]),
        ("async_openai::", &["openai/", "embed/openai", "chat/openai"]),
        ("reqwest::", &["http/", "hub/wire.rs", "openai/", "ingest/web/http", "trace/otlp.rs"]),
        ("axum::", &["serve"]),
        ("rmcp::", &["mcp/protocol"]),
        ("prometheus_client::", &["serve/metrics.rs"]),
        ("hyper::", &["http/socket.rs", "serve/connections.rs"]),
        ("tokio_tungstenite::", &["serve/chat/session.rs"]),
        ("tokio_rustls::", &["serve/tls.rs"]),
        ("sha1_smol::", &["hub/transfer.rs", "serve/chat/handshake.rs"]),
        ("hyper_util::", &["http/socket.rs", "ingest/web/http", "serve/connections.rs"]),
        ("robotxt::", &["ingest/web/robots"]),
        ("text_splitter::", &["ingest/chunk"]),
        ("tree_sitter", &["ingest/chunk"]),
        ("pdf_extract::", &["ingest/extract"]),
        ("hayro_interpret::", &["ingest/extract/pdf"]),
        ("html5gum::", &["ingest/extract/html/tree.rs"]),
        ("quick_xml::", &["ingest/extract/xml.rs", "ingest/web/sitemap"]),
        ("zip::", &["ingest/extract/package.rs"]),
        ("zstd::", &["store/archive"]),
        ("calamine::", &["ingest/extract/sheet"]),
        ("jsonc_parser::", &["ingest/extract/json/tree.rs", "commands/mcp/install/merge.rs"]),
        ("mail_parser::", &["ingest/extract/mail"]),
        ("csv::ReaderBuilder", &["ingest/extract/csv.rs"]),
        ("cfb::", &["ingest/extract/compound.rs"]),
        ("chardetng::", &["ingest/extract/encoding.rs"]),
        ("indicatif::", &["ui/"]),
        ("rustyline::", &["ui/line.rs"]),
        ("clap::", &["cli", "commands/mod.rs", "commands/completions"]),
        ("tiktoken_rs::", &["openai/tokens.rs"]),
        ("multer::", &["serve/uploads/received.rs"]),
        ("notify::", &["watch"]),
        (
            "base64::",
            &[
                "embed/vector.rs",
                "mcp/protocol/headers.rs",
                "ocr/openai.rs",
                "serve/chat/handshake.rs",
                "serve/page/policy.rs",
                "store/server/rights.rs",
            ],
        ),
        ("quick_cache::", &["interaction/passages.rs", "query/cache.rs"]),
        ("siphasher::", &["interaction/passages.rs"]),
        ("rten::", &["onnx/graph.rs", "onnx/session.rs"]),
        ("tokenizers::", &["onnx/tokenizer.rs"]),
    ];
    let mut wrong = Vec::new();
    for source in SOURCES.iter() {
        for (vendor, homes) in vendors.iter().filter(|(vendor, _)| source.names(vendor)) {
            if !homes.iter().any(|home| source.name.starts_with(home)) {
                wrong.push(format!("{} uses {vendor}", source.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Lower layers may not talk to the user, nor read the environment.
#[test]
fn the_environment_is_read_in_commands_and_ui_only() {
    let reads = |source: &Source| source.names("std::env::var") || source.names("std::env::args");
    // A lock says which command holds it; the contract is also for a server that is named.
    let allowed = ["main.rs", "commands/", "ui/", "store/owner", "store/contract"];
    let wrong: Vec<&str> = product()
        .filter(|source| reads(source) && !allowed.iter().any(|home| source.name.starts_with(home)))
        .map(|source| source.name.as_str())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Types with one name that are public outside their files, of which a build has only one.
const ALTERNATIVES: &[(&str, &[&str])] = &[
    ("DirHandle", &["rooted_fs/portable.rs", "rooted_fs/unix.rs"]),
    ("FloatGraph", &["onnx/graph.rs", "onnx/left_out.rs"]),
    ("OnnxSession", &["onnx/left_out.rs", "onnx/session.rs"]),
    ("OnnxTokenizer", &["onnx/left_out.rs", "onnx/tokenizer.rs"]),
    ("RootDir", &["rooted_fs/portable.rs", "rooted_fs/unix.rs"]),
    ("SocketListener", &["serve/socket.rs", "serve/socket.rs"]),
    ("SocketStream", &["serve/socket.rs", "serve/socket.rs"]),
];

/// Otherwise neither a search nor an editor finds the one that is meant.
#[test]
fn public_types_have_a_name_of_their_own() {
    let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for source in product() {
        for name in &source.types {
            files.entry(name.as_str()).or_default().push(source.name.as_str());
        }
    }
    for files in files.values_mut() {
        files.sort_unstable();
    }
    files.retain(|_, files| files.len() > 1);
    let known: BTreeMap<&str, Vec<&str>> =
        ALTERNATIVES.iter().map(|(name, files)| (*name, files.to_vec())).collect();
    assert_eq!(files, known, "left: what is defined more than once; right: what may be");
}

/// Every module says what it is.
#[test]
fn modules_have_documentation() {
    let wrong: Vec<&str> = SOURCES
        .iter()
        .filter(|source| !source.name.contains("tests") && !source.text.starts_with("//!"))
        .map(|source| source.name.as_str())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
