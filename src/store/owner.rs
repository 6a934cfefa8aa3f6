//! The owner of a collection, or of anything else that has one owner at a time: a process on some host.

use std::fmt;
use std::path::PathBuf;
use std::process;

use chrono::{SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// A process, described so that another process can name it to a person and check whether it still runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Owner {
    pid: u32,
    command: String,
    host: String,
    /// Where `pid` means this process and no other: one boot of one machine, and one container on it. Host
    /// names are not unique. Empty where it is unknown.
    #[serde(default)]
    machine: String,
    /// RFC 3339, UTC.
    since: String,
}

impl Owner {
    /// This process, from now on.
    pub(crate) fn this() -> Self {
        Self {
            pid: process::id(),
            command: command(),
            host: host_name(),
            machine: machine(),
            since: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
        }
    }

    /// Whether the process has certainly ended. For a process on another machine this can't be seen from
    /// here, so it counts as running.
    pub(super) fn is_gone(&self) -> bool {
        !self.machine.is_empty() && self.machine == machine() && !exists(self.pid)
    }
}

/// `process 4711 (docent ingest) on host alpha since 2026-01-01T12:00:00Z`.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, command, host, since, .. } = self;
        write!(f, "process {pid} ({command}) on host {host} since {since}")
    }
}

/// Program and subcommand only: other arguments may contain keys.
fn command() -> String {
    let mut args = std::env::args_os().map(PathBuf::from);
    let program = args.next().and_then(|path| path.file_stem().map(PathBuf::from));
    let mut words = vec![program.map_or_else(|| "docent".into(), |p| p.display().to_string())];
    let subcommand = args.next().map(|arg| arg.display().to_string());
    words.extend(subcommand.filter(|word| word.bytes().all(|b| b.is_ascii_lowercase())));
    words.join(" ")
}

/// The host name of this machine.
pub(crate) fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"))
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(target_os = "linux")]
fn machine() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    let pids = std::fs::read_link("/proc/self/ns/pid");
    match (boot, pids) {
        (Ok(boot), Ok(pids)) => format!("{} {}", boot.trim(), pids.display()),
        _ => String::new(),
    }
}

#[cfg(not(target_os = "linux"))]
fn machine() -> String {
    String::new()
}

#[cfg(unix)]
fn exists(pid: u32) -> bool {
    use rustix::io::Errno;
    use rustix::process::{Pid, test_kill_process};
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    // A process of another user answers with a refusal.
    test_kill_process(pid) != Err(Errno::SRCH)
}

#[cfg(not(unix))]
fn exists(_pid: u32) -> bool {
    true
}

#[cfg(test)]
impl Owner {
    /// An owner whose process has ended, on this machine or on another one.
    pub(super) fn dead(here: bool) -> Self {
        let mut child = process::Command::new("true").spawn().expect("a process starts");
        child.wait().expect("it ends");
        let machine = if here { machine() } else { "elsewhere".to_owned() };
        let (command, host) = ("docent ingest".to_owned(), "alpha".to_owned());
        Self { pid: child.id(), command, host, machine, since: "2026-01-01T00:00:00Z".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_described_without_its_other_arguments() {
        let text = Owner::this().to_string();
        assert!(text.starts_with(&format!("process {} (", process::id())), "{text}");
        assert!(text.contains(") on host ") && text.ends_with('Z'), "{text}");
        assert_eq!(
            Owner { pid: 7, ..Owner::dead(false) }.to_string(),
            "process 7 (docent ingest) on host alpha since 2026-01-01T00:00:00Z"
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_is_gone_when_it_ended_on_this_machine() {
        assert!(!Owner::this().is_gone());
        assert!(Owner::dead(true).is_gone());
        assert!(!Owner::dead(false).is_gone(), "a process elsewhere can't be seen");
        assert!(!Owner { machine: String::new(), ..Owner::dead(true) }.is_gone());
        // A process of another user counts as well.
        assert!(!Owner { pid: 1, ..Owner::this() }.is_gone());
    }
}
