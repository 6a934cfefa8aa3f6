//! The requests of the isolation tests, for documents that are told apart by their words.

use http::Method;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::serve::routes::Route;
use crate::types::ContentHash;

/// A document with one word in its name and one in its text that no other document has.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) collection: &'static str,
    pub(super) source: &'static str,
    pub(super) tag: &'static str,
    pub(super) name: &'static str,
    pub(super) word: &'static str,
}

const fn document(
    collection: &'static str,
    source: &'static str,
    tag: &'static str,
    name: &'static str,
    word: &'static str,
) -> Document {
    Document { collection, source, tag, name, word }
}

pub(super) const DOCUMENTS: [Document; 9] = [
    document("alpha", "open/nameaardvark.md", "team=a", "nameaardvark", "wordbadger"),
    document("alpha", "open/namecheetah.md", "team=b", "namecheetah", "worddolphin"),
    document("alpha", "secret/nameelephant.md", "team=a", "nameelephant", "wordferret"),
    document("alpha", "secret/namegiraffe.md", "team=b", "namegiraffe", "wordhamster"),
    document("beta", "open/nameiguana.md", "team=a", "nameiguana", "wordjaguar"),
    document("beta", "open/namekangaroo.md", "team=b", "namekangaroo", "wordleopard"),
    document("beta", "secret/namemeerkat.md", "team=b", "namemeerkat", "wordnarwhal"),
    // The first document has the source and the tag of one outside of the tenant.
    document("alpha~acme", "open/nameaardvark.md", "team=a", "nameaardvark", "wordocelot"),
    document("alpha~acme", "open/namepanther.md", "team=b", "namepanther", "wordquail"),
];

/// What every document says beside its own word, so that the same question finds all of them.
pub(super) const QUESTION: &str = "How long are ledger backups kept?";

/// The target of a request.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) document: Document,
    /// The collection of the document, another one, or one that does not exist.
    collection: &'static str,
    /// The form of the request, for routes with several.
    variant: usize,
}

pub(super) fn asked() -> impl Strategy<Value = Asked> {
    let others = prop_oneof![4 => Just(None), 1 => select(vec!["alpha", "beta", "alpha~acme", "nowhere"]).prop_map(Some)];
    (select(DOCUMENTS.to_vec()), others, 0..4_usize).prop_map(|(document, other, variant)| Asked {
        collection: other.unwrap_or(document.collection),
        document,
        variant,
    })
}

impl Asked {
    pub(super) fn file_id(&self) -> String {
        let Document { collection, source, .. } = self.document;
        format!("file-{}", &ContentHash::of(format!("{collection}\0{source}").as_bytes()).0[..30])
    }

    pub(super) fn path(&self, route: &Route) -> String {
        let path = route.path.replace("{collection}", self.collection);
        let id = match route.path {
            path if path.starts_with("/v1/models") => format!("docent/{}", self.collection),
            _ => format!("vs_{}", self.collection),
        };
        let path = path
            .replace("{*source}", self.document.source)
            .replace("{file_id}", &self.file_id())
            .replace("{batch_id}", "vsfb_0")
            .replace("{*id}", &id)
            .replace("{id}", &id);
        match (route.path, self.variant) {
            ("/v1/docent/batch", 1..) | ("/v1/docent/status", 1) => {
                format!("{path}?collection={}", self.collection)
            }
            ("/v1/files" | "/v1/vector_stores" | "/v1/vector_stores/{id}/files", 1) => {
                format!("{path}?limit=2&order=asc")
            }
            _ => path,
        }
    }

