//! The tool `file_search`, as requests for an answer have it: which collection is asked, and how.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::filters::{self, Filter};
use super::stores::opened;
use crate::serve::access::{Caller, Scoped};
use crate::serve::refusal::Refusal;
use crate::serve::request::typed_at;
use crate::service::retrieval::{DocumentFilter, RetrievalOverrides};

/// Results of one search, at most: `OpenAI`'s own limit.
pub(super) const MOST_RESULTS: usize = 50;

/// What `tools` come to.
#[derive(Default)]
pub(super) struct FileSearch {
    /// The collection that is asked in place of the model's.
    pub(super) scoped: Option<Scoped>,
    pub(super) filter: DocumentFilter,
    pub(super) overrides: RetrievalOverrides,
    /// Functions, as they were sent.
    pub(super) functions: Vec<Value>,
    /// What of them has no effect.
    pub(super) ignored: Vec<String>,
}

/// A tool of a request.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Tool {
    FileSearch(FileSearchTool),
    /// A function of the caller's: it goes to the chat model as it was sent, and is not looked into.
    Function {
        #[serde(rename = "type")]
        _kind: FunctionType,
    },
    Other(OtherTool),
}

/// One that has no effect here, and is named.
#[derive(Deserialize, JsonSchema)]
pub(super) struct OtherTool {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum FileSearchType {
    FileSearch,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum FunctionType {
    Function,
}

/// Which collection is asked, and how.
#[derive(Deserialize, JsonSchema)]
pub(super) struct FileSearchTool {
    #[serde(rename = "type")]
    _kind: FileSearchType,
    /// One: `vs_COLLECTION` or its bare name, in place of the model's. Unless it is named, the model's.
    #[serde(default)]
    vector_store_ids: Vec<String>,
    /// How many passages are retrieved.
    #[schemars(range(min = 1, max = "MOST_RESULTS"))]
    max_num_results: Option<usize>,
    filters: Option<Filter>,
    ranking_options: Option<RankingOptions>,
}

/// What counts as found.
#[derive(Deserialize, JsonSchema)]
pub(super) struct RankingOptions {
    /// Without effect, but for `auto`.
    ranker: Option<String>,
    /// The lowest score.
    #[schemars(range(min = 0, max = 1))]
    score_threshold: Option<f32>,
}

impl RankingOptions {
    /// The lowest score; what has no effect is added to `ignored`.
    pub(super) fn min_score(&self, at: &str, ignored: &mut Vec<String>) -> Option<f32> {
        if self.ranker.as_deref().is_some_and(|ranker| ranker != "auto") {
            ignored.push(format!("{at}ranker"));
        }
        // Nothing is below 0, and some clients always send it.
        self.score_threshold.filter(|score| *score != 0.0)
    }
}

impl FileSearch {
    /// # Errors
    /// One that docent has is not meant as it has it.
    pub(super) fn read(tools: &[Value], caller: &Caller) -> Result<Self, Refusal> {
        let mut read = Self::default();
        let mut first: Option<String> = None;
        for (number, tool) in tools.iter().enumerate() {
            let at = format!("tools[{number}].");
            let tool = match typed_at(tool.clone(), &format!("tools[{number}]"))? {
                Tool::FileSearch(tool) => tool,
                Tool::Function { .. } => {
                    read.functions.push(tool.clone());
                    continue;
                }
                Tool::Other(OtherTool { kind }) => {
                    let named = format!("tools of type {kind}");
                    if !read.ignored.contains(&named) {
                        read.ignored.push(named);
                    }
                    continue;
                }
            };
            if let Some(first) = first.replace(at.clone()) {
                return Err(Refusal::invalid(
                    format!("{at}type"),
                    format!("there is one file_search, and {first}type has it already"),
                )
                .hint("say all of it in one"));
            }
            read.take(tool, &at, caller)?;
        }
        Ok(read)
    }

    fn take(&mut self, tool: FileSearchTool, at: &str, caller: &Caller) -> Result<(), Refusal> {
        let ids = format!("{at}vector_store_ids");
        self.scoped = match tool.vector_store_ids.as_slice() {
            [] => None,
            [id] => Some(opened(caller, id, &ids)?),
            _ => {
                return Err(Refusal::invalid(ids, "an answer is of one collection").hint(
                    "name one vector store; POST /v1/docent/search asks several `collections`",
                ));
            }
        };
        self.overrides.k = tool.max_num_results;
        if let Some(ranking) = tool.ranking_options {
            let at = format!("{at}ranking_options.");
            self.overrides.min_score = ranking.min_score(&at, &mut self.ignored);
        }
        if let Some(filters) = tool.filters {
            self.filter = filters::read(filters, &format!("{at}filters"))?;
        }
        Ok(())
    }
}
