//! What a route takes and answers, as the document says it.

use schemars::JsonSchema;
use schemars::r#gen::SchemaGenerator;
use serde_json::{Map, Value, json};

use super::schemas;
use crate::serve::keys::Right;
use crate::serve::routes::{Route, Work};

/// The description of a route, as it is put together beside its handler.
pub(in crate::serve) struct Operation<'a> {
    generator: &'a mut SchemaGenerator,
    route: &'a Route,
    said: Map<String, Value>,
    parameters: Vec<Value>,
    /// By media type: the schemas, of which an answer meets one.
    answers: Vec<(&'static str, Vec<Value>)>,
    /// The same of each event or line.
    items: Vec<(&'static str, Vec<Value>)>,
    refusals: Vec<u16>,
    names_ignored: bool,
    upgrades: bool,
}

/// Describes a route. It is kept beside the handler, and stands in the route's row.
pub(in crate::serve) type Describe = for<'a> fn(Operation<'a>) -> Operation<'a>;

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
const LINES: &str = "application/jsonl";
const FORM: &str = "multipart/form-data";

impl<'a> Operation<'a> {
    pub(super) fn of(route: &'a Route, generator: &'a mut SchemaGenerator) -> Self {
        let mut refusals = vec![400, 403, 431, 500, 504];
        if route.right.is_some() {
            refusals.extend([401, 404, 429, 502, 503]);
        }
        if route.page {
            // It is switched off.
            refusals.push(404);
        }
        if route.method == http::Method::POST {
            refusals.extend([408, 413]);
        }
        if route.right == Some(Right::Ingest) {
            // Collections are not changed by request, or not so.
            refusals.push(405);
        }
        if route.work == Work::Question {
            refusals.extend([429, 502, 503]);
        }
        let parameters = path_parameters(route.path);
        Self {
            generator,
            route,
            said: Map::new(),
            parameters,
            answers: Vec::new(),
            items: Vec::new(),
            refusals,
            names_ignored: false,
            upgrades: false,
        }
    }

    /// A name for programs, unique in the document, and what it does in a line.
    pub(in crate::serve) fn named(mut self, id: &str, summary: &str) -> Self {
        self.said.insert("operationId".to_owned(), id.into());
        self.said.insert("summary".to_owned(), summary.into());
        self
    }

    /// More of it.
    pub(in crate::serve) fn says(mut self, description: &str) -> Self {
        self.said.insert("description".to_owned(), description.into());
        self
    }

    /// The body is an object of this type.
    pub(in crate::serve) fn takes<T: JsonSchema>(mut self) -> Self {
        let schema = self.schema::<T>();
        let content = json!({ JSON: { "schema": schema } });
        let body = json!({ "required": true, "content": content });
        self.said.insert("requestBody".to_owned(), body);
        self
    }

    /// The body is a form with the members of this type.
    pub(in crate::serve) fn takes_form<T: JsonSchema>(mut self) -> Self {
        let schema = self.schema::<T>();
        let content = json!({ FORM: { "schema": schema } });
        let body = json!({ "required": true, "content": content });
        self.said.insert("requestBody".to_owned(), body);
        self
    }

    /// The body is a line of this type for each of what is asked.
    pub(in crate::serve) fn takes_lines<T: JsonSchema>(mut self) -> Self {
        let item = self.schema::<T>();
        let content = json!({ LINES: { "schema": { "type": "string" }, ITEM_SCHEMA: item } });
        let body = json!({ "required": true, "content": content });
        self.said.insert("requestBody".to_owned(), body);
        self
    }

    /// The query of the URL has the members of this type.
    pub(in crate::serve) fn asks<T: JsonSchema>(mut self) -> Self {
        let root = self.generator.root_schema_for::<T>();
        let mut schema = serde_json::to_value(root.schema).unwrap_or_default();
        schemas::modernize(&mut schema);
        let required = schema["required"].take();
        let is_required =
            |name: &str| required.as_array().is_some_and(|all| all.iter().any(|it| it == name));
        for (name, schema) in schema["properties"].as_object_mut().into_iter().flatten() {
            let description = schema.as_object_mut().and_then(|it| it.remove("description"));
            schemas::without_null(schema);
            self.parameters.push(json!({
                "name": name,
                "in": "query",
                "required": is_required(name),
                "description": description.unwrap_or_default(),
                "schema": schema,
            }));
        }
        self
    }

    /// The answer is an object of this type; or one of those, where it is said of several.
    pub(in crate::serve) fn answers<T: JsonSchema>(mut self) -> Self {
        let schema = self.schema::<T>();
        add(&mut self.answers, JSON, schema);
        self
    }

    /// Where the request wants a stream: each event has data of this type, or of one of those.
    pub(in crate::serve) fn streams<T: JsonSchema>(mut self) -> Self {
        let item = self.schema::<T>();
        add(&mut self.items, EVENTS, item);
        self
    }

    /// The answer is a line of this type for each of what was asked.
    pub(in crate::serve) fn answers_lines<T: JsonSchema>(mut self) -> Self {
        let item = self.schema::<T>();
        add(&mut self.items, LINES, item);
        self
    }

    /// The answer is a text.
    pub(in crate::serve) fn answers_text(mut self, media_type: &'static str) -> Self {
        add(&mut self.answers, media_type, json!({ "type": "string" }));
        self
    }

