//! The tool `file_search`, as requests for an answer have it: which collection is asked, and how.

use serde::Deserialize;
use serde_json::Value;

use super::filters;
use super::stores::opened;
use crate::serve::access::{Caller, Scoped};
use crate::serve::refusal::Refusal;
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
    /// What of them has no effect.
    pub(super) ignored: Vec<String>,
}

#[derive(Deserialize)]
struct Tool {
    #[serde(default)]
    vector_store_ids: Vec<String>,
    max_num_results: Option<usize>,
    filters: Option<Value>,
    ranking_options: Option<RankingOptions>,
}

#[derive(Deserialize)]
pub(super) struct RankingOptions {
    ranker: Option<String>,
    score_threshold: Option<f32>,
}

impl RankingOptions {
    /// The lowest score; what has no effect is added to `ignored`.
    ///
    /// # Errors
    /// It is no score.
    pub(super) fn min_score(
        &self,
        at: &str,
        ignored: &mut Vec<String>,
    ) -> Result<Option<f32>, Refusal> {
        if self.ranker.as_deref().is_some_and(|ranker| ranker != "auto") {
            ignored.push(format!("{at}ranker"));
        }
        match self.score_threshold {
            Some(score) if !(0.0..=1.0).contains(&score) => Err(Refusal::invalid(
                format!("{at}score_threshold"),
                "`score_threshold` is from 0 to 1",
            )),
            // Nothing is below it, and some clients always send it.
            Some(0.0) | None => Ok(None),
            score => Ok(score),
        }
    }
}

/// # Errors
/// It is out of its range.
pub(super) fn results(at: &str, count: Option<usize>) -> Result<Option<usize>, Refusal> {
    match count {
        Some(count) if !(1..=MOST_RESULTS).contains(&count) => Err(Refusal::invalid(
            format!("{at}max_num_results"),
            format!("`max_num_results` is from 1 to {MOST_RESULTS}"),
        )),
        count => Ok(count),
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
            let Some(kind) = tool.get("type").and_then(Value::as_str) else {
                return Err(Refusal::invalid(format!("{at}type"), "a tool has a type"));
            };
            if kind != "file_search" {
                let named = format!("tools of type {kind}");
                if !read.ignored.contains(&named) {
                    read.ignored.push(named);
                }
                continue;
            }
            if let Some(first) = first.replace(at.clone()) {
                return Err(Refusal::invalid(
                    format!("{at}type"),
                    format!("there is one file_search, and {first}type has it already"),
                ));
            }
            let tool = Tool::deserialize(tool)
                .map_err(|error| Refusal::invalid(at.trim_end_matches('.'), error.to_string()))?;
            read.take(tool, &at, caller)?;
        }
        Ok(read)
    }

    fn take(&mut self, tool: Tool, at: &str, caller: &Caller) -> Result<(), Refusal> {
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
        self.overrides.k = results(at, tool.max_num_results)?;
        if let Some(ranking) = tool.ranking_options {
            let at = format!("{at}ranking_options.");
            self.overrides.min_score = ranking.min_score(&at, &mut self.ignored)?;
        }
        if let Some(filters) = tool.filters {
            self.filter = filters::read(&filters, &format!("{at}filters"))?;
        }
        Ok(())
    }
}
