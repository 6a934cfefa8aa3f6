//! Properties of every tool.

use super::*;
use crate::openai::tokens::TokenCounter;

#[test]
fn descriptions_and_schemas_are_short_and_flat() {
    for tool in TOOLS {
        assert!(!tool.description.is_empty());
        for schema in [(tool.input)(), (tool.output)()] {
            assert_eq!(schema["type"], "object", "{}", tool.name);
            let properties = schema["properties"].as_object().into_iter().flatten();
            for (name, property) in properties {
                assert!(property["type"].is_string(), "{}: {name}", tool.name);
                for union in ["anyOf", "oneOf", "allOf", "$ref"] {
                    assert!(property.get(union).is_none(), "{}: {name}", tool.name);
                }
            }
        }
        let input = (tool.input)();
        assert_eq!(input["additionalProperties"], false);
        let properties = input["properties"].as_object().into_iter().flatten();
        for (name, property) in properties {
            assert!(property["description"].is_string(), "{}: {name}", tool.name);
        }
    }
}

#[test]
fn a_failure_is_said_whole_in_both_forms() {
    let failure = Failure::usage("it is so").caused_by("a cause").hint("docent ingest");
    let ToolOutcome { data, text, is_error } = ToolOutcome::failed(&failure);
    assert!(is_error);
    assert_eq!(text, "error: it is so\ncaused by: a cause\nhint: docent ingest");
    assert_eq!(data, json!({"error": "it is so", "causes": ["a cause"], "hint": "docent ingest"}));
}

/// Counted by `o200k`, the tokenizer of the models of `OpenAI` since 2024.
pub(in crate::mcp) fn tokens(text: &str) -> usize {
    TokenCounter::of("gpt-4o").count(text)
}
