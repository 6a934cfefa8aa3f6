//! Estimates what a collection takes on disk and in memory: embedded, on one Qdrant server and on a
//! cluster. Pure; `docs/sizing.md` says how each figure was measured.

use crate::store::EXACT_UP_TO;

/// Bytes that the store keeps of a chunk beside its vectors: text, headings, place, and its part of the record.
/// Measured: 2,290 and 2,331 with chunks of 96 and 100 terms.
const PAYLOAD: f64 = 2_300.0;

/// Bytes on disk for a dimension of a vector: the four of a float, with overhead. Measured: 4.09.
const FLOAT: f64 = 4.1;

/// The same for the quantized vector, of bytes, which is compared first. Measured: 1.04.
const BYTE: f64 = 1.05;

/// Other bytes of a chunk on disk: terms, indexes, ids. Measured: 1,175 and 1,320 embedded, 3,330 on a
/// server.
const REST_EMBEDDED: f64 = 1_300.0;
const REST_ON_SERVER: f64 = 3_330.0;

/// Bytes of a chunk in memory beside its vector. Measured: 1,500 and 1,580 for an embedded collection
/// while it is searched, most of it mapped from files; 500 on a server, private.
const RESIDENT_EMBEDDED: f64 = 1_550.0;
const RESIDENT_ON_SERVER: f64 = 500.0;

/// Memory for vectors as Qdrant recommends it: their size times 1.5
/// (<https://qdrant.tech/documentation/guides/capacity-planning/>).
const HEADROOM: f64 = 1.5;

/// Memory of a usual node, and the share of it for the collection, in bytes.
const NODE: u64 = 64 << 30;
const USABLE: u64 = NODE / 4 * 3;

/// Copies of each shard, so that one node may be away.
const COPIES: u64 = 2;

/// Fewest nodes: with fewer, there is no majority if one is away.
const FEWEST_NODES: u64 = 3;

/// Shards for each node, so that some can be moved to further nodes.
const SHARDS_PER_NODE: u64 = 2;

/// A planned collection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Workload {
    pub chunks: u64,
    /// Dimensions of the dense vectors.
    pub dimensions: usize,
}

/// Bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResourceNeeds {
    pub disk: u64,
    pub memory: u64,
}

/// The kind of store that suits a collection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CollectionHome {
    Embedded,
    Server,
    /// With vectors on disk, and bytes of them in memory.
    ServerOnDisk,
    Cluster,
}

/// What a collection takes in each kind of store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sizing {
    pub embedded: ResourceNeeds,
    /// Chunks up to which the embedded store compares a question with all vectors.
    pub embedded_up_to: u64,
    pub server: ResourceNeeds,
    pub server_on_disk: ResourceNeeds,
    /// What each node of a cluster needs.
    pub node: ResourceNeeds,
    pub nodes: u64,
    pub shards: u64,
    pub copies: u64,
    pub home: CollectionHome,
}

impl Sizing {
    pub fn of(workload: Workload) -> Self {
        let Workload { chunks, dimensions } = workload;
        let d = dimensions as f64;
        let needs = |disk: f64, memory: f64| ResourceNeeds {
            disk: (chunks as f64 * disk) as u64,
            memory: (chunks as f64 * memory) as u64,
        };
        let embedded =
            needs(PAYLOAD + (FLOAT + BYTE) * d + REST_EMBEDDED, BYTE * d + RESIDENT_EMBEDDED);
        let on_server = PAYLOAD + FLOAT * d + REST_ON_SERVER;
        let server = needs(on_server, 4.0 * HEADROOM * d + RESIDENT_ON_SERVER);
        let server_on_disk = needs(on_server + BYTE * d, HEADROOM * d + RESIDENT_ON_SERVER);
        let embedded_up_to = (EXACT_UP_TO / dimensions.max(1)) as u64;
        let nodes = (COPIES * server.memory).div_ceil(USABLE).max(FEWEST_NODES);
        let of_node = |bytes: u64| (COPIES * bytes).div_ceil(nodes);
        let home = match () {
            () if chunks <= embedded_up_to => CollectionHome::Embedded,
            () if server.memory <= USABLE => CollectionHome::Server,
            () if server_on_disk.memory <= USABLE => CollectionHome::ServerOnDisk,
            () => CollectionHome::Cluster,
        };
        Self {
            embedded,
            embedded_up_to,
            server,
            server_on_disk,
            node: ResourceNeeds { disk: of_node(server.disk), memory: of_node(server.memory) },
            nodes,
            shards: nodes * SHARDS_PER_NODE,
            copies: COPIES,
            home,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(chunks: u64, dimensions: usize) -> Sizing {
        Sizing::of(Workload { chunks, dimensions })
    }

    /// The estimates are within a tenth of what was measured.
    #[test]
    fn what_was_measured_is_what_is_said() {
        let near = |said: u64, measured: u64| {
            let off = said.abs_diff(measured) * 10;
            assert!(off <= measured, "{said}, and {measured} was measured");
        };
        for (chunks, disk, memory) in
            [(174_541, 839_469_379, 315_912_192), (236_215, 1_162_896_928, 445_885_440)]
        {
            near(of(chunks, 256).embedded.disk, disk);
            near(of(chunks, 256).embedded.memory, memory);
        }
        near(of(174_541, 256).server.disk, 1_531_431_865 - 367_905_640);
        near(of(174_541, 256).server.memory, 401_399_808 - 50_000_000);
    }

    #[test]
    fn a_collection_moves_on_as_it_grows() {
        let homes =
            [100_000, 1_000_000, 5_000_000, 40_000_000, 200_000_000].map(|n| of(n, 256).home);
        let expected = [
            CollectionHome::Embedded,
            CollectionHome::Embedded,
            CollectionHome::Server,
            CollectionHome::ServerOnDisk,
            CollectionHome::Cluster,
        ];
        assert_eq!(homes, expected);
        assert_eq!(of(1_000_000, 1_536).home, CollectionHome::Server, "larger vectors, sooner");
    }

    #[test]
    fn a_cluster_lives_without_one_of_its_nodes() {
        for chunks in [0, 1_000, 50_000_000, 1_000_000_000] {
            let sizing = of(chunks, 768);
            assert!(sizing.nodes >= FEWEST_NODES && sizing.copies == 2);
            assert!(sizing.node.memory <= USABLE, "{sizing:?}");
            assert!(sizing.shards.is_multiple_of(sizing.nodes));
        }
        assert_eq!(of(1_000, 0).embedded_up_to, EXACT_UP_TO as u64);
    }
}
