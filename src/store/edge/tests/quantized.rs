//! Quantized comparison, one byte per dimension, ranks like the exact one.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use qdrant_edge::EdgeShard;

use super::*;
use crate::store::edge::{engine, readahead, tuning};
use crate::types::{Scored, SparseVector};

const WIDE: usize = 64;
const POINTS: usize = 12_000;

/// Uniform noise that is always the same: a linear congruential generator (Knuth's MMIX).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    }

    fn vector(&mut self) -> Vec<f32> {
        let vector: Vec<f32> = (0..WIDE).map(|_| self.next()).collect();
        let norm = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        vector.into_iter().map(|value| value / norm).collect()
    }
}

/// Groups of vectors that are nearly the same, as in documents that repeat themselves.
fn vectors(noise: &mut Noise) -> Vec<Vec<f32>> {
    let groups: Vec<Vec<f32>> = (0..POINTS / 20).map(|_| noise.vector()).collect();
    let near = |group: &Vec<f32>, noise: &mut Noise| -> Vec<f32> {
        group.iter().map(|value| value + 0.04 * noise.next()).collect()
    };
    (0..POINTS).map(|n| near(&groups[n % groups.len()], noise)).collect()
}

fn points(vectors: &[Vec<f32>]) -> Vec<Point> {
    let one = |(n, vector): (u32, &Vec<f32>)| Point {
        chunk: chunk(&format!("{n}.md"), n, "text"),
        dense: Some(vector.clone()),
        sparse: SparseVector { indices: Vec::new(), values: Vec::new() },
    };
    (0..).zip(vectors).map(one).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn ask(shard: &EdgeShard, vector: &[f32], limit: usize) -> Vec<Scored> {
    let search = engine::EngineSearch { filter: None, limit, min_score: None };
    engine::dense_leg(shard, &search, vector.to_vec()).unwrap().unwrap()
}

/// Names of files that are read completely, without duplicates.
fn read_whole(shard: &Path, to_search: bool) -> Vec<String> {
    let name = |file: PathBuf| file.file_name().unwrap().to_str().unwrap().to_owned();
    let names: BTreeSet<String> =
        readahead::wanted(shard, to_search).into_iter().map(name).collect();
    names.into_iter().collect()
}

#[test]
fn the_dense_leg_is_as_if_all_were_compared_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let shard = tuning::create(dir.path(), WIDE).unwrap();
    let mut noise = Noise(7);
    let vectors = vectors(&mut noise);
    let points = points(&vectors);
    let by_id: HashMap<Uuid, &Vec<f32>> =
        points.iter().map(|point| point.chunk.id()).zip(&vectors).collect();
    for batch in points.chunks(2_000) {
        engine::upsert_chunks(&shard, batch.to_vec()).unwrap();
    }
    tuning::finish(&shard, POINTS).unwrap();
    let read = ["flags_a.dat", "matrix.dat", "quantized.data"];
    assert_eq!(read_whole(dir.path(), true), read, "they are compared by a byte a dimension");
    assert_eq!(read_whole(dir.path(), false), read[..1]);

    for limit in [1, 10, 100] {
        for _ in 0..20 {
            let question = noise.vector();
            let mut exact: Vec<f32> = vectors.iter().map(|v| cosine(v, &question)).collect();
            exact.sort_by(|a, b| b.total_cmp(a));
            let found = ask(&shard, &question, limit);
            assert_eq!(found.len(), limit);
            for (hit, best) in found.iter().zip(exact) {
                assert!((hit.score - best).abs() < 1e-5, "{limit}: {} for {best}", hit.score);
                assert!((hit.score - cosine(by_id[&hit.id], &question)).abs() < 1e-5);
            }
        }
    }
}
