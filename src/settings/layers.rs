//! The sources of settings, each as a map from a setting's name to its text.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::keys::{self, KEYS, SettingKey};
use super::{Resolved, SettingsError};

/// Where a value comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SettingOrigin {
    Flag,
    Env(&'static str),
    Project(PathBuf),
    User(PathBuf),
    Default,
}

impl SettingOrigin {
    /// How a message names `key` as it was set here.
    pub fn of(&self, key: &SettingKey) -> String {
        match self {
            Self::Flag => key.flag.map_or(key.name, |flag| flag.long).to_owned(),
            Self::Env(name) => (*name).to_owned(),
            Self::Project(path) | Self::User(path) => format!("{} in {}", key.name, path.display()),
            Self::Default => format!("{} (default)", key.name),
        }
    }

    /// The origin as `config show` prints it.
    pub fn label(&self) -> String {
        match self {
            Self::Flag => "flag".to_owned(),
            Self::Env(name) => format!("environment {name}"),
            Self::Project(path) | Self::User(path) => path.display().to_string(),
            Self::Default => "default".to_owned(),
        }
    }

    /// The directory that paths in this file are relative to.
    pub(super) fn directory(&self) -> Option<&Path> {
        match self {
            Self::Project(path) | Self::User(path) => path.parent(),
            _ => None,
        }
    }
}

/// Values of one source, by setting name.
pub type Layer = BTreeMap<&'static str, (String, SettingOrigin)>;

/// All sources, strongest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Layers(pub Vec<Layer>);

impl Layers {
    /// The strongest value of `key`. An empty text is a value: it unsets a weaker one.
    pub(super) fn find(&self, key: &SettingKey) -> Option<(&str, &SettingOrigin)> {
        let (value, origin) = self.0.iter().find_map(|layer| layer.get(key.name))?;
        let gives_way =
            *origin != SettingOrigin::Flag && key.gives_way_to.is_some_and(|of| self.typed(of));
        (!value.is_empty() && !gives_way).then_some((value.as_str(), origin))
    }

    /// Where the strongest value of `key` is from, if it is an empty text.
    pub(super) fn emptied(&self, key: &SettingKey) -> Option<&SettingOrigin> {
        let (value, origin) = self.0.iter().find_map(|layer| layer.get(key.name))?;
        value.is_empty().then_some(origin)
    }

    /// Whether a value comes from the command line.
    pub(super) fn typed(&self, name: &str) -> bool {
        self.0
            .iter()
            .filter_map(|layer| layer.get(name))
            .any(|(_, origin)| *origin == SettingOrigin::Flag)
    }

    /// Whether some layer has a value.
    pub(super) fn mention(&self, name: &str) -> bool {
        self.0.iter().filter_map(|layer| layer.get(name)).any(|(value, _)| !value.is_empty())
    }

    /// The layers that count: all if the project file is trusted; otherwise without the settings that
    /// only the user may set. These settings are returned as well, if they would change anything.
    pub(super) fn heard(&self, trusted: bool) -> (Self, Vec<Resolved>) {
        if trusted {
            return (self.clone(), Vec::new());
        }
        let of_project = |origin: &SettingOrigin| matches!(origin, SettingOrigin::Project(_));
        let mut without = self.clone();
        for layer in &mut without.0 {
            layer.retain(|_, (_, origin)| !of_project(origin));
        }
        let embedded = without.find(keys::key("qdrant.url")).is_none();
        let mut heard = self.clone();
        for layer in &mut heard.0 {
            layer.retain(|name, (value, origin)| {
                !of_project(origin) || keys::key(name).trust.is_harmless(value, embedded)
            });
        }
        let unheard = KEYS.iter().filter(|key| {
            let value = |layers: &Self| {
                layers.find(key).map(|(value, _)| value).or(key.default).map(str::to_owned)
            };
            value(self) != value(&heard)
        });
        let unheard = unheard.map(|key| self.resolved(key)).collect();
        (heard, unheard)
    }

    pub(super) fn resolved(&self, key: &'static SettingKey) -> Resolved {
        match self.find(key) {
            Some((value, origin)) => {
                Resolved { key, value: Some(shown(key, value)), origin: origin.clone() }
            }
            None => Resolved {
                key,
                value: key.default.map(str::to_owned),
                origin: SettingOrigin::Default,
            },
        }
    }
}

/// Enough to recognise a key, not to use it.
fn mask(secret: &str) -> String {
    let tail: String = secret.chars().skip(secret.chars().count().saturating_sub(4)).collect();
    if secret.chars().count() >= 12 { format!("***{tail}") } else { "***".to_owned() }
}

