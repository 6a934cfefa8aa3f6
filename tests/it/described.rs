//! Checks every request and response in the tests of `docent serve` against the document of
//! `/openapi.json`.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use boon::{Compiler, Schemas};
use serde_json::{Value, json};

use crate::served::Reply;

const URL: &str = "http://localhost/openapi.json";

/// The document as it is served, except that schemas forbid fields that they do not name. Requests may
/// have other fields.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document = docent::serve::openapi(true);
    let mut sent = BTreeSet::new();
    for operation in document["paths"].as_object().into_iter().flat_map(|paths| paths.values()) {
        for operation in operation.as_object().into_iter().flatten() {
            referred(&document, &operation.1["requestBody"], &mut sent);
        }
    }
    let schemas = document["components"]["schemas"].as_object_mut().expect("schemas");
    for (name, schema) in schemas.iter_mut() {
        if !sent.contains(name) && schema.get("properties").is_some() {
            schema["unevaluatedProperties"] = json!(false);
        }
    }
    document
});

/// Adds the names of the schemas that a value refers to, and those that they do.
fn referred(document: &Value, value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            let to = members.get("$ref").and_then(Value::as_str);
            if let Some(name) = to.and_then(|to| to.strip_prefix("#/components/schemas/"))
                && names.insert(name.to_owned())
            {
                referred(document, &document["components"]["schemas"][name], names);
            }
            members.values().for_each(|value| referred(document, value, names));
        }
        Value::Array(all) => all.iter().for_each(|value| referred(document, value, names)),
        _ => {}
    }
}

struct Checker {
    schemas: Schemas,
    compiler: Compiler,
}

thread_local! {
    static CHECKER: RefCell<Checker> = {
        let mut compiler = Compiler::new();
        compiler.add_resource(URL, DOCUMENT.clone()).expect("a resource");
        RefCell::new(Checker { schemas: Schemas::new(), compiler })
    };
}

/// Fails unless a value matches the schema at a place of the document.
#[track_caller]
fn validate(place: &[&str], value: &Value) {
    let mut pointer = String::new();
    for part in place {
        pointer += "/";
        pointer += &part.replace('~', "~0").replace('/', "~1");
    }
    let at = format!("{URL}#{}", pointer.replace('{', "%7B").replace('}', "%7D"));
    let error = CHECKER.with_borrow_mut(|Checker { schemas, compiler }| {
        let index = compiler.compile(&at, schemas);
        let index = index.unwrap_or_else(|error| panic!("{pointer}: {error:#}"));
        schemas.validate(value, index).err().map(|error| format!("{error:#}"))
    });
    if let Some(error) = error {
        panic!("{pointer}: {error}\n{value:#}");
    }
}

/// The path of an operation that a request is for.
fn template(path: &str) -> Option<&'static str> {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let fits = |template: &str, rest: Option<&str>| {
        let (mut asked, mut parts) = (path.split('/'), template.split('/'));
        loop {
            match (asked.next(), parts.next()) {
                (None, None) => return true,
                (Some(_), Some(part)) if Some(part) == rest => return true,
                (Some(asked), Some(part)) if asked == part || part.starts_with('{') => {}
                _ => return false,
            }
        }
    };
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    // One without variables before one that has them.
    let exact = paths.keys().find(|template| *template == path);
    let same = || paths.keys().find(|template| fits(template, None));
    // The last part of these has slashes.
    let longer = || {
        let mut long =
            paths.keys().filter(|it| it.starts_with("/s/") || it.starts_with("/v1/models/"));
        long.find(|it| fits(it, Some("{source}")) || fits(it, Some("{id}")))
    };
    exact.or_else(same).or_else(longer).map(String::as_str)
}

/// Checks a response against the document, and the body of a request that succeeded.
#[track_caller]
pub(crate) fn check(method: &str, path: &str, body: &str, reply: &Reply) {
    let Some(template) = template(path) else { return };
    let method = method.to_ascii_lowercase();
    let operation = &DOCUMENT["paths"][template][&method];
    if operation.is_null() || reply.status == 0 {
        return;
    }
    let status = reply.status.to_string();
    let response = &operation["responses"][&status];
    assert!(!response.is_null(), "{method} {template}: {status} is not described: {reply:?}");
    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        let header =
            header["$ref"].as_str().and_then(|to| DOCUMENT.pointer(to.trim_start_matches('#')));
        let is_required = header.is_some_and(|header| header["required"] == true);
        assert!(
            !is_required || reply.header(name).is_some(),
            "{method} {template}: no {name}: {reply:?}"
        );
    }
    let media_type = reply.header("content-type").expect("a content type");
    let described = response["content"].as_object().expect("content");
    let short = media_type.split(';').next().unwrap_or(media_type);
    let known = described.keys().find(|known| known.split(';').next() == Some(short));
    let known =
        known.unwrap_or_else(|| panic!("{method} {template}: {media_type} is not described"));
    let valid = |last: &[&str], value: &Value| {
        let content = ["paths", template, &method, "responses", &status, "content", known];
        validate(&[&content[..], last].concat(), value);
    };
    let data = ["x-item-schema", "properties", "data", "contentSchema"];
    match short {
        "application/json" => valid(&["schema"], &reply.json()),
        "text/event-stream" => reply.events().iter().for_each(|event| valid(&data, event)),
        "application/jsonl" => {
            for line in reply.body.lines() {
                valid(&["x-item-schema"], &serde_json::from_str(line).expect("a line"));
            }
        }
        _ => {}
    }
    let json_body = &operation["requestBody"]["content"]["application/json"];
    if reply.status == 200 && !json_body.is_null() {
        let sent: Value = serde_json::from_str(body).expect("what was answered is JSON");
        let place =
            ["paths", template, &method, "requestBody", "content", "application/json", "schema"];
        validate(&place, &sent);
    }
}

#[test]
fn what_is_described_is_found_and_what_is_wrong_is_seen() {
    assert_eq!(template("/v1/models/docent/docs"), Some("/v1/models/{id}"));
    assert_eq!(template("/s/docs/a/b.md?at=L3"), Some("/s/{collection}/{source}"));
    assert_eq!(
        template("/v1/vector_stores/vs_a/files?limit=3"),
        Some("/v1/vector_stores/{id}/files")
    );
    assert_eq!(template("/v1/docent/search"), Some("/v1/docent/search"));
    assert_eq!(template("/v1/nothing"), None);
    let reply = |status, body: &str| Reply {
        status,
        headers: [
            ("content-type", "application/json"),
            ("x-request-id", "a"),
            ("x-should-retry", "false"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        body: body.to_owned(),
    };
    check("GET", "/livez", "", &reply(200, r#"{"status":"alive"}"#));
    for wrong in [
        reply(200, r#"{"status":"dead"}"#),
        reply(200, r#"{"status":"alive","more":1}"#),
        reply(418, "{}"),
        reply(400, r#"{"error":{}}"#),
    ] {
        let seen = std::panic::catch_unwind(|| check("GET", "/livez", "", &wrong));
        assert!(seen.is_err(), "{wrong:?}");
    }
}
