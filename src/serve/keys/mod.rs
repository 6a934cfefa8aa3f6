//! The callers' keys: `keys.toml` holds each key's name, a hash, and what it may do.
//!
//! A key is `dk_ID_SECRET`. The file has only the SHA-256 of the secret, so reading the file does not allow
//! anyone to use a key. A secret is 256 random bits, so it needs no slow hash; those are for passwords that
//! people choose.

mod file;
mod watched;

use std::num::NonZeroU32;
use std::time::Duration;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

pub use file::{KeyFile, KeyFileError};
pub use watched::{NOBODY, WatchedKeys};

use crate::service::globs::{GLOBS, glob_problem, takes_every_name};
use crate::types::{ContentHash, collection_of_tenant, tenant_of};

/// What a key may be used for.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Right")]
pub enum KeyRight {
    /// Retrieved passages, documents, and the status of collections.
    Search,
    /// Answers by the chat model, which costs money.
    Answer,
    /// Changing a collection.
    Ingest,
    /// What concerns all callers: metrics, usage.
    Admin,
}

impl KeyRight {
    pub const ALL: [Self; 4] = [Self::Search, Self::Answer, Self::Ingest, Self::Admin];

    pub fn name(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Answer => "answer",
            Self::Ingest => "ingest",
            Self::Admin => "admin",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.name() == name)
    }
}

/// A row of `keys.toml`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// Unique in the file; for logs and people.
    pub name: String,
    /// The part of the key by which this row is found.
    pub id: String,
    /// SHA-256 of the secret, in lower-case hexadecimal.
    pub secret_sha256: String,
    /// RFC 3339, UTC.
    pub created_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    #[serde(default = "ApiKey::usual_rights")]
    pub rights: Vec<KeyRight>,
    /// The tenant whose collections it sees, and no others; `None`: collections of every tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Empty: all served collections.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<String>,
    /// Paths, directories or globs, one of which must match each document that this key sees; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// Tags that each document must have that this key sees.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// `None`: no limit of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<NonZeroU32>,
    /// Tokens of chat models, sent and generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<NonZeroU32>,
    /// Questions at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub questions_at_a_time: Option<NonZeroU32>,
    /// In the currency of the prices, per UTC day; `cost_per_month` likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_per_day: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_per_month: Option<f64>,
}

impl ApiKey {
    fn usual_rights() -> Vec<KeyRight> {
        vec![KeyRight::Search, KeyRight::Answer]
    }

    /// The key of a caller without one: it opens nothing, and sees nothing.
    pub(super) fn of_nobody() -> Self {
        Self {
            name: String::new(),
            id: String::new(),
            secret_sha256: String::new(),
            created_at: DateTime::UNIX_EPOCH,
            expires_at: None,
            rights: Vec::new(),
            tenant: None,
            // No collection has a name without letters.
            collections: vec![String::new()],
            sources: Vec::new(),
            tags: Vec::new(),
            requests_per_minute: None,
            tokens_per_minute: None,
            questions_at_a_time: None,
            cost_per_day: None,
            cost_per_month: None,
        }
    }

    /// The key of a caller with a link to one document: it sees nothing else.
    pub(super) fn of_link(collection: &str, source: &str) -> Self {
        Self {
            rights: vec![KeyRight::Search],
            collections: vec![collection.to_owned()],
            sources: vec![source.to_owned()],
            ..Self::of_nobody()
        }
    }

    pub fn may(&self, right: KeyRight) -> bool {
        self.rights.contains(&right)
    }

    /// Why this row is not valid; a phrase.
    ///
    /// A source is compared with stored names, which have no `..`, so a source with one would not match
    /// what its author expects.
    fn problem(&self) -> Option<String> {
        let unclear = |source: &String| {
            let leaves = source.is_empty() || source.split('/').any(|it| it == "..");
            if leaves {
                return Some(
                    "is neither a path nor a glob from the project's root without `..`".to_owned(),
                );
            }
            glob_problem(source).map(|problem| format!("is not a glob: {problem}; {GLOBS}"))
        };
        let found = |source: &String| Some((source.clone(), unclear(source)?));
        let (source, problem) = self.sources.iter().find_map(found)?;
        Some(format!("the source `{source}` of the key `{}` {problem}", self.name))
    }

    /// Whether the names of documents decide what it may ingest: no source matches every name.
    pub fn is_choosy(&self) -> bool {
        let takes_all = |source: &String| takes_every_name(source);
        self.may(KeyRight::Ingest)
            && !self.sources.is_empty()
            && !self.sources.iter().any(takes_all)
    }

    /// Whether its cost is limited.
    pub fn has_budget(&self) -> bool {
        self.cost_per_day.or(self.cost_per_month).is_some()
    }

    /// Whether it has expired at `now`.
    pub fn has_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether it may ask this collection.
    pub fn sees_collection(&self, name: &str) -> bool {
        let is_of_tenant = self.tenant.is_none() || self.tenant.as_deref() == tenant_of(name);
        is_of_tenant && self.is_named(name)
    }

