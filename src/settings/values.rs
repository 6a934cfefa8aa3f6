//! The layers, read with types, and what an untrusted project file may not decide.

use std::path::{Component, Path, PathBuf};

use super::{Layers, Origin, SettingsError, keys, layers, parse};

/// The layers, and what was withheld while they were read.
pub(super) struct Values<'a> {
    pub(super) layers: &'a Layers,
    /// The user trusts the project file.
    pub(super) trusted: bool,
    pub(super) notices: Vec<String>,
}

/// An OpenAI-compatible server and the key that goes with it, and only with it.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub base_url: String,
    pub api_key: Option<String>,
    /// Name of the header that the key goes into; `None`: where it usually does.
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

impl<'a> Values<'a> {
    pub(super) fn found(&self, name: &str) -> Option<(&'a str, &'a Origin)> {
        self.layers.find(keys::key(name))
    }

    /// The value that the setting would have without its strongest.
    pub(super) fn beneath(&self, name: &str) -> Option<&'a str> {
        self.layers.beneath(keys::key(name))
    }

    /// The value comes from the command line.
    pub(super) fn typed(&self, name: &str) -> bool {
        self.found(name).is_some_and(|(_, origin)| *origin == Origin::Flag)
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
            let origin = self.found(name).map_or(&Origin::Default, |(_, origin)| origin);
            SettingsError {
                message: format!("{}: `{}` {problem}", origin.of(key), layers::shown(key, &value)),
                hint: None,
                usage: *origin == Origin::Flag,
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

    /// Settings that are fine alone and make no sense together.
    pub(super) fn at_odds(&self, names: &[&str], message: String, hint: &str) -> SettingsError {
        let usage = names.iter().any(|name| self.typed(name));
        SettingsError { message, hint: Some(hint.to_owned()), usage }
    }

    /// A path: relative to the file that sets it, or to the working directory. The project file may
    /// not name one outside the project.
    pub(super) fn path(&self, name: &str) -> Result<Option<PathBuf>, SettingsError> {
        let Some((value, origin)) = self.found(name) else { return Ok(None) };
        self.located(name, value, origin).map(Some)
    }

    pub(super) fn located(
        &self,
        name: &str,
        value: &str,
        origin: &Origin,
    ) -> Result<PathBuf, SettingsError> {
        let Some(base) = origin.directory() else { return Ok(PathBuf::from(value)) };
        let path = Path::new(value);
        let outside = path.is_absolute() || path.components().any(|c| c == Component::ParentDir);
        if outside && self.is_untrusted(origin) {
            return Err(SettingsError {
                message: format!(
                    "{}: `{value}` is outside the project",
                    origin.of(keys::key(name))
                ),
                hint: Some(
                    "use a path inside the project, or trust this file: docent config trust"
                        .to_owned(),
                ),
                usage: false,
            });
        }
        Ok(base.join(value))
    }

    /// A path that only the user may name: an untrusted project file could have prompts written
    /// into the project, or put answers into a model's mouth.
    pub(super) fn users_path(&mut self, name: &str) -> Result<Option<PathBuf>, SettingsError> {
        match self.found(name) {
            Some((_, origin)) if self.is_untrusted(origin) => {
                self.not_followed(name, origin);
                Ok(None)
            }
            _ => self.path(name),
        }
    }

    /// Something that only the user may allow: an untrusted project file may not.
    pub(super) fn permission(&mut self, name: &str) -> Result<bool, SettingsError> {
        let allowed = self.parsed(name, parse::boolean)?;
        match self.found(name) {
            Some((_, origin)) if allowed && self.is_untrusted(origin) => {
                self.not_followed(name, origin);
                Ok(false)
            }
            _ => Ok(allowed),
        }
    }

    pub(super) fn is_untrusted(&self, origin: &Origin) -> bool {
        matches!(origin, Origin::Project(_)) && !self.trusted
    }

    /// Notes that a setting of an untrusted project file has no effect.
    pub(super) fn not_followed(&mut self, name: &str, origin: &Origin) {
        let setting = origin.of(keys::key(name));
        self.notices.push(format!(
            "{setting} was not followed: that file is not trusted (docent config trust)"
        ));
    }

    /// The key that goes with `url`, unless an untrusted project file chose the URL and the key
    /// comes from somewhere else.
    pub(super) fn key_for(&mut self, url: &str, key: &str) -> Option<String> {
        let (value, key_origin) = self.found(key)?;
        if let Some((host, Origin::Project(file))) = self.found(url)
            && !self.trusted
            && !matches!(key_origin, Origin::Project(_))
        {
            self.notices.push(format!(
                "{} was not used: {} sets {url} to {}, and that file is not trusted (docent config trust)",
                key_origin.of(keys::key(key)),
                file.display(),
                parse::without_credentials(host)
            ));
            return None;
        }
        Some(value.to_owned())
    }

    pub(super) fn endpoint(&mut self, url: &str, key: &str) -> Result<Endpoint, SettingsError> {
        let base_url = self.parsed(url, parse::url)?;
        Ok(Endpoint { base_url, api_key: self.key_for(url, key), key_header: None })
    }

    /// The endpoint of `openai`, whose version goes into the query.
    pub(super) fn shared_endpoint(&mut self) -> Result<Endpoint, SettingsError> {
        let mut endpoint = self.endpoint("openai.base_url", "openai.api_key")?;
        if let Some(version) = self.optional("openai.api_version", parse::api_version)? {
            let (base, query) =
                endpoint.base_url.split_once('?').unwrap_or((&endpoint.base_url, ""));
            let others = query.split('&').filter(|part| !part.starts_with("api-version="));
            let version = format!("api-version={version}");
            let query: Vec<&str> =
                others.filter(|part| !part.is_empty()).chain([&*version]).collect();
            endpoint.base_url = format!("{base}?{}", query.join("&"));
        }
        // Where a key shows up is for its owner to say.
        match self.found("openai.key_header") {
            Some((_, origin)) if self.is_untrusted(origin) => {
                self.not_followed("openai.key_header", origin);
            }
            _ => {
                endpoint.key_header = self.optional("openai.key_header", parse::header_name)?;
            }
        }
        Ok(endpoint)
    }

    /// `PREFIX.base_url` with its own key where it is set, the shared endpoint otherwise.
    pub(super) fn own_endpoint(
        &mut self,
        prefix: &str,
        shared: &Endpoint,
    ) -> Result<Endpoint, SettingsError> {
        let (url, key) = (format!("{prefix}.base_url"), format!("{prefix}.api_key"));
        if self.text(&url).is_some() {
            return self.endpoint(&url, &key);
        }
        let own_key = self.key_for("openai.base_url", &key);
        Ok(Endpoint {
            base_url: shared.base_url.clone(),
            api_key: own_key.or_else(|| shared.api_key.clone()),
            key_header: shared.key_header.clone(),
        })
    }
}
