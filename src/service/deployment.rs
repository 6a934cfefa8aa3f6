//! How a collection is kept on a Qdrant server, and what its owner should know about that.

use std::collections::BTreeSet;

use super::backends;
use super::engine::Engine;
use crate::error::Failure;
use crate::types::{CollectionLayout, Deployment, LeaseStanding, ShardCopies, ShardCopy};

/// Something about a collection on a server that its owner should know, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Concern {
    pub message: String,
    pub hint: String,
    /// Questions or runs fail until this is resolved.
    pub fatal: bool,
}

impl Engine {
    /// How the collection is kept on its server; `None` if it is embedded, or there is no collection.
    ///
    /// # Errors
    /// The server fails.
    pub async fn deployment(&self) -> Result<Option<Deployment>, Failure> {
        let settings = &self.context.settings;
        if settings.qdrant.url.is_none() {
            return Ok(None);
        }
        let server = backends::server(settings, backends::retry_policy(settings))?;
        Ok(server.deployment().await?)
    }
}

/// What is wrong with how a collection is kept now.
pub fn concerns(deployment: &Deployment) -> Vec<Concern> {
    let mut concerns = Vec::new();
    concerns.extend(silent_nodes(deployment));
    concerns.extend(deployment.shards.iter().filter(|shard| shard.live() == 0).map(|shard| {
        Concern {
            message: format!("no copy of shard {} is live: {}", shard.shard, states(shard)),
            hint: "the collection can't be searched until one is back".to_owned(),
            fatal: true,
        }
    }));
    concerns.extend(too_few_copies(deployment));
    if deployment.status == "red" || deployment.optimizer_error.is_some() {
        let why = deployment.optimizer_error.as_deref().unwrap_or("Qdrant does not say why");
        concerns.push(Concern {
            message: format!("Qdrant could not optimize the collection: {why}"),
            hint: "searches still work, but get slower; see the log of the server".to_owned(),
            fatal: false,
        });
    }
    concerns.extend(lease_copies(deployment));
    concerns.extend(deployment.lease.as_ref().and_then(stuck));
    concerns
}

/// What could go wrong with how a collection is kept.
pub fn advice(deployment: &Deployment) -> Vec<Concern> {
    let peers = deployment.peers().len().max(deployment.nodes.len());
    let copies = deployment.layout.replication_factor.map_or(0, |copies| copies as usize);
    if peers < 2 {
        return Vec::new();
    }
    if copies == 1 {
        return vec![Concern {
            message: format!(
                "the collection has one copy of each shard, on a cluster of {peers} nodes: if one node is lost, search fails"
            ),
            hint: "docent ingest --rebuild --replication-factor 2 adds a copy".to_owned(),
            fatal: false,
        }];
    }
    let confirmed = all_have_to_confirm(&deployment.layout);
    confirmed.into_iter().chain(weaker_lease(deployment, copies.min(peers))).collect()
}

/// Qdrant does not give up on a copy whose confirmation a write needs: writes are refused while the
/// copy is away.
fn all_have_to_confirm(layout: &CollectionLayout) -> Option<Concern> {
    let (copies, confirming) = (layout.replication_factor?, layout.write_consistency?);
    (confirming >= copies).then(|| Concern {
        message: format!(
            "each write waits for all {copies} copies (write consistency {confirming}): if one node is away, writes fail"
        ),
        hint: "docent ingest --rebuild --write-consistency 1 makes writes wait for one; Qdrant can also change it in place (write_consistency_factor)".to_owned(),
        fatal: false,
    })
}

fn weaker_lease(deployment: &Deployment, wanted: usize) -> Option<Concern> {
    let copies = deployment.lease_copies.len();
    (1..wanted).contains(&copies).then(|| Concern {
        message: format!(
            "the lease has {} and the collection {wanted} of each shard: if a node is lost, writes may fail",
            if copies == 1 { "1 copy".to_owned() } else { format!("{copies} copies") }
        ),
        hint: format!(
            "copy it with Qdrant: POST /collections/{}/cluster with replicate_shard",
            deployment.lease_collection
        ),
        fatal: false,
    })
}

fn silent_nodes(deployment: &Deployment) -> impl Iterator<Item = Concern> {
    deployment.nodes.iter().filter_map(|node| {
        let why = node.error.as_ref()?;
        Some(Concern {
            message: format!("the node {} {why}", node.address),
            hint: "the other nodes are used instead".to_owned(),
            fatal: false,
        })
    })
}

