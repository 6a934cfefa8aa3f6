//! Which files of a repository a text encoder consists of: those that `onnx::layout` reads. Pure.

use serde::Deserialize;

use super::cache::CachedInfo;

/// Lists the parts of a sentence-transformers model, and where they are.
pub(super) const MODULES: &str = "modules.json";

/// Paths in the repository.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct DownloadPlan {
    pub(super) graph: String,
    /// Everything but the graph and its weights, which are large and therefore fetched last.
    pub(super) small: Vec<String>,
    /// Files that the graph needs beside it.
    pub(super) weights: Vec<String>,
    /// Files that were looked for and do not exist; stored, so that no other program or run asks again.
    pub(super) absent: Vec<String>,
}

/// Why there is no plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum ModelPlanError {
    /// It is not known here whether the commit has this file.
    Unknown,
    NoGraph,
    NoTokenizer,
}

#[derive(Deserialize)]
struct Module {
    #[serde(default)]
    path: String,
    #[serde(rename = "type", default)]
    kind: String,
}

/// Where the parts of the model are, from `modules.json` if there is one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ModelParts {
    /// Empty, or a folder with a slash at the end.
    transformer: String,
    pooling: String,
}

impl ModelParts {
    pub(super) fn read(modules: Option<&[u8]>) -> Self {
        let modules: Vec<Module> =
            modules.and_then(|text| serde_json::from_slice(text).ok()).unwrap_or_default();
        let folder = |kind: &str, usual: &str| {
            let suffix = format!(".{kind}");
            let module = modules.iter().find(|it| it.kind == kind || it.kind.ends_with(&suffix));
            match module.map_or(usual, |module| module.path.trim_end_matches('/')) {
                path if path.is_empty() || !is_plain(path) => String::new(),
                path => format!("{path}/"),
            }
        };
        Self { transformer: folder("Transformer", ""), pooling: folder("Pooling", "1_Pooling") }
    }

    /// Path of the file that says what kind of model it is.
    pub(super) fn config(&self) -> String {
        format!("{}config.json", self.transformer)
    }

    /// `graph` is the file that was asked for. `known` reports for a path whether the commit has such a
    /// file.
    pub(super) fn plan(
        &self,
        graph: Option<&str>,
        known: impl Fn(&str) -> CachedInfo,
    ) -> Result<DownloadPlan, ModelPlanError> {
        let mut search = Search { known, small: Vec::new(), absent: Vec::new() };
        search.first(&[MODULES.to_owned()])?;
        for name in ["config.json", "sentence_bert_config.json", "tokenizer_config.json"] {
            search.first(&[format!("{}{name}", self.transformer)])?;
        }
        search.first(&["config_sentence_transformers.json".to_owned()])?;
        search.first(&[format!("{}config.json", self.pooling)])?;
        let tokenizer = search.first(&self.places("tokenizer.json"))?;
        tokenizer.ok_or(ModelPlanError::NoTokenizer)?;
        let mut graphs = Search { known: &search.known, small: Vec::new(), absent: Vec::new() };
        let candidates = match graph {
            Some(path) => vec![path.to_owned()],
            None => self.places("model.onnx"),
        };
        let graph = graphs.first(&candidates)?.ok_or(ModelPlanError::NoGraph)?;
        graphs.small.clear();
        for suffix in ["_data", ".data"] {
            graphs.first(&[format!("{graph}{suffix}")])?;
        }
        let (weights, absent) = (graphs.small, graphs.absent);
        search.absent.extend(absent);
        Ok(DownloadPlan { graph, small: search.small, weights, absent: search.absent })
    }

    /// Where a file may be, in the order in which it is searched.
    fn places(&self, name: &str) -> Vec<String> {
        let transformer = &self.transformer;
        let mut places = vec![name.to_owned(), format!("onnx/{name}")];
        if !transformer.is_empty() {
            places.extend([format!("{transformer}{name}"), format!("{transformer}onnx/{name}")]);
        }
        places
    }
}

/// What was found so far.
struct Search<K> {
    known: K,
    small: Vec<String>,
    absent: Vec<String>,
}

