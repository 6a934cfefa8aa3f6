//! Wrong requests on every route: a status of 400 to 499 with the place of the error, a message and a
//! hint; and the description of routes that callers get.

use serde_json::{Value, json};

use crate::served::{QUESTION, Reply, Served, ingested, key};

/// Whether an error has everything that an error should have.
#[track_caller]
fn complete(reply: &Reply, about: &str) {
    let error = &reply.json()["error"];
    for member in ["message", "type", "param", "code"] {
        assert!(error[member].is_string(), "{about}: {member}: {reply:?}");
    }
    let message = error["message"].as_str().unwrap_or_default();
    for word in ["untagged", "variant", "usize", "u32", "expected", "struct", "line 1"] {
        assert!(!message.contains(word), "{about}: {message}");
    }
    assert!(
        error["docent"]["hint"].as_str().is_some_and(|hint| !hint.is_empty()),
        "{about}: {reply:?}"
    );
    assert_eq!(reply.header("x-should-retry"), Some("false"), "{about}: {reply:?}");
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_what_it_must_be() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let chat = |more: Value| {
        let mut body =
            json!({ "model": "docent", "messages": [{ "role": "user", "content": QUESTION }] });
        body.as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        body
    };
    let question = |more: Value| {
        let mut body = json!({ "question": QUESTION });
        body.as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        body
    };
    let tool = |tool: Value| chat(json!({ "tools": [{ "type": "file_search" }, tool] }));
    let file_search = |more: Value| {
        let mut tool = json!({ "type": "file_search" });
        tool.as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        chat(json!({ "tools": [tool] }))
    };
    let store = "/v1/vector_stores/vs_docent/search";
    #[rustfmt::skip]
    let rows = [
        // docent's own
        ("/v1/docent/search", question(json!({ "k": "five" })), "k", "`k` must be a whole number from 1 to 10000, not a string"),
        ("/v1/docent/search", question(json!({ "k": 0 })), "k", "`k` must be a whole number from 1 to 10000, not 0"),
        ("/v1/docent/search", question(json!({ "k": 2.5 })), "k", "`k` must be a whole number from 1 to 10000, not 2.5"),
        ("/v1/docent/search", question(json!({ "min_score": 1e9 })), "min_score", "`min_score` must be a number from -1000000 to 1000000, not 1000000000"),
        ("/v1/docent/search", question(json!({ "mode": "best" })), "mode", "`mode` must be one of `hybrid`, `dense`, `sparse`, not `best`"),
        ("/v1/docent/search", question(json!({ "kinds": ["markdown", "papyrus"] })), "kinds[1]", ""),
        ("/v1/docent/search", question(json!({ "sources": "a.md" })), "sources", "`sources` must be a list of up to 64 strings, not a string"),
        ("/v1/docent/search", question(json!({ "sources": ["a.md", "docs/[a"] })), "sources", "`docs/[a` is neither a document, a directory nor a glob: unclosed character class; missing ']'"),
        ("/v1/docent/query", question(json!({ "sources": ["{a"] })), "sources", ""),
        ("/v1/docent/search", question(json!({ "tags": [3] })), "tags[0]", "`tags[0]` must be a string, not 3"),
        ("/v1/docent/search", question(json!({ "deadline_ms": -1 })), "deadline_ms", ""),
        ("/v1/docent/search", question(json!({ "collections": ["docent"], "collection": "docent" })), "collections", ""),
        ("/v1/docent/search", json!({ "question": ["a"] }), "question", "`question` must be a string of at most 32768 characters, not a list"),
        ("/v1/docent/search", json!({ "k": 3 }), "question", "`question` is missing: it must be a string of at most 32768 characters"),
        ("/v1/docent/search", json!({ "question": " \t\n" }), "question", "the question is empty"),
        ("/v1/docent/search", question(json!({ "top_k": 3 })), "top_k", "there is no parameter `top_k`"),
        ("/v1/docent/query", question(json!({ "history": [{ "question": "a" }] })), "history[0].answer", "`history[0].answer` is missing: it must be a string"),
        ("/v1/docent/query", question(json!({ "history": [{ "question": "a", "answer": "b", "anwser": "c" }] })), "history[0].anwser", "there is no parameter `history[0].anwser`"),
        ("/v1/docent/query", question(json!({ "stream": "yes" })), "stream", "`stream` must be true or false, not a string"),
        ("/v1/docent/explain", question(json!({ "expect": 3 })), "expect", "`expect` must be a string, not 3"),
        // OpenAI's
        ("/v1/chat/completions", chat(json!({ "n": 2 })), "n", "`n` must be a whole number from 1 to 1, not 2"),
        ("/v1/chat/completions", chat(json!({ "temperature": "hot" })), "temperature", "`temperature` must be a number from 0 to 2, not a string"),
        ("/v1/chat/completions", chat(json!({ "max_tokens": -1 })), "max_tokens", ""),
        ("/v1/chat/completions", chat(json!({ "stream_options": [] })), "stream_options", "`stream_options` must be an object, not a list"),
        ("/v1/chat/completions", chat(json!({ "messages": [{ "role": "human", "content": "?" }] })), "messages[0].role", ""),
        ("/v1/chat/completions", chat(json!({ "messages": [{ "role": "user", "content": 3 }] })), "messages[0].content", "`messages[0].content` must be a string or a list of objects, not 3"),
        ("/v1/chat/completions", chat(json!({ "messages": [{ "content": "?" }] })), "messages[0].role", ""),
        ("/v1/chat/completions", chat(json!({ "messages": ["?"] })), "messages[0]", "`messages[0]` must be an object, not a string"),
        ("/v1/chat/completions", chat(json!({ "tools": {} })), "tools", ""),
        ("/v1/chat/completions", tool(json!({})), "tools[1].type", ""),
        ("/v1/chat/completions", tool(json!({ "type": "file_search" })), "tools[1].type", ""),
        ("/v1/chat/completions", file_search(json!({ "max_num_results": "all" })), "tools[0].max_num_results", "`tools[0].max_num_results` must be a whole number from 1 to 50, not a string"),
        ("/v1/chat/completions", file_search(json!({ "vector_store_ids": "vs_docent" })), "tools[0].vector_store_ids", ""),
        ("/v1/chat/completions", file_search(json!({ "ranking_options": { "score_threshold": 2 } })), "tools[0].ranking_options.score_threshold", "`tools[0].ranking_options.score_threshold` must be a number from 0 to 1, not 2"),
        ("/v1/chat/completions", file_search(json!({ "filters": { "type": "and", "filters": [{ "type": "eq", "key": "author", "value": "x" }] } })), "tools[0].filters.filters[0].key", "documents have no attribute `author`"),
        ("/v1/chat/completions", file_search(json!({ "filters": { "type": "gt", "key": "kind", "value": 3 } })), "tools[0].filters.type", ""),
        ("/v1/responses", json!({ "model": "docent" }), "input", ""),
        ("/v1/responses", json!({ "model": "docent", "input": [3] }), "input[0]", "`input[0]` must be an object, not 3"),
        ("/v1/responses", json!({ "model": "docent", "input": [{ "role": "user", "content": {} }] }), "input[0].content", ""),
        ("/v1/responses", json!({ "model": "docent", "input": "?", "metadata": 3 }), "metadata", "`metadata` must be an object, not 3"),
        ("/v1/responses", json!({ "model": "docent", "input": "?", "include": "all" }), "include", "`include` must be a list of strings, not a string"),
        ("/v1/embeddings", json!({ "model": "docent", "input": ["a", 1] }), "input[1]", "`input[1]` must be a string, not 1"),
        ("/v1/embeddings", json!({ "model": "docent", "input": 1.5 }), "input", ""),
        ("/v1/embeddings", json!({ "model": "docent", "input": "a", "encoding_format": "hex" }), "encoding_format", "`encoding_format` must be one of `float`, `base64`, not `hex`"),
        ("/v1/embeddings", json!({ "input": "a" }), "model", "`model` is missing: it must be a string"),
        ("/v1/rerank", json!({ "query": "?", "documents": ["a", { "title": "b" }] }), "documents[1].text", "`documents[1].text` is missing: it must be a string"),
        ("/v1/rerank", json!({ "query": "?", "documents": [3] }), "documents[0]", "`documents[0]` must be a string or an object, not 3"),
        ("/v1/rerank", json!({ "query": "?", "documents": ["a"], "top_n": "all" }), "top_n", ""),
        (store, json!({ "query": 3 }), "query", "`query` must be a string of at most 32768 characters or a list of 1 to 8 strings, not 3"),
        (store, json!({ "query": ["a", 3] }), "query[1]", "`query[1]` must be a string, not 3"),
        (store, json!({ "query": "?", "max_num_results": 51 }), "max_num_results", "`max_num_results` must be a whole number from 1 to 50, not 51"),
        (store, json!({ "query": "?", "filters": { "type": "in", "key": "kind", "value": "pdf" } }), "filters.value", ""),
    ];
    for (path, body, param, message) in rows {
        let reply = served.post(path, &body).expect(400);
        let error = &reply.json()["error"];
        assert_eq!(error["param"], param, "{path} {body}: {error}");
        if !message.is_empty() {
            assert_eq!(error["message"], message, "{path} {body}");
        }
        complete(&reply, &format!("{path} {body}"));
    }
    served.get("/readyz").expect(200);
}

