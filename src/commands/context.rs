//! Where a command runs, and with which settings: reads the environment, the project file and the
//! user's file once.

use std::env;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::locations::{CommandLocations, forbid_links_out};
use super::trust;
use crate::error::{Exit, Failure};
use crate::hub::{Forbidden, Hub, HubOptions};
use crate::record::{Recording, RecordingError};
use crate::rooted_fs;
use crate::service::output_file::forbid_way_out;
use crate::service::project::Project;
use crate::service::{Context, backends};
use crate::settings::{
    self, HubSettings, Layer, Layers, RecordingFile, Resolved, SettingOrigin, Settings,
    SettingsError, layers,
};
use crate::ui::Ui;
use crate::ui::sanitize::sanitize_line;

/// Reads the settings of a command.
pub(super) fn load(ui: &mut Ui, flags: Layer) -> Result<Context, Failure> {
    let place = CommandLocations::find()?;
    let (layers, trusted) = read_layers(&place, flags)?;
    place.say_foreign(ui);
    let mut settings = settings::resolve(&layers, trusted).map_err(setting_failure)?;
    forbid_unheard(&settings.unheard)?;
    ui.detail(&format!("project {}", place.root.display()));
    for file in place.project_file.iter().chain(&user_file().filter(|file| file.is_file())) {
        ui.detail(&format!("settings {}", file.display()));
    }
    let data_dir = match &settings.data_dir {
        Some(dir) => place.cwd.join(dir),
        None => place.data_dir(trusted)?,
    };
    forbid_links_out(&data_dir)?;
    let project = settings
        .qdrant
        .url
        .is_some()
        .then(|| Project::of(settings.project.as_deref(), &place.root, &data_dir));
    if let Some(project) = project.as_ref().filter(|project| project.is_kept()) {
        settings.take_default_collection(&project.name);
    }
    let (outside, sites) = trust::named_in(&place.root);
    let sites = (!trusted).then_some(sites);
    let CommandLocations { cwd, root, .. } = place;
    let (user, tape, hub) = (user(), Arc::default(), hub(ui, &mut settings, &cwd));
    Ok(Context { settings, cwd, root, data_dir, outside, sites, user, project, tape, hub })
}

/// The hub from which models are fetched by name. A token from a file becomes one of the settings.
fn hub(ui: &Ui, settings: &mut Settings, cwd: &Path) -> Hub {
    let HubSettings { endpoint, token_file, home, cache, forbidden_by, .. } = settings.hub.clone();
    let place = |path: PathBuf| cwd.join(untilde(path));
    let usual = || Some(xdg("XDG_CACHE_HOME", ".cache")?.join("huggingface"));
    let home = home.map(place).or_else(usual);
    let within = |name: &str| home.as_ref().map(|home| home.join(name));
    let token_file = token_file.map(place).or_else(|| within("token"));
    let kept = || Some(std::fs::read_to_string(token_file?).ok()?.trim().to_owned());
    let token = settings.hub.token.take().or_else(kept).filter(|token| !token.is_empty());
    settings.hub.token.clone_from(&token);
    Hub::new(HubOptions {
        endpoint,
        token,
        cache: cache.map(place).or_else(|| within("hub")),
        forbidden: forbidden_by.map(Forbidden::Setting),
        retry: backends::retry_policy(settings),
        on_event: Arc::new(ui.fetching()),
    })
}

/// Variables of other tools may begin with `~`.
fn untilde(path: PathBuf) -> PathBuf {
    match (path.strip_prefix("~"), home()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path,
    }
}

/// Name that the system has for the user who runs this.
fn user() -> Option<String> {
    let named = |name| env::var(name).ok().filter(|user: &String| !user.is_empty());
    ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(named)
}

/// For commands that ask models: opens what `--record` or `--replay` names.
pub(super) fn with_tape(mut context: Context, ui: &mut Ui) -> Result<Context, Failure> {
    let tape = match &context.settings.tape {
        None => return Ok(context),
        Some(RecordingFile::Record(path)) => {
            ui.detail(&format!("recording to {}", path.display()));
            let path = context.cwd.join(path);
            forbid_way_out(&path, &context.root)?;
            Recording::record(&path, context.secrets())
        }
        Some(RecordingFile::Replay(path)) => {
            ui.detail(&format!("replaying {}", path.display()));
            Recording::replay(&context.cwd.join(path))
        }
    };
    let tape = tape.map_err(|error| tape_failure(&error))?;
    if let Some(notice) = tape.notice() {
        ui.warn(&notice);
    }
    context.tape = Arc::new(tape);
    Ok(context)
}

