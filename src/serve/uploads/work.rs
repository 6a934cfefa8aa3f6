//! Adds uploads to collections and removes them: one run at a time, each for all pending uploads of a
//! collection.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, Utc};
use tokio::runtime::Handle;

use super::{UploadPlace, UploadState};
use crate::cancel::Cancel;
use crate::error::{Exit, Failure, Fault};
use crate::serve::call::Server;
use crate::serve::log::{LogEntry, RequestNotes};
use crate::serve::openai::stores::store_id;
use crate::service::Engine;
use crate::service::uploads::{UploadOutcome, Uploaded};

/// Documents in a run: enough that starting a run costs little, few enough that callers do not wait long
/// for a result.
const AT_ONCE: usize = 64;

/// Pause while another process writes the collection.
const BUSY_FOR: Duration = Duration::from_secs(1);

/// The work of one run.
struct Job {
    collection: String,
    /// By the id of the upload.
    comes: Vec<(String, UploadPlace)>,
    goes: Vec<(String, UploadPlace)>,
    begun: Instant,
}

impl Job {
    fn all(&self) -> impl Iterator<Item = &(String, UploadPlace)> {
        self.comes.iter().chain(&self.goes)
    }
}

/// Works until `stop`. A run in progress is then committed as far as it is done, and the next server
/// continues.
pub(in crate::serve) async fn work(server: Arc<Server>, stop: Cancel) {
    let Some(uploads) = &server.uploads else { return };
    let mut changed = uploads.changed.subscribe();
    let mut was_busy = false;
    while !stop.is_cancelled() {
        changed.mark_unchanged();
        let Some(job) = next(&server) else {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = changed.changed() => continue,
            }
        };
        let done = run(&server, &job, &stop).await;
        match done {
            Err(_) if stop.is_cancelled() => return,
            Err(failure) if is_busy(&failure) => {
                if !std::mem::replace(&mut was_busy, true) {
                    warn(&server, &format!("{}: {}", job.collection, failure.message));
                }
                put_back(&server, &job);
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(BUSY_FOR) => {}
                }
            }
            done => {
                was_busy = false;
                settle(&server, &job, done, stop.is_cancelled()).await;
            }
        }
    }
}

fn is_busy(failure: &Failure) -> bool {
    matches!(failure.backend, Some((_, Fault::Busy)))
}

fn warn(server: &Server, text: &str) {
    (server.observers.log)(&LogEntry::warning(&format!("uploads wait: {text}")));
}

/// The change that has waited longest, together with the other changes of its collection that one run can
/// make.
fn next(server: &Server) -> Option<Job> {
    let uploads = server.uploads.as_ref()?;
    let mut table = uploads.table();
    let served = |name: &str| server.access.engines().any(|(served, _)| served == name);
    let (collection, _) = table.queue.iter().find(|(name, _)| served(name))?.clone();
    let (comes, goes, begun) = (Vec::new(), Vec::new(), Instant::now());
    let mut job = Job { collection, comes, goes, begun };
    let queue = std::mem::take(&mut table.queue);
    for (name, id) in queue {
        let upload = table.uploads.get(&id).filter(|_| name == job.collection);
        let place = upload.and_then(|upload| upload.places.get(&name)).cloned();
        let has_room = job.comes.len() + job.goes.len() < AT_ONCE;
        match place {
            Some(place) if has_room && place.state == UploadState::Leaving => {
                job.goes.push((id, place));
            }
            // All documents of a run get the same tags.
            Some(place)
                if has_room
                    && place.state == UploadState::Waiting
                    && job.comes.first().is_none_or(|(_, first)| first.tags == place.tags) =>
            {
                job.comes.push((id, place));
            }
            Some(place) if !place.is_under_way() => {}
            None if name == job.collection => {}
            _ => table.queue.push_back((name, id)),
        }
    }
    Some(job)
}

/// Puts a job back, behind the work for other collections.
fn put_back(server: &Server, job: &Job) {
    let Some(uploads) = &server.uploads else { return };
    let queue = &mut uploads.table().queue;
    for (id, _) in job.all() {
        let entry = (job.collection.clone(), id.clone());
        if !queue.contains(&entry) {
            queue.push_back(entry);
        }
    }
}

