//! The tool `file_search` in requests for an answer: which collection is asked, and how.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::filters::{self, AttributeFilter};
use super::stores::opened;
use crate::serve::access::{Caller, Scoped};
use crate::serve::refusal::RequestRefusal;
use crate::serve::request::typed_at;
use crate::service::retrieval::{DocumentFilter, RetrievalOverrides};

/// Most results of one search: `OpenAI`'s own limit.
pub(super) const MOST_RESULTS: usize = 50;

/// The tools of a request after they were read.
#[derive(Default)]
pub(super) struct FileSearchOptions {
    /// The collection that is asked instead of the model's.
    pub(super) scoped: Option<Scoped>,
    pub(super) filter: DocumentFilter,
    pub(super) overrides: RetrievalOverrides,
    /// Functions, as they were sent.
    pub(super) functions: Vec<Value>,
    /// Parameters of the tools that have no effect.
    pub(super) ignored: Vec<String>,
}

/// A tool of a request.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Tool")]
pub(super) enum RequestTool {
    FileSearch(FileSearchTool),
    /// A function of the caller's: it goes to the chat model as it was sent, unchecked.
    Function {
        #[serde(rename = "type")]
        _kind: FunctionType,
    },
    Other(OtherTool),
}

/// A tool that has no effect, and is named in the answer.
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
    /// One store: `vs_COLLECTION` or its bare name, instead of the model's collection, which is the
    /// default.
    #[serde(default)]
    vector_store_ids: Vec<String>,
    /// How many passages are retrieved.
    #[schemars(range(min = 1, max = "MOST_RESULTS"))]
    max_num_results: Option<usize>,
    filters: Option<AttributeFilter>,
    ranking_options: Option<RankingOptions>,
}

/// Which results count as found.
#[derive(Deserialize, JsonSchema)]
pub(super) struct RankingOptions {
    /// Without effect, unless it is `auto`.
    ranker: Option<String>,
    /// The lowest score.
    #[schemars(range(min = 0, max = 1))]
    score_threshold: Option<f32>,
}

impl RankingOptions {
    /// The lowest score; parameters without effect are added to `ignored`.
    pub(super) fn min_score(&self, at: &str, ignored: &mut Vec<String>) -> Option<f32> {
        if self.ranker.as_deref().is_some_and(|ranker| ranker != "auto") {
            ignored.push(format!("{at}ranker"));
        }
        // No score is below 0, and some clients always send it.
        self.score_threshold.filter(|score| *score != 0.0)
    }
}

impl FileSearchOptions {
    /// # Errors
    /// A tool that docent supports has a value that it does not support.
    pub(super) fn read(tools: &[Value], caller: &Caller) -> Result<Self, RequestRefusal> {
        let mut read = Self::default();
        let mut first: Option<String> = None;
        for (number, tool) in tools.iter().enumerate() {
            let at = format!("tools[{number}].");
            let tool = match typed_at(tool.clone(), &format!("tools[{number}]"))? {
                RequestTool::FileSearch(tool) => tool,
                RequestTool::Function { .. } => {
                    read.functions.push(tool.clone());
                    continue;
                }
                RequestTool::Other(OtherTool { kind }) => {
                    let named = format!("tools of type {kind}");
                    if !read.ignored.contains(&named) {
                        read.ignored.push(named);
                    }
                    continue;
                }
            };
            if let Some(first) = first.replace(at.clone()) {
                return Err(RequestRefusal::invalid(
                    format!("{at}type"),
                    format!("only one file_search is possible, and {first}type has it already"),
                )
                .hint("put everything into one"));
            }
            read.take(tool, &at, caller)?;
        }
        Ok(read)
    }

    fn take(
        &mut self,
        tool: FileSearchTool,
        at: &str,
        caller: &Caller,
    ) -> Result<(), RequestRefusal> {
        let ids = format!("{at}vector_store_ids");
        self.scoped = match tool.vector_store_ids.as_slice() {
            [] => None,
            [id] => Some(opened(caller, id, &ids)?),
            _ => {
                return Err(RequestRefusal::invalid(ids, "an answer comes from one collection")
                    .hint(
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
