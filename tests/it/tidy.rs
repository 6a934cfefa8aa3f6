//! Rules of the repository, enforced.

use std::path::{Path, PathBuf};

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    files.sort();
    // Modules of tests only: declared behind `#[cfg(test)]` in their parents.
    let tests_only =
        ["store/contract", "store/scripted"].map(|folder| root.join("src").join(folder));
    files.retain(|file| !tests_only.iter().any(|folder| file.starts_with(folder)));
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root.join("src")).expect("under src").display().to_string();
        (name, std::fs::read_to_string(path).expect("a source file"))
    };
    files.into_iter().map(read).collect()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Lines of `text` outside its tests and comments that mention `word`.
fn uses(text: &str, word: &str) -> bool {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(word))
}

/// A layer, and what it may not know.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("ingest/", &["crate::query", "crate::settings", "crate::cli", "crate::ui", "crate::commands"]),
    ("query/", &["crate::ingest", "crate::settings", "crate::cli", "crate::ui", "crate::commands"]),
    (
        "eval/",
        &[
            "crate::ingest",
            "crate::store",
            "crate::settings",
            "crate::cli",
            "crate::ui",
            "crate::commands",
        ],
    ),
    (
        "embed/",
        &[
            "crate::ingest",
            "crate::query",
            "crate::store",
            "crate::settings",
            "crate::cli",
            "crate::ui",
            "crate::commands",
        ],
    ),
    (
        "store/",
        &[
            "crate::ingest",
            "crate::query",
            "crate::embed",
            "crate::settings",
            "crate::cli",
            "crate::ui",
            "crate::commands",
        ],
    ),
    (
        "onnx/",
        &[
            "crate::ingest",
            "crate::query",
            "crate::store",
            "crate::embed",
            "crate::chat",
            "crate::settings",
            "crate::cli",
            "crate::ui",
            "crate::commands",
        ],
    ),
    (
        "rerank/",
        &[
            "crate::ingest",
            "crate::query",
            "crate::store",
            "crate::chat",
            "crate::settings",
            "crate::cli",
            "crate::ui",
            "crate::commands",
        ],
    ),
    (
        "chat/",
        &[
            "crate::ingest",
            "crate::store",
            "crate::settings",
            "crate::cli",
            "crate::ui",
            "crate::commands",
        ],
    ),
    (
        "settings/",
        &[
            "crate::ingest",
            "crate::query",
            "crate::store",
            "crate::embed",
            "crate::chat",
            "crate::ui",
            "crate::commands",
        ],
    ),
    (
        "ui/",
        &[
            "crate::settings",
            "crate::store",
            "crate::embed",
            "crate::rerank",
            "crate::chat",
            "crate::commands",
        ],
    ),
    (
        "record/",
        &[
            "crate::ingest",
            "crate::query",
            "crate::store",
            "crate::settings",
            "crate::cli",
            "crate::ui",
            "crate::commands",
        ],
    ),
    (
        "trace/",
        &[
            "crate::ingest",
            "crate::store",
            "crate::record",
            "crate::settings",
            "crate::cli",
            "crate::ui",
            "crate::commands",
        ],
    ),
    ("types.rs", &["crate::"]),
    ("cli", &["crate::"]),
];

#[test]
fn layers_point_downwards() {
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        for (layer, others) in FORBIDDEN.iter().filter(|(layer, _)| name.starts_with(layer)) {
            for other in others.iter().filter(|other| uses(&text, other)) {
                wrong.push(format!("{name} (in {layer}) uses {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A vendor's types stay in the file or folder that wraps the vendor.
#[test]
fn vendors_stay_where_they_are_wrapped() {
    let vendors: &[(&str, &[&str])] = &[
        ("qdrant_edge::", &["store/edge", "embed/sparse"]),
        ("qdrant_client::", &["store/server"]),
        ("async_openai::", &["openai/", "embed/openai", "chat/openai"]),
        ("reqwest::", &["http/", "openai/", "ingest/web/http", "trace/otlp.rs"]),
        ("hyper_util::", &["ingest/web/http"]),
        ("robotxt::", &["ingest/web/robots"]),
        ("text_splitter::", &["ingest/chunk"]),
        ("tree_sitter", &["ingest/chunk"]),
        ("pdf_extract::", &["ingest/extract"]),
        ("pdf_oxide::", &["ingest/extract"]),
        ("lol_html::", &["ingest/extract/html", "ingest/web/links"]),
        ("quick_xml::", &["ingest/extract/xml.rs", "ingest/web/sitemap"]),
        ("zip::", &["ingest/extract/package.rs"]),
        ("calamine::", &["ingest/extract/sheet"]),
        ("mail_parser::", &["ingest/extract/mail"]),
        ("ReaderBuilder", &["ingest/extract/csv.rs"]),
        ("indicatif::", &["ui/"]),
        ("rustyline::", &["ui/line.rs"]),
        ("clap::", &["cli", "commands/mod.rs", "commands/completions.rs"]),
        ("tiktoken_rs::", &["openai/tokens.rs"]),
        ("notify::", &["watch"]),
        ("base64::", &["embed/vector.rs"]),
        ("rten::", &["onnx/session.rs"]),
        ("tokenizers::", &["onnx/tokenizer.rs"]),
    ];
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        for (vendor, homes) in vendors.iter().filter(|(vendor, _)| uses(&text, vendor)) {
            if !homes.iter().any(|home| name.starts_with(home)) {
                wrong.push(format!("{name} uses {vendor}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Lower layers may not talk to the user, nor read the environment.
#[test]
fn the_environment_is_read_in_commands_and_ui_only() {
    let reads = |text: &str| uses(text, "env::var") || uses(text, "env::args");
    // A lock says which command holds it.
    let allowed = ["main.rs", "commands/", "ui/", "store/owner"];
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|(name, text)| reads(text) && !allowed.iter().any(|home| name.starts_with(home)))
        .map(|(name, _)| name)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Every module says what it is.
#[test]
fn modules_have_documentation() {
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|(name, text)| !name.contains("tests") && !text.starts_with("//!"))
        .map(|(name, _)| name)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