    /// Errors with this status are among the answers, too.
    pub(in crate::serve) fn refuses(mut self, status: u16) -> Self {
        self.refusals.push(status);
        self
    }

    /// What was sent and has no effect is named in a header.
    pub(in crate::serve) fn names_ignored(mut self) -> Self {
        self.names_ignored = true;
        self
    }

    /// The connection becomes a WebSocket; a request that asks for none is a 426.
    pub(in crate::serve) fn upgrades(mut self) -> Self {
        self.upgrades = true;
        self.refuses(426)
    }

    fn schema<T: JsonSchema>(&mut self) -> Value {
        let schema = self.generator.subschema_for::<T>();
        let mut schema = serde_json::to_value(schema).unwrap_or_default();
        schemas::modernize(&mut schema);
        schema
    }

    pub(super) fn finished(self) -> Value {
        let Self { route, mut said, parameters, mut refusals, .. } = self;
        let mut responses = Map::new();
        let mut content = Map::new();
        for (media_type, schemas) in self.answers {
            content.insert(media_type.to_owned(), json!({ "schema": one_of(schemas) }));
        }
        for (media_type, items) in self.items {
            let item = one_of(items);
            let item = if media_type == EVENTS { event(item) } else { item };
            content.insert(media_type.to_owned(), json!({ ITEM_SCHEMA: item }));
        }
        if !content.is_empty() {
            let mut headers = json!({ "x-request-id": header("RequestId") });
            if self.names_ignored {
                headers["docent-ignored"] = header("Ignored");
            }
            let description = "What was asked for";
            responses.insert(
                "200".to_owned(),
                json!({ "description": description, "headers": headers, "content": content }),
            );
        }
        if self.upgrades {
            responses.insert(
                "101".to_owned(),
                json!({ "description": "The connection is a WebSocket" }),
            );
        }
        refusals.sort_unstable();
        refusals.dedup();
        for status in refusals {
            responses.insert(status.to_string(), refusal(route, status));
        }
        said.insert("tags".to_owned(), json!([tag(route.path)]));
        said.insert("parameters".to_owned(), parameters.into());
        said.insert("responses".to_owned(), responses.into());
        let security = route.right.map_or_else(
            || json!([]),
            |right| json!([{ "bearer": [right.name()] }, { "apiKey": [right.name()] }]),
        );
        said.insert("security".to_owned(), security);
        Value::Object(said)
    }
}

/// What an event or a line of a text is, as `itemSchema` says it from `OpenAPI` 3.2 on.
pub(super) const ITEM_SCHEMA: &str = "x-item-schema";

fn add(all: &mut Vec<(&'static str, Vec<Value>)>, media_type: &'static str, schema: Value) {
    match all.iter_mut().find(|(known, _)| *known == media_type) {
        Some((_, schemas)) => schemas.push(schema),
        None => all.push((media_type, vec![schema])),
    }
}

fn one_of(mut schemas: Vec<Value>) -> Value {
    if schemas.len() == 1 { schemas.remove(0) } else { json!({ "anyOf": schemas }) }
}

/// An event, with data of a schema.
fn event(data: Value) -> Value {
    json!({
        "type": "object",
        "properties": {
            "event": { "type": "string" },
            "data": {
                "type": "string",
                "contentMediaType": JSON,
                "contentSchema": data,
            },
        },
        "required": ["data"],
    })
}

fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

fn refusal(route: &Route, status: u16) -> Value {
    let mut headers =
        json!({ "x-request-id": header("RequestId"), "x-should-retry": header("ShouldRetry") });
    match status {
        401 => headers["www-authenticate"] = header("Authenticate"),
        405 => headers["allow"] = header("Allow"),
        429 | 503 => headers["retry-after"] = header("RetryAfter"),
        _ => {}
    }
    let mut content =
        json!({ JSON: { "schema": { "$ref": "#/components/schemas/ErrorResponse" } } });
    if route.page {
        content["text/html"] = json!({ "schema": { "type": "string" } });
    }
    json!({ "description": reason(status), "headers": headers, "content": content })
}

fn reason(status: u16) -> &'static str {
    match status {
        400 => "What was sent cannot be used",
        401 => "No key was sent, or one that opens nothing",
        403 => "The key has no right to this, or the host or the web page may not ask",
        404 => "It is not there, as far as the caller may see",
        405 => "It is not asked by this method",
        408 => "The body did not arrive in time",
        409 => "It came another way, and is not changed by request",
        413 => "The body is too large",
        426 => "It is asked by a WebSocket",
        429 => "The key has asked, or cost, as much as it may for now",
        500 => "docent or its store failed",
        502 => "A model's endpoint failed, or refused docent's own key",
        503 => "Not now: too many questions, a model that is down, a collection that is not ready",
        504 => "It took longer than a request may",
        _ => "It was refused",
    }
}

/// `{id}` and `{*source}` of a path.
fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameter = |name: &str| {
        let bare = name.trim_start_matches('*');
        let mut parameter = json!({
            "name": bare,
            "in": "path",
            "required": true,
            "schema": { "type": "string", "minLength": 1 },
        });
        if bare != name {
            parameter["description"] = "The rest of the path: it may have slashes".into();
        }
        parameter
    };
    names.map(parameter).collect()
}

fn tag(path: &str) -> &'static str {
    if path.starts_with("/v1/docent/") {
        "docent"
    } else if path.starts_with("/v1/") || path.ends_with("/rerank") {
        "openai"
    } else {
        "server"
    }
}
