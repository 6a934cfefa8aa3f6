//! What the embedded engine takes by itself, which is the limit of storing and searching.

use std::path::{Path, PathBuf};
use std::time::Instant;

use docent::embed::builtin::Builtin;
use docent::embed::sparse::TermCounter;
use qdrant_edge::{
    EdgeConfig, EdgeOptimizersConfig, EdgeShard, NamedQuery, PointInsertOperations,
    PointOperations, PointStructPersisted, QuantizationSearchParams, QueryEnum, QueryRequest,
    ScoringQuery, ScrollRequest, SearchParams, UpdateOperation, Vector, VectorInternal,
    VectorStructPersisted, WithPayloadInterface, WithVector,
};

/// Points of one upsert.
const BATCH: usize = 512;

/// Points after which an appendable segment is made immutable, if that is asked for: upserts get slower
/// as such a segment grows.
const COMPACT_AFTER: usize = 8_192;

/// The shard of the only collection in a data directory.
pub(crate) fn shard_of(data: &Path) -> PathBuf {
    let mut found = Vec::new();
    let mut open = vec![data.to_owned()];
    while let Some(dir) = open.pop() {
        if dir.file_name().is_some_and(|name| name == "shard") {
            found.push(dir);
            continue;
        }
        let entries = std::fs::read_dir(&dir).into_iter().flatten().flatten();
        open.extend(entries.map(|entry| entry.path()).filter(|path| path.is_dir()));
    }
    assert_eq!(found.len(), 1, "shards in {}", data.display());
    found.remove(0)
}

fn load(shard: &Path) -> EdgeShard {
    EdgeShard::load(shard, None).expect("a shard that opens")
}

/// All points of a shard, ready for an upsert, and the configuration of the shard.
pub(crate) fn points(shard: &Path) -> (EdgeConfig, Vec<PointStructPersisted>) {
    let shard = load(shard);
    let (mut points, mut offset) = (Vec::new(), None);
    loop {
        let request = ScrollRequest {
            offset,
            limit: Some(4_096),
            filter: None,
            with_payload: Some(WithPayloadInterface::Bool(true)),
            with_vector: WithVector::Bool(true),
            order_by: None,
        };
        let (records, next) = shard.scroll(request).expect("a scroll");
        points.extend(records.into_iter().map(|record| PointStructPersisted {
            id: record.id,
            vector: record.vector.map_or_else(
                || VectorStructPersisted::Named(std::collections::HashMap::new()),
                VectorStructPersisted::from,
            ),
            payload: record.payload,
        }));
        if next.is_none() {
            return (shard.config().clone(), points);
        }
        offset = next;
    }
}

/// Seconds that an upsert of these points takes, until they are on disk and the shard is closed. With
/// `compact`, segments are made immutable on the way and merged at the end, as a collection that is
/// to be searched fast wants them.
pub(crate) fn upsert(
    dir: &Path,
    config: &EdgeConfig,
    points: &[PointStructPersisted],
    compact: bool,
) -> f64 {
    let mut batches: Vec<Vec<PointStructPersisted>> =
        points.chunks(BATCH).map(<[PointStructPersisted]>::to_vec).collect();
    std::fs::create_dir_all(dir).expect("a directory");
    let loading = EdgeOptimizersConfig {
        indexing_threshold: Some(1),
        default_segment_number: Some(1_000),
        ..EdgeOptimizersConfig::default()
    };
    let began = Instant::now();
    let shard = EdgeShard::new(dir, config.clone()).expect("a new shard");
    let finished = shard.config().optimizers.clone();
    let mut open = 0;
    for batch in batches.drain(..) {
        open += batch.len();
        let points = PointInsertOperations::PointsList(batch);
        let upsert = UpdateOperation::PointOperation(PointOperations::UpsertPoints(points));
        shard.update(upsert).expect("an upsert");
        if compact && open >= COMPACT_AFTER {
            shard.set_optimizers_config(loading.clone()).expect("a setting");
            shard.optimize().expect("an optimisation");
            open = 0;
        }
    }
    if compact {
        shard.set_optimizers_config(finished).expect("a setting");
        shard.optimize().expect("an optimisation");
    }
    shard.flush();
    drop(shard);
    let took = began.elapsed().as_secs_f64();
    std::fs::remove_dir_all(dir).expect("a directory to remove");
    took
}

/// The queries of a question for dense and sparse retrieval.
pub(crate) struct Ask {
    pub(crate) dense: Vec<f32>,
    pub(crate) terms: Vec<u32>,
}

impl Ask {
    /// The queries with docent's vectors of a question.
    pub(crate) fn of(question: &str) -> Self {
        let dense = Builtin::new().embed_text(question).expect("a question of known words");
        Self { dense, terms: terms(question) }
    }
}

fn terms(question: &str) -> Vec<u32> {
    TermCounter::new("english").expect("a language").terms(question)
}

/// A shard that stays open.
pub(crate) struct Open(EdgeShard);

impl Open {
    pub(crate) fn load(shard: &Path) -> Self {
        Self(load(shard))
    }

    /// Asks dense and sparse retrieval for a hundred points.
    pub(crate) fn ask(&self, ask: &Ask) {
        let weights = vec![1.0; ask.terms.len()];
        let sparse = Vector::new_sparse(ask.terms.clone(), weights).expect("a sparse vector");
        // Vectors that are compared by bytes are compared exactly afterwards, as in docent.
        let quantization = QuantizationSearchParams {
            rescore: Some(true),
            oversampling: Some(10.0),
            ..QuantizationSearchParams::default()
        };
        let as_exact = SearchParams { quantization: Some(quantization), ..SearchParams::default() };
        let request = |name: &str, vector: VectorInternal| QueryRequest {
            prefetches: Vec::new(),
            query: Some(ScoringQuery::Vector(QueryEnum::Nearest(NamedQuery {
                using: Some(name.into()),
                query: vector,
            }))),
            filter: None,
            score_threshold: None,
            limit: 100,
            offset: 0,
            params: Some(as_exact),
            with_vector: WithVector::Bool(false),
            with_payload: WithPayloadInterface::Bool(true),
        };
        let dense = VectorInternal::Dense(ask.dense.clone());
        for (leg, vector) in [("dense", dense), ("sparse", sparse.into())] {
            // A question of unknown words finds nothing in sparse retrieval.
            let found = self.0.query(request(leg, vector)).expect("an answer");
            assert!(leg == "sparse" || found.len() == 100, "points by {leg}");
        }
    }
}

/// Prints the seconds that it takes to open a shard and to ask dense and sparse retrieval for a hundred
/// points, in a process of its own, in which nothing is open yet.
#[expect(clippy::print_stdout, reason = "the other process reads it")]
pub(crate) fn ask(shard: &Path) {
    let ask = Ask { dense: vec![0.0625; 256], terms: terms(crate::QUESTION) };
    let began = Instant::now();
    let open = Open::load(shard);
    open.ask(&ask);
    println!("{}", began.elapsed().as_secs_f64());
    // Closing is not part of it.
    std::mem::forget(open);
}
