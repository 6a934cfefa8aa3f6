//! Documents that are uploaded, ingested, asked about and deleted by request, and the callers that may
//! do so.

use std::time::Duration;

use serde_json::{Value, json};

use crate::env::TestEnv;
use crate::openai::{Fault, ScriptedServer, response};
use crate::served::{Reply, Served, ingested, key};

/// How often to ask for a state that must come.
const TRIES: u32 = 600;

/// Sends a file as a form has it.
fn upload_as(served: &Served, key: Option<&str>, name: &str, content: &str) -> Reply {
    upload_for(served, key, "assistants", name, content)
}

fn upload_for(
    served: &Served,
    key: Option<&str>,
    purpose: &str,
    name: &str,
    content: &str,
) -> Reply {
    let body = format!(
        "--frontier\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\n{purpose}\r\n\
         --frontier\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         content-type: text/markdown\r\n\r\n{content}\r\n--frontier--\r\n"
    );
    let bearer = format!("Bearer {}", key.unwrap_or_default());
    let mut headers = vec![("content-type", "multipart/form-data; boundary=frontier")];
    headers.extend(key.map(|_| ("authorization", &*bearer)));
    served.ask("POST", "/v1/files", &headers, &body)
}

fn delete_as(served: &Served, key: Option<&str>, path: &str) -> Reply {
    let bearer = format!("Bearer {}", key.unwrap_or_default());
    let headers: Vec<_> = key.map(|_| ("authorization", &*bearer)).into_iter().collect();
    served.ask("DELETE", path, &headers, "")
}

fn upload(served: &Served, name: &str, content: &str) -> String {
    id_of(&upload_as(served, None, name, content).expect(200).json())
}

fn id_of(object: &Value) -> String {
    object["id"].as_str().unwrap_or_else(|| panic!("no id: {object}")).to_owned()
}

