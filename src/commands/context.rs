//! Where a command runs and with which settings: reads the environment, the project file and the
//! user's file, once.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Exit, Failure};
use crate::record::{Tape, TapeError};
use crate::service::Context;
use crate::settings::{
    self, EmbeddingModel, Layer, Layers, Origin, Rerank, RerankModel, Settings, SettingsError,
    TapeFile, layers,
};
use crate::types::ContentHash;
use crate::ui::Ui;

pub(super) const PROJECT_FILE: &str = "docent.toml";
const DATA_DIR: &str = ".docent";

/// Reads the settings of a command.
pub(super) fn load(ui: &mut Ui, flags: Layer) -> Result<Context, Failure> {
    let place = Place::find()?;
    let (layers, trusted) = read_layers(&place, flags)?;
    let settings = settings::resolve(&layers, trusted).map_err(setting_failure)?;
    for notice in &settings.notices {
        ui.warn(notice);
    }
    if !trusted {
        forbid_paths_outside(&place, &settings)?;
    }
    ui.detail(&format!("project {}", place.root.display()));
    for file in place.project_file.iter().chain(&user_file().filter(|file| file.is_file())) {
        ui.detail(&format!("settings {}", file.display()));
    }
    let data_dir = match &settings.data_dir {
        Some(dir) => place.cwd.join(dir),
        None => place.root.join(DATA_DIR),
    };
    Ok(Context { settings, cwd: place.cwd, root: place.root, data_dir, tape: Arc::default() })
}

/// For commands that ask models: opens what `--record` or `--replay` names.
pub(super) fn with_tape(mut context: Context, ui: &mut Ui) -> Result<Context, Failure> {
    let tape = match &context.settings.tape {
        None => return Ok(context),
        Some(TapeFile::Record(path)) => {
            ui.detail(&format!("recording to {}", path.display()));
            Tape::record(&context.cwd.join(path), context.secrets())
        }
        Some(TapeFile::Replay(path)) => {
            ui.detail(&format!("replaying {}", path.display()));
            Tape::replay(&context.cwd.join(path))
        }
    };
    let tape = tape.map_err(|error| tape_failure(&error))?;
    if let Some(notice) = tape.notice() {
        ui.warn(&notice);
    }
    context.tape = Arc::new(tape);
    Ok(context)
}

fn tape_failure(error: &TapeError) -> Failure {
    let hint = match error {
        TapeError::None { .. } => {
            "make one: the same command with --record FILE instead of --replay FILE"
        }
        TapeError::Io { .. } => "name a file that can be read and written",
        TapeError::Busy { .. } => "name another file, or run this again when that one is done",
        TapeError::NotOne { .. } => "--record and --replay take a file that --record has made",
        TapeError::Version { .. } => "record it anew: remove it, then use --record",
        TapeError::Line { .. } => "mend that line or remove it, or record it anew",
    };
    Failure::config(error.to_string()).hint(hint)
}

/// A path that a project file names lies in the project, also when it is a link: the file and the
/// link may come from the same stranger.
fn forbid_paths_outside(place: &Place, settings: &Settings) -> Result<(), Failure> {
    let Some(project) = place.project_file.as_deref().and_then(Path::parent) else {
        return Ok(());
    };
    let paths = [
        ("data_dir", &settings.data_dir),
        ("chat.system", &settings.chat.system),
        ("trace.path", &settings.trace.path),
        ("chat.prompt", &settings.chat.prompt),
    ];
    let mut paths: Vec<(&str, PathBuf)> =
        paths.into_iter().filter_map(|(name, path)| Some((name, path.clone()?))).collect();
    if let EmbeddingModel::Onnx(dir) = &settings.embedding.model {
        paths.extend(model_files(dir).map(|path| ("embedder", path)));
    }
    if let Some(Rerank { model: RerankModel::Onnx(dir), .. }) = &settings.rerank {
        paths.extend(model_files(dir).map(|path| ("rerank.with", path)));
    }
    for (name, path) in paths {
        let from_project = settings
            .resolved
            .iter()
            .any(|row| row.key.name == name && matches!(row.origin, Origin::Project(_)));
        if !from_project {
            continue;
        }
        let real = path.ancestors().find_map(|path| path.canonicalize().ok());
        if real.is_some_and(|real| !real.starts_with(project)) {
            return Err(Failure::config(format!(
                "{name} in {PROJECT_FILE}: {} points outside the project",
                path.display()
            ))
            .hint("use a path inside the project, or trust this file: docent config trust"));
        }
    }
    Ok(())
}

