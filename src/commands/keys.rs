//! `docent keys`: manages the keys for `docent serve`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, context};
use crate::cli::{Format, KeysArgs, KeysCommand, NewKeyFlags, RightName};
use crate::error::{Exit, Failure, shell_word};
use crate::output::humanize::counted;
use crate::serve::keys::{ApiKey, KeyFile, KeyFileError, KeyRight, NOBODY, Secret, expiry};
use crate::settings::{self, ServeSettings, parse};
use crate::types::{collection_of_tenant, tenant_of};
use crate::ui::Ui;
use crate::ui::sanitize::sanitize_line;

/// The file of keys: the configured one, or one beside the user's settings.
pub(super) fn file(settings: &ServeSettings) -> Result<PathBuf, Failure> {
    let usual = || context::user_file().map(|file| file.with_file_name("keys.toml"));
    settings.keys.clone().or_else(usual).ok_or_else(|| {
        Failure::config(
            "there is no place for a file of keys: neither HOME nor XDG_CONFIG_HOME is set",
        )
        .hint(settings::keys::key("serve.keys").how_to_set())
    })
}

pub(super) async fn run(ui: &mut Ui, context: &Context, args: KeysArgs) -> Result<Exit, Failure> {
    let path = context.cwd.join(file(&context.settings.serve)?);
    let mut keys = KeyFile::read_or_begin(&path).map_err(|error| unusable(&error))?;
    let secret = match args.command {
        KeysCommand::List => {
            return list(ui, &keys).map(|()| Exit::Done);
        }
        KeysCommand::Create { name, new } => {
            if keys.named(&name).is_some() {
                return Err(Failure::usage(format!("there is already a key `{name}`")).hint(
                    format!("docent keys rotate {} gives it a new secret", shell_word(&name)),
                ));
            }
            let secret = new_secret()?;
            let key = new_key(&name, &secret, context.settings.tenant.as_deref(), new)?;
            warn_of(ui, context, &key).await?;
            keys.add(key).map_err(|problem| {
                Failure::usage(problem)
                    .hint("use the path of its target, as docent search shows sources")
            })?;
            Some((name, secret))
        }
        KeysCommand::Revoke { name } => {
            let Some(place) = keys.keys.iter().position(|key| key.name == name) else {
                return Err(no_key(&keys, &name));
            };
            keys.keys.remove(place);
            ui.status(&format!("`{name}` was revoked"));
            if keys.keys.is_empty() {
                ui.warn(&format!("it was the last key: {NOBODY}"));
            }
            None
        }
        KeysCommand::Rotate { name } => {
            let secret = new_secret()?;
            let Some(key) = keys.keys.iter_mut().find(|key| key.name == name) else {
                return Err(no_key(&keys, &name));
            };
            (key.id, key.secret_sha256) = (secret.id.clone(), secret.sha256());
            Some((name, secret))
        }
    };
    keys.write(&path).map_err(|error| unusable(&error))?;
    let Some((name, secret)) = secret else { return Ok(Exit::Done) };
    if ui.format == Format::Text {
        ui.data(&format!("{}\n", secret.reveal()))?;
        ui.note(&format!("this is the only time that the key `{name}` is shown"));
    } else {
        ui.json(NewKey { name: &name, key: &secret.reveal() })?;
    }
    Ok(Exit::Done)
}

/// A new key, which is shown only once.
#[derive(Serialize, JsonSchema)]
pub(super) struct NewKey<'a> {
    name: &'a str,
    /// The secret that callers send; it is not stored anywhere.
    key: &'a str,
}

/// A key, without its secret.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Key")]
struct ListedKey<'a> {
    name: &'a str,
    rights: &'a [KeyRight],
    /// The tenant whose collections the key sees; null: those of all tenants.
    tenant: Option<&'a str>,
    /// Collections that the key sees; empty: all that are served.
    collections: &'a [String],
    /// Paths, directories or globs, one of which has to match a document that the key sees; empty: all.
    sources: &'a [String],
    /// Tags, all of which a document that the key sees has to have.
    tags: &'a [String],
    /// Null: no limit of the key's own; the same for the next two.
    requests_per_minute: Option<u32>,
    tokens_per_minute: Option<u32>,
    questions_at_a_time: Option<u32>,
    /// In the currency of the prices, by days in UTC; the next by months.
    cost_per_day: Option<f64>,
    cost_per_month: Option<f64>,
    /// RFC 3339.
    created_at: String,
    expires_at: Option<String>,
    expired: bool,
}

