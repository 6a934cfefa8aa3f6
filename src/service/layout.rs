//! Notes about layout settings that have no effect: they count only when a collection is created on a
//! server.

use std::sync::atomic::Ordering;

use super::backends;
use super::engine::Engine;
use crate::error::shell_word;
use crate::settings::keys;
use crate::types::{CollectionLayout, IgnoredLayout};

impl Engine {
    /// Notes, once per process, about layout settings that have no effect. `present`: the collection
    /// exists, and is not rebuilt.
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
        // A failing server is reported by the run itself.
        let Ok(server) = server else { return Vec::new() };
        let unheeded = server.unheeded_layout().await.unwrap_or_default();
        let collection = &self.context.settings.collection;
        unheeded.iter().map(|part| unheeded_note(collection, part)).collect()
    }

    /// A note about typed flags. Settings in a file may be meant for when a server is used.
    fn for_a_server(&self, asked: &CollectionLayout) -> Option<String> {
        let parts = asked.parts().into_iter().filter(|(_, value)| value.is_some());
        let typed: Vec<&str> = parts
            .filter(|(setting, _)| self.context.is_typed(&name_of(setting)))
            .filter_map(|(setting, _)| Some(keys::key(&name_of(setting)).flag?.long))
            .collect();
        (!typed.is_empty()).then(|| {
            let changes = if typed.len() == 1 { "changes" } else { "change" };
            format!(
                "{} {changes} nothing here: the collection is embedded; name a Qdrant server with --qdrant-url",
                typed.join(", ")
            )
        })
    }
}

fn name_of(setting: &str) -> String {
    format!("qdrant.{setting}")
}

fn unheeded_note(collection: &str, part: &IgnoredLayout) -> String {
    let IgnoredLayout { setting, asked, actual } = part;
    let name = name_of(setting);
    let flag = keys::key(&name).flag.map_or(name.as_str(), |flag| flag.long);
    let (typed, again) = match (*setting, asked.as_str()) {
        ("on_disk", "true") => (flag.to_owned(), flag.to_owned()),
        // No flag sets `on_disk` to this value.
        ("on_disk", _) => (format!("{name} = {asked}"), String::new()),
        _ => (format!("{flag} {asked}"), format!("{flag} {asked}")),
    };
    let command =
        format!("docent ingest --rebuild --collection {} {again}", shell_word(collection));
    format!(
        "{typed} changes nothing: collection `{collection}` has {}, and keeps it until it is rebuilt: {}",
        has(setting, actual),
        command.trim_end()
    )
}

/// The value of a layout setting, in words.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_changes_nothing_is_told_with_the_command_that_does() {
        let note = |setting, asked: &str, actual: &str| {
            let (asked, actual) = (asked.to_owned(), actual.to_owned());
            unheeded_note("docs", &IgnoredLayout { setting, asked, actual })
        };
        assert_eq!(
            note("replication_factor", "2", "1"),
            "--replication-factor 2 changes nothing: collection `docs` has 1 copy of each shard, and keeps it until it is rebuilt: docent ingest --rebuild --collection docs --replication-factor 2"
        );
        assert_eq!(
            note("on_disk", "false", "true"),
            "qdrant.on_disk = false changes nothing: collection `docs` has its vectors and payloads on disk, and keeps it until it is rebuilt: docent ingest --rebuild --collection docs"
        );
        assert!(note("hnsw_m", "16", "32").contains("has hnsw m 32, and keeps"));
    }
}
