//! An ingest into a Qdrant server, compared with the bare upload of the same points by Qdrant's client.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use qdrant_client::Qdrant;
use qdrant_client::qdrant::vectors_output::VectorsOptions;
use qdrant_client::qdrant::{
    CreateCollectionBuilder, CreateFieldIndexCollectionBuilder, Distance, FieldType,
    HnswConfigDiffBuilder, Modifier, NamedVectors, PointStruct, ScrollPointsBuilder,
    SparseVectorParamsBuilder, SparseVectorsConfigBuilder, UpsertPointsBuilder, Vector,
    VectorParamsBuilder, VectorsConfigBuilder, vector, vector_output,
};

use crate::process::{docent, run};

/// Points in an upsert, and concurrent upserts, as in docent.
const BATCH: usize = 256;
const AT_ONCE: usize = 4;

/// Payload fields that docent indexes.
const KEYWORDS: [&str; 5] = ["source", "kind", "tags", "record", "chunk_hash"];

/// Seconds of each, and the points.
pub(crate) struct Took {
    pub(crate) docent: f64,
    pub(crate) client: f64,
    pub(crate) points: usize,
}

/// Runs both once, into new collections that are removed at the end. The documents are in `docs` of
/// `dir`.
pub(crate) async fn both(url: &str, name: &str, dir: &Path) -> Took {
    let client = Qdrant::from_url(url).timeout(Duration::from_mins(2)).skip_compatibility_check();
    let client = client.build().expect("an address");
    let ingest =
        run(&mut docent(dir, &["ingest", "docs", "--qdrant-url", url, "--collection", name]));
    let points = points(&client, name).await;
    let bare = format!("{name}-bare");
    create(&client, &bare).await;
    let count = points.len();
    let began = Instant::now();
    let batches: Vec<_> = points.chunks(BATCH).map(<[_]>::to_vec).collect();
    let upserts = futures::stream::iter(batches).map(|batch| {
        let request = UpsertPointsBuilder::new(&bare, batch).wait(true);
        let client = &client;
        async move { client.upsert_points(request).await.expect("an upsert") }
    });
    upserts.buffer_unordered(AT_ONCE).for_each(|_| std::future::ready(())).await;
    let took = began.elapsed().as_secs_f64();
    for collection in [bare, format!("{name}@v1"), format!("{name}@lease")] {
        client.delete_collection(collection).await.expect("a collection to remove");
    }
    Took { docent: ingest.seconds(), client: took, points: count }
}

/// All that docent has stored, to be sent again.
async fn points(client: &Qdrant, name: &str) -> Vec<PointStruct> {
    let mut points = Vec::new();
    let mut offset = None;
    loop {
        let mut request =
            ScrollPointsBuilder::new(name).limit(2_000).with_payload(true).with_vectors(true);
        if let Some(offset) = offset {
            request = request.offset(offset);
        }
        let page = client.scroll(request).await.expect("a page");
        for point in page.result {
            let vectors = match point.vectors.and_then(|vectors| vectors.vectors_options) {
                Some(VectorsOptions::Vectors(named)) => named.vectors,
                _ => HashMap::default(),
            };
            let again = |vector: vector_output::Vector| match vector {
                vector_output::Vector::Dense(dense) => vector::Vector::Dense(dense),
                vector_output::Vector::Sparse(sparse) => vector::Vector::Sparse(sparse),
                vector_output::Vector::MultiDense(multi) => vector::Vector::MultiDense(multi),
            };
            let vectors = vectors.into_iter().map(|(name, vector)| {
                let vector = Some(again(vector.into_vector()));
                (name, Vector { vector, ..Vector::default() })
            });
            let vectors = NamedVectors { vectors: vectors.collect() };
            let id = point.id.expect("an id");
            points.push(PointStruct {
                id: Some(id),
                payload: point.payload,
                vectors: Some(vectors.into()),
            });
        }
        offset = page.next_page_offset;
        if offset.is_none() {
            return points;
        }
    }
}

/// A collection like docent's.
async fn create(client: &Qdrant, name: &str) {
    let mut dense = VectorsConfigBuilder::default();
    dense.add_named_vector_params("dense", VectorParamsBuilder::new(256, Distance::Cosine));
    let mut sparse = SparseVectorsConfigBuilder::default();
    let idf = SparseVectorParamsBuilder::default().modifier(Modifier::Idf);
    sparse.add_named_vector_params("sparse", idf);
    let graph = HnswConfigDiffBuilder::default().m(32).ef_construct(256);
    let request = CreateCollectionBuilder::new(name)
        .vectors_config(dense)
        .sparse_vectors_config(sparse)
        .hnsw_config(graph.full_scan_threshold(262_144));
    client.create_collection(request).await.expect("a collection");
    let fields = KEYWORDS.map(|field| (field, FieldType::Keyword));
    for (field, of) in fields.into_iter().chain([("term", FieldType::Integer)]) {
        let index = CreateFieldIndexCollectionBuilder::new(name, field, of).wait(true);
        client.create_field_index(index).await.expect("an index");
    }
}