async fn run(server: &Server, job: &Job, stop: &Cancel) -> Result<UploadOutcome, Failure> {
    let (Some(engine), Some(uploads)) = (engine(server, &job.collection), &server.uploads) else {
        return Err(Failure::config("the collection is no longer served"));
    };
    let file = |(id, place): &(String, UploadPlace)| -> (String, PathBuf) {
        (place.source.clone(), uploads.path(id))
    };
    let keys: BTreeSet<_> = job.all().filter_map(|(_, place)| place.asked_by.key.clone()).collect();
    let uploaded = Uploaded {
        keys: keys.into_iter().collect(),
        files: job.comes.iter().map(file).collect(),
        tags: job.comes.first().map(|(_, place)| place.tags.clone()).unwrap_or_default(),
        gone: job.goes.iter().map(|(_, place)| place.source.clone()).collect(),
    };
    let _turn = server.writing.lock().await;
    let stop = stop.clone();
    // A run borrows too much of what it uses to move between threads.
    let run = move || Handle::current().block_on(engine.bring(uploaded, &stop));
    let done = tokio::task::spawn_blocking(run).await;
    // A panic fails this run, and the next one continues.
    done.unwrap_or_else(|error| {
        Err(Failure::new(Exit::Backend, format!("the ingest run crashed: {error}")))
    })
}

fn engine(server: &Server, collection: &str) -> Option<Arc<Engine>> {
    let mut engines = server.access.engines();
    engines.find(|(name, _)| *name == collection).map(|(_, engine)| Arc::clone(engine))
}

/// Records and reports the result of each document.
async fn settle(
    server: &Server,
    job: &Job,
    done: Result<UploadOutcome, Failure>,
    is_stopping: bool,
) {
    let (report, problem) = match done {
        Ok(mut report) => {
            let problem = report.problem.take();
            (report, problem)
        }
        Err(failure) => (UploadOutcome::default(), Some(failure)),
    };
    let shared = report.cost.unwrap_or(0.0) / job.comes.len().max(1) as f64;
    if let Some(problem) = &problem {
        let text = [vec![problem.message.clone()], problem.causes.clone()].concat().join(": ");
        (server.observers.log)(&LogEntry::warning(&format!("{}: {text}", job.collection)));
    }
    // A run that was cut off may have done some of the work.
    let there = match (&problem, engine(server, &job.collection)) {
        (Some(_), Some(engine)) => engine.stored_tags().await.unwrap_or_default(),
        _ => HashMap::new(),
    };
    for (id, place) in &job.comes {
        let refused = report.refused.get(&place.source);
        let state = match (refused, &problem) {
            (Some(reason), _) => {
                UploadState::Failed { code: "invalid_file".to_owned(), reason: reason.clone() }
            }
            (None, None) => UploadState::Stored,
            (None, Some(_)) if there.get(&place.source) == Some(&place.tags) => UploadState::Stored,
            // The next server continues.
            (None, Some(_)) if is_stopping => continue,
            (None, Some(_)) => UploadState::Failed {
                code: "server_error".to_owned(),
                reason: "the collection could not be written (the server's log says why); \
                         attach the file again when the cause is fixed"
                    .to_owned(),
            },
        };
        tell(server, job, (id, place), &state, shared);
        note(server, job, (id, place), Some(state));
    }
    for (id, place) in &job.goes {
        match &problem {
            None => {}
            Some(_) if !there.contains_key(&place.source) => {}
            Some(_) if is_stopping => continue,
            Some(_) => {
                // The document is still in the collection.
                note(server, job, (id, place), Some(UploadState::Stored));
                continue;
            }
        }
        tell(server, job, (id, place), &UploadState::Leaving, 0.0);
        note(server, job, (id, place), None);
    }
}

fn note(
    server: &Server,
    job: &Job,
    (id, place): (&String, &UploadPlace),
    state: Option<UploadState>,
) {
    let Some(uploads) = &server.uploads else { return };
    if let Err(error) = uploads.settle(id, &job.collection, place, state) {
        let text = format!("the state of file-{id} cannot be written: {error}");
        (server.observers.log)(&LogEntry::warning(&text));
    }
}

/// Writes a line to the log and the audit, for the request that asked for the change.
fn tell(
    server: &Server,
    job: &Job,
    (id, place): (&String, &UploadPlace),
    state: &UploadState,
    cost: f64,
) {
    let (status, error) = match state {
        UploadState::Failed { code, .. } if code == "server_error" => (500, Some(code.clone())),
        UploadState::Failed { code, .. } => (422, Some(code.clone())),
        _ => (200, None),
    };
    let store = store_id(&job.collection);
    let entry = LogEntry {
        time: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
        request_id: place.asked_by.request_id.clone(),
        trace_id: place.asked_by.trace_id.clone(),
        method: if *state == UploadState::Leaving { "REMOVE" } else { "INGEST" }.to_owned(),
        path: format!("/v1/vector_stores/{store}/files/file-{id}"),
        needs_right: true,
        status,
        milliseconds: job.begun.elapsed().as_millis() as u64,
        key: place.asked_by.key.clone(),
        notes: RequestNotes {
            collection: Some(job.collection.clone()),
            documents: vec![place.source.clone()],
            cost: Some(cost).filter(|cost| *cost > 0.0),
            error,
            ..RequestNotes::default()
        },
        ..LogEntry::default()
    };
    server.observers.job_ended(&entry);
}