/// The directory of a model and what is in it and in its folders.
fn model_files(dir: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = |dir: &Path| std::fs::read_dir(dir).into_iter().flatten().flatten();
    let within: Vec<PathBuf> = entries(dir).map(|entry| entry.path()).collect();
    let deeper: Vec<PathBuf> =
        within.iter().flat_map(|path| entries(path)).map(|entry| entry.path()).collect();
    std::iter::once(dir.to_owned()).chain(within).chain(deeper)
}

/// Directories and files a command line means.
pub(super) struct Place {
    pub(super) cwd: PathBuf,
    pub(super) root: PathBuf,
    /// The nearest one, which may lie above the root.
    pub(super) project_file: Option<PathBuf>,
}

impl Place {
    pub(super) fn find() -> Result<Self, Failure> {
        let cwd = env::current_dir().and_then(|dir| dir.canonicalize()).map_err(|error| {
            Failure::usage(format!("the working directory cannot be used: {error}"))
        })?;
        let marked = |dir: &&Path| dir.join(PROJECT_FILE).is_file() || dir.join(DATA_DIR).is_dir();
        let root = cwd.ancestors().find(marked).unwrap_or(&cwd).to_owned();
        let project_file =
            cwd.ancestors().map(|dir| dir.join(PROJECT_FILE)).find(|file| file.is_file());
        Ok(Self { cwd, root, project_file })
    }
}

/// All layers, strongest first, and whether the project file is trusted.
pub(super) fn read_layers(place: &Place, flags: Layer) -> Result<(Layers, bool), Failure> {
    let unknown = env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with("DOCENT_"));
    let lookup = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let garbled = |name: &&&str| matches!(env::var(name), Err(env::VarError::NotUnicode(_)));
    if let Some(name) = settings::KEYS.iter().flat_map(|key| key.env).find(garbled) {
        return Err(Failure::config(format!("{name} is not valid UTF-8")));
    }
    let mut all = vec![flags, layers::environment(lookup, unknown).map_err(setting_failure)?];
    let mut trusted = false;
    if let Some(path) = &place.project_file {
        let text = read(path)?;
        trusted = is_trusted(path, &text);
        all.push(
            layers::file(path, &text, &Origin::Project(path.clone())).map_err(setting_failure)?,
        );
    }
    if let Some(path) = user_file().filter(|path| path.is_file()) {
        let text = read(&path)?;
        all.push(layers::file(&path, &text, &Origin::User(path.clone())).map_err(setting_failure)?);
    }
    Ok((Layers(all), trusted))
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
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
    let home = || env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    set.or_else(|| Some(home()?.join(fallback)))
}

/// One line per trusted project file: its hash and its path. An edited file is not trusted.
fn trust_file() -> Option<PathBuf> {
    state_file("trusted")
}

/// A file that remembers something from one run to the next.
pub(super) fn state_file(name: &str) -> Option<PathBuf> {
    Some(xdg("XDG_STATE_HOME", ".local/state")?.join("docent").join(name))
}

fn trust_line(path: &Path, text: &str) -> String {
    format!("{}  {}", ContentHash::of(text.as_bytes()), path.display())
}

fn is_trusted(path: &Path, text: &str) -> bool {
    let listed = trust_file().and_then(|file| std::fs::read_to_string(file).ok());
    listed.is_some_and(|list| list.lines().any(|line| line == trust_line(path, text)))
}

/// Adds the project file, as it is now, to those that are trusted.
pub(super) fn trust(path: &Path) -> Result<(), Failure> {
    let line = trust_line(path, &read(path)?);
    let file = trust_file().ok_or_else(|| {
        Failure::config("no place to remember this: neither HOME nor XDG_STATE_HOME is set")
    })?;
    let known = std::fs::read_to_string(&file).unwrap_or_default();
    if known.lines().any(|known| known == line) {
        return Ok(());
    }
    let written = std::fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))
        .and_then(|()| std::fs::write(&file, format!("{known}{line}\n")));
    written
        .map_err(|error| Failure::config(format!("{} cannot be written: {error}", file.display())))
}