/// One concern for all shards that have fewer live copies than configured.
fn too_few_copies(deployment: &Deployment) -> Option<Concern> {
    let wanted = deployment.layout.replication_factor? as usize;
    let few: Vec<&ShardCopies> =
        deployment.shards.iter().filter(|shard| (1..wanted).contains(&shard.live())).collect();
    let first = few.first()?;
    let numbers: Vec<String> = few.iter().map(|shard| shard.shard.to_string()).collect();
    let shards = if few.len() == 1 { "shard" } else { "shards" };
    let ailing: BTreeSet<u64> = few
        .iter()
        .flat_map(|shard| &shard.copies)
        .filter(|copy| !copy.live)
        .map(|copy| copy.peer)
        .collect();
    let hint = if !deployment.transfers.is_empty() {
        "copies are being made: look again later".to_owned()
    } else if ailing.is_empty() {
        "there are fewer nodes than copies, or copies were removed: with enough nodes, docent ingest --rebuild makes them again".to_owned()
    } else {
        let peers: Vec<String> = ailing.iter().map(u64::to_string).collect();
        format!("they come back with their nodes: start peer {}", peers.join(", "))
    };
    Some(Concern {
        message: format!(
            "{shards} {} {} fewer live copies than the {wanted} that are configured: {}",
            numbers.join(", "),
            if few.len() == 1 { "has" } else { "have" },
            states(first)
        ),
        hint,
        fatal: false,
    })
}

/// `1 active, 1 dead (peer 7)`.
fn states(shard: &ShardCopies) -> String {
    if shard.copies.is_empty() {
        return "there are no copies".to_owned();
    }
    let live = shard.live();
    let live = (live > 0).then(|| format!("{live} live"));
    let ailing = shard.copies.iter().filter(|copy| !copy.live).map(state);
    live.into_iter().chain(ailing).collect::<Vec<_>>().join(", ")
}

fn state(copy: &ShardCopy) -> String {
    format!("{} on peer {}", copy.state.replace('_', " "), copy.peer)
}

/// The lease is written more often than the collection, so it shows first that a node is away.
fn lease_copies(deployment: &Deployment) -> Option<Concern> {
    let copies = &deployment.lease_copies;
    let ailing = copies.iter().filter(|copy| !copy.live).map(state).collect::<Vec<_>>().join(", ");
    if ailing.is_empty() {
        return None;
    }
    let lease = &deployment.lease_collection;
    let fatal = copies.iter().all(|copy| !copy.live);
    let (message, hint) = if fatal {
        (
            format!("no copy of the lease is live ({lease}: {ailing}): nothing can be written"),
            "start one of its nodes again",
        )
    } else {
        (
            format!("the lease has fewer live copies than it was created with ({lease}: {ailing})"),
            "the other copies are used; it comes back with its node",
        )
    };
    Some(Concern { message, hint: hint.to_owned(), fatal })
}

