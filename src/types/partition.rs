//! A part of the sources of a collection, for one of several workers that ingest them concurrently.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use schemars::r#gen::SchemaGenerator;
use schemars::schema::Schema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ContentHash;

/// One of N parts into which sources are divided by their names alone: the same on every machine and in every
/// version of docent, see [`Partition::holds`]. Written `2/8`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Partition {
    /// From 1.
    number: u32,
    of: u32,
}

impl Partition {
    /// Limited because each part is a process, and a lease that it renews.
    pub const MOST: u32 = 1_024;

    /// All parts of the same division.
    pub fn all(self) -> impl Iterator<Item = Self> {
        (1..=self.of).map(move |number| Self { number, of: self.of })
    }

    /// Whether both belong to a division into the same number of parts.
    pub fn is_beside(self, other: Self) -> bool {
        self.of == other.of
    }

    /// Whether a source falls into this part: the first eight bytes of the SHA-256 of its name, read as a
    /// big-endian number, leave `K - 1` when divided by `N`.
    pub fn holds(self, source: &str) -> bool {
        let digest = ContentHash::digest(source.as_bytes());
        let number = digest[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        number % u64::from(self.of) == u64::from(self.number - 1)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, String> {
        let whole =
            |part: &str| part.parse().ok().filter(|_| part.bytes().all(|b| b.is_ascii_digit()));
        let parts = typed.split_once('/');
        let parts = parts.and_then(|(number, of)| Some((whole(number)?, whole(of)?)));
        match parts {
            Some((number, of)) if (1..=of).contains(&number) && of <= Self::MOST => {
                Ok(Self { number, of })
            }
            _ => Err(format!(
                "it is not a part K/N, such as 2/8: K is a whole number from 1 to N, and N is at most {}",
                Self::MOST
            )),
        }
    }
}

impl Serialize for Partition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Partition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Cow::<str>::deserialize(deserializer)?;
        written.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Partition {
    fn is_referenceable() -> bool {
        false
    }

    fn schema_name() -> String {
        "Partition".to_owned()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_part_is_written_as_it_is_typed() {
        for typed in ["1/1", "2/8", "1024/1024"] {
            let partition: Partition = typed.parse().unwrap();
            assert_eq!(partition.to_string(), typed);
            let json = serde_json::to_value(partition).unwrap();
            assert_eq!(json, typed);
            assert_eq!(serde_json::from_value::<Partition>(json).unwrap(), partition);
        }
        for typed in [
            "9/8", "0/8", "x", "", "/", "2/", "/8", "2/0", "+1/2", "1/2/3", " 1/2", "1/1025",
            "-1/2",
        ] {
            assert!(typed.parse::<Partition>().is_err(), "{typed:?}");
        }
    }

    /// Pipelines rely on this: after a change each worker would delete what another one has.
    #[test]
    fn where_a_source_falls_never_changes() {
        let parts = |source: &str, of: u32| {
            let all = format!("1/{of}").parse::<Partition>().unwrap().all();
            all.filter(|part| part.holds(source)).map(|part| part.to_string()).collect::<Vec<_>>()
        };
        for (source, of, part) in [
            ("docs/backups.md", 8, "4/8"),
            ("docs/backups.md", 3, "1/3"),
            ("docs/größe.md", 8, "5/8"),
            ("https://example.org/", 8, "4/8"),
            ("", 8, "5/8"),
            ("docs/backups.md", 1, "1/1"),
        ] {
            assert_eq!(parts(source, of), [part], "{source} of {of}");
        }
    }
}
