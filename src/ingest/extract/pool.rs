//! The parent's side: child processes that parse, started when first needed, used again, and
//! replaced when they die or take too long.

use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::ocr::{PagePicture, WantedPage};
use super::worker::{self, Extracted, PictureSize, WorkerReply, WorkerRequest};
use super::{ExtractError, ExtractOptions, MEMORY_VARIABLE, SUBCOMMAND};
use crate::ocr::GrayImage;

/// How long to wait for the last words of a dead child.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How many times its limit a child may take by the clock: it may have to wait for a processor, but it may also
/// be waiting for something that never comes.
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

    /// Passwords to try on locked PDFs.
    pub(super) fn passwords(&self) -> &[String] {
        &self.options.passwords
    }

    /// Whether reviewers' comments are text.
    pub(super) fn reads_comments(&self) -> bool {
        self.options.comments
    }

    /// Has a child parse the file. Waits while all children are busy.
    ///
    /// Dropping the future kills the child that was asked.
    pub(super) async fn parse(
        &self,
        request: &WorkerRequest,
        bytes: &[u8],
    ) -> Result<Extracted, ExtractError> {
        let Ok(_permit) = self.permits.acquire().await else { return Err(shut_down()) };
        let used = self.idle().pop();
        if let Some(worker) = used {
            match self.ask(worker, request, bytes).await {
                // Memory that earlier files left behind counts against the limit, so a fresh child decides.
                Err(Failed::Died(_)) => {}
                outcome => return outcome.map_err(|failed| failed.reason(&self.options)),
            }
        }
        let worker = self.start()?;
        self.ask(worker, request, bytes).await.map_err(|failed| failed.reason(&self.options))
    }

    /// Has a child draw pages of the file, as [`PagePictures::next`] asks for them. The child is reserved until all
    /// are drawn.
    pub(super) fn pictures<'a>(
        &'a self,
        request: &'a WorkerRequest,
        bytes: &'a [u8],
        pages: &[WantedPage],
    ) -> PagePictures<'a> {
        let left = pages.iter().copied().collect();
        PagePictures { pool: self, request, bytes, left, permit: None, asked: None }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self) -> Result<Worker, ExtractError> {
        Worker::start(&self.options)
            .map_err(|error| ExtractError::new(&format!("no worker could be started: {error}")))
    }

    /// Sends the request, and returns the worker to the pool if it survives.
    async fn ask(
        &self,
        mut worker: Worker,
        request: &WorkerRequest,
        bytes: &[u8],
    ) -> Result<Extracted, Failed> {
        let (child, limit) = (worker.child.id(), self.options.timeout);
        let exchange = async {
            worker.send(request, limit, bytes).await?;
            worker.answer::<Extracted>().await
        };
        match within(child, limit, exchange).await {
            Some(Ok(answer)) => {
                self.idle().push(worker);
                answer.map_err(Failed::Refused)
            }
            Some(Err(_)) => Err(Failed::Died(worker.last_words().await)),
            None => Err(Failed::TimedOut),
        }
    }
}

fn shut_down() -> ExtractError {
    ExtractError::new("the workers are shut down")
}

/// Pages of one file that a child draws one after the other: the file is sent and opened once.
/// If the child dies over a page, another child goes on with the next.
///
/// Dropping this, or a future that it returned, kills the child.
pub(super) struct PagePictures<'a> {
    pool: &'a Pool,
    request: &'a WorkerRequest,
    bytes: &'a [u8],
    left: VecDeque<WantedPage>,
    permit: Option<SemaphorePermit<'a>>,
    /// The worker that is drawing the remaining pages.
    asked: Option<Worker>,
}

