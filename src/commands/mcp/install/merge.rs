//! An entry more in a file of somebody else's: everything else in it stays as it is, to the byte.

use jsonc_parser::ast::{Object, Value as Node};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::{Value, json};

/// The name of the entry.
const NAME: &str = "docent";

/// What a file comes to.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Merged {
    pub(super) text: String,
    /// The entry was not there.
    pub(super) is_new: bool,
}

/// Adds `entry` to the object `key` of a JSON file, which may have comments.
///
/// # Errors
/// The file is no such object, or has another entry of this name.
pub(super) fn into_json(old: &str, key: &str, entry: &Value) -> Result<Merged, String> {
    if old.trim().is_empty() {
        let whole = json!({ key: { NAME: entry } });
        return Ok(Merged { text: format!("{whole:#}\n"), is_new: true });
    }
    let parsed = parse_to_ast(old, &CollectOptions::default(), &ParseOptions::default());
    let parsed = parsed.map_err(|error| format!("it is no JSON: {error}"))?;
    let Some(Node::Object(root)) = parsed.value else {
        return Err("it is no JSON object".to_owned());
    };
    let (at, text, depth) = match member(&root, key) {
        None => (&root, format!("\"{key}\": {:#}", json!({ NAME: entry })), 1),
        Some(Node::Object(servers)) => match member(servers, NAME) {
            None => (servers, format!("\"{NAME}\": {entry:#}"), 2),
            Some(known) if is_same(old, known, entry) => {
                return Ok(Merged { text: old.to_owned(), is_new: false });
            }
            Some(_) => return Err(other()),
        },
        Some(_) => return Err(format!("`{key}` is no object")),
    };
    let indent = "  ".repeat(depth);
    let text = text.replace('\n', &format!("\n{indent}"));
    let begin = at.range.start + 1;
    let behind = if at.properties.is_empty() {
        format!("\n{}", "  ".repeat(depth - 1))
    } else {
        ",".to_owned()
    };
    let merged = format!("{}\n{indent}{text}{behind}{}", &old[..begin], &old[begin..]);
    Ok(Merged { text: merged, is_new: true })
}

fn member<'a, 'b>(object: &'a Object<'b>, key: &str) -> Option<&'a Node<'b>> {
    let found = object.properties.iter().find(|property| property.name.as_str() == key);
    found.map(|property| &property.value)
}

fn is_same(old: &str, node: &Node<'_>, entry: &Value) -> bool {
    use jsonc_parser::common::Ranged as _;
    let range = node.range();
    serde_json::from_str::<Value>(&old[range.start..range.end]).is_ok_and(|known| known == *entry)
}

fn other() -> String {
    format!("it has another entry `{NAME}`")
}

/// The same of a table of a TOML file.
///
/// # Errors
/// The file is no TOML, or has another entry of this name.
pub(super) fn into_toml(old: &str, key: &str, entry: &Value) -> Result<Merged, String> {
    let parsed: toml::Table =
        old.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let known = parsed.get(key).and_then(|servers| servers.get(NAME));
    if let Some(known) = known {
        let same = serde_json::to_value(known).is_ok_and(|known| known == *entry);
        return if same {
            Ok(Merged { text: old.to_owned(), is_new: false })
        } else {
            Err(other())
        };
    }
    let entry = toml::Table::try_from(entry).and_then(|entry| toml::to_string(&entry));
    let entry = entry.map_err(|error| error.to_string())?;
    let gap = if old.trim().is_empty() { "" } else { "\n" };
    let end = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
    let text = format!("{old}{end}{gap}[{key}.{NAME}]\n{entry}");
    // A table that is written in one line takes no other.
    let merged: Result<toml::Table, _> = text.parse();
    merged.map_err(|error| error.message().to_owned())?;
    Ok(Merged { text, is_new: true })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn entry() -> Value {
        json!({ "command": "docent", "args": ["mcp"] })
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for old in [
            "{}",
            "{\n  \"mcpServers\": {}\n}\n",
            "{\"mcpServers\": {\"other\": {\"command\": \"x\"}}, \"b\": 1, \"a\": [1, 2]}",
            "// mine\n{\n\t\"z\": 1, // last\n\t\"mcpServers\": {\n\t\t/* first */ \"other\": {}\n\t},\n}\n",
        ] {
            let merged = into_json(old, "mcpServers", &entry()).unwrap();
            assert!(merged.is_new);
            let mut kept = merged.text.chars();
            assert!(old.chars().all(|c| kept.any(|other| other == c)), "{}", merged.text);
            assert!(
                old.lines()
                    .filter(|line| line.contains('/'))
                    .all(|line| merged.text.contains(line))
            );
            let again = into_json(&merged.text, "mcpServers", &entry()).unwrap();
            assert_eq!(again, Merged { text: merged.text, is_new: false });
        }
        let new = into_json("", "servers", &entry()).unwrap().text;
        let read: Value = serde_json::from_str(&new).unwrap();
        assert_eq!(read["servers"]["docent"], entry());
    }

    #[test]
    fn toml_is_added_to() {
        let old = "model = \"o\" # mine\n\n[mcp_servers.other]\ncommand = \"x\"";
        let merged = into_toml(old, "mcp_servers", &entry()).unwrap();
        assert!(merged.is_new && merged.text.starts_with(old));
        let read: toml::Table = merged.text.parse().unwrap();
        assert_eq!(read["mcp_servers"]["docent"]["command"].as_str(), Some("docent"));
        assert!(!into_toml(&merged.text, "mcp_servers", &entry()).unwrap().is_new);
        assert!(into_toml("", "mcp_servers", &entry()).unwrap().is_new);
        assert!(into_toml("mcp_servers = { other = 1 }", "mcp_servers", &entry()).is_err());
    }

    #[test]
    fn another_entry_is_never_overwritten() {
        let other = "{\"mcpServers\": {\"docent\": {\"command\": \"mine\"}}}";
        for refused in [other, "[]", "{", "{\"mcpServers\": 1}", "not JSON"] {
            assert!(into_json(refused, "mcpServers", &entry()).is_err(), "{refused}");
        }
        for refused in ["[mcp_servers.docent]\ncommand = \"mine\"\n", "=", "mcp_servers = 1"] {
            assert!(into_toml(refused, "mcp_servers", &entry()).is_err(), "{refused}");
        }
    }
}