/// A value for a message: secrets are masked.
pub(super) fn shown(key: &SettingKey, value: &str) -> String {
    if key.secret {
        mask(value)
    } else if key.name.ends_with("url") || key.name == "rerank.with" {
        super::parse::without_credentials(value)
    } else {
        value.to_owned()
    }
}

/// The layer of typed flags: pairs of setting name and text.
pub fn flags(typed: impl IntoIterator<Item = (&'static str, String)>) -> Layer {
    typed.into_iter().map(|(name, value)| (name, (value, SettingOrigin::Flag))).collect()
}

/// The layer of the environment. Variables are looked up through a function, so that tests need not
/// change their own.
///
/// # Errors
/// A variable in `unknown`, which has every variable that starts with `DOCENT_`, is not a setting.
pub fn environment(
    lookup: impl Fn(&str) -> Option<String>,
    unknown: impl IntoIterator<Item = String>,
) -> Result<Layer, SettingsError> {
    for name in unknown {
        let known = |key: &SettingKey| key.env.contains(&name.as_str());
        if !KEYS.iter().any(known) && !OTHER_VARIABLES.contains(&name.as_str()) {
            let names = KEYS.iter().flat_map(|key| key.env.iter().copied());
            return Err(SettingsError {
                message: format!("unknown environment variable {name}"),
                hint: nearest(&name, names).map(|near| {
                    format!("did you mean {near}? Otherwise unset it: names with DOCENT_ are for settings")
                }),
                usage: false,
            });
        }
    }
    let mut layer = Layer::new();
    for key in KEYS {
        for name in key.env {
            let counts = |value: &String| key.never_empty || !value.is_empty();
            if let Some(value) = lookup(name).filter(counts) {
                layer.insert(key.name, (value, SettingOrigin::Env(name)));
                break;
            }
        }
    }
    Ok(layer)
}

/// Variables that start with `DOCENT_` but are not settings: those of the test suite.
const OTHER_VARIABLES: &[&str] =
    &["DOCENT_TEST_QDRANT_URL", "DOCENT_TEST_QDRANT_API_KEY", "DOCENT_TEST_MINILM"];

/// The layer of a TOML file. Tables nest as the dotted names do.
pub fn file(path: &Path, text: &str, origin: &SettingOrigin) -> Result<Layer, SettingsError> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| SettingsError {
        message: format!("{} is not valid TOML: {}", path.display(), error.message()),
        hint: error.span().map(|span| {
            format!("see line {}", text[..span.start.min(text.len())].matches('\n').count() + 1)
        }),
        usage: false,
    })?;
    let mut layer = Layer::new();
    collect(path, &table, "", origin, &mut layer)?;
    Ok(layer)
}

fn collect(
    path: &Path,
    table: &toml::Table,
    prefix: &str,
    origin: &SettingOrigin,
    layer: &mut Layer,
) -> Result<(), SettingsError> {
    for (name, value) in table {
        let full = format!("{prefix}{name}");
        let text = match value {
            toml::Value::Table(inner) => {
                collect(path, inner, &format!("{full}."), origin, layer)?;
                continue;
            }
            toml::Value::String(text) => text.clone(),
            // Where several values are possible, commas separate them.
            toml::Value::Array(items) if items.iter().all(toml::Value::is_str) => {
                items.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>().join(",")
            }
            other => other.to_string(),
        };
        let Some(key) = KEYS.iter().find(|key| key.name == full) else {
            return Err(SettingsError {
                message: format!("unknown setting `{full}` in {}", path.display()),
                hint: nearest(&full, KEYS.iter().map(|key| key.name))
                    .map(|near| format!("did you mean `{near}`?")),
                usage: false,
            });
        };
        if key.secret && matches!(origin, SettingOrigin::Project(_)) {
            return Err(SettingsError {
                message: format!(
                    "`{full}` in {}: a key does not belong in a project file",
                    path.display()
                ),
                hint: Some(format!("set {} in the environment instead", key.env[0])),
                usage: false,
            });
        }
        layer.insert(key.name, (text, origin.clone()));
    }
    Ok(())
}

/// The candidate that is a typing error away; or else the shortest one with the same last part, as for
/// a setting in the wrong table; or else the one with the fewest edits.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// More edits are not a typing error.
    const SLIP: usize = 2;
    let last = |name: &str| name.rsplit('.').next().map(str::to_owned);
    candidates.min_by_key(|candidate| {
        let edits = strsim::osa_distance(name, candidate);
        if edits <= SLIP {
            (0, edits)
        } else if last(candidate) == last(name) {
            (1, candidate.len())
        } else {
            (2, edits)
        }
    })
}
