//! The parent's side: child processes that parse, started when first needed, used again, and
//! replaced when they die or take too long.

use std::fs;
use std::io;
use std::pin::pin;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::ocr::PagePicture;
use super::worker::{self, Answer, Extracted, PictureSize, Request};
use super::{ExtractError, ExtractOptions, MEMORY_VARIABLE, SUBCOMMAND};
use crate::ocr::GrayImage;

/// How long the last words of a dead child are waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How many times its limit a child may take by the clock: it may have to wait for a processor,
/// but it may also wait for what never comes.
const PATIENCE: u32 = 8;

pub(super) struct Pool {
    options: ExtractOptions,
    permits: Semaphore,
    idle: Mutex<Vec<Worker>>,
}

impl Pool {
    pub(super) fn new(options: ExtractOptions) -> Self {
        let permits = Semaphore::new(options.workers.max(1));
        Self { options, permits, idle: Mutex::default() }
    }

    /// Of PDFs that are locked.
    pub(super) fn passwords(&self) -> &[String] {
        &self.options.passwords
    }

    /// Whether comments of reviewers are text.
    pub(super) fn reads_comments(&self) -> bool {
        self.options.comments
    }

    /// Has a child parse the file. Waits while all children are busy.
    ///
    /// Dropping the future kills the child that was asked.
    pub(super) async fn parse(
        &self,
        request: &Request,
        bytes: &[u8],
    ) -> Result<Extracted, ExtractError> {
        Ok(self.answered(request, bytes).await?.0)
    }

    /// The same for the picture of a page.
    pub(super) async fn picture(
        &self,
        request: &Request,
        bytes: &[u8],
    ) -> Result<PagePicture, ExtractError> {
        let (size, pixels) = self.answered::<PictureSize>(request, bytes).await?;
        let PictureSize { width, height, units_per_pixel } = size;
        let picture = GrayImage { width, height, pixels };
        Ok(PagePicture { picture, units_per_pixel })
    }

    /// With the pixels, where a picture was asked for.
    async fn answered<T: DeserializeOwned>(
        &self,
        request: &Request,
        bytes: &[u8],
    ) -> Result<(T, Vec<u8>), ExtractError> {
        let Ok(_permit) = self.permits.acquire().await else {
            return Err(ExtractError::new("the workers are shut down"));
        };
        let used = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(worker) = used {
            match self.ask(worker, request, bytes).await {
                // What earlier files left behind counts against the limit: a fresh child decides.
                Err(Failed::Died(_)) => {}
                outcome => return outcome.map_err(|failed| failed.reason(&self.options)),
            }
        }
        let worker = self.start()?;
        self.ask(worker, request, bytes).await.map_err(|failed| failed.reason(&self.options))
    }

    fn start(&self) -> Result<Worker, ExtractError> {
        Worker::start(&self.options)
            .map_err(|error| ExtractError::new(&format!("no worker could be started: {error}")))
    }

    /// Keeps the worker where it lives on.
    async fn ask<T: DeserializeOwned>(
        &self,
        mut worker: Worker,
        request: &Request,
        bytes: &[u8],
    ) -> Result<(T, Vec<u8>), Failed> {
        match worker.exchange_within(self.options.timeout, request, bytes).await {
            Some(Ok(answer)) => {
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
                answer.map_err(Failed::Refused)
            }
            Some(Err(_)) => Err(Failed::Died(worker.last_words().await)),
            None => Err(Failed::TimedOut),
        }
    }
}

/// Why a worker gave no document.
enum Failed {
    Refused(String),
    TimedOut,
    /// What it wrote to standard error, or its exit status.
    Died(String),
}

impl Failed {
    fn reason(self, options: &ExtractOptions) -> ExtractError {
        let is_of_child = !matches!(self, Self::Refused(_));
        let error = ExtractError::new(&match self {
            Self::Refused(reason) => reason,
            Self::TimedOut => format!("took longer than {} s", options.timeout.as_secs_f64()),
            Self::Died(words) if words.contains("memory allocation") => {
                format!("needed more than {} MB", options.memory_mb)
            }
            Self::Died(words) if words.contains("overflowed its stack") => {
                "nested too deeply".to_owned()
            }
            Self::Died(words) => format!("the parser crashed: {words}"),
        });
        ExtractError { is_of_child, ..error }
    }
}

/// A child process; it ends when its standard input does, and is killed when this is dropped.
struct Worker {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    fn start(options: &ExtractOptions) -> io::Result<Self> {
        let mut command = Command::new(&options.program);
        command
            .arg(SUBCOMMAND)
            .env_clear()
            .env(MEMORY_VARIABLE, options.memory_mb.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // Ctrl-C is the parent's to handle: what was begun may be finished.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(requests), Some(answers)) => {
                Ok(Self { child, requests, answers: BufReader::new(answers) })
            }
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// `None` where that took more than `limit` of processor time.
    async fn exchange_within<T: DeserializeOwned>(
        &mut self,
        limit: Duration,
        request: &Request,
        bytes: &[u8],
    ) -> Option<io::Result<Answer<(T, Vec<u8>)>>> {
        let (child, begun) = (self.child.id(), Instant::now());
        let before = child.and_then(processor_time);
        // It stops by itself before it is stopped, if it can.
        let request = Request { limit: limit / 5 * 4, ..request.clone() };
        let mut exchange = pin!(self.exchange(&request, bytes));
        let mut left = limit;
        loop {
            if let Ok(answer) = timeout(left, &mut exchange).await {
                return Some(answer);
            }
            let used = child.and_then(processor_time)?.saturating_sub(before?);
            if used >= limit || begun.elapsed() >= limit * PATIENCE {
                return None;
            }
            left = limit.saturating_sub(used).max(limit / 20);
        }
    }

    async fn exchange<T: DeserializeOwned>(
        &mut self,
        request: &Request,
        bytes: &[u8],
    ) -> io::Result<Answer<(T, Vec<u8>)>> {
        self.requests.write_all(&request.header(bytes.len())?).await?;
        self.requests.write_all(bytes).await?;
        self.requests.flush().await?;
        let mut magic = [0; worker::MAGIC.len()];
        self.answers.read_exact(&mut magic).await?;
        if magic != worker::MAGIC {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not an answer"));
        }
        let answer: Answer<T> = serde_json::from_slice(&self.read_sized().await?)?;
        Ok(match answer {
            Ok(answer) if request.page.is_some() => Ok((answer, self.read_sized().await?)),
            answer => answer.map(|answer| (answer, Vec::new())),
        })
    }

    /// Reads a length and so many bytes.
    async fn read_sized(&mut self) -> io::Result<Vec<u8>> {
        let length = self.answers.read_u64_le().await?;
        let mut bytes = Vec::new();
        (&mut self.answers).take(length).read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    /// What a dead child wrote to standard error; else how it ended.
    async fn last_words(mut self) -> String {
        let words = async {
            let mut words = Vec::new();
            if let Some(stderr) = self.child.stderr.take() {
                stderr.take(4096).read_to_end(&mut words).await?;
            }
            let status = self.child.wait().await?;
            let words = String::from_utf8_lossy(&words).into_owned();
            Ok::<_, io::Error>(if words.trim().is_empty() { status.to_string() } else { words })
        };
        match timeout(LAST_WORDS, words).await {
            Ok(Ok(words)) => words,
            _ => "no reason known".to_owned(),
        }
    }
}

/// What a process has used so far; `None` where the system does not tell.
fn processor_time(process: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program stands in brackets, and may have blanks in it.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    let (user, system) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some(Duration::from_millis((user + system) * 1000 / rustix::param::clock_ticks_per_second()))
}