    fn is_named(&self, name: &str) -> bool {
        let of_tenant = |known: &String| collection_of_tenant(known, self.tenant.as_deref());
        self.collections.is_empty() || self.collections.iter().any(|it| of_tenant(it) == name)
    }
}

/// The key as a caller sends it, in its two parts.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    pub id: String,
    secret: String,
}

const PREFIX: &str = "dk_";

impl Secret {
    /// A new key from the system's random numbers.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn new() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 38];
        getrandom::fill(&mut bytes)?;
        let hex = |bytes| ContentHash::from_digest(bytes).0;
        Ok(Self { id: hex(&bytes[..6]), secret: hex(&bytes[6..]) })
    }

    /// `None` if the text is not a key of docent.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.trim().strip_prefix(PREFIX)?.split_once('_')?;
        let fits = |part: &str| !part.is_empty() && part.len() <= 100 && part.is_ascii();
        (fits(id) && fits(secret)).then(|| Self { id: id.to_owned(), secret: secret.to_owned() })
    }

    /// The key as a caller sends it. It is shown this one time only.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}_{}", self.id, self.secret)
    }

    pub fn sha256(&self) -> String {
        ContentHash::of(self.secret.as_bytes()).0
    }

    /// Compares in a time that does not depend on where the hashes differ.
    pub fn opens(&self, key: &ApiKey) -> bool {
        let same_id = self.id.as_bytes().ct_eq(key.id.as_bytes());
        let same_secret = self.sha256().as_bytes().ct_eq(key.secret_sha256.as_bytes());
        (same_id & same_secret).into()
    }
}

/// Reads `30d` or `12h` as a time from now, or a date or a time in RFC 3339 format.
///
/// # Errors
/// A phrase that completes "`TEXT` ...".
pub fn expiry(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(&format!("{text}T00:00:00Z")) {
        return Ok(time.to_utc());
    }
    let unit = text
        .strip_suffix('d')
        .map(|count| (count, 24))
        .or_else(|| text.strip_suffix('h').map(|count| (count, 1)));
    let hours = unit.and_then(|(count, hours)| count.parse::<u32>().ok()?.checked_mul(hours));
    let time = hours.map(|hours| Duration::from_secs(u64::from(hours) * 3_600));
    time.filter(|time| !time.is_zero())
        .and_then(|time| now.checked_add_signed(chrono::TimeDelta::from_std(time).ok()?))
        .ok_or_else(|| "is not a time: use 30d, 12h, 2030-01-31 or 2030-01-31T12:00:00Z".to_owned())
}

#[cfg(test)]
pub(in crate::serve) mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    pub(in crate::serve) fn key(name: &str, secret: &Secret) -> ApiKey {
        ApiKey {
            name: name.to_owned(),
            id: secret.id.clone(),
            secret_sha256: secret.sha256(),
            created_at: DateTime::UNIX_EPOCH,
            expires_at: None,
            rights: ApiKey::usual_rights(),
            tenant: None,
            collections: Vec::new(),
            sources: Vec::new(),
            tags: Vec::new(),
            requests_per_minute: None,
            tokens_per_minute: None,
            questions_at_a_time: None,
            cost_per_day: None,
            cost_per_month: None,
        }
    }

    #[test]
    fn a_key_opens_its_own_row_alone() {
        let (one, other) = (Secret::new().unwrap(), Secret::new().unwrap());
        assert_eq!(Secret::parse(&one.reveal()).as_ref().map(Secret::reveal), Some(one.reveal()));
        assert!(one.opens(&key("one", &one)));
        assert!(!one.opens(&key("other", &other)));
        let forged = Secret { secret: other.secret.clone(), ..one.clone() };
        assert!(!forged.opens(&key("one", &one)));
        let text = toml::to_string(&key("one", &one)).unwrap();
        assert!(!text.contains(&one.secret), "{text}");
    }

    #[test]
    fn text_that_is_not_a_key_is_rejected() {
        for text in ["", "dk_", "dk_a", "dk__b", "dk_a_", "sk-abc", "dk_ä_b"] {
            assert!(Secret::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn an_end_is_a_date_or_a_time_from_now() {
        let now = DateTime::parse_from_rfc3339("2030-01-01T00:00:00Z").unwrap().to_utc();
        for (text, end) in [
            ("30d", "2030-01-31T00:00:00+00:00"),
            ("12h", "2030-01-01T12:00:00+00:00"),
            ("2031-02-03", "2031-02-03T00:00:00+00:00"),
            ("2031-02-03T04:05:06+01:00", "2031-02-03T03:05:06+00:00"),
        ] {
            assert_eq!(expiry(text, now).unwrap().to_rfc3339(), end, "{text}");
        }
        for text in ["", "0d", "d", "-1d", "30", "30m", "4294967295d", "2031-13-01"] {
            assert!(expiry(text, now).is_err(), "{text}");
        }
    }
}
