//! Where a model is, and what it is called.

use std::path::{Path, PathBuf};

/// A directory, and what of it is meant.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ModelPlace {
    pub dir: PathBuf,
    /// The graph, from there; `None`: `model.onnx`, where that usually is.
    pub graph: Option<String>,
    /// `None`: nobody published it under a name that is known here.
    pub published: Option<Published>,
}

/// Where a model is from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Published {
    /// `hf:ORG/NAME`.
    pub name: String,
    pub commit: String,
}

impl ModelPlace {
    /// Its name: the directory's own where nobody gave it one. Models are published under it.
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
