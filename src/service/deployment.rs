//! How a collection is kept on a Qdrant server: what somebody should know of it, and what was asked for
//! and is not so.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::backends;
use super::engine::Engine;
use crate::error::{Failure, shell_word};
use crate::settings::keys;
use crate::types::{CollectionLayout, Deployment, LeaseStanding, ShardCopies, UnheededLayout};

/// Something about a collection on a server that its owner should know, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Concern {
    pub message: String,
    pub hint: String,
    /// Questions, or runs, end with an error until it is mended.
    pub fatal: bool,
}

impl Engine {
    /// How the collection is kept on its server; `None` where it is embedded, or there is none.
    ///
    /// # Errors
    /// Where the server fails.
    pub async fn deployment(&self) -> Result<Option<Deployment>, Failure> {
        let settings = &self.context.settings;
        if settings.qdrant.url.is_none() {
            return Ok(None);
        }
        let server = backends::server(settings, backends::retry_policy(settings))?;
        Ok(server.deployment().await?)
    }

    /// What is said, once, of the layout that was asked for, where it changes nothing. `present`: the
    /// collection is there, and stays.
    pub(super) async fn layout_notes(&self, present: bool) -> Vec<String> {
        let asked = &self.context.settings.qdrant.layout;
        if *asked == CollectionLayout::default() || self.layout_told.swap(true, Ordering::Relaxed) {
            return Vec::new();
        }
        if self.context.settings.qdrant.url.is_none() {
            return self.for_a_server(asked).into_iter().collect();
        }
        if !present {
            return Vec::new();
        }
        let server = backends::server(
            &self.context.settings,
            backends::retry_policy(&self.context.settings),
        );
        // The run itself tells of a server that fails.
        let Ok(server) = server else { return Vec::new() };
        let unheeded = server.unheeded_layout().await.unwrap_or_default();
        let collection = &self.context.settings.collection;
        unheeded.iter().map(|part| unheeded_note(collection, part)).collect()
    }

    /// What stands in a file may be meant for where there is a server. What was typed is not.
    fn for_a_server(&self, asked: &CollectionLayout) -> Option<String> {
        let parts = asked.parts().into_iter().filter(|(_, value)| value.is_some());
        let typed: Vec<&str> = parts
            .filter(|(setting, _)| self.context.is_typed(&name_of(setting)))
            .filter_map(|(setting, _)| Some(keys::key(&name_of(setting)).flag?.long))
            .collect();
        (!typed.is_empty()).then(|| {
            let changes = if typed.len() == 1 { "changes" } else { "change" };
            format!(
                "{} {changes} nothing here: the collection is embedded, and has no other layout; name a Qdrant server with --qdrant-url",
                typed.join(", ")
            )
        })
    }
}

fn name_of(setting: &str) -> String {
    format!("qdrant.{setting}")
}

fn unheeded_note(collection: &str, part: &UnheededLayout) -> String {
    let UnheededLayout { setting, asked, actual } = part;
    let name = name_of(setting);
    let flag = keys::key(&name).flag.map_or(name.as_str(), |flag| flag.long);
    let (typed, again) = match (*setting, asked.as_str()) {
        ("on_disk", "true") => (flag.to_owned(), flag.to_owned()),
        // There is no flag for it.
        ("on_disk", _) => (format!("{name} = {asked}"), String::new()),
        _ => (format!("{flag} {asked}"), format!("{flag} {asked}")),
    };
    let command =
        format!("docent ingest --rebuild --collection {} {again}", shell_word(collection));
    format!(
        "{typed} changes nothing: collection `{collection}` has {}, and keeps it until it is built anew: {}",
        has(setting, actual),
        command.trim_end()
    )
}

/// What a collection has, in words.
fn has(setting: &str, actual: &str) -> String {
    match setting {
        "shard_number" => of(actual, "shard", "shards"),
        "replication_factor" => format!("{} of each shard", of(actual, "copy", "copies")),
        "on_disk" if actual == "true" => "its vectors and payloads on disk".to_owned(),
        "on_disk" => "its vectors in memory".to_owned(),
        _ => format!("{} {actual}", setting.replace('_', " ")),
    }
}

fn of(number: &str, one: &str, many: &str) -> String {
    format!("{number} {}", if number == "1" { one } else { many })
}

/// What is wrong with how a collection is kept now.
pub fn concerns(deployment: &Deployment) -> Vec<Concern> {
    let mut concerns = Vec::new();
    concerns.extend(silent_nodes(deployment));
    concerns.extend(deployment.shards.iter().filter(|shard| shard.live() == 0).map(|shard| {
        Concern {
            message: format!("no copy of shard {} is live: {}", shard.shard, states(shard)),
            hint: "nothing can be searched until one is back".to_owned(),
            fatal: true,
        }
    }));
    concerns.extend(too_few_copies(deployment));
    if deployment.status == "red" || deployment.optimizer_error.is_some() {
        let why = deployment.optimizer_error.as_deref().unwrap_or("it does not say why");
        concerns.push(Concern {
            message: format!("Qdrant could not optimize the collection: {why}"),
            hint: "searches go on and get slower; the log of the server says more".to_owned(),
            fatal: false,
        });
    }
    concerns.extend(lease_without_copy(deployment));
    concerns.extend(deployment.lease.as_ref().and_then(stuck));
    concerns
}

