//! Reads the layers with types. Settings of an untrusted project file that only the user may set were
//! removed before: see [`Layers::heard`].

use std::path::PathBuf;
use std::time::Duration;

use super::{Layers, SettingOrigin, SettingsError, keys, layers, parse};

pub(super) struct LayerValues<'a> {
    pub(super) layers: &'a Layers,
}

/// An OpenAI-compatible server, and the key that is sent to it and to no other.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub base_url: String,
    pub api_key: Option<String>,
    /// Name of the header for the key; `None`: the usual one.
    pub key_header: Option<String>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("base_url", &self.base_url)
            .field("api_key", &self.api_key.as_ref().map(|_| "***"))
            .field("key_header", &self.key_header)
            .finish()
    }
}

impl<'a> LayerValues<'a> {
    pub(super) fn found(&self, name: &str) -> Option<(&'a str, &'a SettingOrigin)> {
        self.layers.find(keys::key(name))
    }

    /// Whether the value comes from the command line.
    pub(super) fn typed(&self, name: &str) -> bool {
        self.layers.typed(name)
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        let value = self.found(name).map(|(value, _)| value);
        value.or(keys::key(name).default).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    pub(super) fn optional<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, SettingsError> {
        let Some(value) = self.text(name) else { return Ok(None) };
        parse(&value).map(Some).map_err(|problem| {
            let key = keys::key(name);
            let origin = self.found(name).map_or(&SettingOrigin::Default, |(_, origin)| origin);
            SettingsError {
                message: format!("{}: `{}` {problem}", origin.of(key), layers::shown(key, &value)),
                hint: None,
                usage: *origin == SettingOrigin::Flag,
            }
        })
    }

    pub(super) fn parsed<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, SettingsError> {
        self.optional(name, parse)?.ok_or_else(|| SettingsError {
            message: format!("{name} is empty"),
            hint: Some(keys::key(name).how_to_set()),
            usage: false,
        })
    }

    /// A number, within the range of its row.
    pub(super) fn whole<T: TryFrom<u64>>(&self, name: &str) -> Result<T, SettingsError> {
        self.parsed(name, |text| keys::range(name).read_whole(text))
    }

    pub(super) fn whole_if_set<T: TryFrom<u64>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, SettingsError> {
        self.optional(name, |text| keys::range(name).read_whole(text))
    }

    pub(super) fn number(&self, name: &str) -> Result<f64, SettingsError> {
        self.parsed(name, |text| keys::range(name).read_number(text))
    }

    pub(super) fn number_if_set(&self, name: &str) -> Result<Option<f64>, SettingsError> {
        self.optional(name, |text| keys::range(name).read_number(text))
    }

    pub(super) fn time(&self, name: &str) -> Result<Duration, SettingsError> {
        self.parsed(name, |text| keys::range(name).read_time(text))
    }

    pub(super) fn time_if_set(&self, name: &str) -> Result<Option<Duration>, SettingsError> {
        self.optional(name, |text| keys::range(name).read_time(text))
    }

    pub(super) fn bytes(&self, name: &str) -> Result<u64, SettingsError> {
        self.parsed(name, |text| keys::range(name).read_bytes(text))
    }

    /// Refuses empty values of some settings. An empty text usually means no value; for these settings
    /// it probably comes from an unset variable in a script, and the result would not be what the user
    /// meant.
    pub(super) fn forbid_emptied(&self) -> Result<(), SettingsError> {
        for key in keys::KEYS.iter().filter(|key| key.never_empty) {
            if let Some(origin) = self.layers.emptied(key) {
                return Err(self.at_odds(
                    &[key.name],
                    format!("{} is empty", origin.of(key)),
                    "give it a value, or omit it",
                ));
            }
        }
        Ok(())
    }

    /// The error for settings that contradict each other.
    pub(super) fn at_odds(&self, names: &[&str], message: String, hint: &str) -> SettingsError {
        let usage = names.iter().any(|name| self.typed(name));
        SettingsError { message, hint: Some(hint.to_owned()), usage }
    }

    /// A path, relative to the file that sets it, or to the working directory.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        let (value, origin) = self.found(name)?;
        Some(resolve_path(value, origin))
    }

    /// The same for a path that is part of a setting's value.
    pub(super) fn path_within(&self, name: &str, path: &str) -> PathBuf {
        self.found(name).map_or_else(|| path.into(), |(_, origin)| resolve_path(path, origin))
    }

    /// The endpoint of `openai`. Its version goes into the query.
    pub(super) fn shared_endpoint(&self) -> Result<Endpoint, SettingsError> {
        const URL: &str = "openai.base_url";
        let mut endpoint = Endpoint {
            base_url: self.parsed(URL, parse::url)?,
            api_key: self.text("openai.api_key"),
            key_header: self.optional("openai.key_header", parse::header_name)?,
        };
        let (base, query) = endpoint.base_url.split_once('?').unwrap_or((&endpoint.base_url, ""));
        let is_version = |part: &&str| part.starts_with("api-version=");
        let typed = self.typed(URL) && query.split('&').any(|part| is_version(&part));
        if let Some(version) = self.optional("openai.api_version", parse::api_version)?
            && !typed
        {
            let others = query.split('&').filter(|part| !is_version(part));
            let version = format!("api-version={version}");
            let query: Vec<&str> =
                others.filter(|part| !part.is_empty()).chain([&*version]).collect();
            endpoint.base_url = format!("{base}?{}", query.join("&"));
        }
        Ok(endpoint)
    }

    /// `PREFIX.base_url` with its own key if it is set, the shared endpoint otherwise.
    pub(super) fn own_endpoint(
        &self,
        prefix: &str,
        shared: &Endpoint,
    ) -> Result<Endpoint, SettingsError> {
        let (url, key) = (format!("{prefix}.base_url"), format!("{prefix}.api_key"));
        let own_key = self.text(&key);
        if let Some(base_url) = self.optional(&url, parse::url)? {
            return Ok(Endpoint { base_url, api_key: own_key, key_header: None });
        }
        // If a URL of its own gave way to a typed one, the key still belongs to the former URL.
        let own_key = own_key.filter(|_| !self.layers.mention(&url));
        Ok(Endpoint { api_key: own_key.or_else(|| shared.api_key.clone()), ..shared.clone() })
    }
}

/// A path as it is meant where it was set.
pub(super) fn resolve_path(value: &str, origin: &SettingOrigin) -> PathBuf {
    origin.directory().map_or_else(|| PathBuf::from(value), |base| base.join(value))
}
