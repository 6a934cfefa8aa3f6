//! How a collection is kept on a Qdrant server, in words.

use std::collections::BTreeMap;

use crate::output::humanize::counted;
use crate::types::{Deployment, ShardCopies};

/// Rows for `status`: a label and its text.
pub fn deployment_rows(deployment: &Deployment) -> Vec<(&'static str, String)> {
    let mut rows = vec![("server", server(deployment))];
    if !deployment.shards.is_empty() {
        rows.push(("shards", shards(deployment)));
    }
    rows.push(("layout", layout(deployment)));
    rows.push(("limits", limits(deployment)));
    rows.extend(writer(deployment).map(|writer| ("written by", writer)));
    rows
}

/// The same in one line, for `doctor`.
pub fn deployment_line(deployment: &Deployment) -> String {
    let mut parts = vec![server(deployment)];
    if !deployment.shards.is_empty() {
        parts.push(format!("shards: {}", shards(deployment)));
    }
    parts.push(format!("limits: {}", limits(deployment)));
    parts.extend(writer(deployment).map(|writer| format!("being written by {writer}")));
    parts.join("; ")
}

fn server(deployment: &Deployment) -> String {
    let mut versions: Vec<&str> =
        deployment.nodes.iter().filter_map(|node| node.version.as_deref()).collect();
    let (asked, answered) = (deployment.nodes.len(), versions.len());
    versions.sort_unstable();
    versions.dedup();
    let mut parts = vec![format!("Qdrant {}", versions.join(" and "))];
    if asked > 1 {
        parts.push(format!("{answered} of {} answer", counted(asked, "node")));
    }
    let peers = deployment.peers().len();
    if peers > 0 {
        parts.push(format!("copies on {}", counted(peers, "peer")));
    }
    parts.push(match deployment.status.as_str() {
        "green" => "green: everything is optimized".to_owned(),
        "yellow" => "yellow: being optimized".to_owned(),
        "grey" => "grey: will be optimized with the next update".to_owned(),
        other => other.to_owned(),
    });
    parts.join(", ")
}

fn shards(deployment: &Deployment) -> String {
    let all = deployment.shards.len();
    let live: usize = deployment.shards.iter().map(ShardCopies::live).sum();
    let copies: usize = deployment.shards.iter().map(|shard| shard.copies.len()).sum();
    let mut text = counted(all, "shard");
    if let Some(wanted) = deployment.layout.replication_factor {
        text += &format!(", each with {} configured", plural(wanted as usize, "copy", "copies"));
    }
    text += &format!(": {live} of {copies} live");
    let mut ailing: BTreeMap<(u64, &str), usize> = BTreeMap::new();
    for copy in deployment.shards.iter().flat_map(|shard| &shard.copies).filter(|copy| !copy.live) {
        *ailing.entry((copy.peer, &copy.state)).or_default() += 1;
    }
    for ((peer, state), number) in ailing {
        text += &format!(", {number} {} on peer {peer}", state.replace('_', " "));
    }
    if !deployment.transfers.is_empty() {
        text += &format!(", {} on the way", deployment.transfers.len());
    }
    text
}

fn plural(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn layout(deployment: &Deployment) -> String {
    let shown = |setting: &str| !matches!(setting, "shard_number" | "replication_factor");
    let parts = deployment.layout.parts().into_iter().filter(|(setting, _)| shown(setting));
    let parts = parts.filter_map(|(setting, value)| {
        Some(match (setting, value?.as_str()) {
            ("on_disk", "true") => "vectors and payloads on disk".to_owned(),
            ("on_disk", _) => "vectors in memory".to_owned(),
            (setting, value) => format!("{} {value}", setting.replace('_', " ")),
        })
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn limits(deployment: &Deployment) -> String {
    match &deployment.strict_mode {
        None => "none: strict mode is off".to_owned(),
        Some(limits) if limits.is_empty() => {
            "none: strict mode is on, but sets no limits".to_owned()
        }
        Some(limits) => {
            let limits = limits.iter().map(|(name, limit)| format!("{name} {limit}"));
            format!("strict mode: {}", limits.collect::<Vec<_>>().join(", "))
        }
    }
}

/// The process that holds the lease, if it has not run out.
fn writer(deployment: &Deployment) -> Option<String> {
    let lease = deployment.lease.as_ref()?;
    let holds = !lease.holder_ended && lease.expires_in > 0;
    lease.holder.clone().filter(|_| holds)
}