/// Asks as the clients of `OpenAI` do, until it is not in progress any more.
fn polled(served: &Served, path: &str) -> Value {
    for _ in 0..TRIES {
        let object = served.get(path).expect(200).json();
        if object["status"] != "in_progress" {
            return object;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{path} stays in progress");
}

fn attached(served: &Served, id: &str, more: Value) -> Value {
    let mut body = json!({ "file_id": id });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let file = served.post("/v1/vector_stores/vs_docent/files", &body).expect(200).json();
    assert_eq!((&file["object"], &file["id"]), (&json!("vector_store.file"), &json!(id)), "{file}");
    polled(served, &format!("/v1/vector_stores/vs_docent/files/{id}"))
}

fn found(served: &Served, query: &str) -> Vec<(String, String)> {
    let body = json!({ "query": query, "max_num_results": 5 });
    let page = served.post("/v1/vector_stores/vs_docent/search", &body).expect(200).json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = page["data"].as_array().expect("a list").iter();
    rows.map(|row| (text(&row["filename"]), text(&row["file_id"]))).collect()
}

const FERRY: &str = "# Ferry\n\nThe ferry to Texel leaves at nine sharp.\n";

#[test]
fn what_is_uploaded_is_asked_until_it_is_deleted_and_no_other_run_touches_it() {
    let env = ingested();
    let served = Served::start(&env, &["--ingest"]);
    let id = upload(&served, "ferry.md", FERRY);
    let file = served.get(&format!("/v1/files/{id}")).expect(200).json();
    assert_eq!((&file["filename"], &file["bytes"]), (&json!("ferry.md"), &json!(FERRY.len())));
    assert!(found(&served, "When does the ferry to Texel leave?").iter().all(|(_, it)| *it != id));

    let file = attached(&served, &id, json!({ "attributes": { "team": "harbour" } }));
    assert_eq!((&file["status"], &file["last_error"]), (&json!("completed"), &Value::Null));
    assert_eq!(file["attributes"]["tag.team"], "harbour", "{file}");
    let first = found(&served, "When does the ferry to Texel leave?").remove(0);
    assert_eq!(first, ("ferry.md".to_owned(), id.clone()));
    let line = served.logged("\"method\":\"INGEST\"");
    assert!(line.contains(&id) && line.contains("\"status\":200"), "{line}");
    let answer =
        served.post("/v1/chat/completions", &crate::served::asks("When does the ferry leave?"));
    assert!(answer.expect(200).body.contains("nine sharp"));

    // Runs over paths, of all of the project and of what was named before, and one that rebuilds.
    for args in [
        &["ingest", "sample-docs"][..],
        &["ingest", "--hidden", "--allow-prune", "."],
        &["ingest"],
        &["ingest", "--rebuild"],
    ] {
        env.run(args).expect(0);
        let rows = found(&served, "When does the ferry to Texel leave?");
        let same = rows.iter().filter(|(name, _)| name.ends_with("ferry.md"));
        assert_eq!(same.collect::<Vec<_>>(), [&first], "{args:?}");
    }
    let again = served.get(&format!("/v1/vector_stores/vs_docent/files/{id}")).expect(200).json();
    assert_eq!(again["attributes"]["tag.team"], "harbour", "{again}");

    let changed = json!({ "attributes": { "team": "quay", "season": 3 } });
    let path = format!("/v1/vector_stores/vs_docent/files/{id}");
    served.post(&path, &changed).expect(200);
    let file = polled(&served, &path);
    assert_eq!(
        (&file["attributes"]["tag.team"], &file["attributes"]["tag.season"]),
        (&json!("quay"), &json!("3"))
    );
    let gone = delete_as(&served, None, &path).expect(200).json();
    assert_eq!(
        (&gone["object"], &gone["deleted"]),
        (&json!("vector_store.file.deleted"), &json!(true))
    );
    assert!(found(&served, "When does the ferry to Texel leave?").iter().all(|(_, it)| *it != id));
    served.get(&path).expect(404);
    // The file itself is stored, and can be added to another store.
    served.get(&format!("/v1/files/{id}")).expect(200);
    attached(&served, &id, json!({}));
    let gone = delete_as(&served, None, &format!("/v1/files/{id}")).expect(200).json();
    assert_eq!(gone, json!({ "id": id, "object": "file", "deleted": true }));
    served.get(&format!("/v1/files/{id}")).expect(404);
    assert!(found(&served, "When does the ferry to Texel leave?").iter().all(|(_, it)| *it != id));
    let left = std::fs::read_dir(env.path(".docent/uploads")).expect("a directory");
    assert_eq!(left.count(), 2, "the files that hide it from git and say who has it");
}

#[test]
fn files_that_are_put_in_together_are_polled_together() {
    let env = ingested();
    let served = Served::start(&env, &["--ingest"]);
    let ids: Vec<String> = (0..5)
        .map(|number| {
            upload(
                &served,
                "pier.md",
                &format!("# Pier {number}\n\nPier {number} has {number} lamps.\n"),
            )
        })
        .collect();
    let bad = upload(&served, "photo.bin", "\u{0}\u{1}\u{2}\u{0}");
    let all: Vec<&String> = ids.iter().chain([&bad]).collect();
    let path = "/v1/vector_stores/vs_docent/file_batches";
    let batch = served.post(path, &json!({ "file_ids": all })).expect(200).json();
    assert_eq!(batch["object"], "vector_store.file_batch");
    let path = format!("{path}/{}", id_of(&batch));
    let batch = polled(&served, &path);
    let counts = &batch["file_counts"];
    assert_eq!(batch["status"], "completed", "{batch}");
    assert_eq!(
        (&counts["completed"], &counts["failed"], &counts["total"]),
        (&json!(5), &json!(1), &json!(6))
    );
    let files = served.get(&format!("{path}/files?limit=100")).expect(200).json();
    assert_eq!(files["data"].as_array().map(Vec::len), Some(6));
    // A file that can't be read says why, and can be deleted.
    let file = served.get(&format!("/v1/vector_stores/vs_docent/files/{bad}")).expect(200).json();
    assert_eq!(file["status"], "failed");
    assert_eq!(file["last_error"]["code"], "invalid_file");
    assert!(file["last_error"]["message"].as_str().is_some_and(|why| !why.is_empty()), "{file}");
    let store = served.get("/v1/vector_stores/vs_docent").expect(200).json();
    assert_eq!(store["file_counts"]["in_progress"], 0);
    delete_as(&served, None, &format!("/v1/files/{bad}")).expect(200);
    served.get(&format!("/v1/vector_stores/vs_docent/files/{bad}")).expect(404);
    let metrics = served.get("/metrics").expect(200).body;
    assert!(
        metrics.contains("docent_documents_total{what=\"ingest\",outcome=\"done\",key=\"\"} 5"),
        "{metrics}"
    );
    for body in [json!({}), json!({ "file_ids": [] }), json!({ "file_ids": ["file-none"] })] {
        let reply = served.post("/v1/vector_stores/vs_docent/file_batches", &body);
        assert!([400, 404].contains(&reply.status), "{reply:?}");
    }
}

#[test]
fn a_collection_comes_with_its_first_upload() {
    let env = TestEnv::new();
    let served = Served::start(&env, &["--ingest", "--collections", "fresh"]);
    let id = upload(&served, "ferry.md", FERRY);
    let body = json!({ "file_id": id });
    served.post("/v1/vector_stores/vs_fresh/files", &body).expect(200);
    let file = polled(&served, &format!("/v1/vector_stores/vs_fresh/files/{id}"));
    assert_eq!(file["status"], "completed", "{file}");
    let body = json!({ "query": "When does the ferry leave?" });
    let page = served.post("/v1/vector_stores/fresh/search", &body).expect(200).json();
    assert_eq!(page["data"][0]["file_id"], json!(id));
}

#[test]
fn an_upload_that_can_be_none_is_refused() {
    let env = ingested();
    let served = Served::start(&env, &["--ingest", "--upload-limit", "2kB"]);
    let long = "x".repeat(300);
    for name in ["../escape.md", "/etc/passwd", "a/../../b.md", "", ".", "a//b", &long] {
        let refused = upload_as(&served, None, name, "Text.").expect(400);
        assert_eq!(refused.json()["error"]["param"], "file", "{name}: {refused:?}");
    }
    upload_as(&served, None, "empty.md", "").expect(400);
    let large = upload_as(&served, None, "large.md", &"x".repeat(3000)).expect(413);
    assert!(large.body.contains("--upload-limit"), "{large:?}");
    let form = [("content-type", "multipart/form-data; boundary=frontier")];
    served.ask("POST", "/v1/files", &form, "--frontier\r\nnothing").expect(400);
    served.ask("POST", "/v1/files", &form, "--frontier--\r\n").expect(400);
    served.post("/v1/files", &json!({ "file": "a" })).expect(400);
    let left = std::fs::read_dir(env.path(".docent/uploads")).map_or(0, Iterator::count);
    assert_eq!(left, 2, "nothing of them is kept");

    let id = upload(&served, "fine.md", FERRY);
    for (body, status) in [
        (json!({ "file_id": "file-0123456789ab" }), 404),
        (json!({ "file_id": "../../etc/passwd" }), 404),
        (json!({}), 400),
        (json!({ "file_id": id, "attributes": { "a": [1] } }), 400),
        (json!({ "file_id": id, "attributes": { "a=b": "c" } }), 400),
    ] {
        let reply = served.post("/v1/vector_stores/vs_docent/files", &body);
        assert_eq!(reply.status, status, "{body}: {reply:?}");
    }
    served.post("/v1/vector_stores/vs_none/files", &json!({ "file_id": id })).expect(404);
    // Documents of `docent ingest` can only be deleted by `docent ingest`.
    let (_, backups) = found(&served, "How long are ledger backups kept?").remove(0);
    for path in
        [format!("/v1/files/{backups}"), format!("/v1/vector_stores/vs_docent/files/{backups}")]
    {
        assert_eq!(delete_as(&served, None, &path).expect(409).code(), "not_uploaded");
    }
}

#[test]
fn a_key_writes_where_it_reads_and_nowhere_else() {
    let env = ingested();
    let ingest = ["--right", "ingest", "--right", "search"];
    let tenant = |name: &str, tag: &str| key(&env, name, &[&ingest[..], &["--tag", tag]].concat());
    let (a, b) = (tenant("a", "tenant=a"), tenant("b", "tenant=b"));
    let policies =
        key(&env, "policies", &[&ingest[..], &["--source", "sample-docs/policies"]].concat());
    let reader = key(&env, "reader", &["--right", "search"]);
    let served = Served::start(&env, &["--ingest"]);
    assert_eq!(
        upload_as(&served, Some(&reader), "a.md", FERRY).expect(403).code(),
        "missing_right"
    );

    let id = id_of(&upload_as(&served, Some(&a), "ferry.md", FERRY).expect(200).json());
    let files = "/v1/vector_stores/vs_docent/files";
    let path = format!("{files}/{id}");
    // Before and after it is a document, no other caller can see it.
    let hidden = |served: &Served| {
        for key in [&b, &policies] {
            served.get_as(key, &format!("/v1/files/{id}")).expect(404);
            served.get_as(key, &path).expect(404);
            served.post_as(key, files, &json!({ "file_id": id })).expect(404);
            served.post_as(key, &path, &json!({ "attributes": {} })).expect(404);
            delete_as(served, Some(key), &path).expect(404);
            delete_as(served, Some(key), &format!("/v1/files/{id}")).expect(404);
            let list = served.get_as(key, "/v1/files?limit=100").expect(200);
            assert!(!list.body.contains("ferry"), "{list:?}");
        }
    };
    hidden(&served);
    let foreign = json!({ "file_id": id, "attributes": { "tenant": "b" } });
    assert_eq!(served.post_as(&a, files, &foreign).expect(403).code(), "outside_of_key");
    served.post_as(&a, files, &json!({ "file_id": id })).expect(200);
    let polled = |key: &str, path: &str| {
        for _ in 0..TRIES {
            let file = served.get_as(key, path).expect(200).json();
            if file["status"] != "in_progress" {
                return file;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{path} stays in progress")
    };
    let file = polled(&a, &path);
    assert_eq!(
        (&file["status"], &file["attributes"]["tag.tenant"]),
        (&json!("completed"), &json!("a"))
    );
    hidden(&served);
    let body = json!({ "query": "When does the ferry to Texel leave?" });
    for (key, sees) in [(&a, true), (&b, false), (&policies, false), (&reader, true)] {
        let page = served.post_as(key, "/v1/vector_stores/docent/search", &body).expect(200);
        assert_eq!(page.body.contains("nine sharp"), sees, "{page:?}");
    }

    // A key for a directory may write there.
    let id = id_of(
        &upload_as(&served, Some(&policies), "pets.md", "# Pets\n\nNo pets.\n").expect(200).json(),
    );
    served.post_as(&policies, files, &json!({ "file_id": id })).expect(200);
    let file = polled(&policies, &format!("{files}/{id}"));
    let source = file["attributes"]["source"].as_str().unwrap_or_default();
    assert!(source.starts_with("sample-docs/policies/uploads/"), "{file}");
    delete_as(&served, Some(&policies), &format!("/v1/files/{id}")).expect(200);
    let used = served.logged("\"method\":\"REMOVE\"");
    assert!(used.contains("\"key\":\"policies\""), "{used}");
}

#[test]
fn what_was_promised_is_done_by_the_next_server() {
    for is_told in [true, false] {
        let env = ingested();
        let served = Served::start(&env, &["--ingest"]);
        let lamp = |number: u32| format!("# Lamp {number}\n\nLamp {number} is lit.\n");
        let ids: Vec<String> =
            (0..40).map(|number| upload(&served, &format!("{number}.md"), &lamp(number))).collect();
        for id in &ids {
            let body = json!({ "file_id": id });
            served.post("/v1/vector_stores/vs_docent/files", &body).expect(200);
        }
        // Most of it is not done.
        if is_told {
            served.terminate();
            assert_eq!(served.ended(), Some(0));
        } else {
            drop(served);
        }
        let served = Served::start(&env, &["--ingest"]);
        for id in &ids {
            let file = polled(&served, &format!("/v1/vector_stores/vs_docent/files/{id}"));
            assert_eq!(file["status"], "completed", "{file}");
        }
        assert_eq!(found(&served, "lamp 17").len(), 5);
        env.run(&["ingest", "--check"]).expect(0);
    }
}

#[test]
fn a_run_that_fails_is_said_and_the_next_goes_on() {
    let server = ScriptedServer::start();
    let mut env = TestEnv::new();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_EMBEDDER", "openai:m");
    env.set("DOCENT_ATTEMPTS", "1");
    env.write("docs/pier.md", "# Pier\n\nThe pier has seven lamps.\n");
    env.run(&["ingest", "docs"]).expect(0);
    let served = Served::start(&env, &["--ingest"]);
    let id = upload(&served, "ferry.md", FERRY);
    server.keep(Fault::Answer(response("401 Unauthorized", &[], "{}")));
    let file = attached(&served, &id, json!({}));
    assert_eq!(
        (&file["status"], &file["last_error"]["code"]),
        (&json!("failed"), &json!("server_error"))
    );
    let line = served.logged("\"warning\":\"docent:");
    assert!(line.contains(&server.address().to_string()), "{line}");
    server.recover();
    assert_eq!(attached(&served, &id, json!({}))["status"], "completed");
    assert_eq!(found(&served, "When does the ferry leave?").remove(0).1, id);
}

#[test]
fn two_servers_do_not_take_uploads_into_one_directory() {
    let env = ingested();
    let first = Served::start(&env, &["--ingest"]);
    let id = upload(&first, "ferry.md", FERRY);
    attached(&first, &id, json!({}));
    let second = ["serve", "--listen", "127.0.0.1:0", "--ingest"];
    let refused = env.run(&second).expect(3);
    let holder = format!("process {} (docent serve)", first.pid());
    assert!(refused.stderr.contains(&holder), "{refused}");
    assert!(refused.stderr.contains("without --ingest"), "{refused}");
    // The caller follows the advice.
    let reading = Served::start(&env, &[]);
    assert_eq!(found(&reading, "When does the ferry to Texel leave?").remove(0).1, id);
    // Killed, it leaves nothing behind that keeps the next one out.
    drop(first);
    let next = Served::start(&env, &["--ingest"]);
    next.get(&format!("/v1/files/{id}")).expect(200);
}

#[test]
fn a_purpose_is_one_that_there_is() {
    let env = ingested();
    let served = Served::start(&env, &["--ingest"]);
    let refused = upload_for(&served, None, "fun", "ferry.md", FERRY).expect(400).json();
    assert_eq!(refused["error"]["param"], "purpose", "{refused}");
    let hint = refused["error"]["docent"]["hint"].as_str().unwrap_or_default();
    assert!(hint.contains("user_data"), "{refused}");
    let kept = upload_for(&served, None, "user_data", "ferry.md", FERRY).expect(200);
    assert_eq!(
        (kept.header("docent-ignored"), &kept.json()["purpose"]),
        (None, &json!("user_data"))
    );
    let id = id_of(&kept.json());
    attached(&served, &id, json!({}));
    let file = served.get(&format!("/v1/files/{id}")).expect(200).json();
    assert_eq!(file["purpose"], "user_data", "also as a document: {file}");
    let kept = upload_for(&served, None, "batch", "ferry.md", FERRY).expect(200);
    assert_eq!(kept.header("docent-ignored"), Some("purpose batch"), "{kept:?}");
}

#[test]
fn a_batch_names_each_file_once_and_is_taken_whole_or_not() {
    let env = ingested();
    let served = Served::start(&env, &["--ingest"]);
    let (a, b) = (upload(&served, "a.md", FERRY), upload(&served, "b.md", FERRY));
    let path = "/v1/vector_stores/vs_docent/file_batches";
    let entry = |id: &str, draft: bool| json!({ "file_id": id, "attributes": { "draft": draft } });
    for (body, param) in [
        (json!({ "file_ids": [a], "files": [{ "file_id": b }] }), "files"),
        (json!({ "files": [entry(&a, true), entry(&a, false)] }), "files[1].file_id"),
        (json!({ "file_ids": [] }), "file_ids"),
    ] {
        let refused = served.post(path, &body).expect(400).json();
        assert_eq!(refused["error"]["param"], param, "{refused}");
    }
    served.post(path, &json!({ "file_ids": [a, "file-none"] })).expect(404);
    served.get(&format!("/v1/vector_stores/vs_docent/files/{a}")).expect(404);

    let batch = served.post(path, &json!({ "file_ids": [a, b, a] })).expect(200).json();
    let batch = polled(&served, &format!("{path}/{}", id_of(&batch)));
    let counts = &batch["file_counts"];
    assert_eq!((&counts["completed"], &counts["total"]), (&json!(2), &json!(2)), "{batch}");
    assert_eq!(counts["cancelled"], 0, "{batch}");
}

#[test]
fn attributes_come_back_as_they_were_said() {
    let env = ingested();
    let served = Served::start(&env, &["--ingest"]);
    let id = upload(&served, "ferry.md", FERRY);
    let file = attached(&served, &id, json!({ "attributes": { "draft": false, "final": true } }));
    assert_eq!(file["attributes"]["tag.draft"], false, "{file}");
    assert_eq!(file["attributes"]["tag.final"], true, "{file}");
    for (key, value, finds) in
        [("tag.draft", false, true), ("tag.draft", true, false), ("tag.final", true, true)]
    {
        let filter = json!({ "type": "and", "filters": [
            { "type": "eq", "key": key, "value": value },
            { "type": "eq", "key": "source", "value": file["attributes"]["source"] },
        ] });
        let body = json!({ "query": "When does the ferry leave?", "filters": filter });
        let page = served.post("/v1/vector_stores/vs_docent/search", &body).expect(200).json();
        let found = page["data"].as_array().is_some_and(|rows| !rows.is_empty());
        assert_eq!(found, finds, "{key} {value}");
    }
}

#[test]
fn a_key_of_a_glob_is_told_which_names_it_may_write() {
    let env = ingested();
    let ingest = ["--right", "ingest", "--right", "search"];
    let with =
        |name: &str, source: &str| key(&env, name, &[&ingest[..], &["--source", source]].concat());
    let (texts, teams) = (with("texts", "notes/*.md"), with("teams", "team-?/**"));
    let served = Served::start(&env, &["--ingest"]);
    // Below the directory that the glob begins with.
    let files = "/v1/vector_stores/vs_docent/files";
    let id = id_of(&upload_as(&served, Some(&texts), "ferry.md", FERRY).expect(200).json());
    let file = served.post_as(&texts, files, &json!({ "file_id": id })).expect(200).json();
    let source = file["attributes"]["source"].as_str().unwrap_or_default();
    assert!(source.starts_with("notes/uploads/"), "{file}");
    // Nothing is kept of a file that has no place.
    for (key, name, glob) in [(&texts, "ferry.txt", "notes/*.md"), (&teams, "a.md", "team-?/**")] {
        let refused = upload_as(&served, Some(key), name, FERRY).expect(403).json();
        let error = &refused["error"];
        assert_eq!((&error["code"], &error["param"]), (&json!("outside_of_key"), &json!("file")));
        assert!(error["message"].as_str().is_some_and(|it| it.contains(glob)), "{refused}");
        let hint = error["docent"]["hint"].as_str().unwrap_or_default();
        assert!(hint.contains("DIRECTORY/NAME"), "{refused}");
    }
    upload_as(&served, Some(&teams), "team-1/a.md", FERRY).expect(200);
}
