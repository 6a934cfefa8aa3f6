//! Settings of the hub from which models are fetched by name, and of the cache.

use std::path::PathBuf;

use super::{LayerValues, SettingOrigin, SettingsError, keys, parse};

#[derive(Clone, PartialEq, Eq)]
pub struct HubSettings {
    pub endpoint: String,
    pub token: Option<String>,
    /// `None`: `token` in [`Self::home`].
    pub token_file: Option<PathBuf>,
    /// `None`: `huggingface` in the user's cache directory.
    pub home: Option<PathBuf>,
    /// `None`: `hub` in [`Self::home`].
    pub cache: Option<PathBuf>,
    /// The flag or variable that forbids to fetch models, if one does.
    pub forbidden_by: Option<String>,
}

impl HubSettings {
    pub(super) fn resolve(values: &LayerValues<'_>) -> Result<Self, SettingsError> {
        const NO_DOWNLOAD: &str = "hub.no_download";
        let forbidden = values.parsed(NO_DOWNLOAD, parse::switch)?;
        let origin =
            values.found(NO_DOWNLOAD).map_or(&SettingOrigin::Default, |(_, origin)| origin);
        Ok(Self {
            endpoint: values.parsed("hub.endpoint", parse::url)?,
            token: values.text("hub.token").map(|token| token.trim().to_owned()),
            token_file: values.path("hub.token_file"),
            home: values.path("hub.home"),
            cache: values.path("hub.cache"),
            forbidden_by: forbidden.then(|| origin.of(keys::key(NO_DOWNLOAD))),
        })
    }
}

impl std::fmt::Debug for HubSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { endpoint, token, token_file, home, cache, forbidden_by } = self;
        f.debug_struct("HubSettings")
            .field("endpoint", endpoint)
            .field("token", &token.as_ref().map(|_| "***"))
            .field("token_file", token_file)
            .field("home", home)
            .field("cache", cache)
            .field("forbidden_by", forbidden_by)
            .finish()
    }
}
