//! A model on a hub, by its name there.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// `hf:ORG/NAME[@REVISION][#FILE]`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct HubModel {
    /// `ORG/NAME`; some old repositories have no organisation.
    pub repository: String,
    /// A branch, a tag or a commit; `None` for the main branch.
    pub revision: Option<String>,
    /// The graph, as a path in the repository; `None` for `model.onnx` in its usual place.
    pub file: Option<String>,
}

impl HubModel {
    /// Prefix of the name where a model is chosen.
    pub const SCHEME: &str = "hf";
    const MAIN: &str = "main";

    /// The revision to request.
    pub fn revision(&self) -> &str {
        self.revision.as_deref().unwrap_or(Self::MAIN)
    }

    /// Whether a file of a repository is a graph that can be run.
    pub fn is_graph(path: &str) -> bool {
        Path::new(path).extension().is_some_and(|extension| extension == "onnx")
    }

    /// The same model at any revision: what a collection stores in addition to the commit.
    #[must_use]
    pub fn without_revision(&self) -> Self {
        Self { revision: None, ..self.clone() }
    }
}

impl fmt::Display for HubModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", Self::SCHEME, self.repository)?;
        if let Some(revision) = &self.revision {
            write!(f, "@{revision}")?;
        }
        match &self.file {
            Some(file) => write!(f, "#{file}"),
            None => Ok(()),
        }
    }
}

impl FromStr for HubModel {
    type Err = String;

    /// Parses what follows `hf:`. The error completes the sentence "`VALUE` ...".
    fn from_str(text: &str) -> Result<Self, String> {
        let (rest, file) = match text.split_once('#') {
            Some((rest, file)) => (rest, Some(file)),
            None => (text, None),
        };
        let (repository, revision) = match rest.split_once('@') {
            Some((repository, revision)) => (repository, Some(revision)),
            None => (rest, None),
        };
        if !is_repository(repository) {
            return Err("is not a model of a hub: use hf:ORG/NAME, with letters, digits, `-`, `_` and `.`, such as hf:BAAI/bge-small-en-v1.5".to_owned());
        }
        if revision.is_some_and(|revision| !is_path(revision)) {
            return Err("has no revision: write a branch, a tag or a commit after `@`".to_owned());
        }
        if file.is_some_and(|file| !is_path(file) || !Self::is_graph(file)) {
            return Err(
                "has no ONNX file: write a path in the repository that ends in .onnx after `#`"
                    .to_owned(),
            );
        }
        Ok(Self {
            repository: repository.to_owned(),
            revision: revision.map(str::to_owned),
            file: file.map(str::to_owned),
        })
    }
}

/// What the hub allows as a name: `--` in it would be taken for `/` in the cache.
fn is_repository(text: &str) -> bool {
    let part = |part: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !part.is_empty()
            && part.chars().all(plain)
            && !part.starts_with(['-', '.'])
            && !part.ends_with(['-', '.'])
    };
    text.len() <= 96
        && text.split('/').count() <= 2
        && text.split('/').all(part)
        && !text.contains("--")
        && !text.contains("..")
}

/// A relative path that leads nowhere else, and that means the same in a URL and in a file system.
fn is_path(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.chars().all(plain);
    text.len() <= 255 && text.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for (text, repository, revision, file) in [
            ("BAAI/bge-small-en-v1.5", "BAAI/bge-small-en-v1.5", None, None),
            ("gpt2", "gpt2", None, None),
            ("a/b@v1.0", "a/b", Some("v1.0"), None),
            ("a/b@refs/pr/1#onnx/m.onnx", "a/b", Some("refs/pr/1"), Some("onnx/m.onnx")),
            ("a/b#model_O2.onnx", "a/b", None, Some("model_O2.onnx")),
        ] {
            let expected = HubModel {
                repository: repository.to_owned(),
                revision: revision.map(str::to_owned),
                file: file.map(str::to_owned),
            };
            assert_eq!(text.parse(), Ok(expected.clone()), "{text}");
            assert_eq!(expected.to_string(), format!("hf:{text}"));
        }
    }

    #[test]
    fn a_name_that_could_lead_elsewhere_is_refused() {
        for text in [
            "",
            "/",
            "a/",
            "/b",
            "a/b/c",
            "a/../b",
            "..",
            "a/b--c",
            "a/-b",
            "a b/c",
            "a/b@",
            "a/b@../x",
            "a/b@x//y",
            "a/b@x y",
            "a/b#",
            "a/b#../m.onnx",
            "a/b#/m.onnx",
            "a/b#m.bin",
            "a/b#a\\m.onnx",
            "a/b@.hidden",
            "a/b?x",
        ] {
            assert!(text.parse::<HubModel>().is_err(), "{text}");
        }
    }
}
