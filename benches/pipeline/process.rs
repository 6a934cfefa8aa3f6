//! Programs run as their users would run them, with their time and their memory.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Time and memory of a program.
#[derive(Clone, Default)]
pub(crate) struct Run {
    pub(crate) wall: Duration,
    /// Seconds until the first byte on standard output.
    pub(crate) first_byte: Duration,
    /// Peak of private memory, in bytes, without what is mapped from files.
    pub(crate) anonymous: u64,
    /// Peak of all memory, in bytes.
    pub(crate) resident: u64,
    pub(crate) stdout: String,
}

impl Run {
    pub(crate) fn seconds(&self) -> f64 {
        self.wall.as_secs_f64()
    }
}

/// docent in `dir`, with a cleared environment.
pub(crate) fn docent(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_docent"));
    command.args(args).current_dir(dir).env_clear().env("HOME", dir);
    command
}

/// Runs to the end. A program that fails ends the benchmark: its time says nothing.
pub(crate) fn run(command: &mut Command) -> Run {
    let shown = format!("{command:?}");
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null());
    let began = Instant::now();
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{shown}: {error}"));
    let (mut out, mut err) =
        (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let (anonymous, resident) = (AtomicU64::new(0), AtomicU64::new(0));
    let done = AtomicBool::new(false);
    let status = format!("/proc/{}/status", child.id());
    let mut run = Run::default();
    let mut errors = String::new();
    let code = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let text = std::fs::read_to_string(&status).unwrap_or_default();
                anonymous.fetch_max(field(&text, "RssAnon:"), Ordering::Relaxed);
                resident.fetch_max(field(&text, "VmHWM:"), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        scope.spawn(|| err.read_to_string(&mut errors));
        let mut first = [0];
        let some = out.read(&mut first).unwrap_or(0);
        run.first_byte = began.elapsed();
        let mut rest = first[..some].to_vec();
        let _ = out.read_to_end(&mut rest);
        let code = child.wait();
        run.wall = began.elapsed();
        done.store(true, Ordering::Relaxed);
        run.stdout = String::from_utf8_lossy(&rest).into_owned();
        code
    });
    assert!(code.is_ok_and(|code| code.success()), "{shown} failed:\n{}{errors}", run.stdout);
    (run.anonymous, run.resident) = (anonymous.into_inner(), resident.into_inner());
    run
}

/// A field of `/proc/PID/status`, in bytes.
fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024
}

/// Runs two programs alternately, so that both see the same machine, and returns the median of each.
pub(crate) fn in_turn(
    rounds: usize,
    mut one: impl FnMut() -> f64,
    mut other: impl FnMut() -> f64,
) -> (f64, f64) {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        first.push(one());
        second.push(other());
    }
    (median(first), median(second))
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
