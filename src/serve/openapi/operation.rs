//! The description of what a route takes and answers.

use schemars::JsonSchema;
use schemars::r#gen::SchemaGenerator;
use serde_json::{Map, Value, json};

use super::schemas;
use crate::serve::keys::KeyRight;
use crate::serve::routes::{RequestCost, Route};

/// The description of a route, built beside its handler.
pub(in crate::serve) struct ApiOperation<'a> {
    generator: &'a mut SchemaGenerator,
    route: &'a Route,
    said: Map<String, Value>,
    parameters: Vec<Value>,
    /// By media type: the possible schemas of a response.
    answers: Vec<(&'static str, Vec<Value>)>,
    /// By media type: the possible schemas of each event or line.
    items: Vec<(&'static str, Vec<Value>)>,
    refusals: Vec<u16>,
    names_ignored: bool,
    upgrades: bool,
}

/// Describes a route. The function is kept beside the handler, and named in the route's row.
pub(in crate::serve) type Describe = for<'a> fn(ApiOperation<'a>) -> ApiOperation<'a>;

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
const LINES: &str = "application/jsonl";
const FORM: &str = "multipart/form-data";

impl<'a> ApiOperation<'a> {
    pub(super) fn of(route: &'a Route, generator: &'a mut SchemaGenerator) -> Self {
        let mut refusals = vec![400, 403, 431, 500, 504];
        if route.right.is_some() {
            refusals.extend([401, 404, 429, 502, 503]);
        }
        if route.page {
            // Pages can be switched off.
            refusals.push(404);
        }
        if route.method == http::Method::POST {
            refusals.extend([408, 413]);
        }
        if route.right == Some(KeyRight::Ingest) {
            // Changes by request may be switched off, or not be possible in this way.
            refusals.push(405);
        }
        if route.work == RequestCost::Question {
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

    /// A name for programs, unique in the document, and a summary in one line.
    pub(in crate::serve) fn named(mut self, id: &str, summary: &str) -> Self {
        self.said.insert("operationId".to_owned(), id.into());
        self.said.insert("summary".to_owned(), summary.into());
        self
    }

    /// A longer description.
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

    /// The body is a line of this type for each question.
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

    /// The response is an object of this type; called several times, one of several types.
    pub(in crate::serve) fn answers<T: JsonSchema>(mut self) -> Self {
        let schema = self.schema::<T>();
        add(&mut self.answers, JSON, schema);
        self
    }

    /// If the request wants a stream: each event has data of this type, or of one of several types.
    pub(in crate::serve) fn streams<T: JsonSchema>(mut self) -> Self {
        let item = self.schema::<T>();
        add(&mut self.items, EVENTS, item);
        self
    }

    /// The response is a line of this type for each question.
    pub(in crate::serve) fn answers_lines<T: JsonSchema>(mut self) -> Self {
        let item = self.schema::<T>();
        add(&mut self.items, LINES, item);
        self
    }

    /// The response is a text.
    pub(in crate::serve) fn answers_text(mut self, media_type: &'static str) -> Self {
        add(&mut self.answers, media_type, json!({ "type": "string" }));
        self
    }

    /// Errors with this status are possible, too.
    pub(in crate::serve) fn refuses(mut self, status: u16) -> Self {
        self.refusals.push(status);
        self
    }

    /// A header names the parameters that were sent and have no effect.
    pub(in crate::serve) fn names_ignored(mut self) -> Self {
        self.names_ignored = true;
        self
    }

    /// The connection becomes a WebSocket; a request that does not ask for one gets a 426.
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
            let description = "The request was answered";
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

/// The schema of an event or a line of a text, which `OpenAPI` has as `itemSchema` from 3.2 on.
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

/// An event whose data has this schema.
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
        400 => "The request cannot be used",
        401 => "No key was sent, or an invalid one",
        403 => "The key lacks the right, or the host or the web page is not allowed",
        404 => "It does not exist, or the caller may not see it",
        405 => "The path does not take this method",
        408 => "The body did not arrive in time",
        409 => "It was not added by request, and cannot be changed by one",
        413 => "The body is too large",
        426 => "The path is a WebSocket",
        429 => "The key has used its requests, tokens or budget for now",
        500 => "docent or its store failed",
        502 => "A model's endpoint failed, or refused docent's own key",
        503 => "Not now: too many questions, a model that is down, a collection that is not ready",
        504 => "The request took too long",
        _ => "The request was refused",
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
