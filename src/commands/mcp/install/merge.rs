//! Adds an entry to a file of another program: everything else in it stays the same, to the byte.

use jsonc_parser::ast::{Object, Value as Node};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::{Value, json};

/// The name of the entry.
const NAME: &str = "docent";

/// A file with the entry.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Merged {
    pub(super) text: String,
    /// Whether the entry was added now.
    pub(super) is_new: bool,
}

/// The byte order mark with which some editors begin a file.
const MARK: char = '\u{feff}';

/// Adds `entry` to the object `key` of a JSON file, which may have comments.
///
/// # Errors
/// The file is not such an object, has another entry of this name, or has a key twice.
pub(super) fn into_json(old: &str, key: &str, entry: &Value) -> Result<Merged, String> {
    as_written(old, |old| json_with(old, key, entry))
}

fn json_with(old: &str, key: &str, entry: &Value) -> Result<Option<String>, String> {
    let parsed = parse_to_ast(old, &CollectOptions::default(), &ParseOptions::default());
    let parsed = parsed.map_err(|error| format!("it is not JSON: {error}"))?;
    let root = match parsed.value {
        Some(Node::Object(root)) => root,
        Some(_) => return Err("it is not a JSON object".to_owned()),
        // The file is empty, or has only comments.
        None => {
            let whole = json!({ key: { NAME: entry } });
            let old = if old.trim().is_empty() { "" } else { old };
            let end = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
            return Ok(Some(format!("{old}{end}{whole:#}\n")));
        }
    };
    let (at, text, depth) = match member(&root, key)? {
        None => (&root, format!("\"{key}\": {:#}", json!({ NAME: entry })), 1),
        Some(Node::Object(servers)) => match member(servers, NAME)? {
            None => (servers, format!("\"{NAME}\": {entry:#}"), 2),
            Some(known) if is_same(old, known, entry) => return Ok(None),
            Some(_) => return Err(other()),
        },
        Some(_) => return Err(format!("`{key}` is not an object")),
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
    Ok(Some(merged))
}

/// Applies `merge`, and keeps the byte order mark and the line endings of the file.
fn as_written(
    old: &str,
    merge: impl FnOnce(&str) -> Result<Option<String>, String>,
) -> Result<Merged, String> {
    let (mark, text) = match old.strip_prefix(MARK) {
        Some(text) => (MARK.to_string(), text),
        None => (String::new(), old),
    };
    let crlf = text.contains("\r\n");
    Ok(match merge(text)? {
        None => Merged { text: old.to_owned(), is_new: false },
        Some(new) => {
            let new = if crlf { new.replace("\r\n", "\n").replace('\n', "\r\n") } else { new };
            Merged { text: mark + &new, is_new: true }
        }
    })
}

/// # Errors
/// The key appears more than once: clients differ in which one counts.
fn member<'a, 'b>(object: &'a Object<'b>, key: &str) -> Result<Option<&'a Node<'b>>, String> {
    let mut found = object.properties.iter().filter(|property| property.name.as_str() == key);
    let first = found.next().map(|property| &property.value);
    match found.next() {
        Some(_) => Err(format!("`{key}` appears more than once")),
        None => Ok(first),
    }
}

fn is_same(old: &str, node: &Node<'_>, entry: &Value) -> bool {
    use jsonc_parser::common::Ranged as _;
    let range = node.range();
    serde_json::from_str::<Value>(&old[range.start..range.end]).is_ok_and(|known| known == *entry)
}

fn other() -> String {
    format!("it has another entry `{NAME}`")
}

/// Adds `entry` to the table `key` of a TOML file.
///
/// # Errors
/// The file is not TOML, or has another entry of this name.
pub(super) fn into_toml(old: &str, key: &str, entry: &Value) -> Result<Merged, String> {
    as_written(old, |old| toml_with(old, key, entry))
}

fn toml_with(old: &str, key: &str, entry: &Value) -> Result<Option<String>, String> {
    let parsed: toml::Table =
        old.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let known = parsed.get(key).and_then(|servers| servers.get(NAME));
    if let Some(known) = known {
        let same = serde_json::to_value(known).is_ok_and(|known| known == *entry);
        return if same { Ok(None) } else { Err(other()) };
    }
    let entry = toml::Table::try_from(entry).and_then(|entry| toml::to_string(&entry));
    let entry = entry.map_err(|error| error.to_string())?;
    let gap = if old.trim().is_empty() { "" } else { "\n" };
    let end = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
    let text = format!("{old}{end}{gap}[{key}.{NAME}]\n{entry}");
    // A table that is written in one line can't be extended by another.
    let merged: Result<toml::Table, _> = text.parse();
    merged.map_err(|error| error.message().to_owned())?;
    Ok(Some(text))
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
    fn a_file_stays_written_in_its_way() {
        for old in ["\u{feff}{}", "\u{feff}", "", " \n"] {
            let merged = into_json(old, "mcpServers", &entry()).unwrap();
            assert!(merged.is_new && merged.text.starts_with(MARK) == old.starts_with(MARK));
            let read: Value = serde_json::from_str(merged.text.trim_start_matches(MARK)).unwrap();
            assert_eq!(read["mcpServers"]["docent"], entry());
            assert!(!into_json(&merged.text, "mcpServers", &entry()).unwrap().is_new);
        }
        let old = "// mine\r\n{\r\n  \"a\": 1\r\n}\r\n";
        let merged = into_json(old, "mcpServers", &entry()).unwrap().text;
        assert_eq!(merged.matches('\n').count(), merged.matches("\r\n").count(), "{merged:?}");
        assert!(merged.starts_with("// mine\r\n{\r\n") && merged.ends_with("\"a\": 1\r\n}\r\n"));
        let merged = into_toml("\u{feff}a = 1\r\n", "mcp_servers", &entry()).unwrap().text;
        assert!(merged.starts_with("\u{feff}a = 1\r\n\r\n[mcp_servers.docent]\r\n"), "{merged:?}");
        let comments = into_json("// mine", "servers", &entry()).unwrap().text;
        assert!(comments.starts_with("// mine\n{\n"), "{comments}");
        assert!(!into_json(&comments, "servers", &entry()).unwrap().is_new);
    }

    #[test]
    fn what_is_there_twice_is_left_to_its_owner() {
        for old in [
            "{\"mcpServers\": {}, \"mcpServers\": {\"other\": {}}}",
            "{\"mcpServers\": {\"docent\": {\"command\": \"x\"}, \"docent\": {}}}",
        ] {
            let refused = into_json(old, "mcpServers", &entry()).unwrap_err();
            assert!(refused.contains("more than once"), "{refused}");
        }
        let elsewhere = "{\"a\": 1, \"a\": 2, \"mcpServers\": {\"b\": {}, \"b\": {}}}";
        let merged = into_json(elsewhere, "mcpServers", &entry()).unwrap().text;
        assert_eq!((merged.matches("\"a\"").count(), merged.matches("\"b\"").count()), (2, 2));
        let refused = into_toml("a = 1\na = 2\n", "mcp_servers", &entry()).unwrap_err();
        assert!(refused.contains("duplicate"), "{refused}");
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
