//! Tokens as Qdrant judges them (1.18, `lib/storage/src/rbac`), in its words. Signatures are not
//! checked.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use qdrant_client::qdrant as api;
use serde_json::{Value, json};
use tonic::Status;

/// The access that a request needs.
pub(crate) enum Needs<'r> {
    Nothing,
    Read(&'r str),
    Write(&'r str),
    /// To write anything but points of the collection.
    Extras(&'r str),
    Manage,
}

/// A request whose sender is judged.
pub(crate) trait Judged {
    fn needs(&self) -> Needs<'_>;
}

macro_rules! judged {
    ($($request:ident: $needs:ident $($of:ident)?,)*) => {
        $(impl Judged for api::$request {
            fn needs(&self) -> Needs<'_> {
                Needs::$needs $((&self.$of))?
            }
        })*
    };
}

judged! {
    HealthCheckRequest: Nothing,
    ListCollectionsRequest: Nothing,
    ListAliasesRequest: Nothing,
    GetCollectionInfoRequest: Read collection_name,
    CollectionClusterInfoRequest: Read collection_name,
    GetPoints: Read collection_name,
    ScrollPoints: Read collection_name,
    CountPoints: Read collection_name,
    QueryBatchPoints: Read collection_name,
    UpsertPoints: Write collection_name,
    DeletePoints: Write collection_name,
    CreateFieldIndexCollection: Extras collection_name,
    CreateCollection: Manage,
    UpdateCollection: Manage,
    DeleteCollection: Manage,
    ChangeAliases: Manage,
}

/// The rights of a key; `None` for one that has all rights.
#[derive(Clone)]
pub(crate) struct Rights(Option<Value>);

/// A token with this for its claim `access`.
pub(crate) fn token(access: &Value) -> String {
    let claims = json!({ "access": access }).to_string();
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
}

/// A token for these collections.
pub(crate) fn token_on(collections: &[(&str, &str)]) -> String {
    let on = |(name, access): &(&str, &str)| json!({ "collection": name, "access": access });
    token(&Value::Array(collections.iter().map(on).collect()))
}

impl Rights {
    pub(crate) fn of(key: Option<&str>) -> Self {
        let claims = key.and_then(|key| key.split('.').nth(1));
        let claims = claims.and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
        let claims: Option<Value> = claims.and_then(|json| serde_json::from_slice(&json).ok());
        Self(claims.map(|claims| claims["access"].clone()))
    }

    /// Whether the credential is a token: a key is not one.
    pub(crate) fn are_of_a_token(&self) -> bool {
        self.0.is_some()
    }

    fn on(&self) -> Option<HashMap<&str, &str>> {
        let list = self.0.as_ref()?.as_array()?.iter();
        Some(
            list.filter_map(|one| Some((one["collection"].as_str()?, one["access"].as_str()?)))
                .collect(),
        )
    }

    pub(crate) fn may_read(&self, name: &str) -> bool {
        self.on().is_none_or(|on| on.contains_key(name))
    }

    pub(crate) fn judge(&self, needs: &Needs<'_>) -> Result<(), Status> {
        let refuse = |why: String| Err(Status::permission_denied(format!("Forbidden: {why}")));
        let Some(access) = &self.0 else { return Ok(()) };
        let Some(on) = self.on() else {
            let reads = matches!(needs, Needs::Nothing | Needs::Read(_));
            return if reads || access == "m" {
                Ok(())
            } else {
                refuse("Global manage access is required".to_owned())
            };
        };
        let (name, write, extras) = match needs {
            Needs::Nothing => return Ok(()),
            Needs::Manage => return refuse("Global access is required".to_owned()),
            Needs::Read(name) => (name, false, false),
            Needs::Write(name) => (name, true, false),
            Needs::Extras(name) => (name, true, true),
        };
        match on.get(name) {
            None => refuse(format!("Access to collection {name} is required")),
            Some(&"prw") if extras => {
                refuse(format!("Only points access is allowed for collection {name}"))
            }
            Some(&"r") if write => refuse(format!("Write access to collection {name} is required")),
            Some(_) => Ok(()),
        }
    }
}
