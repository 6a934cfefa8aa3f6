//! Reads randomly damaged files for a given time, and reports what a parser must never do: panic, die,
//! take seconds or gigabytes.
//!
//!     cargo bench --bench fuzz -- --seconds 300
//!     cargo bench --bench fuzz -- docx rtf --seconds 60 --seed 7
//!     cargo bench --bench fuzz -- docx --input target/fuzz/docx-0123456789abcdef
//!
//! Each target runs in a child process of its own, which keeps the input that it reads in a file, so
//! that the input that kills it is known. It is kept in `target/fuzz`, and read again with `--input`.
//! Ends with 1 if anything was found. An input that leads to something new (another error, another
//! shape of a document) is damaged further; branches are not counted.

mod inputs;
mod mutate;
mod packages;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::io::{BufRead as _, BufReader};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use docent::ingest::chunk::{ChunkOptions, chunk};
use docent::ingest::{extract, secrets};
use rustix::process::{Resource, Rlimit, setrlimit};

use self::inputs::Target;
use self::mutate::Dice;

/// Processor time for one input of at most [`mutate::LONGEST`] bytes: a hundred times what the
/// slowest of the originals takes.
const SLOW: Duration = Duration::from_secs(5);

/// After this time, a child ends itself.
const HANGS: Duration = Duration::from_secs(30);

/// Address space of a child, its stacks and the program itself included.
const MEMORY: u64 = 2 << 30;

/// The same size as that of the worker in an ingest.
const STACK: usize = 64 << 20;

/// Only short inputs are damaged further: more of them are read in the same time.
const LONGEST_KEPT: usize = 16 << 10;

/// Most inputs that are damaged further.
const KEPT: usize = 2_000;

fn main() -> ExitCode {
    let options = Options::parse();
    if options.child {
        read_inputs(&options);
        return ExitCode::SUCCESS;
    }
    let mut found = 0;
    for target in inputs::TARGETS.iter().filter(|target| options.wants(target.name)) {
        found += run(target, &options);
    }
    if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Options {
    targets: Vec<String>,
    seconds: u64,
    seed: u64,
    input: Option<PathBuf>,
    child: bool,
}

impl Options {
    fn parse() -> Self {
        let mut options =
            Self { targets: Vec::new(), seconds: 60, seed: 1, input: None, child: false };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut number = || args.next().and_then(|it| it.parse().ok()).expect("a number");
            match arg.as_str() {
                // An argument of Cargo.
                "--bench" => {}
                "--child" => options.child = true,
                "--seconds" => options.seconds = number(),
                "--seed" => options.seed = number(),
                "--input" => options.input = args.next().map(PathBuf::from),
                name => options.targets.push(name.to_owned()),
            }
        }
        options
    }

    fn wants(&self, target: &str) -> bool {
        self.targets.is_empty() || self.targets.iter().any(|wanted| wanted == target)
    }
}

/// Paths of kept inputs, and of the one that a target is reading.
fn kept(target: &str, what: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fuzz");
    fs::create_dir_all(&directory).expect("a directory");
    directory.join(format!("{target}-{what}"))
}