#[test]
fn what_is_wrong_in_a_url_is_named() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    for (path, param) in [
        ("/v1/vector_stores?limit=0", "limit"),
        ("/v1/vector_stores?limit=ten", "limit"),
        ("/v1/vector_stores?limit=1&limit=2", "limit"),
        ("/v1/vector_stores?order=up", "order"),
        ("/v1/files?after=file-0", "after"),
        ("/v1/vector_stores/vs_docent/files?filter=odd", "filter"),
        ("/v1/docent/status?colection=docent", "colection"),
        ("/v1/docent/usage?from=yesterday", "from"),
        ("/s/docent/sample-docs/README.md?at=somewhere", "at"),
        ("/s/docent/sample-docs/README.md?around=1000", "around"),
    ] {
        let reply = served.get(path).expect(400);
        assert_eq!(reply.json()["error"]["param"], param, "{path}");
        complete(&reply, path);
    }
    served.get("/readyz").expect(200);
}

#[test]
fn what_is_not_there_and_what_is_no_request_is_refused_on_every_route() {
    let env = ingested();
    let served = Served::start(&env, &["--body-limit", "64KB"]);
    let deep = format!("{{\"question\":{}", "[".repeat(60_000));
    let nested = format!("{{\"question\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    let posts = [
        "/v1/chat/completions",
        "/v1/responses",
        "/v1/embeddings",
        "/v1/rerank",
        "/v2/rerank",
        "/rerank",
        "/v1/vector_stores/vs_docent/search",
        "/v1/docent/search",
        "/v1/docent/query",
        "/v1/docent/explain",
    ];
    for path in posts {
        let not_utf8 = "{\"question\":\"\u{fffd}";
        for body in ["", "{", "[]", "null", "\"?\"", "{\"a\":1e999}", not_utf8, &*deep, &*nested] {
            let reply = served.ask("POST", path, &[], body).expect(400);
            let error = &reply.json()["error"];
            assert!(
                error["docent"]["hint"].as_str().is_some_and(|hint| !hint.is_empty()),
                "{path}: {reply:?}"
            );
            assert_eq!(error["type"], "invalid_request_error", "{path}");
        }
        let large = served.ask("POST", path, &[], &"x".repeat(70_000)).expect(413);
        complete(&large, path);
    }
    let ids = [
        "../docent",
        "docent/../../etc/passwd",
        "\u{0}",
        "docent\r\nx: y",
        " ",
        "vs_",
        "*",
        "%2e%2e",
    ];
    for id in ids {
        for (path, body) in [
            (
                "/v1/chat/completions",
                json!({ "model": format!("docent/{id}"), "messages": [{ "role": "user", "content": "?" }] }),
            ),
            ("/v1/responses", json!({ "model": format!("docent/{id}"), "input": "?" })),
            ("/v1/embeddings", json!({ "model": format!("docent/{id}"), "input": "?" })),
            (
                "/v1/rerank",
                json!({ "model": format!("docent/{id}"), "query": "?", "documents": ["a"] }),
            ),
            ("/v1/docent/search", json!({ "question": "?", "collection": id })),
            ("/v1/docent/search", json!({ "question": "?", "collections": ["docent", id] })),
            ("/v1/docent/query", json!({ "question": "?", "collection": id })),
            ("/v1/docent/explain", json!({ "question": "?", "collection": id })),
            (
                "/v1/responses",
                json!({ "model": "docent", "input": "?", "tools": [{ "type": "file_search", "vector_store_ids": [id] }] }),
            ),
        ] {
            let reply = served.post(path, &body).expect(404);
            complete(&reply, &format!("{path} {body}"));
        }
    }
    for path in [
        "/v1/models/gpt-4o",
        "/v1/models/docent/..",
        "/v1/models/..%2f..%2fetc%2fpasswd",
        "/v1/vector_stores/..%2fdocent",
        "/v1/vector_stores/vs_other/files",
        "/v1/vector_stores/vs_docent/files/..%2f..%2fdocent.toml",
        "/v1/vector_stores/vs_docent/files/file-0/content",
        "/v1/files/%00",
        "/v1/docent/status?collection=..%2fother",
        "/s/docent/..%2f..%2fetc%2fpasswd",
        "/s/other/a.md",
    ] {
        complete(&served.get(path).expect(404), path);
    }
    served.get("/readyz").expect(200);
}