/// What could go wrong with it.
pub fn advice(deployment: &Deployment) -> Vec<Concern> {
    let peers = deployment.peers().len().max(deployment.nodes.len());
    let copies = deployment.layout.replication_factor;
    if peers < 2 {
        return Vec::new();
    }
    if copies == Some(1) {
        return vec![Concern {
            message: format!(
                "the collection has one copy of each shard, on a cluster of {peers} nodes: one node lost ends search"
            ),
            hint: "docent ingest --rebuild --replication-factor 2 gives it another".to_owned(),
            fatal: false,
        }];
    }
    let wanted = copies.map_or(1, |copies| copies as usize).min(peers);
    let guarded = deployment.lease_copies.len();
    if guarded == 0 || guarded >= wanted {
        return Vec::new();
    }
    vec![Concern {
        message: format!(
            "the lease has {} and the collection {wanted} of each shard: a node lost may end writing",
            of(&guarded.to_string(), "copy", "copies")
        ),
        hint: format!(
            "copy it with Qdrant: POST /collections/{}/cluster with replicate_shard",
            deployment.lease_collection
        ),
        fatal: false,
    }]
}

fn silent_nodes(deployment: &Deployment) -> impl Iterator<Item = Concern> {
    deployment.nodes.iter().filter_map(|node| {
        let why = node.error.as_ref()?;
        Some(Concern {
            message: format!("the node {} {why}", node.address),
            hint: "the others are asked in its place".to_owned(),
            fatal: false,
        })
    })
}

/// One for all shards that have fewer live copies than were asked for.
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
        "copies are on their way: look again in a while".to_owned()
    } else if ailing.is_empty() {
        "there are fewer nodes than copies, or some were taken away: with nodes enough, docent ingest --rebuild makes them again".to_owned()
    } else {
        let peers: Vec<String> = ailing.iter().map(u64::to_string).collect();
        format!("they come back with their nodes: peer {}", peers.join(", "))
    };
    Some(Concern {
        message: format!(
            "{shards} {} {} fewer live copies than the {wanted} that were asked for: {}",
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
        return "there is none".to_owned();
    }
    let live = shard.live();
    let live = (live > 0).then(|| format!("{live} live"));
    let ailing = shard.copies.iter().filter(|copy| !copy.live);
    let ailing =
        ailing.map(|copy| format!("{} on peer {}", copy.state.replace('_', " "), copy.peer));
    live.into_iter().chain(ailing).collect::<Vec<_>>().join(", ")
}

fn lease_without_copy(deployment: &Deployment) -> Option<Concern> {
    let copies = &deployment.lease_copies;
    (!copies.is_empty() && copies.iter().all(|copy| !copy.live)).then(|| Concern {
        message: format!(
            "no copy of the lease is live ({}): nothing can be written",
            deployment.lease_collection
        ),
        hint: "it comes back with one of its nodes".to_owned(),
        fatal: true,
    })
}

/// A holder renews its lease three times in its life: one that did not has ended, is very slow, or has
/// another idea of the time.
fn stuck(lease: &LeaseStanding) -> Option<Concern> {
    let holder = lease.holder.as_ref().filter(|_| !lease.holder_ended)?;
    let LeaseStanding { expires_in, life, .. } = *lease;
    let ahead = expires_in - life;
    // Nobody waits for one that ran out so long ago.
    let message = if ahead > life / 5 {
        format!(
            "the lease is held by {holder}, whose clock is {ahead} s ahead of this one's: where it has ended, others are kept waiting"
        )
    } else if (-life..life / 2).contains(&expires_in) {
        let silent = life - expires_in;
        format!("the lease is held by {holder}, which was not heard of for {silent} s")
    } else {
        return None;
    };
    let hint = format!(
        "where that process is no more, docent ingest --wait {}s takes the lease over",
        life + life / 3
    );
    Some(Concern { message, hint, fatal: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{NodeHealth, ShardCopy};

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
                "shards 0, 2 have fewer live copies than the 2 that were asked for: 1 live, dead on peer 2"
            ]
        );
        assert!(!found[0].fatal);
        let lost = deployment(&[&["dead", "dead"], &["active"]]);
        let found = concerns(&lost);
        assert_eq!(
            messages(&found),
            [
                "no copy of shard 0 is live: dead on peer 1, dead on peer 2",
                "shard 1 has fewer live copies than the 2 that were asked for: 1 live"
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
                "no copy of the lease is live (docs@lease): nothing can be written"
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
                "the collection has one copy of each shard, on a cluster of 2 nodes: one node lost ends search"
            ]
        );
        single.lease_copies.truncate(1);
        assert_eq!(advice(&single), [], "it is the only node");
        let mut guarded = deployment(&[&["active", "active"]]);
        guarded.lease_copies.truncate(1);
        assert_eq!(
            messages(&advice(&guarded)),
            [
                "the lease has 1 copy and the collection 2 of each shard: a node lost may end writing"
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
            (9, Some("not heard of for 21 s")),
            (-20, Some("not heard of for 50 s")),
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

    #[test]
    fn a_part_that_changes_nothing_is_told_with_the_command_that_does() {
        let note = |setting, asked: &str, actual: &str| {
            let (asked, actual) = (asked.to_owned(), actual.to_owned());
            unheeded_note("docs", &UnheededLayout { setting, asked, actual })
        };
        assert_eq!(
            note("replication_factor", "2", "1"),
            "--replication-factor 2 changes nothing: collection `docs` has 1 copy of each shard, and keeps it until it is built anew: docent ingest --rebuild --collection docs --replication-factor 2"
        );
        assert_eq!(
            note("on_disk", "false", "true"),
            "qdrant.on_disk = false changes nothing: collection `docs` has its vectors and payloads on disk, and keeps it until it is built anew: docent ingest --rebuild --collection docs"
        );
        assert!(note("hnsw_m", "16", "32").contains("has hnsw m 32, and keeps"));
    }
}
