//! A model of a hub, by its name there.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// `hf:ORG/NAME[@REVISION][#FILE]`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct HubModel {
    /// `ORG/NAME`; some old ones are of no organisation.
    pub repository: String,
    /// A branch, a tag or a commit; `None`: what the main branch has.
    pub revision: Option<String>,
    /// The graph, as a path in the repository; `None`: `model.onnx`, where that usually is.
    pub file: Option<String>,
}

impl HubModel {
    /// What stands before the name where a model is chosen.
    pub const SCHEME: &str = "hf";
    const MAIN: &str = "main";

    /// The revision to ask for.
    pub fn revision(&self) -> &str {
        self.revision.as_deref().unwrap_or(Self::MAIN)
    }

    /// Whether a file of a repository is one that runs.
    pub fn is_graph(path: &str) -> bool {
        Path::new(path).extension().is_some_and(|extension| extension == "onnx")
    }

    /// The same model at whichever revision: what a collection remembers beside the commit.
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

    /// Of what stands behind `hf:`. The error completes the sentence "`VALUE` ...".
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
            return Err("names no model of a hub: hf:ORG/NAME, with letters, digits, `-`, `_` and `.`, such as hf:BAAI/bge-small-en-v1.5".to_owned());
        }
        if revision.is_some_and(|revision| !is_path(revision)) {
            return Err(
                "names no revision: a branch, a tag or a commit stands behind `@`".to_owned()
            );
        }
        if file.is_some_and(|file| !is_path(file) || !Self::is_graph(file)) {
            return Err(
                "names no ONNX file: behind `#` stands a path in the repository that ends in .onnx"
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

/// What the hub takes as a name: `--` in it would be taken for `/` in the cache.
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

/// A path below something: nothing that leads out of it, nothing that a URL or a file system reads otherwise.
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
    fn what_could_lead_elsewhere_is_no_name() {
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
