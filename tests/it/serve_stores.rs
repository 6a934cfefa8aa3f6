//! Collections as vector stores and documents as files: listed, searched, read, and hidden from callers
//! that may not see them.

use std::collections::HashSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::serve_wire::{QUESTION, ingested};
use crate::served::{Reply, Served};

fn search(served: &Served, more: Value) -> Reply {
    let mut body = json!({ "query": QUESTION });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    served.post("/v1/vector_stores/vs_docent/search", &body)
}

fn is_markdown(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "md")
}

fn filenames(found: &Value) -> HashSet<String> {
    let data = found["data"].as_array().expect("a list").iter();
    data.map(|result| result["filename"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn a_vector_store_is_searched_within_filters() {
    let env = ingested();
    let served = Served::start(&env, &[]);
    let page = search(&served, json!({ "max_num_results": 50 })).expect(200).json();
    assert_eq!(page["object"], "vector_store.search_results.page");
    assert_eq!((&page["search_query"], &page["has_more"]), (&json!([QUESTION]), &json!(false)));
    let first = &page["data"][0];
    assert_eq!(first["filename"], "sample-docs/handbook/backups.md");
    assert_eq!(first["attributes"]["kind"], "markdown");
    assert_eq!(
        (&first["attributes"]["tag.team"], &first["attributes"]["tag.public"]),
        (&json!("ledger"), &json!(true))
    );
    let texts = page["data"].as_array().expect("a list").iter();
    let mut texts = texts.filter_map(|result| result["content"][0]["text"].as_str());
    assert!(texts.any(|text| text.contains("400 days")), "{page}");
    let all = filenames(&page);
    let comparison =
        |kind: &str, key: &str, value: Value| json!({ "type": kind, "key": key, "value": value });
    let backups = "sample-docs/handbook/backups.md";
    let of = |filter: Value| {
        filenames(
            &search(&served, json!({ "max_num_results": 50, "filters": filter }))
                .expect(200)
                .json(),
        )
    };
    assert_eq!(of(comparison("eq", "source", json!(backups))), HashSet::from([backups.to_owned()]));
    let others = of(comparison("ne", "source", json!(backups)));
    assert!(!others.is_empty() && !others.contains(backups));
    assert!(
        of(comparison("in", "kind", json!(["html", "code"]))).iter().all(|name| !is_markdown(name))
    );
    assert!(
        of(comparison("nin", "kind", json!(["markdown"]))).iter().all(|name| !is_markdown(name))
    );
    assert_eq!(of(comparison("eq", "tag.team", json!("ledger"))), all);
    assert!(of(comparison("eq", "tag.team", json!("other"))).is_empty());
    let either = json!({ "type": "or", "filters": [
        comparison("eq", "source", json!(backups)), comparison("eq", "tag.team", json!("other"))] });
    assert_eq!(of(either), HashSet::from([backups.to_owned()]));

    let some = search(
        &served,
        json!({ "max_num_results": 1, "ranking_options": { "score_threshold": 0.99, "ranker": "none" }, "rewrite_query": true }),
    );
    let some = some.expect(200);
    assert_eq!(some.header("docent-ignored"), Some("ranking_options.ranker, rewrite_query"));
    for (more, param) in [
        (json!({ "query": [] }), "query"),
        (json!({ "query": " " }), "query"),
        (json!({ "max_num_results": 0 }), "max_num_results"),
        (json!({ "filters": { "type": "lt", "key": "kind", "value": 3 } }), "filters.type"),
        (json!({ "filters": comparison("eq", "author", json!("x")) }), "filters.key"),
        (json!({ "ranking_options": { "score_threshold": 3 } }), "ranking_options.score_threshold"),
    ] {
        assert_eq!(
            search(&served, more.clone()).expect(400).json()["error"]["param"],
            param,
            "{more}"
        );
    }
    let several =
        search(&served, json!({ "query": [QUESTION, "Who is on call?"] })).expect(200).json();
    assert_eq!(several["search_query"].as_array().map(Vec::len), Some(2));
}

#[test]
fn stores_and_files_are_listed_page_by_page_and_read() {
    let env = ingested();
    env.write("sample-docs/broken.pdf", "%PDF-1.4 and nothing else");
    env.run(&["ingest", "sample-docs", "--tag", "team=ledger", "--tag", "public"]);
    let served = Served::start(&env, &["--collections", "docent,missing"]);
    let stores = served.get("/v1/vector_stores").expect(200).json();
    assert_eq!(stores["data"].as_array().map(Vec::len), Some(2), "{stores}");
    let store = served.get("/v1/vector_stores/docent").expect(200).json();
    assert_eq!((&store["id"], &store["status"]), (&json!("vs_docent"), &json!("completed")));
    let count = |name: &str| store["file_counts"][name].as_u64().expect("a number");
    assert_eq!(count("failed"), 1, "{store}");
    assert_eq!(count("completed") + count("failed"), count("total"));
    assert_eq!(
        served.get("/v1/vector_stores/vs_missing").expect(200).json()["status"],
        "in_progress"
    );
    assert_eq!(
        served.get("/v1/vector_stores/vs_nothing").expect(404).code(),
        "vector_store_not_found"
    );

    let (mut ids, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/vector_stores/vs_docent/files?limit=5&order=asc{after}");
        let page = served.get(&path).expect(200).json();
        let rows = page["data"].as_array().expect("a list");
        ids.extend(rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()));
        if page["has_more"] == false {
            break;
        }
        after = format!("&after={}", page["last_id"].as_str().expect("an id"));
    }
    assert_eq!(ids.len() as u64, count("total"));
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    let failed = served.get("/v1/vector_stores/vs_docent/files?filter=failed").expect(200).json();
    assert_eq!(failed["data"][0]["last_error"]["code"], "invalid_file", "{failed}");
    let path = format!(
        "/v1/vector_stores/vs_docent/files/{}/content",
        failed["data"][0]["id"].as_str().expect("an id")
    );
    assert_eq!(served.get(&path).expect(404).code(), "no_content");

    let found = search(&served, json!({})).expect(200).json();
    let id = found["data"][0]["file_id"].as_str().expect("an id");
    let file = served.get(&format!("/v1/vector_stores/vs_docent/files/{id}")).expect(200).json();
    assert_eq!((&file["id"], &file["status"]), (&json!(id), &json!("completed")));
    assert_eq!(file["attributes"]["source"], "sample-docs/handbook/backups.md");
    let content =
        served.get(&format!("/v1/vector_stores/vs_docent/files/{id}/content")).expect(200).json();
    let parts = content["data"].as_array().expect("a list").iter();
    let text: String = parts.filter_map(|part| part["text"].as_str()).collect();
    assert!(text.contains("400 days"), "{text}");
    let files = served.get("/v1/files?limit=100").expect(200).json();
    assert!(files["data"].as_array().expect("a list").iter().any(|file| file["id"] == id));
    for path in [
        "/v1/files/file-0",
        "/v1/files/..%2F..%2Fetc",
        "/v1/vector_stores/vs_docent/files/file-0/content",
    ] {
        assert_eq!(served.get(path).expect(404).code(), "file_not_found", "{path}");
    }
    for query in ["limit=0", "order=up", "after=file-0", "filter=odd"] {
        served.get(&format!("/v1/vector_stores/vs_docent/files?{query}")).expect(400);
    }
    for (method, path) in [
        ("POST", "/v1/vector_stores".to_owned()),
        ("DELETE", "/v1/vector_stores/vs_docent".to_owned()),
        ("POST", "/v1/vector_stores/vs_docent/files".to_owned()),
        ("DELETE", format!("/v1/vector_stores/vs_docent/files/{id}")),
        ("POST", "/v1/files".to_owned()),
        ("DELETE", format!("/v1/files/{id}")),
    ] {
        let refused = served.ask(method, &path, &[], "").expect(405);
        assert_eq!(refused.code(), "read_only", "{method} {path}");
        assert!(refused.body.contains("docent ingest"), "{refused:?}");
    }
}

#[test]
fn no_store_file_or_search_shows_what_a_key_may_not_see() {
    let env = ingested();
    env.write("other/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    env.run(&["ingest", "--collection", "other", "other"]).expect(0);
    let args = ["keys", "create", "reader", "--source", "sample-docs/policies", "--only", "docent"];
    let reader = env.run(&args).expect(0).stdout.trim().to_owned();
    let admin = env.run(&["keys", "create", "all"]).expect(0).stdout.trim().to_owned();
    let served = Served::start(&env, &["--collections", "docent,other"]);
    let all = served.get_as(&admin, "/v1/files?limit=100").expect(200).json();
    let all = all["data"].as_array().expect("a list");
    let mine = |name: &str| name.starts_with("sample-docs/policies/");
    let mut seen = 0;
    for file in all {
        let (id, name) =
            (file["id"].as_str().expect("an id"), file["filename"].as_str().expect("a name"));
        for path in [
            format!("/v1/files/{id}"),
            format!("/v1/vector_stores/vs_docent/files/{id}"),
            format!("/v1/vector_stores/docent/files/{id}/content"),
        ] {
            let reply = served.get_as(&reader, &path).expect(if mine(name) { 200 } else { 404 });
            seen += usize::from(reply.status == 200);
        }
        served.get_as(&reader, &format!("/v1/vector_stores/vs_other/files/{id}")).expect(404);
    }
    assert!(seen > 0 && seen < all.len() * 3, "{seen}");
    for path in [
        "/v1/files?limit=100",
        "/v1/vector_stores",
        "/v1/vector_stores/vs_docent/files?limit=100",
        "/v1/vector_stores/vs_docent",
    ] {
        let reply = served.get_as(&reader, path).expect(200);
        let foreign =
            reply.body.match_indices("sample-docs/").find(|(at, _)| !mine(&reply.body[*at..]));
        assert_eq!(foreign, None, "{path}: {}", reply.body);
        assert!(!reply.body.contains("vs_other"), "{path}: {}", reply.body);
    }
    let tool = json!({ "type": "file_search", "vector_store_ids": ["vs_docent"], "max_num_results": 50,
        "filters": { "type": "eq", "key": "source", "value": "sample-docs/handbook/backups.md" } });
    let include = json!(["file_search_call.results"]);
    for (path, body) in [
        ("/v1/vector_stores/docent/search", json!({ "query": QUESTION, "max_num_results": 50 })),
        (
            "/v1/vector_stores/docent/search",
            json!({ "query": QUESTION, "filters": tool["filters"] }),
        ),
        ("/v1/responses", json!({ "model": "docent", "input": QUESTION, "include": include })),
        (
            "/v1/responses",
            json!({ "model": "docent", "input": QUESTION, "include": include, "tools": [tool] }),
        ),
        (
            "/v1/responses",
            json!({ "model": "docent", "input": QUESTION, "include": include, "stream": true }),
        ),
    ] {
        let mut reply = served.post_as(&reader, path, &body).expect(200).body;
        // The question is part of the response.
        reply = reply.replace(r#""value":"sample-docs/handbook/backups.md""#, "");
        let foreign = reply.match_indices("sample-docs/").find(|(at, _)| !mine(&reply[*at..]));
        assert_eq!(foreign, None, "{path} {body}: {reply}");
    }
    for (path, body) in [
        ("/v1/vector_stores/vs_other/search", json!({ "query": "ferry" })),
        ("/v1/embeddings", json!({ "model": "docent/other", "input": "ferry" })),
        ("/v1/rerank", json!({ "model": "docent/other", "query": "ferry", "documents": ["a"] })),
        ("/v1/responses", json!({ "model": "docent/other", "input": "ferry" })),
    ] {
        served.post_as(&reader, path, &body).expect(404);
    }
    assert_eq!(
        served.post_as(&reader, "/v1/files", &json!({})).expect(403).code(),
        "missing_right"
    );
}