#[test]
fn a_path_that_is_not_there_names_the_one_that_was_meant_and_a_method_those_that_are() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    for (method, path, meant) in [
        ("POST", "/chat/completions", "POST /v1/chat/completions"),
        ("POST", "/v1/v1/responses", "POST /v1/responses"),
        ("GET", "/v1/docent/statu", "GET /v1/docent/status"),
        ("GET", "/v1/assistants", "/openapi.json"),
    ] {
        let reply = served.ask(method, path, &[], "").expect(404);
        complete(&reply, path);
        assert!(reply.body.contains(meant), "{path}: {reply:?}");
        assert_eq!(reply.code(), "unknown_url");
    }
    for (method, path, allow) in [
        ("GET", "/v1/docent/search", "POST"),
        ("PUT", "/v1/models", "GET, HEAD"),
        ("DELETE", "/v1/chat/completions", "POST"),
        ("PATCH", "/livez", "GET, HEAD"),
        ("POST", "/v1/vector_stores", "GET, HEAD"),
        ("POST", "/v1/vector_stores/vs_docent/file_batches", ""),
    ] {
        let reply = served.ask(method, path, &[], "").expect(405);
        complete(&reply, path);
        assert_eq!(reply.header("allow"), Some(allow), "{method} {path}");
        assert_eq!(reply.json()["error"]["type"], "invalid_request_error");
    }
}

