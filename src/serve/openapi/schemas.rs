//! Converts the schemas of `schemars` (draft 7) to those of `OpenAPI` 3.1 (2020-12).

use serde_json::Value;

/// Converts lists with a type for each position, the only construct that differs.
pub(super) fn modernize(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("items").is_some_and(Value::is_array) {
                if let Some(places) = members.remove("items") {
                    members.insert("prefixItems".to_owned(), places);
                }
                if let Some(rest) = members.remove("additionalItems") {
                    members.insert("items".to_owned(), rest);
                }
            }
            members.values_mut().for_each(modernize);
        }
        Value::Array(all) => all.iter_mut().for_each(modernize),
        _ => {}
    }
}

/// Removes null from the schema of a URL parameter, which may be left out but is never null.
pub(super) fn without_null(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else { return };
    if let Some(Value::Array(types)) = members.get_mut("type") {
        types.retain(|name| name != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            members.insert("type".to_owned(), one);
        }
    }
    if let Some(Value::Array(values)) = members.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(branches)) = members.get_mut("anyOf") {
        branches.retain(|branch| branch["type"] != "null");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn positional_lists_are_rewritten() {
        let mut schema = json!({ "properties": { "lines": {
            "type": ["array", "null"],
            "items": [{ "type": "integer" }, { "type": "integer" }],
            "maxItems": 2,
        } } });
        modernize(&mut schema);
        let lines = &schema["properties"]["lines"];
        assert_eq!(lines["prefixItems"].as_array().map(Vec::len), Some(2));
        assert_eq!(lines.get("items"), None);
        let mut nullable = json!({ "type": ["integer", "null"], "minimum": 1 });
        without_null(&mut nullable);
        assert_eq!(nullable, json!({ "type": "integer", "minimum": 1 }));
    }
}
