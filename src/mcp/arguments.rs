//! Reads the arguments that a model sends. Models invent names and types: what is clearly meant is
//! accepted, and what is not understood is named, so that the model can correct it.

use serde_json::{Map, Value};

use super::tools::ToolRow;
use crate::error::Failure;

/// Other names that models use for an argument. Compared without case, `_` and `-`.
const ALIASES: &[(&str, &[&str])] = &[
    (
        "query",
        &[
            "question",
            "q",
            "text",
            "search",
            "searchquery",
            "userquery",
            "queries",
            "prompt",
            "keywords",
            "input",
            "term",
            "searchterm",
        ],
    ),
    (
        "question",
        &["query", "q", "text", "prompt", "userquery", "userquestion", "input", "message"],
    ),
    (
        "id",
        &[
            "ids",
            "uri",
            "url",
            "source",
            "path",
            "file",
            "filepath",
            "filename",
            "document",
            "documentid",
            "docid",
            "citation",
            "resource",
            "name",
        ],
    ),
    (
        "collection",
        &[
            "collectionname",
            "index",
            "indexname",
            "library",
            "libraryname",
            "libraryid",
            "database",
            "corpus",
        ],
    ),
    (
        "source",
        &[
            "sources",
            "path",
            "paths",
            "file",
            "files",
            "glob",
            "directory",
            "folder",
            "document",
            "include",
        ],
    ),
    ("kind", &["kinds", "type", "filetype", "format", "doctype"]),
    ("tag", &["tags", "label", "labels"]),
    (
        "limit",
        &[
            "k",
            "n",
            "topk",
            "count",
            "size",
            "numresults",
            "maxresults",
            "nresults",
            "top",
            "pagesize",
        ],
    ),
    ("maxtokens", &["tokens", "tokenlimit", "maxlength", "budget"]),
    ("cursor", &["nextcursor", "page", "pagetoken", "nextpagetoken", "continuation"]),
    ("exclude", &["excludeids", "seen", "except", "skip"]),
    ("before", &["beforepassages", "previous", "contextbefore"]),
    ("after", &["afterpassages", "next", "following", "contextafter"]),
    ("expect", &["expected", "source", "document", "path", "id"]),
    ("paths", &["path", "source", "sources", "file", "files", "directory", "directories", "roots"]),
    ("dryrun", &["dry", "preview", "check", "plan", "simulate"]),
];

/// The arguments of a call, under the tool's own names.
pub(super) struct Arguments(Map<String, Value>);

impl Arguments {
    /// # Errors
    /// An argument is unknown to the tool, or a required one is missing.
    pub(super) fn read(tool: &ToolRow, sent: Map<String, Value>) -> Result<Self, Failure> {
        let schema = (tool.input)();
        let known = names(&schema["properties"]);
        let mut read: Map<String, Value> = Map::new();
        let mut unknown = Vec::new();
        for (name, value) in sent {
            if value.is_null() || name == "_meta" {
                continue;
            }
            match meant(&name, &known).filter(|meant| *meant == name || !read.contains_key(*meant))
            {
                Some(meant) => drop(read.insert(meant.to_owned(), value)),
                None => unknown.push(name),
            }
        }
        if let Some(name) = unknown.first() {
            let shown: String = name.chars().take(60).collect();
            return Err(Failure::usage(format!("`{}` has no argument `{shown}`", tool.name))
                .hint(format!("it takes {}", known.join(", "))));
        }
        let required = schema["required"].as_array().into_iter().flatten();
        let mut required = required.filter_map(Value::as_str);
        if let Some(name) = required.find(|name| !read.contains_key(*name)) {
            return Err(Failure::usage(format!("`{}` needs the argument `{name}`", tool.name))
                .hint(format!("it takes {}", known.join(", "))));
        }
        Ok(Self(read))
    }