impl<K: Fn(&str) -> CachedInfo> Search<K> {
    /// Takes the first of these paths that exists.
    fn first(&mut self, paths: &[String]) -> Result<Option<String>, ModelPlanError> {
        for path in paths {
            match (self.known)(path) {
                CachedInfo::Here => {
                    if !self.small.contains(path) {
                        self.small.push(path.clone());
                    }
                    return Ok(Some(path.clone()));
                }
                CachedInfo::Absent => self.absent.push(path.clone()),
                CachedInfo::Unknown => return Err(ModelPlanError::Unknown),
            }
        }
        Ok(None)
    }
}

/// A folder that cannot point outside the repository.
fn is_plain(path: &str) -> bool {
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains('\\');
    path.split('/').all(part) && !path.contains(':')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn listed<'a>(files: &'a [&str]) -> impl Fn(&str) -> CachedInfo + 'a {
        move |path| if files.contains(&path) { CachedInfo::Here } else { CachedInfo::Absent }
    }

    #[test]
    fn a_model_of_sentence_transformers() {
        let files = [
            "modules.json",
            "config.json",
            "1_Pooling/config.json",
            "tokenizer.json",
            "onnx/model.onnx",
            "onnx/model_O1.onnx",
            "model.safetensors",
        ];
        let modules = br#"[{"path": "", "type": "sentence_transformers.models.Transformer"},
            {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]"#;
        let plan = ModelParts::read(Some(modules)).plan(None, listed(&files)).unwrap();
        assert_eq!(plan.graph, "onnx/model.onnx");
        let small = ["modules.json", "config.json", "1_Pooling/config.json", "tokenizer.json"];
        assert_eq!(plan.small, small);
        assert!(plan.weights.is_empty());
        for path in ["model.onnx", "onnx/model.onnx_data", "sentence_bert_config.json"] {
            assert!(plan.absent.contains(&path.to_owned()), "{path}: {:?}", plan.absent);
        }
    }

    #[test]
    fn the_file_that_is_named_and_its_weights() {
        let files = [
            "config.json",
            "onnx/tokenizer.json",
            "onnx/model.onnx",
            "onnx/model_fp16.onnx",
            "onnx/model_fp16.onnx_data",
            "onnx/model.onnx_data",
        ];
        let plan =
            ModelParts::read(None).plan(Some("onnx/model_fp16.onnx"), listed(&files)).unwrap();
        assert_eq!(plan.graph, "onnx/model_fp16.onnx");
        assert_eq!(plan.weights, ["onnx/model_fp16.onnx_data"]);
        assert_eq!(plan.small, ["config.json", "onnx/tokenizer.json"]);
    }

    #[test]
    fn the_transformer_in_a_folder_of_its_own() {
        let modules =
            br#"[{"path": "0_Transformer", "type": "sentence_transformers.models.Transformer"},
            {"path": "../up", "type": "sentence_transformers.models.Pooling"}]"#;
        let parts = ModelParts::read(Some(modules));
        assert_eq!(parts.config(), "0_Transformer/config.json");
        let files = [
            "0_Transformer/config.json",
            "0_Transformer/tokenizer.json",
            "0_Transformer/onnx/model.onnx",
        ];
        let plan = parts.plan(None, listed(&files)).unwrap();
        assert_eq!(plan.graph, "0_Transformer/onnx/model.onnx");
        assert!(plan.absent.iter().all(|path| !path.contains("..")), "{:?}", plan.absent);
    }

    #[test]
    fn what_is_missing() {
        let parts = ModelParts::read(None);
        let plan = |files: &[&str]| parts.plan(None, listed(files)).unwrap_err();
        assert_eq!(plan(&["onnx/model.onnx"]), ModelPlanError::NoTokenizer);
        assert_eq!(plan(&["tokenizer.json", "model.safetensors"]), ModelPlanError::NoGraph);
        let unknown = parts.plan(None, |_| CachedInfo::Unknown).unwrap_err();
        assert_eq!(unknown, ModelPlanError::Unknown);
    }
}
