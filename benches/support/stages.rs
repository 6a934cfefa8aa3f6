//! The stages of both flows that compute and touch nothing outside, each ready to run on an input
//! of its own.

use std::hint::black_box;

use docent::embed::Vector;
use docent::embed::builtin::Builtin;
use docent::embed::sparse::{LANGUAGE, SparseEncoder, TermCounters};
use docent::embed::wordpiece::WordPiece;
use docent::ingest::chunk::{ChunkOptions, chunk};
use docent::ingest::document::Document;
use docent::ingest::{extract, secrets};
use docent::interaction::{LateInteraction, LatePassage};
use docent::query::cite::{MarkParser, verify};
use docent::query::pack::{PackOptions, PackedHits, pack};
use docent::query::retrieve::Fusion;
use docent::store::Legs;
use docent::types::{Chunk, ContentHash, DocumentKind, Hit, Mode, Scored};

use super::inputs;

/// A stage with its input.
pub(crate) struct Stage {
    pub(crate) amount: Amount,
    /// Goes over the input once.
    pub(crate) pass: Box<dyn Fn()>,
}

/// How much one pass works off.
pub(crate) enum Amount {
    Bytes(usize),
    /// Tokens, chunks: as the stage's name says.
    Items(usize),
}

/// Makes the input.
type Make = fn() -> Stage;

/// All stages by name, in the order of the flows.
pub(crate) const STAGES: &[(&str, Make)] = &[
    ("extract markdown", || extract("a.md", DocumentKind::Markdown, inputs::markdown().into())),
    ("extract html", || extract("a.html", DocumentKind::Html, inputs::html().into())),
    ("extract code", || extract("a.rs", DocumentKind::Code, inputs::code().into())),
    ("extract csv", || extract("a.csv", DocumentKind::Csv, inputs::csv().into())),
    ("extract json", || extract("a.jsonl", DocumentKind::Json, inputs::json().into())),
    ("extract docx", || {
        extract("a.docx", DocumentKind::Docx, inputs::sample("policies/data-retention.docx"))
    }),
    ("extract pdf", || extract("a.pdf", DocumentKind::Pdf, inputs::sample("policies/restore.pdf"))),
    ("secrets", || {
        let text = inputs::markdown();
        stage(Amount::Bytes(text.len()), move || secrets::scan(&text))
    }),
    ("chunk markdown", || cut("a.md", DocumentKind::Markdown, &inputs::markdown())),
    ("chunk plain", || cut("a.txt", DocumentKind::Text, &inputs::prose(inputs::LENGTH))),
    ("chunk code", || cut("a.rs", DocumentKind::Code, &inputs::code())),
    ("chunk rows", || cut("a.csv", DocumentKind::Csv, &inputs::csv())),
    ("tokenize (tokens)", || {
        let (texts, tokenizer) = (texts(), WordPiece::new());
        stage(Amount::Items(tokens(&texts)), move || tokens_by(&tokenizer, &texts))
    }),
    ("embed (tokens)", || {
        let (texts, builtin) = (texts(), Builtin::new());
        let embed = move || texts.iter().map(|text| builtin.embed_text(text)).collect::<Vec<_>>();
        stage(Amount::Items(tokens(&self::texts())), embed)
    }),
    ("sparse documents", || {
        let (texts, encoder) = (texts(), sparse());
        let encode =
            move || texts.iter().map(|text| encoder.document(text, None)).collect::<Vec<_>>();
        stage(Amount::Bytes(self::texts().iter().map(String::len).sum()), encode)
    }),
    ("sparse query (queries)", || {
        let encoder = sparse();
        stage(Amount::Items(1), move || encoder.query(QUESTION))
    }),
    ("read a vector, base64 (vectors)", || {
        answered(serde_json::to_string(&vector()).expect("a text"))
    }),
    ("read a vector, numbers (vectors)", || {
        answered(serde_json::to_string(&vector().0).expect("a list"))
    }),
    ("fuse (hits)", || {
        // Fusing consumes the lists: that they are copied is part of the figure.
        let legs = legs(scored(0..100), scored(50..150));
        let fusion = Fusion { mode: Mode::Hybrid, sparse_weight: 0.6, limit: 100 };
        stage(Amount::Items(200), move || fusion.hits(legs.clone()))
    }),
    // With passages that were read before, as most are in a process that answers many questions.
    ("late interaction (hits)", || {
        let (texts, late) = (texts()[..50].to_vec(), LateInteraction::new());
        stage(Amount::Items(50), move || read(&late, &texts))
    }),
    ("late interaction, first read (hits)", || {
        let texts = texts()[..50].to_vec();
        stage(Amount::Items(50), move || read(&LateInteraction::new(), &texts))
    }),
    ("pack (hits)", || {
        let hits = hits();
        stage(Amount::Items(hits.len()), move || packed(&hits))
    }),
    ("parse marks", || {
        let answer = answer(&packed(&hits()));
        let deltas: Vec<String> = answer
            .as_bytes()
            .chunks(5)
            .map(|bytes| String::from_utf8_lossy(bytes).into())
            .collect();
        stage(Amount::Bytes(answer.len()), move || {
            let mut parser = MarkParser::new();
            let pieces: usize = deltas.iter().map(|delta| parser.push(delta).len()).sum();
            pieces + parser.finish().len()
        })
    }),
    ("verify", || {
        let packed = packed(&hits());
        let answer = answer(&packed);
        stage(Amount::Bytes(answer.len()), move || verify(&answer, QUESTION, &packed.passages))
    }),
    // May take 5 ms.
    ("verify 500 words (answers)", || {
        let packed = packed(&hits());
        let answer = long_answer(&packed, 500);
        stage(Amount::Items(1), move || verify(&answer, QUESTION, &packed.passages))
    }),
];