    /// `answer`: the id of another caller's answer.
    pub(super) fn body(&self, route: &Route, answer: &str) -> String {
        let Self { collection, document, variant } = self;
        let stream = variant % 2 == 1;
        let model = format!("docent/{collection}");
        let narrowed = |mut body: Value| {
            match variant {
                1 => body["sources"] = json!([document.source]),
                2 => body["sources"] = json!(["**"]),
                3 => body["tags"] = json!([document.tag]),
                _ => {}
            }
            body
        };
        let filter = json!({ "type": "in", "key": "source", "value": [document.source, "x"] });
        let body = match route.path {
            "/v1/chat/completions" => json!({
                "model": model, "stream": stream,
                "messages": [{ "role": "user", "content": QUESTION }],
                "tools": [{ "type": "file_search", "vector_store_ids": [format!("vs_{collection}")], "max_num_results": 50 }],
            }),
            "/v1/responses" => json!({
                "model": model, "stream": stream, "input": QUESTION,
                "include": ["file_search_call.results"],
            }),
            "/v1/vector_stores/{id}/search" if stream => {
                json!({ "query": QUESTION, "max_num_results": 50, "filters": filter })
            }
            "/v1/vector_stores/{id}/search" => {
                json!({ "query": [QUESTION, "backups"], "max_num_results": 50 })
            }
            "/v1/embeddings" => json!({ "model": model, "input": [QUESTION] }),
            "/v1/rerank" | "/v2/rerank" | "/rerank" => {
                json!({ "model": model, "query": QUESTION, "documents": ["Backups are kept."] })
            }
            "/v1/docent/search" if *variant == 0 => {
                json!({ "question": QUESTION, "collections": [collection], "k": 50 })
            }
            "/v1/docent/search" => {
                narrowed(json!({ "question": QUESTION, "collection": collection, "k": 50 }))
            }
            "/v1/docent/query" => narrowed(
                json!({ "question": QUESTION, "collection": collection, "stream": stream }),
            ),
            "/v1/docent/explain" if stream => {
                json!({ "question": QUESTION, "collection": collection, "expect": document.source })
            }
            "/v1/docent/explain" => {
                json!({ "question": QUESTION, "collection": collection, "k": 50 })
            }
            "/v1/docent/batch" => json!({ "id": 1, "question": QUESTION }),
            "/mcp" => self.tool_call(),
            "/v1/vector_stores/{id}/files" => json!({ "file_id": self.file_id() }),
            "/v1/vector_stores/{id}/files/{file_id}" => json!({ "attributes": { "team": "a" } }),
            "/v1/vector_stores/{id}/file_batches" => json!({ "file_ids": [self.file_id()] }),
            "/v1/files" if route.method == Method::POST => return form("note.md", "A note."),
            "/v1/docent/feedback" => json!({ "answer_id": answer, "score": 0 }),
            // A route that was added later: a body that many of them may accept.
            _ if route.method == Method::POST => {
                json!({ "question": QUESTION, "collection": collection })
            }
            _ => return String::new(),
        };
        body.to_string()
    }
}

impl Asked {
    /// The call of a tool, as clients of the first revisions send it.
    fn tool_call(&self) -> Value {
        let Self { collection, document, variant } = self;
        let message = |method: &str, params: Value| json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let uri = format!("docent://{collection}/{}", document.source);
        let template = json!({ "type": "ref/resource", "uri": "docent://{collection}/{+source}{?lines,page}" });
        let given = json!({ "arguments": { "collection": collection } });
        let begun = json!({ "name": "source", "value": "" });
        match (variant, document.source.len() % 2) {
            (1, 0) => return message("resources/read", json!({ "uri": uri })),
            (3, 0) => return message("resources/list", json!({})),
            (3, _) => {
                let params = json!({ "ref": template, "argument": begun, "context": given });
                return message("completion/complete", params);
            }
            _ => {}
        }
        let named = json!({ "id": document.source, "collection": collection, "after": 100 });
        let (name, arguments) = match variant {
            0 => ("search", json!({ "query": QUESTION, "collection": collection, "limit": 20 })),
            1 => ("fetch", named),
            _ => ("ask", json!({ "question": QUESTION, "collection": collection })),
        };
        message("tools/call", json!({ "name": name, "arguments": arguments }))
    }
}

/// A multipart form, as clients upload one.
pub(super) fn form(name: &str, text: &str) -> String {
    let disposition = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"");
    format!("--{BOUNDARY}\r\n{disposition}\r\n\r\n{text}\r\n--{BOUNDARY}--\r\n")
}

/// Separates the parts of a form.
pub(super) const BOUNDARY: &str = "boundary";