impl PagePictures<'_> {
    /// The next page and its picture; `None` after the last.
    pub(super) async fn next(&mut self) -> Option<(u32, Result<PagePicture, ExtractError>)> {
        let WantedPage { page, .. } = *self.left.front()?;
        let picture = self.drawn().await;
        self.left.pop_front();
        if self.left.is_empty() {
            self.pool.idle().extend(self.asked.take());
            self.permit = None;
        }
        Some((page, picture))
    }

    async fn drawn(&mut self) -> Result<PagePicture, ExtractError> {
        if self.permit.is_none() {
            self.permit = Some(self.pool.permits.acquire().await.map_err(|_| shut_down())?);
        }
        let used = match self.asked.take() {
            Some(asked) => Some((asked, true)),
            None => self.pool.idle().pop().map(|idle| (idle, false)),
        };
        if let Some((worker, is_asked)) = used {
            match self.ask(worker, is_asked).await {
                // As for documents, a fresh child decides.
                Err(Failed::Died(_)) => {}
                outcome => return outcome.map_err(|failed| failed.reason(&self.pool.options)),
            }
        }
        let worker = self.pool.start()?;
        self.ask(worker, false).await.map_err(|failed| failed.reason(&self.pool.options))
    }

    /// Reads the next picture, and keeps the worker for the remaining pages if it survives.
    async fn ask(&mut self, mut worker: Worker, is_asked: bool) -> Result<PagePicture, Failed> {
        let (child, limit) = (worker.child.id(), self.pool.options.timeout);
        let exchange = async {
            if !is_asked {
                let pages = self.left.iter().copied().collect();
                let request = WorkerRequest { pages, ..self.request.clone() };
                worker.send(&request, limit, self.bytes).await?;
            }
            worker.picture().await
        };
        match within(child, limit, exchange).await {
            Some(Ok(answer)) => {
                self.asked = Some(worker);
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
    /// What the child wrote to standard error, or its exit status.
    Died(String),
}

impl Failed {
    fn reason(self, options: &ExtractOptions) -> ExtractError {
        let is_of_child = !matches!(self, Self::Refused(_));
        let error = ExtractError::new(&match self {
            Self::Refused(reason) => reason,
            Self::TimedOut => format!(
                "took longer than {} s (raise ingest.extract_timeout)",
                options.timeout.as_secs_f64()
            ),
            Self::Died(words) if words.contains("memory allocation") => {
                format!("needed more than {} MB (raise ingest.extract_memory)", options.memory_mb)
            }
            Self::Died(words) if words.contains("overflowed its stack") => {
                "nested too deeply".to_owned()
            }
            Self::Died(words) => format!("the parser crashed: {words}"),
        });
        ExtractError { is_of_child, ..error }
    }
}

/// A child process. It ends when its standard input does, and is killed when this value is dropped.
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
        // The parent handles Ctrl-C: a file that was started may be finished.
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

    /// `limit` is the processor time that the child may use for each answer.
    async fn send(
        &mut self,
        request: &WorkerRequest,
        limit: Duration,
        bytes: &[u8],
    ) -> io::Result<()> {
        // The child gets less, so that a parser that can stop by itself does so before it is killed.
        let request = WorkerRequest { limit: limit / 5 * 4, ..request.clone() };
        self.requests.write_all(&request.header(bytes.len())?).await?;
        self.requests.write_all(bytes).await?;
        self.requests.flush().await
    }

    async fn answer<T: DeserializeOwned>(&mut self) -> io::Result<WorkerReply<T>> {
        let mut magic = [0; worker::MAGIC.len()];
        self.answers.read_exact(&mut magic).await?;
        if magic != worker::MAGIC {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not an answer"));
        }
        Ok(serde_json::from_slice(&self.read_sized().await?)?)
    }

    async fn picture(&mut self) -> io::Result<WorkerReply<PagePicture>> {
        let size = match self.answer::<PictureSize>().await? {
            Ok(size) => size,
            Err(reason) => return Ok(Err(reason)),
        };
        let PictureSize { width, height, units_per_pixel } = size;
        let pixels = self.read_sized().await?;
        // Too few pixels: the child died while writing them.
        if pixels.len() as u64 != u64::from(width) * u64::from(height) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Ok(PagePicture { picture: GrayImage { width, height, pixels }, units_per_pixel }))
    }

    /// Reads a length and that many bytes.
    async fn read_sized(&mut self) -> io::Result<Vec<u8>> {
        let length = self.answers.read_u64_le().await?;
        let mut bytes = Vec::new();
        (&mut self.answers).take(length).read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    /// What a dead child wrote to standard error, else how it ended.
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

/// `None` if the child used more than `limit` of processor time before `answer` was ready.
async fn within<T>(
    child: Option<u32>,
    limit: Duration,
    answer: impl Future<Output = T>,
) -> Option<T> {
    let begun = Instant::now();
    let before = child.and_then(processor_time);
    let mut answer = pin!(answer);
    let mut left = limit;
    loop {
        if let Ok(answer) = timeout(left, &mut answer).await {
            return Some(answer);
        }
        let used = child.and_then(processor_time)?.saturating_sub(before?);
        if used >= limit || begun.elapsed() >= limit * PATIENCE {
            return None;
        }
        left = limit.saturating_sub(used).max(limit / 20);
    }
}

/// The processor time that a process has used so far; `None` where the system does not say.
#[cfg(target_os = "linux")]
fn processor_time(process: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program is in brackets, and may contain blanks.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    let (user, system) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some(Duration::from_millis((user + system) * 1000 / rustix::param::clock_ticks_per_second()))
}

#[cfg(not(target_os = "linux"))]
fn processor_time(_: u32) -> Option<Duration> {
    None
}