/// One of [`STAGES`].
pub(crate) fn named(name: &str) -> Stage {
    let (_, make) = STAGES.iter().find(|(known, _)| *known == name).expect("one of the stages");
    make()
}

const QUESTION: &str = "How long are backups of the ledger kept, and who may restore one?";

fn stage<T>(amount: Amount, pass: impl Fn() -> T + 'static) -> Stage {
    Stage { amount, pass: Box::new(move || drop(black_box(pass()))) }
}

fn extract(source: &'static str, kind: DocumentKind, bytes: Vec<u8>) -> Stage {
    stage(Amount::Bytes(bytes.len()), move || document(source, kind, &bytes))
}

fn document(source: &str, kind: DocumentKind, bytes: &[u8]) -> Document {
    extract::document(source, kind, &[], bytes).expect("a document")
}

fn cut(source: &'static str, kind: DocumentKind, text: &str) -> Stage {
    let document = document(source, kind, text.as_bytes());
    let tokenizer = WordPiece::new();
    stage(Amount::Bytes(document.text.len()), move || {
        chunk(&document, &ChunkOptions::default(), &|text| tokenizer.count(text)).len()
    })
}

/// Chunks of a document in Markdown, as they are stored.
fn chunks() -> Vec<Chunk> {
    let markdown = inputs::markdown();
    let document = document("a.md", DocumentKind::Markdown, markdown.as_bytes());
    let tokenizer = WordPiece::new();
    let pieces = chunk(&document, &ChunkOptions::default(), &|text| tokenizer.count(text));
    let chunks = (0..).zip(pieces).map(|(ordinal, piece)| Chunk {
        source: format!("{}.md", ordinal / 3),
        title: document.title.clone(),
        chunk_hash: ContentHash::of(piece.text.as_bytes()),
        headings: piece.headings.to_vec(),
        titled: piece.titled,
        text: piece.text.to_owned(),
        locator: piece.locator,
        ordinal,
        kind: DocumentKind::Markdown,
        document_hash: ContentHash::of(b""),
        occurrence: 0,
        tags: Vec::new(),
        page_label: None,
        recognition: None,
    });
    chunks.collect()
}

/// What is embedded of [`chunks`].
fn texts() -> Vec<String> {
    chunks().iter().map(Chunk::embedded).collect()
}

fn tokens(texts: &[String]) -> usize {
    tokens_by(&WordPiece::new(), texts)
}

fn tokens_by(tokenizer: &WordPiece, texts: &[String]) -> usize {
    texts.iter().map(|text| tokenizer.count(text)).sum()
}

