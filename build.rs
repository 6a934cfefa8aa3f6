//! Prepares the built-in embedder's files for inclusion, so that nothing is parsed at start:
//! the vocabulary as two double-array tries, and where things are in the table.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use yada::DoubleArray;
use yada::builder::DoubleArrayBuilder;

const MODEL: &str = "src/embed/static-minilm-en-256";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={MODEL}");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let out = Path::new(&out);

    let vocabulary = fs::read_to_string(format!("{MODEL}/vocab.txt")).expect("vocab.txt");
    let (words, continuations) = tries(&vocabulary);
    fs::write(out.join("words.trie"), words).expect("OUT_DIR is writable");
    fs::write(out.join("continuations.trie"), continuations).expect("OUT_DIR is writable");

    let model = fs::read(format!("{MODEL}/model.safetensors")).expect("model.safetensors");
    let config = fs::read_to_string(format!("{MODEL}/config.json")).expect("config.json");
    let rows = vocabulary.lines().count();
    let (dimensions, scales_at) = shape(&model, rows);
    let hash = after(&config, "\"sha256\":", "\"model.safetensors\": \"", "\"");
    let table = constants(rows, dimensions, scales_at, hash);
    fs::write(out.join("table.rs"), table).expect("OUT_DIR is writable");
    let norms = norms(&model[scales_at..], rows, dimensions);
    fs::write(out.join("norms"), norms).expect("OUT_DIR is writable");
}

/// Vocabulary entry → its line number, for entries that start a word and for those that continue
/// one (`##` removed).
fn tries(vocabulary: &str) -> (Vec<u8>, Vec<u8>) {
    let (mut words, mut continuations) = (Vec::new(), Vec::new());
    for (id, entry) in (0..).zip(vocabulary.lines()) {
        match entry.strip_prefix("##") {
            Some(rest) if !rest.is_empty() => continuations.push((rest, id)),
            _ => words.push((entry, id)),
        }
    }
    (trie(words), trie(continuations))
}

fn trie(mut entries: Vec<(&str, u32)>) -> Vec<u8> {
    entries.sort_unstable();
    let bytes = DoubleArrayBuilder::build(&entries).expect("entries are distinct and not empty");
    // The check that lookups rely on: made here, it need not be made at every start.
    DoubleArray::new(bytes).expect("the builder makes valid tries").0
}

/// How many dimensions the table has, and the offset of its tensors in the file: the scales and right
/// after them the rows.
///
/// safetensors: 8 bytes little-endian length of a JSON header, the header, then the data that the
/// header's offsets refer to.
fn shape(model: &[u8], rows: usize) -> (usize, usize) {
    let length = model.first_chunk().copied().expect("a safetensors file has a header");
    let data = 8 + usize::try_from(u64::from_le_bytes(length)).expect("a small header");
    let header = str::from_utf8(&model[8..data]).expect("the header is JSON");
    let tensor = |name: &str| {
        let (begin, end) = after(header, &format!("\"{name}\":"), "\"data_offsets\":[", "]")
            .split_once(',')
            .expect("two offsets");
        let offset = |digits: &str| data + digits.trim().parse::<usize>().expect("an offset");
        (offset(begin), offset(end))
    };
    let (scale, scale_end) = tensor("scale");
    let (embeddings, end) = tensor("embeddings");
    assert_eq!(scale_end - scale, 4 * rows, "one scale for each vocabulary entry");
    assert_eq!(scale_end, embeddings, "the embeddings follow the scales");
    assert_eq!(end, model.len(), "the embeddings are the last tensor");
    assert_eq!((end - embeddings) % rows, 0, "one row for each vocabulary entry");
    ((end - embeddings) / rows, scale)
}

/// Rust source with the shape of the table.
fn constants(rows: usize, dimensions: usize, scales_at: usize, hash: &str) -> String {
    let mut source = String::new();
    for (name, value) in [("ROW_COUNT", rows), ("DIMENSIONS", dimensions), ("SCALES_AT", scales_at)]
    {
        writeln!(source, "pub(crate) const {name}: usize = {value};").expect("a string");
    }
    writeln!(source, "pub(crate) const MODEL_SHA256: &str = \"{hash}\";").expect("a string");
    source
}

/// The L2 norm of each row, `f32`, little-endian; 0 where the row or its scale is 0.
fn norms(tensors: &[u8], rows: usize, dimensions: usize) -> Vec<u8> {
    let (scales, embeddings) = tensors.split_at(4 * rows);
    let mut norms = Vec::with_capacity(4 * rows);
    for (scale, row) in scales.chunks_exact(4).zip(embeddings.chunks_exact(dimensions)) {
        let scale = f32::from_le_bytes(scale.try_into().expect("four bytes"));
        let square: i32 = row.iter().map(|&x| i32::from(x.cast_signed()).pow(2)).sum();
        let norm = if scale == 0.0 { 0.0 } else { (square as f32).sqrt() };
        norms.extend(norm.to_le_bytes());
    }
    norms
}

/// What stands between `open` and `close`, looking from `mark` on.
fn after<'a>(text: &'a str, mark: &str, open: &str, close: &str) -> &'a str {
    text.split_once(mark)
        .and_then(|(_, rest)| rest.split_once(open))
        .and_then(|(_, rest)| rest.split_once(close))
        .map_or_else(|| panic!("{mark} .. {open} is missing"), |(found, _)| found)
}
