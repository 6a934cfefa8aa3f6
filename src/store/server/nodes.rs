//! The nodes of a cluster that were named, and which of them is asked.
//!
//! One node is asked until it fails; then the next one, and so on in a ring. Each node knows the whole
//! cluster and finds a live copy itself.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use qdrant_client::Qdrant;
use qdrant_client::config::CompressionEncoding;
use url::Url;

use super::fault;
use crate::error::{BackendError, ExternalService};
use crate::http::is_loopback;
use crate::types::NodeHealth;

/// A host that is up accepts a connection sooner.
pub(super) const CONNECT: Duration = Duration::from_secs(5);

/// How long a request goes without an answer, at most, until its node is asked whether it is alive, and how
/// long that question may take, at most: a tenth of the limit of a request.
const LONGEST_LOOK: Duration = Duration::from_secs(3);

/// The same for a node that has not answered anything yet: each command starts over to find out which nodes
/// are up, and another one can be asked.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// A node and its client.
pub(super) struct ClusterNode {
    pub(super) client: Qdrant,
    /// `scheme://host:port`.
    pub(super) address: String,
    /// Whether it has answered: later errors come from Qdrant, not from some other server.
    pub(super) answered: AtomicBool,
    look: Duration,
}

/// At least one node.
pub(super) struct Nodes {
    all: Vec<ClusterNode>,
    asked: AtomicUsize,
}

impl Nodes {
    /// Connects at the first request. `timeout` applies to each request.
    pub(super) fn new(
        addresses: &[String],
        api_key: Option<&String>,
        timeout: Duration,
    ) -> Result<Self, BackendError> {
        let node = |address: &String| {
            let client = Qdrant::from_url(address)
                .compression(compression(address))
                .api_key(api_key.cloned())
                .timeout(timeout)
                .connect_timeout(timeout.min(CONNECT))
                // The check blocks, and prints to stdout.
                .skip_compatibility_check()
                .build()
                .map_err(|error| {
                    let (fault, message) = fault::describe(&error, timeout, false);
                    BackendError::new(ExternalService::Store, fault, address, &message)
                })?;
            let (address, answered) = (address.clone(), AtomicBool::new(false));
            Ok(ClusterNode { client, address, answered, look: LONGEST_LOOK.min(timeout / 10) })
        };
        let all = addresses.iter().map(node).collect::<Result<_, _>>()?;
        Ok(Self { all, asked: AtomicUsize::new(0) })
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &ClusterNode> {
        self.all.iter()
    }

    /// The current node, with its number.
    pub(super) fn asked(&self) -> (usize, &ClusterNode) {
        let number = self.asked.load(Ordering::Relaxed) % self.all.len();
        (number, &self.all[number])
    }

    /// Switches to the node after `number`, unless another request has done so already.
    pub(super) fn leave(&self, number: usize) {
        let next = (number + 1) % self.all.len();
        let _ = self.asked.compare_exchange(number, next, Ordering::Relaxed, Ordering::Relaxed);
    }
}

impl ClusterNode {
    /// Whether it answers: one request, within this time.
    pub(super) async fn health(&self, longest: Duration) -> NodeHealth {
        let answer = tokio::time::timeout(longest, self.client.health_check()).await;
        let (version, error) = match answer {
            Ok(Ok(reply)) => (Some(reply.version), None),
            Ok(Err(error)) => (
                None,
                Some(fault::describe(&error, longest, self.answered.load(Ordering::Relaxed)).1),
            ),
            Err(_) => (None, Some(fault::overdue(longest).1)),
        };
        NodeHealth { address: self.address.clone(), version, error }
    }

    /// Completes when the node has not answered for a while and does not respond to a health check either: a
    /// suspended process accepts requests and answers none, so each would take its full time limit.
    pub(super) async fn stands_still(&self) {
        loop {
            let answered = self.answered.load(Ordering::Relaxed);
            let look = if answered { self.look } else { self.look.min(FIRST_LOOK) };
            tokio::time::sleep(look).await;
            let lives = tokio::time::timeout(look, self.client.health_check());
            if !matches!(lives.await, Ok(Ok(_))) {
                return;
            }
        }
    }
}

/// Compression for servers on other machines: 10,000 chunks (256 dimensions, Markdown) are 29 MB. Gzip makes
/// 17 MB of them for half a second of processor time, a third of what the whole ingest takes of it otherwise;
/// over a line of 10 Mbit/s it takes 18 s, not 28 s.
fn compression(address: &str) -> Option<CompressionEncoding> {
    let url = Url::parse(address).ok();
    (!url.is_some_and(|url| is_loopback(&url))).then_some(CompressionEncoding::Gzip)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn requests_to_other_machines_are_compressed() {
        for (address, expected) in [
            ("http://localhost:6334", false),
            ("http://127.0.0.1:6334", false),
            ("http://[::1]:6334", false),
            ("http://10.0.0.7:6334", true),
            ("https://xyz.eu-central.aws.cloud.qdrant.io:6334", true),
        ] {
            assert_eq!(compression(address).is_some(), expected, "{address}");
        }
    }

    #[test]
    fn the_next_node_is_asked_when_one_is_left_and_by_many_at_once_left_once() {
        let addresses = ["http://a:1", "http://b:1", "http://c:1"].map(str::to_owned);
        let nodes = Nodes::new(&addresses, None, Duration::from_secs(1)).unwrap();
        assert_eq!(nodes.asked().1.address, "http://a:1");
        nodes.leave(0);
        nodes.leave(0);
        assert_eq!(nodes.asked().1.address, "http://b:1");
        nodes.leave(1);
        nodes.leave(2);
        assert_eq!(nodes.asked().1.address, "http://a:1");
    }
}