    /// # Errors
    /// It is not text.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Failure> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => {
                Ok(Some(text.trim().to_owned()).filter(|it| !it.is_empty()))
            }
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Array(items)) if items.len() == 1 && items[0].is_string() => {
                Ok(items[0].as_str().map(|text| text.trim().to_owned()))
            }
            Some(_) => Err(wrong(name, "a string")),
        }
    }

    /// A required text.
    ///
    /// # Errors
    /// It is not text, or is blank.
    pub(super) fn needed(&self, name: &str) -> Result<String, Failure> {
        self.text(name)?.ok_or_else(|| wrong(name, "a string that is not empty"))
    }

    /// One text or several.
    ///
    /// # Errors
    /// It is neither a text nor a list of texts.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, Failure> {
        match self.0.get(name) {
            Some(Value::Array(items)) => {
                let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
                texts.collect::<Option<_>>().ok_or_else(|| wrong(name, "a list of strings"))
            }
            _ => Ok(self.text(name)?.into_iter().collect()),
        }
    }

    /// Whether something is asked for; a boolean written as text counts, too.
    ///
    /// # Errors
    /// The value is neither `true` nor `false`.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Failure> {
        match self.0.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(text)) => {
                text.trim().to_ascii_lowercase().parse().map_err(|_| wrong(name, "true or false"))
            }
            Some(_) => Err(wrong(name, "true or false")),
        }
    }

    /// A whole number, or one written as text; at most `most`.
    ///
    /// # Errors
    /// The value is not a whole number, or is below `least`.
    pub(super) fn number(
        &self,
        name: &str,
        least: usize,
        most: usize,
    ) -> Result<Option<usize>, Failure> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let number = match value {
            Value::Number(number) => {
                let whole = number.as_f64().filter(|it| it.fract() == 0.0 && *it >= 0.0);
                whole.map(|it| it as usize)
            }
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let number = number.filter(|number| *number >= least).map(|number| number.min(most));
        number
            .map(Some)
            .ok_or_else(|| wrong(name, &format!("a whole number from {least} to {most}")))
    }
}

fn names(properties: &Value) -> Vec<&str> {
    properties.as_object().into_iter().flatten().map(|(name, _)| &**name).collect()
}

/// The argument that a name refers to.
fn meant<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let bare = bare(name);
    let is = |known: &&&str| self::bare(known) == bare;
    if let Some(same) = known.iter().find(is) {
        return Some(same);
    }
    known.iter().copied().find(|known| {
        let own = self::bare(known);
        ALIASES.iter().any(|(of, aliases)| *of == own && aliases.contains(&&*bare))
    })
}

fn bare(name: &str) -> String {
    name.chars().filter(|c| !"_-. ".contains(*c)).flat_map(char::to_lowercase).collect()
}

fn wrong(name: &str, what: &str) -> Failure {
    Failure::usage(format!("`{name}` must be {what}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;
    use crate::mcp::tools::named;

    fn read(tool: &str, sent: Value) -> Result<Arguments, Failure> {
        Arguments::read(named(tool).unwrap(), sent.as_object().cloned().unwrap())
    }

    #[test]
    fn names_that_models_invent_are_understood() {
        for sent in [
            json!({"query": "x", "limit": 3}),
            json!({"userQuery": " x ", "topK": "3"}),
            json!({"question": ["x"], "max_results": 3.0, "cursor": null}),
            json!({"Search-Query": "x", "k": 3, "_meta": {}}),
        ] {
            let read = read("search", sent.clone()).unwrap();
            assert_eq!(read.needed("query").unwrap(), "x", "{sent}");
            assert_eq!(read.number("limit", 1, 20).unwrap(), Some(3), "{sent}");
        }
        let fetch = read("fetch", json!({"path": "a.md", "maxTokens": 90_000})).unwrap();
        assert_eq!(fetch.needed("id").unwrap(), "a.md");
        assert_eq!(fetch.number("max_tokens", 1, 20_000).unwrap(), Some(20_000));
        let several = read("search", json!({"query": "x", "sources": ["a", "b"]})).unwrap();
        assert_eq!(several.texts("source").unwrap(), ["a", "b"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let failed = |sent: Value| read("search", sent).err().unwrap();
        let unknown = failed(json!({"query": "x", "colour": "red"}));
        assert_eq!(unknown.message, "`search` has no argument `colour`");
        assert!(unknown.hint.unwrap().contains("max_tokens"));
        assert_eq!(failed(json!({})).message, "`search` needs the argument `query`");
        assert!(failed(json!({"query": "x", "q": "y"})).message.contains("`q`"));
        let read = read("search", json!({"query": " ", "limit": -1, "tag": {"a": 1}})).unwrap();
        assert_eq!(
            read.needed("query").unwrap_err().message,
            "`query` must be a string that is not empty"
        );
        assert!(read.number("limit", 1, 20).is_err());
        assert!(read.texts("tag").is_err());
    }
}
