//! Pointers and manifests that reveal damage: they have a checksum, and the generation of the version that
//! they belong to. Files from before there were any are read without.

use serde_json::{Map, Value};

use crate::types::{Manifest, SCHEMA_VERSION};

const GENERATION: &str = "generation";
const CHECKSUM: &str = "checksum";

/// Content of a pointer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct VersionPointer {
    /// `None`: the collection is being removed, or its first version is being filled; any version that exists
    /// may be removed.
    pub(super) version: Option<u32>,
    /// Generation of that version; `None` in an older pointer.
    pub(super) generation: Option<u32>,
}

/// Written in place of a version while a collection is being removed.
const REMOVED: &str = "removed";

impl VersionPointer {
    pub(super) fn to_text(self) -> String {
        let version = self.version.map_or(REMOVED.to_owned(), |number| format!("v{number}"));
        let said = format!("{version}\n{}\n", self.generation.unwrap_or(0));
        let checksum = crc32fast::hash(said.as_bytes());
        format!("{said}{checksum:08x}\n")
    }

    /// `None` where it is damaged.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let version = |line: &str| match line {
            REMOVED => Some(None),
            line => line.strip_prefix('v')?.parse().ok().map(Some),
        };
        let lines: Vec<&str> = text.lines().collect();
        match lines[..] {
            [first] => Some(Self { version: version(first.trim())?, generation: None }),
            [first, generation, _] => {
                let pointer =
                    Self { version: version(first)?, generation: generation.parse().ok() };
                (pointer.to_text() == text).then_some(pointer)
            }
            _ => None,
        }
    }
}

/// The text of a manifest file.
pub(super) fn manifest_text(manifest: &Manifest, generation: u32) -> serde_json::Result<Vec<u8>> {
    let mut fields = match serde_json::to_value(manifest)? {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    fields.insert(GENERATION.to_owned(), generation.into());
    let checksum = checksum(&fields)?;
    fields.insert(CHECKSUM.to_owned(), checksum.into());
    serde_json::to_vec_pretty(&fields)
}

/// A manifest, and the generation of its version; or why it can't be trusted.
pub(super) fn read_manifest(text: &[u8]) -> Result<(Manifest, Option<u32>), String> {
    let mut fields: Map<String, Value> =
        serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let schema = fields.get("schema_version").and_then(Value::as_u64).unwrap_or_default();
    if schema > u64::from(SCHEMA_VERSION) {
        return Err(format!(
            "it was written by a later docent (schema {schema}, this one reads up to {SCHEMA_VERSION}): use that one"
        ));
    }
    if let Some(said) = fields.remove(CHECKSUM)
        && said.as_str() != Some(&checksum(&fields).map_err(|error| error.to_string())?)
    {
        return Err("its checksum does not match its content: it was damaged".to_owned());
    }
    let generation = fields.remove(GENERATION).and_then(|value| value.as_u64()?.try_into().ok());
    let manifest = serde_json::from_value(Value::Object(fields)).map_err(|e| e.to_string())?;
    Ok((manifest, generation))
}

/// Checksum of the fields, written without spaces and in their order.
fn checksum(fields: &Map<String, Value>) -> serde_json::Result<String> {
    Ok(format!("{:08x}", crc32fast::hash(&serde_json::to_vec(fields)?)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::store::contract::manifest;

    /// All texts that differ from `text` in one bit.
    fn flipped(text: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
        (0..text.len() * 8).map(|bit| {
            let mut flipped = text.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            flipped
        })
    }

    #[test]
    fn no_bit_of_a_pointer_changes_which_version_it_names() {
        for version in [Some(1), Some(12), None] {
            let pointer = VersionPointer { version, generation: Some(7) };
            let text = pointer.to_text();
            assert_eq!(VersionPointer::parse(&text), Some(pointer));
            for flipped in flipped(text.as_bytes()) {
                let read = std::str::from_utf8(&flipped).ok().and_then(VersionPointer::parse);
                assert!(read.is_none_or(|read| read == pointer), "{flipped:?} is {read:?}");
            }
        }
        let before = VersionPointer { version: Some(3), generation: None };
        assert_eq!(VersionPointer::parse("v3\n"), Some(before));
        for rubbish in ["", "\n", "rubbish", "v", "v1\n2\n", "v1\n2\n3\n"] {
            assert_eq!(VersionPointer::parse(rubbish), None, "{rubbish}");
        }
    }

    #[test]
    fn no_bit_of_a_manifest_changes_what_it_says() {
        let text = manifest_text(&manifest(), 5).unwrap();
        assert_eq!(read_manifest(&text), Ok((manifest(), Some(5))));
        for flipped in flipped(&text) {
            if let Ok((read, generation)) = read_manifest(&flipped) {
                // The name of the checksum itself was hit, so the file reads as one without.
                assert_eq!(read, manifest());
                assert!(generation.is_none_or(|generation| generation == 5));
            }
        }
        let before = serde_json::to_vec_pretty(&manifest()).unwrap();
        assert_eq!(read_manifest(&before), Ok((manifest(), None)));
    }

    #[test]
    fn a_manifest_of_a_later_schema_is_refused() {
        let later = Manifest { schema_version: SCHEMA_VERSION + 1, ..manifest() };
        let why = read_manifest(&manifest_text(&later, 1).unwrap()).unwrap_err();
        assert!(why.contains("later docent"), "{why}");
    }
}