/// A holder renews its lease three times before it runs out. A holder that did not has ended, is very
/// slow, or its clock is wrong.
fn stuck(lease: &LeaseStanding) -> Option<Concern> {
    let holder = lease.holder.as_ref().filter(|_| !lease.holder_ended)?;
    let LeaseStanding { expires_in, life, .. } = *lease;
    let ahead = expires_in - life;
    // A lease that ran out this long ago keeps nobody waiting.
    let message = if ahead > life / 5 {
        format!(
            "the lease is held by {holder}, whose clock is {ahead} s ahead of this machine's: if that process has ended, others wait that much longer"
        )
    } else if (-life..life / 2).contains(&expires_in) {
        let silent = life - expires_in;
        format!("the lease is held by {holder}, which has not renewed it for {silent} s")
    } else {
        return None;
    };
    let hint = format!(
        "if that process is gone, docent ingest --wait {}s takes the lease over",
        life + life / 3
    );
    Some(Concern { message, hint, fatal: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::NodeHealth;

    fn copies(states: &[&str]) -> Vec<ShardCopy> {
        let copy = |(peer, state): (usize, &&str)| ShardCopy {
            peer: peer as u64 + 1,
            state: (*state).to_owned(),
            live: *state == "active",
        };
        states.iter().enumerate().map(copy).collect()
    }

    /// Two copies were asked for.
    fn deployment(shards: &[&[&str]]) -> Deployment {
        let shard = |(shard, states): (usize, &&[&str])| ShardCopies {
            shard: shard as u32,
            copies: copies(states),
        };
        Deployment {
            lease_collection: "docs@lease".to_owned(),
            nodes: Vec::new(),
            layout: CollectionLayout { replication_factor: Some(2), ..CollectionLayout::default() },
            status: "green".to_owned(),
            optimizer_error: None,
            strict_mode: None,
            shards: shards.iter().enumerate().map(shard).collect(),
            transfers: Vec::new(),
            lease_copies: copies(&["active", "active"]),
            peer: Some(1),
            lease: None,
        }
    }

    fn messages(concerns: &[Concern]) -> Vec<&str> {
        concerns.iter().map(|concern| concern.message.as_str()).collect()
    }

    #[test]
    fn a_cluster_that_is_well_concerns_nobody() {
        let well = deployment(&[&["active", "active"], &["active", "active"]]);
        assert_eq!((concerns(&well), advice(&well)), (Vec::new(), Vec::new()));
    }

    #[test]
    fn copies_that_are_away_are_told_by_shard_and_peer() {
        let few = deployment(&[&["active", "dead"], &["active", "active"], &["active", "partial"]]);
        let found = concerns(&few);
        assert_eq!(
            messages(&found),
            [
                "shards 0, 2 have fewer live copies than the 2 that are configured: 1 live, dead on peer 2"
            ]
        );
        assert!(!found[0].fatal);
        let lost = deployment(&[&["dead", "dead"], &["active"]]);
        let found = concerns(&lost);
        assert_eq!(
            messages(&found),
            [
                "no copy of shard 0 is live: dead on peer 1, dead on peer 2",
                "shard 1 has fewer live copies than the 2 that are configured: 1 live"
            ]
        );
        assert_eq!((found[0].fatal, found[1].fatal), (true, false));
    }

    #[test]
    fn nodes_optimizer_and_the_copies_of_the_lease_are_told() {
        let mut ill = deployment(&[&["active", "active"]]);
        ill.nodes.push(NodeHealth {
            address: "http://b:6334".to_owned(),
            version: None,
            error: Some("cannot be reached".to_owned()),
        });
        ill.optimizer_error = Some("no space left".to_owned());
        ill.lease_copies = copies(&["dead", "dead"]);
        assert_eq!(
            messages(&concerns(&ill)),
            [
                "the node http://b:6334 cannot be reached",
                "Qdrant could not optimize the collection: no space left",
                "no copy of the lease is live (docs@lease: dead on peer 1, dead on peer 2): nothing can be written"
            ]
        );
        let mut few = deployment(&[&["active", "active"]]);
        few.lease_copies = copies(&["active", "partial_snapshot"]);
        assert_eq!(
            messages(&concerns(&few)),
            [
                "the lease has fewer live copies than it was created with (docs@lease: partial snapshot on peer 2)"
            ]
        );
    }

    #[test]
    fn one_copy_on_several_nodes_is_advised_against() {
        let mut single = deployment(&[&["active"]]);
        single.layout.replication_factor = Some(1);
        assert_eq!(
            messages(&advice(&single)),
            [
                "the collection has one copy of each shard, on a cluster of 2 nodes: if one node is lost, search fails"
            ]
        );
        single.lease_copies.truncate(1);
        assert_eq!(advice(&single), [], "it is the only node");
        let mut guarded = deployment(&[&["active", "active"]]);
        guarded.lease_copies.truncate(1);
        assert_eq!(
            messages(&advice(&guarded)),
            [
                "the lease has 1 copy and the collection 2 of each shard: if a node is lost, writes may fail"
            ]
        );
    }

    #[test]
    fn writes_that_wait_for_all_copies_are_advised_against() {
        let mut strict = deployment(&[&["active", "active"]]);
        strict.layout.write_consistency = Some(1);
        assert_eq!(advice(&strict), []);
        strict.layout.write_consistency = Some(2);
        assert_eq!(
            messages(&advice(&strict)),
            [
                "each write waits for all 2 copies (write consistency 2): if one node is away, writes fail"
            ]
        );
    }

    #[test]
    fn a_lease_that_is_not_renewed_is_stuck() {
        let held = |expires_in, holder_ended| LeaseStanding {
            holder: Some("process 7".to_owned()),
            holder_ended,
            expires_in,
            life: 30,
        };
        for (expires_in, expected) in [
            (20, None),
            (30, None),
            (9, Some("not renewed it for 21 s")),
            (-20, Some("not renewed it for 50 s")),
            // The next one takes it at once.
            (-40, None),
            (3_630, Some("clock is 3600 s ahead")),
        ] {
            let concern = stuck(&held(expires_in, false));
            let says = |text| concern.as_ref().is_some_and(|it| it.message.contains(text));
            assert!(expected.map_or(concern.is_none(), says), "{expires_in}: {concern:?}");
        }
        assert_eq!(stuck(&held(9, true)), None);
        assert_eq!(stuck(&LeaseStanding { holder: None, ..held(9, false) }), None);
    }
}