/// The list of keys.
#[derive(Serialize, JsonSchema)]
pub(super) struct KeyList<'a> {
    keys: Vec<ListedKey<'a>>,
}

fn list(ui: &mut Ui, file: &KeyFile) -> Result<(), Failure> {
    let now = Utc::now();
    if ui.format != Format::Text {
        let keys = file.keys.iter().map(|key| ListedKey {
            name: &key.name,
            rights: &key.rights,
            tenant: key.tenant.as_deref(),
            collections: &key.collections,
            sources: &key.sources,
            tags: &key.tags,
            requests_per_minute: key.requests_per_minute.map(Into::into),
            tokens_per_minute: key.tokens_per_minute.map(Into::into),
            questions_at_a_time: key.questions_at_a_time.map(Into::into),
            cost_per_day: key.cost_per_day,
            cost_per_month: key.cost_per_month,
            created_at: key.created_at.to_rfc3339(),
            expires_at: key.expires_at.map(|end| end.to_rfc3339()),
            expired: key.has_expired(now),
        });
        return ui.json(KeyList { keys: keys.collect() });
    }
    if file.keys.is_empty() {
        ui.note("there are no keys; create one with docent keys create NAME");
    }
    let rows: Vec<String> = file.keys.iter().map(|key| row(key, now) + "\n").collect();
    ui.data(&rows.concat())
}

/// `ci  search, answer; docs; tag tenant=a; 60 requests a minute; ends 2030-01-31`.
fn row(key: &ApiKey, now: chrono::DateTime<Utc>) -> String {
    let rights: Vec<&str> = key.rights.iter().map(|right| right.name()).collect();
    let mut parts = vec![rights.join(", ")];
    parts.extend(key.tenant.as_ref().map(|tenant| format!("tenant {tenant}")));
    parts.extend((!key.collections.is_empty()).then(|| key.collections.join(", ")));
    parts.extend(key.sources.iter().map(|source| format!("source {source}")));
    parts.extend(key.tags.iter().map(|tag| format!("tag {tag}")));
    for (limit, what) in [(key.requests_per_minute, "request"), (key.tokens_per_minute, "token")] {
        parts
            .extend(limit.map(|limit| format!("{} a minute", counted(limit.get() as usize, what))));
    }
    let at_once = key.questions_at_a_time;
    parts.extend(
        at_once.map(|limit| format!("{} at a time", counted(limit.get() as usize, "question"))),
    );
    for (amount, time) in [(key.cost_per_day, "day"), (key.cost_per_month, "month")] {
        parts.extend(amount.map(|amount| format!("costs at most {amount} a {time}")));
    }
    parts.extend(key.expires_at.map(|end| {
        let word = if key.has_expired(now) { "expired" } else { "ends" };
        format!("{word} {}", end.format("%Y-%m-%d"))
    }));
    sanitize_line(&format!("{}  {}", key.name, parts.join("; ")))
}

fn new_secret() -> Result<Secret, Failure> {
    Secret::new().map_err(|error| {
        Failure::new(Exit::Backend, format!("the system provides no random numbers: {error}"))
    })
}