/// Runs a target in children, one after another where they die, and prints what they found.
/// Returns how many different things that was.
#[expect(clippy::print_stdout, reason = "what was found is its result")]
fn run(target: &Target, options: &Options) -> usize {
    let ends = Instant::now() + Duration::from_secs(options.seconds);
    let (mut seed, mut inputs) = (options.seed, 0);
    let mut found: BTreeMap<String, PathBuf> = BTreeMap::new();
    loop {
        let left = ends.saturating_duration_since(Instant::now()).as_secs();
        if left == 0 {
            break;
        }
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        let numbers = [left.to_string(), seed.to_string()];
        command.args(["--child", target.name, "--seconds", &numbers[0], "--seed", &numbers[1]]);
        if let Some(input) = &options.input {
            command.arg("--input").arg(input);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().expect("a child");
        for line in BufReader::new(child.stdout.take().expect("its output")).lines() {
            let line = line.expect("a line");
            match line.split_once('\t') {
                Some(("inputs", number)) => inputs += number.parse::<u64>().unwrap_or_default(),
                Some((path, what)) => drop(found.insert(what.to_owned(), path.into())),
                None => println!("{line}"),
            }
        }
        let status = child.wait().expect("an end");
        if !status.success() {
            let input = fs::read(kept(target.name, "now")).unwrap_or_default();
            found.insert(format!("died: {status}"), keep(target.name, &input));
            seed += 1;
        }
        if options.input.is_some() {
            break;
        }
    }
    println!("{}: {inputs} inputs, {} findings", target.name, found.len());
    for (what, path) in &found {
        println!("  {what}\n    {}", path.display());
    }
    found.len()
}

fn keep(target: &str, input: &[u8]) -> PathBuf {
    let path = kept(target, &format!("{:016x}", hash(&input)));
    fs::write(&path, input).expect("a file");
    path
}

fn hash(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// In a child: reads inputs until the time is over.
fn read_inputs(options: &Options) {
    let memory = Some(MEMORY);
    setrlimit(Resource::As, Rlimit { current: memory, maximum: memory }).expect("a limit");
    let name = options.targets.first().expect("a target").clone();
    let (input, seed, seconds) = (options.input.clone(), options.seed, options.seconds);
    let reader = thread::Builder::new().stack_size(STACK).spawn(move || {
        let target = inputs::TARGETS.iter().find(|target| target.name == name).expect("a target");
        let mut reading = Reading::new(target);
        match input {
            Some(path) => reading.read(&fs::read(path).expect("an input")),
            None => reading.go_on(Dice::new(seed), Duration::from_secs(seconds)),
        }
        reading.report();
    });
    let _ = reader.expect("a thread").join();
}

/// What a target has read so far.
struct Reading<'a> {
    target: &'a Target,
    now: PathBuf,
    corpus: Vec<Vec<u8>>,
    /// Outcomes, by their hashes.
    known: HashSet<u64>,
    inputs: u64,
    /// Where the last panic was.
    panicked: Arc<Mutex<String>>,
    /// Processor time at which the current input began.
    since: Arc<Mutex<Duration>>,
}

impl<'a> Reading<'a> {
    fn new(target: &'a Target) -> Self {
        let panicked = Arc::<Mutex<String>>::default();
        let place = Arc::clone(&panicked);
        panic::set_hook(Box::new(move |info| {
            let text = info.to_string().replace(['\n', '\t'], " ");
            *place.lock().expect("a lock") = text;
        }));
        let since = Arc::<Mutex<Duration>>::default();
        watch(Arc::clone(&since));
        let now = kept(target.name, "now");
        let (corpus, known) = ((target.originals)(), HashSet::new());
        assert!(!corpus.is_empty(), "{} has no originals", target.name);
        Self { target, now, corpus, known, inputs: 0, panicked, since }
    }

    fn go_on(&mut self, mut dice: Dice, time: Duration) {
        let ends = Instant::now() + time;
        let originals = self.corpus.clone();
        for original in &originals {
            self.read(original);
        }
        while Instant::now() < ends {
            let (one, other) = (dice.pick(&self.corpus).clone(), dice.pick(&self.corpus).clone());
            let input = (self.target.mutate)(&one, &other, self.target.words, &mut dice);
            self.read(&input);
        }
    }

    #[expect(clippy::print_stdout, reason = "read by the parent")]
    fn read(&mut self, input: &[u8]) {
        fs::write(&self.now, input).expect("a file");
        self.inputs += 1;
        let began = cpu_time();
        *self.since.lock().expect("a lock") = began;
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| outcome(self.target, input)));
        let took = cpu_time().saturating_sub(began);
        let tell = |what: &str| println!("{}\t{what}", keep(self.target.name, input).display());
        match outcome {
            Err(_) => tell(&self.panicked.lock().expect("a lock")),
            Ok(outcome) => {
                let new = self.known.insert(hash(&outcome));
                if new && self.corpus.len() < KEPT && input.len() < LONGEST_KEPT {
                    self.corpus.push(input.to_vec());
                }
            }
        }
        if took > SLOW {
            tell(&format!("took {} s of processor time", took.as_secs()));
        }
    }

    #[expect(clippy::print_stdout, reason = "read by the parent")]
    fn report(&self) {
        let _ = fs::remove_file(&self.now);
        println!("inputs\t{}", self.inputs);
    }
}

/// Ends the process if an input takes too long.
fn watch(since: Arc<Mutex<Duration>>) {
    let task = fs::read_link("/proc/thread-self").expect("a thread");
    let schedule = Path::new("/proc").join(task).join("schedstat");
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_millis(500));
            let spent = fs::read_to_string(&schedule).unwrap_or_default();
            let spent = spent.split(' ').next().and_then(|it| it.parse().ok()).unwrap_or_default();
            let since = *since.lock().expect("a lock");
            if Duration::from_nanos(spent).saturating_sub(since) > HANGS {
                std::process::abort();
            }
        }
    });
}

/// Processor time of this thread.
fn cpu_time() -> Duration {
    let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID);
    time.map(Duration::from).unwrap_or_default()
}

/// Reads an input as an ingest does, down to its chunks, and returns a short description of the result.
fn outcome(target: &Target, input: &[u8]) -> String {
    let document = match extract::document(target.source, target.kind, &[], input) {
        Ok(document) => document,
        // Places and words of the file differ each time.
        Err(error) => {
            return error.to_string().chars().filter(|c| c.is_alphabetic()).take(60).collect();
        }
    };
    let chunks = chunk(&document, &ChunkOptions::default(), &|text| text.len() / 4);
    assert!(chunks.iter().all(|piece| !piece.text.trim().is_empty()), "a piece is blank");
    let secrets = secrets::scan(&document.text).len();
    let size = |number: usize| usize::BITS - number.leading_zeros();
    format!(
        "{} {} {secrets} {:?} {}",
        size(document.text.len()),
        size(chunks.len()),
        document.warnings.iter().map(|warning| warning.code).collect::<Vec<_>>(),
        document.title.is_empty()
    )
}