fn sparse() -> SparseEncoder {
    let id = TermCounters::new(LANGUAGE).expect("a language that is known").id(100.0);
    SparseEncoder::new(&id, []).expect("parameters that are valid")
}

/// The chunks of a range, as a leg ranks them, each with its score.
fn scored(range: std::ops::Range<usize>) -> Vec<(Chunk, f32)> {
    let chunks = chunks().into_iter().cycle().zip(0..).skip(range.start).take(range.len());
    chunks.map(|(chunk, rank)| (chunk, 1.0 / (1 + rank) as f32)).collect()
}

/// As the store returns them, all with their chunks.
fn legs(dense: Vec<(Chunk, f32)>, sparse: Vec<(Chunk, f32)>) -> Legs {
    let leg = |chunks: &[(Chunk, f32)]| {
        chunks.iter().map(|(chunk, score)| Scored { id: chunk.id(), score: *score }).collect()
    };
    let (dense_leg, sparse_leg) = (leg(&dense), leg(&sparse));
    let chunks = dense.into_iter().chain(sparse).map(|(chunk, _)| (chunk.id(), chunk)).collect();
    Legs { dense: dense_leg, sparse: sparse_leg, chunks, ..Legs::default() }
}

/// As large as the embeddings that are most used.
fn vector() -> Vector {
    Vector((0..1_536_u16).map(|at| (f32::from(at) / 7.0).sin()).collect())
}

/// A vector in an endpoint's answer.
fn answered(json: String) -> Stage {
    let read = move || serde_json::from_str::<Vector>(&json).expect("a vector");
    stage(Amount::Items(1), read)
}

/// Compares [`QUESTION`] with the texts.
fn read(late: &LateInteraction, texts: &[String]) -> Vec<f32> {
    let words = QUESTION.split(' ').map(|word| (word, 1.0));
    let question = late.question(words).expect("known words");
    let passages: Vec<_> = texts.iter().map(|text| LatePassage { heading: "", text }).collect();
    late.scores(&question, &passages)
}

/// As many as packing chooses from.
fn hits() -> Vec<Hit> {
    let scored = scored(0..PackOptions::default().pool());
    scored.into_iter().map(|(chunk, score)| Hit::of(chunk, score, None)).collect()
}

fn packed(hits: &[Hit]) -> PackedHits {
    let tokenizer = WordPiece::new();
    pack(hits, &PackOptions::default(), 200, &|text| tokenizer.count(text))
}

/// Paraphrases the passages, in turn, until it has this many words: every claim has most of the words
/// of a sentence, a number with what it counts, and a mark.
fn long_answer(packed: &PackedHits, words: usize) -> String {
    let sentences = packed.passages.iter().map(|passage| {
        let sentences = passage.text.split(['.', '\n']).map(str::split_whitespace);
        let long = sentences.map(Iterator::collect::<Vec<_>>).filter(|words| words.len() > 4);
        long.map(|words| (passage.number, words)).collect::<Vec<_>>()
    });
    let sentences: Vec<_> = sentences.collect();
    let (mut answer, mut said) = (String::new(), 0);
    for turn in 0.. {
        for of_passage in &sentences {
            let (number, words) = &of_passage[turn % of_passage.len()];
            let most: Vec<&str> = words
                .iter()
                .enumerate()
                .filter(|(at, _)| at % 5 != 3)
                .map(|(_, word)| *word)
                .collect();
            answer += &format!("The {} has {} days [{number}]. ", most.join(" "), 400 + turn);
            said += most.len() + 4;
        }
        answer += "\n\n";
        if said >= words {
            break;
        }
    }
    answer
}

/// Quotes the beginning of each passage, and says something of its own.
fn answer(packed: &PackedHits) -> String {
    let claims = packed.passages.iter().map(|passage| {
        let words: Vec<&str> = passage.text.split_whitespace().take(12).collect();
        let number = passage.number;
        format!(
            "It says \"{}\" [{number}]. The `rest` is kept for 400 days [{number}].",
            words.join(" ")
        )
    });
    claims.collect::<Vec<_>>().join("\n\n")
}