fn tape_failure(error: &RecordingError) -> Failure {
    let hint = match error {
        RecordingError::None { .. } => {
            "make one: run the same command with --record FILE instead of --replay FILE"
        }
        RecordingError::Io { .. } => "name a file that can be read and written",
        RecordingError::Busy { .. } => {
            "name another file, or run this again when the other process is done"
        }
        RecordingError::NotOne { .. } => "name a file that --record made",
        RecordingError::Version { .. } => "remove it, and record again with --record",
        RecordingError::Line { .. } => "correct or remove that line, or record again",
    };
    Failure::config(error.to_string()).hint(hint)
}

/// Fails if an untrusted project file sets what only the user may set. Ignoring these settings without
/// a word would give other answers than those that the project expects.
fn forbid_unheard(unheard: &[Resolved]) -> Result<(), Failure> {
    let Some(SettingOrigin::Project(path)) = unheard.first().map(|row| &row.origin) else {
        return Ok(());
    };
    let wants = unheard.iter().map(|row| {
        let value = row.value.as_deref().unwrap_or_default();
        format!("{} = {}", row.key.name, sanitize_line(value))
    });
    Err(Failure::config(format!(
        "{} is not trusted, but sets what only you may set: {}",
        path.display(),
        wants.collect::<Vec<_>>().join(", ")
    ))
    .hint(
        "read it, then trust it as it is with docent config trust; or set your own values by flag or variable",
    ))
}

/// All layers, strongest first, and whether the project file is trusted.
pub(super) fn read_layers(
    place: &CommandLocations,
    flags: Layer,
) -> Result<(Layers, bool), Failure> {
    let unknown = env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with("DOCENT_"));
    let lookup = |name: &str| env::var(name).ok();
    let garbled = |name: &&&str| matches!(env::var(name), Err(env::VarError::NotUnicode(_)));
    if let Some(name) = settings::KEYS.iter().flat_map(|key| key.env).find(garbled) {
        return Err(Failure::config(format!("{name} is not valid UTF-8")));
    }
    let mut all = vec![flags, layers::environment(lookup, unknown).map_err(setting_failure)?];
    let mut trusted = false;
    if let Some(path) = &place.project_file {
        let text = read(path)?;
        trusted = trust::is_trusted(path, &text);
        all.push(project_layer(path, &text)?);
    }
    if let Some(path) = user_file().filter(|path| path.is_file()) {
        let text = read(&path)?;
        all.push(
            layers::file(&path, &text, &SettingOrigin::User(path.clone()))
                .map_err(setting_failure)?,
        );
    }
    Ok((Layers(all), trusted))
}

pub(super) fn project_layer(path: &Path, text: &str) -> Result<Layer, Failure> {
    layers::file(path, text, &SettingOrigin::Project(path.to_owned())).map_err(setting_failure)
}

pub(super) fn read(path: &Path) -> Result<String, Failure> {
    /// Largest file of settings, in bytes: far more than all of them need.
    const LONGEST: u64 = 1 << 20;
    let mut text = String::new();
    rooted_fs::open_file(path)
        .and_then(|file| file.take(LONGEST).read_to_string(&mut text))
        .map(|_| text)
        .map_err(|error| Failure::config(format!("{} cannot be read: {error}", path.display())))
}

pub(super) fn setting_failure(error: SettingsError) -> Failure {
    let exit = if error.usage { Exit::Usage } else { Exit::Config };
    Failure { hint: error.hint, ..Failure::new(exit, error.message) }
}

/// `$XDG_CONFIG_HOME/docent/config.toml`, or under `~/.config`.
pub(super) fn user_file() -> Option<PathBuf> {
    Some(xdg("XDG_CONFIG_HOME", ".config")?.join("docent/config.toml"))
}

fn xdg(variable: &str, fallback: &str) -> Option<PathBuf> {
    let set = env::var_os(variable).map(PathBuf::from).filter(|dir| dir.is_absolute());
    set.or_else(|| Some(home()?.join(fallback)))
}

/// The user's home directory.
pub(super) fn home() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|home| !home.is_empty()).map(PathBuf::from);
    set("HOME").or_else(|| if cfg!(windows) { set("USERPROFILE") } else { None })
}

/// Path of a file that keeps state between runs.
pub(super) fn state_file(name: &str) -> Option<PathBuf> {
    Some(xdg("XDG_STATE_HOME", ".local/state")?.join("docent").join(name))
}
