//! The built-in embedder on one core, compared with the memory that it has to read: a row of the table,
//! 256 bytes and a scale, for each token. `cargo bench --bench embedder`.

#![expect(clippy::print_stdout, reason = "a benchmark reports to standard output")]

#[expect(dead_code, reason = "shared with other benchmarks")]
mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use docent::embed::builtin::Builtin;
use docent::embed::wordpiece::WordPiece;

use support::inputs::prose;

/// What the embedder has: `i8` rows of 256, with an `f32` each.
const ROWS: usize = 28_581;
const DIMENSIONS: usize = 256;

/// Repetitions, of which the fastest counts: other programs on the machine can only slow one down.
const REPETITIONS: usize = 50;

fn main() {
    let prose = prose(1 << 20);
    let texts: Vec<&str> = prose.split("\n\n").collect();
    let (tokenizer, builtin) = (WordPiece::new(), Builtin::new());
    let mut ids = Vec::new();
    for text in &texts {
        tokenizer.tokenize(text, |id| ids.push(id as usize));
    }
    let anywhere: Vec<usize> = (1..=ids.len()).map(|n| n * 7_919 % ROWS).collect();
    let in_sequence: Vec<usize> = (0..ids.len()).map(|n| n % ROWS).collect();
    let table = Table::new();

    let seconds = |time: Duration| ids.len() as f64 / time.as_secs_f64();
    let embed =
        seconds(fastest(|| texts.iter().map(|t| builtin.embed_text(t)).collect::<Vec<_>>()));
    let tokenize = seconds(fastest(|| texts.iter().map(|t| tokenizer.count(t)).sum::<usize>()));
    let sum = seconds(fastest(|| table.sum(&ids)));
    let bound = seconds(fastest(|| table.read(&ids)));
    let rows = [
        ("embed", embed),
        ("tokenize alone", tokenize),
        ("sum the same rows, ids ready made", sum),
        ("read the same rows (the bound)", bound),
        ("read rows anywhere in the table", seconds(fastest(|| table.read(&anywhere)))),
        ("read the table in sequence", seconds(fastest(|| table.read(&in_sequence)))),
    ];
    println!(
        "{} tokens of {} texts; one core; the fastest of {REPETITIONS}",
        ids.len(),
        texts.len()
    );
    println!("{:<36} {:>12} {:>8} {:>10}", "", "tokens/s", "GB/s", "of bound");
    for (name, speed) in rows {
        let bytes = speed * (DIMENSIONS + 4) as f64 / 1e9;
        println!("{name:<36} {:>10.1} M {bytes:>8.2} {:>9.1}%", speed / 1e6, 100.0 * speed / bound);
    }
}

fn fastest<T>(pass: impl Fn() -> T) -> Duration {
    let time = || {
        let started = Instant::now();
        black_box(pass());
        started.elapsed()
    };
    (0..REPETITIONS).map(|_| time()).min().unwrap_or_default()
}

/// A table of the size and layout of the embedder's.
struct Table {
    scales: Vec<f32>,
    rows: Vec<[i8; DIMENSIONS]>,
}

impl Table {
    fn new() -> Self {
        Self { scales: vec![0.5; ROWS], rows: vec![[3; DIMENSIONS]; ROWS] }
    }

    /// What embedding does once the ids are known.
    fn sum(&self, ids: &[usize]) -> [f32; DIMENSIONS] {
        let mut sum = [0.0; DIMENSIONS];
        for &id in ids {
            for (sum, &weight) in sum.iter_mut().zip(&self.rows[id]) {
                *sum += self.scales[id] * f32::from(weight);
            }
        }
        sum
    }

    /// Almost only reads the rows.
    fn read(&self, ids: &[usize]) -> ([i8; DIMENSIONS], f32) {
        let (mut all, mut scales) = ([0; DIMENSIONS], 0.0);
        for &id in ids {
            for (all, &weight) in all.iter_mut().zip(&self.rows[id]) {
                *all ^= weight;
            }
            scales += self.scales[id];
        }
        (all, scales)
    }
}
