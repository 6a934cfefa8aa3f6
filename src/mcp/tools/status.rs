//! `status`: what is stored, and how fresh it is.

use serde_json::{Value, json};

use super::{Call, gives, takes, text};
use crate::error::Failure;
use crate::mcp::access::{ClientRead, ClientView};
use crate::mcp::arguments::Arguments;
use crate::mcp::fence::label;
use crate::service::freshness::Freshness;
use crate::task::off_thread;

pub(super) fn input() -> Value {
    takes(json!({ "collection": text("Which collection") }), &[])
}

pub(super) fn output() -> Value {
    gives(json!({ "collections": { "type": "array" } }))
}

pub(super) async fn run(call: &Call<'_>, arguments: Arguments) -> Result<Value, Failure> {
    let access = &call.offer.access;
    let mut collections = Vec::new();
    if let Some(name) = arguments.text("collection")? {
        collections.push(status(call, &access.view(Some(&name))?).await?);
    } else {
        for name in access.collections() {
            let status = match access.view(Some(&name)) {
                Ok(view) => status(call, &view).await,
                Err(failure) => Err(failure),
            };
            collections.push(status.unwrap_or_else(|failure| {
                let Failure { message, hint, .. } = access.told(failure);
                json!({ "collection": name, "error": message, "hint": hint })
            }));
        }
    }
    Ok(json!({ "collections": collections }))
}

async fn status(call: &Call<'_>, view: &ClientView) -> Result<Value, Failure> {
    let access = &call.offer.access;
    let (reader, documents) = view.documents().await?;
    let (collection, version) = (&*view.name, reader.version());
    access.saw(&ClientRead { collection, version, question: None, sources: &[] });
    let manifest = reader.manifest();
    let mut said = json!({
        "collection": view.name,
        "documents": documents.len(),
        "chunks": documents.iter().map(|record| u64::from(record.chunks)).sum::<u64>(),
        "embedder": label(&manifest.embedder.name),
        "version": version,
    });
    // A client that sees only a part is not shown what others have done.
    if view.is_whole() {
        said["failures"] = json!(reader.failures().await?.len());
        if let Some(run) = manifest.unfinished.as_ref().or(manifest.runs.last()) {
            let finished = manifest.unfinished.is_none();
            said["last_run"] = json!({ "started_at": run.started_at, "finished": finished });
        }
    } else if let Some(changed) = documents.iter().map(|record| &record.ingested_at).max() {
        said["changed_at"] = json!(changed);
    }
    if access.is_local() {
        let root = view.engine().context.root.clone();
        let Freshness { changed, missing, .. } =
            off_thread(move || Freshness::of(&root, &documents)).await;
        said["stale"] = json!({ "changed": changed.len(), "missing": missing.len() });
        if !(changed.is_empty() && missing.is_empty()) {
            said["hint"] = json!("docent ingest brings the collection in line with its files");
        }
    }
    Ok(said)
}