fn new_key(
    name: &str,
    secret: &Secret,
    tenant: Option<&str>,
    new: NewKeyFlags,
) -> Result<ApiKey, Failure> {
    let now = Utc::now();
    let fits = |c: char| c.is_alphanumeric() || "-_.@".contains(c);
    if name.is_empty() || name.chars().count() > 100 || !name.chars().all(fits) {
        return Err(Failure::usage(format!("`{name}` is not a valid name of a key"))
            .hint("use letters, digits, `-`, `_`, `.` and `@`"));
    }
    let expires_at = new.expires.as_deref().map(|text| {
        let wrong = |problem: &str| Failure::usage(format!("--expires `{text}` {problem}"));
        match expiry(text, now) {
            Ok(end) if end <= now => {
                Err(wrong("is in the past").hint("use 30d, or a date in the future"))
            }
            Ok(end) => Ok(end),
            Err(problem) => Err(wrong(&problem)),
        }
    });
    let only = |name: &String| -> Result<String, Failure> {
        let name = parse::collection_or_tenants(name)
            .map_err(|problem| Failure::usage(format!("--only `{name}` {problem}")))?;
        match tenant.zip(tenant_of(&name)).filter(|(own, other)| own != other) {
            None => Ok(collection_of_tenant(&name, tenant)),
            Some((own, other)) => Err(Failure::usage(format!(
                "the key belongs to the tenant `{own}`, but `{name}` is a collection of `{other}`"
            ))
            .hint("create a key for each tenant")),
        }
    };
    let rights = match new.rights.as_slice() {
        [] => vec![KeyRight::Search, KeyRight::Answer],
        named => {
            KeyRight::ALL.into_iter().filter(|right| named.contains(&name_of(*right))).collect()
        }
    };
    Ok(ApiKey {
        name: name.to_owned(),
        id: secret.id.clone(),
        secret_sha256: secret.sha256(),
        created_at: now,
        expires_at: expires_at.transpose()?,
        rights,
        tenant: tenant.map(str::to_owned),
        collections: new.collections.iter().map(only).collect::<Result<_, _>>()?,
        sources: new.sources,
        tags: new.tags,
        requests_per_minute: new.requests_per_minute,
        tokens_per_minute: new.tokens_per_minute,
        questions_at_a_time: new.questions_at_a_time,
        cost_per_day: new.cost_per_day,
        cost_per_month: new.cost_per_month,
    })
}

/// How long to wait for a store to say whether a collection exists.
const PATIENCE: Duration = Duration::from_secs(3);

/// Warns about what will not work with a new key here. It is created all the same, since it may be for
/// a server elsewhere or a future collection.
async fn warn_of(ui: &mut Ui, context: &Context, key: &ApiKey) -> Result<(), Failure> {
    for name in &key.collections {
        let mut context = context.clone();
        context.settings.take_collection(name);
        let collection = Arc::clone(super::engine(ui, context)?.collection());
        // If the store does not answer, nothing is known.
        if let Ok(Ok(None)) = tokio::time::timeout(PATIENCE, collection.read()).await {
            ui.warn(&format!("there is no collection `{name}` in {}", collection.endpoint()));
        }
    }
    if key.is_choosy() {
        ui.warn(&format!(
            "what this key uploads is stored as DIRECTORY/uploads/ID/NAME, and `{}` does not match every name \
             there: callers have to send one that it matches. A directory takes all: --source DIRECTORY",
            key.sources.join("`, `")
        ));
    }
    let chat = &context.settings.chat;
    if key.has_budget() && chat.price.is_none() {
        let model = chat.model.as_deref().unwrap_or("a chat model");
        ui.warn(&format!(
            "the price of {model} is not known here, so nothing would count towards the budget: set chat.price_in and chat.price_out for the server"
        ));
    }
    Ok(())
}

fn name_of(right: KeyRight) -> RightName {
    match right {
        KeyRight::Search => RightName::Search,
        KeyRight::Answer => RightName::Answer,
        KeyRight::Ingest => RightName::Ingest,
        KeyRight::Admin => RightName::Admin,
    }
}

fn no_key(keys: &KeyFile, name: &str) -> Failure {
    let known: Vec<&str> = keys.keys.iter().map(|key| &*key.name).collect();
    Failure::usage(format!("there is no key `{name}`")).hint(match known.as_slice() {
        [] => "there are no keys; create one with docent keys create NAME".to_owned(),
        known => format!("the keys are {}", known.join(", ")),
    })
}

fn unusable(error: &KeyFileError) -> Failure {
    let hint = match error {
        KeyFileError::Io { .. } => "name a file that can be read and written with --keys",
        KeyFileError::Content { .. } => {
            "correct that line; docent keys list shows the keys that are read"
        }
    };
    Failure::config(error.to_string()).hint(hint)
}
