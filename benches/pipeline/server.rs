//! What a Qdrant server takes by itself, asked through its own client.

use std::time::Duration;

use qdrant_client::Qdrant;
use qdrant_client::qdrant::{
    CollectionStatus, Query, QueryBatchPointsBuilder, QueryPoints, QueryPointsBuilder,
};

use crate::engine::Ask;

/// Variable that names a server without a key, as for the store's tests.
pub(crate) const URL: &str = "DOCENT_TEST_QDRANT_URL";

/// The collection of this benchmark.
pub(crate) fn name() -> String {
    let since = std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970");
    format!("docent-bench-{}", since.as_millis())
}

#[derive(Clone)]
pub(crate) struct Client {
    client: Qdrant,
    collection: String,
}

impl Client {
    pub(crate) fn new(url: &str, collection: &str) -> Self {
        let client = Qdrant::from_url(url).timeout(Duration::from_mins(1));
        let client = client.skip_compatibility_check().build().expect("an address");
        Self { client, collection: collection.to_owned() }
    }

    /// Waits until the server has merged and indexed what it wants to.
    pub(crate) async fn settled(&self) {
        loop {
            let info = self.client.collection_info(&self.collection).await.expect("a collection");
            if info.result.expect("what it is").status() == CollectionStatus::Green {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Asks dense and sparse retrieval for a hundred points, in one request.
    pub(crate) async fn ask(&self, ask: &Ask) {
        let leg = |name: &str, query: Query| -> QueryPoints {
            let leg = QueryPointsBuilder::new(&self.collection).using(name).query(query);
            leg.limit(100).with_payload(true).build()
        };
        let terms: Vec<(u32, f32)> = ask.terms.iter().map(|&term| (term, 1.0)).collect();
        let legs = vec![leg("dense", ask.dense.clone().into()), leg("sparse", terms.into())];
        let batch = QueryBatchPointsBuilder::new(&self.collection, legs);
        let answer = self.client.query_batch(batch).await.expect("an answer");
        assert_eq!(answer.result[0].result.len(), 100, "points by the dense vector");
    }

    /// Removes the only version there was.
    pub(crate) async fn remove(&self) {
        let version = format!("{}@v1", self.collection);
        self.client.delete_collection(version).await.expect("a collection to remove");
    }
}