#[test]
fn the_document_is_there_without_a_key_and_has_what_is_served() {
    let env = ingested();
    key(&env, "caller", &[]);
    let served = Served::start(&env, &[]);
    let document = served.get("/openapi.json").expect(200).json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document, docent::serve::openapi(true));
    let without_pages = Served::start(&env, &["--no-ui"]);
    let document = without_pages.get("/openapi.json").expect(200).json();
    assert!(document["paths"].get("/").is_none(), "what is switched off is not in it");
    assert_eq!(env.run(&["schema", "openapi"]).expect(0).json(), docent::serve::openapi(true));
}

#[test]
fn a_short_question_is_one() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    for question in ["a", "?!", "…"] {
        let told =
            served.post("/v1/docent/search", &json!({ "question": question })).expect(200).json();
        let printed = env.run(&["search", question, "--format", "json"]);
        let hits = |found: &Value| found["hits"].as_array().map(Vec::len);
        assert_eq!(hits(&told), hits(&printed.json()), "{question}");
    }
    env.run(&["search", " "]).expect(2);
}

#[test]
fn who_sees_a_part_is_not_told_how_many_failed() {
    let env = ingested();
    env.write("sample-docs/broken.pdf", "%PDF-1.4 and nothing else");
    env.run(&["ingest", "sample-docs"]);
    let all = key(&env, "all", &[]);
    let part = key(&env, "part", &["--source", "sample-docs/policies"]);
    let served = Served::start(&env, &[]);
    let of = |key: &str| {
        let status = served.get_as(key, "/v1/docent/status").expect(200).json();
        let store = served.get_as(key, "/v1/vector_stores/vs_docent").expect(200).json();
        (
            status["collections"][0].get("failures").cloned(),
            store["file_counts"].get("failed").cloned(),
        )
    };
    assert_eq!(of(&all), (Some(json!(1)), Some(json!(1))));
    assert_eq!(of(&part), (None, None));
}
