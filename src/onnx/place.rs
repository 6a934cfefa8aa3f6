//! The location of a model, and its name.

use std::path::{Path, PathBuf};

/// A directory, and which model in it is used.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ModelPlace {
    pub dir: PathBuf,
    /// The graph, relative to the directory; `None`: `model.onnx` in its usual place.
    pub graph: Option<String>,
    /// `None` if it was not published under a known name.
    pub published: Option<Published>,
}

/// Where a model was published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Published {
    /// `hf:ORG/NAME`.
    pub name: String,
    pub commit: String,
}

impl ModelPlace {
    /// Its published name, or the name of the directory.
    pub(super) fn name(&self) -> String {
        if let Some(published) = &self.published {
            return published.name.clone();
        }
        let real = self.dir.canonicalize().unwrap_or_else(|_| self.dir.clone());
        let name = real.file_name().map_or("model".into(), |name| name.to_string_lossy());
        format!("onnx:{name}")
    }
}

impl From<&Path> for ModelPlace {
    fn from(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), ..Self::default() }
    }
}

impl From<PathBuf> for ModelPlace {
    fn from(dir: PathBuf) -> Self {
        Self { dir, ..Self::default() }
    }
}

impl From<&PathBuf> for ModelPlace {
    fn from(dir: &PathBuf) -> Self {
        dir.as_path().into()
    }
}

impl From<&Self> for ModelPlace {
    fn from(place: &Self) -> Self {
        place.clone()
    }
}
