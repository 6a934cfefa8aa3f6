//! The rights of a key, as far as the key itself states them.
//!
//! A token (JWT) contains its rights: on the whole server, or on collections by name. The server checks the
//! name in the request, whether or not it is an alias. Requests that a token has no right to are avoided: if
//! it names the alias of a collection and no version, requests use the alias; if it may not change the
//! metadata of a collection, the manifest is kept in a point ([`super::description`]). Nothing is verified
//! here: the server refuses a forged token.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// Rights of a key.
#[derive(Clone, Default)]
pub(super) enum Rights {
    /// The key does not state any, or there is no key.
    #[default]
    Unsaid,
    /// `r` or `m`, on everything.
    Everywhere(String),
    /// By collection: `r`, `rw`, `prw`.
    On(Arc<BTreeMap<String, String>>),
}

#[derive(Deserialize)]
struct Claims {
    access: Option<Access>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Access {
    Everywhere(String),
    On(Vec<OnCollection>),
}

#[derive(Deserialize)]
struct OnCollection {
    collection: String,
    access: String,
}

impl Rights {
    pub(super) fn of(key: Option<&str>) -> Self {
        match key.and_then(claims).and_then(|claims| claims.access) {
            None => Self::Unsaid,
            Some(Access::Everywhere(mode)) => Self::Everywhere(mode),
            Some(Access::On(list)) => {
                let named = list.into_iter().map(|one| (one.collection, one.access));
                Self::On(Arc::new(named.collect()))
            }
        }
    }

    /// Whether the rights cover only some collections: none of them allows managing.
    pub(super) fn are_scoped(&self) -> bool {
        matches!(self, Self::On(_))
    }

    fn reach(&self, name: &str) -> bool {
        match self {
            Self::On(collections) => collections.contains_key(name),
            _ => true,
        }
    }

    /// The name under which a version that has an alias can be requested.
    pub(super) fn name_for<'n>(&self, physical: &'n str, alias: &'n str) -> &'n str {
        if !self.reach(physical) && self.reach(alias) { alias } else { physical }
    }

    /// The server's message where a right is lacking, with the rights of the token.
    pub(super) fn lacking(&self, said: &str) -> String {
        let had = match self {
            Self::Unsaid => String::new(),
            Self::Everywhere(mode) => format!("; this token has {mode} on the whole server"),
            Self::On(collections) => {
                let each = collections.iter().map(|(name, mode)| format!("{mode} on {name}"));
                format!("; this token has {}", each.collect::<Vec<_>>().join(", "))
            }
        };
        let of_server = ["Global access", "Global manage", "Manage access"];
        let needs = if of_server.iter().any(|words| said.contains(words)) {
            "needs manage on the whole server: "
        } else {
            ""
        };
        format!("lacks a right: {needs}{said}{had}")
    }
}

/// The second part of a token.
fn claims(key: &str) -> Option<Claims> {
    let mut parts = key.split('.');
    let (Some(_), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&claims).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_says_its_rights_and_a_key_does_not() {
        for key in [None, Some("s3cret"), Some("a.b.c"), Some("a.b.c.d"), Some(&*token("{}"))] {
            let rights = Rights::of(key);
            assert!(!rights.are_scoped(), "{key:?}");
            assert_eq!(rights.name_for("docs@v1", "docs"), "docs@v1");
        }
        let global = Rights::of(Some(&token(r#"{"access": "r", "exp": 1}"#)));
        assert!(!global.are_scoped());
        let said = global.lacking("Forbidden: Global manage access is required");
        assert_eq!(
            said,
            "lacks a right: needs manage on the whole server: Forbidden: Global manage access is required; this token has r on the whole server"
        );
    }

    #[test]
    fn a_version_is_asked_by_the_name_that_the_token_has() {
        let on = |names: &[&str]| {
            let list =
                names.iter().map(|name| format!(r#"{{"collection": "{name}", "access": "rw"}}"#));
            let list = list.collect::<Vec<_>>().join(",");
            Rights::of(Some(&token(&format!(r#"{{"access": [{list}]}}"#))))
        };
        let alias = on(&["docs", "docs@lease"]);
        assert!(alias.are_scoped());
        assert_eq!(alias.name_for("docs@v1", "docs"), "docs");
        assert_eq!(
            alias.lacking("Access to collection other is required"),
            "lacks a right: Access to collection other is required; this token has rw on docs, rw on docs@lease"
        );
        assert_eq!(on(&["docs", "docs@v1"]).name_for("docs@v1", "docs"), "docs@v1");
        assert_eq!(on(&["other"]).name_for("docs@v1", "docs"), "docs@v1");
    }
}
