//! Concurrent questions to a running process, through one engine.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use docent::hub::Hub;
use docent::query::rewrite::Queries;
use docent::record::Recording;
use docent::service::retrieval::DocumentFilter;
use docent::service::{Context, Engine};
use docent::settings::{self, Layers, layers};

use crate::corpus::Prose;

/// Different questions: nobody asks the same one all the time.
const QUESTIONS: usize = 500;

/// Results of many questions.
pub(crate) struct Rate {
    pub(crate) per_second: f64,
    /// Median time of a question, in seconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) longest: f64,
}

impl Rate {
    fn of(mut took: Vec<Duration>, elapsed: Duration) -> Self {
        took.sort_unstable();
        let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64();
        let per_second = took.len() as f64 / elapsed.as_secs_f64();
        Self { per_second, p50: at(0.5), p99: at(0.99), longest: at(1.0) }
    }
}

/// Questions in words of the corpus.
pub(crate) fn questions() -> Vec<String> {
    let mut prose = Prose::new(4);
    (0..QUESTIONS).map(|_| prose.sentence()).collect()
}

/// An engine over the collection of the project in `dir`, with `settings` as they would be typed.
pub(crate) fn engine(dir: &Path, settings: &[(&'static str, &str)]) -> Arc<Engine> {
    let typed = settings.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let settings = settings::resolve(&Layers(vec![layers::flags(typed)]), true);
    let context = Context {
        settings: settings.expect("settings that can be used"),
        cwd: dir.to_owned(),
        root: dir.to_owned(),
        data_dir: dir.join(".docent"),
        outside: Vec::new(),
        sites: None,
        user: None,
        project: None,
        tape: Arc::new(Recording::default()),
        hub: Hub::default(),
    };
    Arc::new(Engine::open(context, Arc::new(|_| ())).expect("an engine"))
}

/// A runtime like that of the server.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime")
}

/// Asks all the time, `at_once` at a time, until `done` is true, after `warm_up` questions.
pub(crate) async fn ask(
    engine: &Arc<Engine>,
    questions: &Arc<Vec<String>>,
    at_once: usize,
    warm_up: usize,
    done: impl Fn(usize) -> bool + Clone + Send + 'static,
) -> Rate {
    for question in questions.iter().take(warm_up) {
        retrieve(engine, question).await;
    }
    let (engine, questions) = (Arc::clone(engine), Arc::clone(questions));
    let ask = move |number: usize| {
        let (engine, questions) = (Arc::clone(&engine), Arc::clone(&questions));
        async move { retrieve(&engine, &questions[number % questions.len()]).await }
    };
    of_tasks(at_once, done, ask).await
}

/// Measures `ask`, `at_once` at a time until `done`. `ask` gets the number of questions before.
pub(crate) async fn of_tasks<F: Future<Output = ()> + Send>(
    at_once: usize,
    done: impl Fn(usize) -> bool + Clone + Send + 'static,
    ask: impl Fn(usize) -> F + Clone + Send + 'static,
) -> Rate {
    let next = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let asking: Vec<_> = (0..at_once)
        .map(|_| {
            let (next, done, ask) = (Arc::clone(&next), done.clone(), ask.clone());
            tokio::spawn(async move {
                let mut took = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if done(number) {
                        return took;
                    }
                    let asked = Instant::now();
                    ask(number).await;
                    took.push(asked.elapsed());
                }
            })
        })
        .collect();
    let mut took = Vec::new();
    for task in asking {
        took.extend(task.await.expect("a task that ends"));
    }
    Rate::of(took, began.elapsed())
}

/// Asks as `docent search` and a server do.
async fn retrieve(engine: &Engine, question: &str) {
    let retriever = engine.retriever().await.expect("a collection");
    let filter = DocumentFilter::default();
    let options = engine.retrieve_options(&filter, &retriever).await.expect("options");
    let hits = retriever.retrieve(&Queries::of(question), &options).await.expect("hits").hits;
    assert!(!hits.is_empty(), "{question}");
}

/// The same from threads: measures the engine for each of `asks`.
pub(crate) fn of_threads<T: Sync>(
    asks: &[T],
    at_once: usize,
    total: usize,
    ask: impl Fn(&T) + Sync,
) -> Rate {
    asks.iter().take(20).for_each(&ask);
    let next = AtomicUsize::new(0);
    let began = Instant::now();
    let worker = || {
        let mut took = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= total {
                return took;
            }
            let asked = Instant::now();
            ask(&asks[number % asks.len()]);
            took.push(asked.elapsed());
        }
    };
    let took = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a thread that ends")).collect()
    });
    Rate::of(took, began.elapsed())
}

/// Asks one question after another on a thread of its own until it is told to stop.
pub(crate) struct Asker {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Rate>,
}

impl Asker {
    pub(crate) fn start(dir: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (dir, stopped) = (dir.to_owned(), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let runtime = runtime();
            runtime.block_on(async {
                let (engine, questions) = (engine(&dir, &[]), Arc::new(questions()));
                let done = move |_| stopped.load(Ordering::Relaxed);
                ask(&engine, &questions, 1, 1, done).await
            })
        });
        Self { stop, thread }
    }

    /// Times of its questions.
    pub(crate) fn stop(self) -> Rate {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("a thread that ends")
    }
}
