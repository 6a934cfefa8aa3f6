//! A full disk: a run ends with an error instead of a signal, whatever it was about to do, and when
//! there is space again the next run ends with the collection that a clean ingest gives.
//!
//! The disk is a small tmpfs in a mount namespace of its own, which needs no privileges where the
//! system lets users have namespaces. Where it does not, the test says that it was not run.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Output, Stdio};

use crate::env::{Run, TestEnv};
use crate::kill::points;

/// Some more than docent wants to have free before it writes.
const SMALL: &str = "80m";
const INGEST: &[&str] = &["ingest", "docs"];

/// A shell that sees the disk, mounted at `disk` in the project.
struct Disk {
    shell: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Disk {
    /// `None` where nothing can be mounted. With a user namespace it takes no privileges; root may
    /// have to do without one.
    fn mount(env: &TestEnv) -> Option<Self> {
        ["-Urm", "-m"].iter().find_map(|flags| Self::mount_with(env, flags))
    }

    fn mount_with(env: &TestEnv, flags: &str) -> Option<Self> {
        let script =
            format!("mount -t tmpfs -o size={SMALL} tmpfs disk && echo mounted && exec sh");
        let mut shell = Command::new("unshare")
            .args([flags, "sh", "-c", &script])
            .current_dir(env.project())
            .env_clear()
            .env("HOME", env.home())
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let (asks, answers) = (shell.stdin.take()?, shell.stdout.take()?);
        let mut disk = Self { shell, asks, answers: BufReader::new(answers) };
        (disk.answer() == "mounted").then_some(disk)
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        line.trim_end().to_owned()
    }

    /// Runs a line of shell; its exit code.
    fn run(&mut self, line: &str) -> i32 {
        writeln!(self.asks, "{line}; echo $?").expect("a shell that reads");
        self.answer().parse().expect("an exit code")
    }

    /// Runs docent with its collection on the disk.
    fn docent(&mut self, env: &TestEnv, args: &[&str]) -> Run {
        let quoted: Vec<String> = args.iter().map(|arg| format!("'{arg}'")).collect();
        let docent = env!("CARGO_BIN_EXE_docent");
        let line = format!("'{docent}' {} --data-dir disk/data >out 2>err", quoted.join(" "));
        let status = ExitStatus::from_raw(self.run(&line) << 8);
        let read = |name: &str| std::fs::read(env.path(name)).expect("an output");
        env.outcome(args, Output { status, stdout: read("out"), stderr: read("err") })
    }
}

impl Drop for Disk {
    /// The disk goes with the last process that sees it.
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// Their chunks take more than the disk has.
const DOCUMENTS: u64 = 16;

fn documents(env: &TestEnv) {
    let mut number = 1_u64;
    for name in 0..DOCUMENTS {
        let mut text = format!("# Document {name}\n");
        for _ in 0..300 {
            let words = (0..40).map(|_| {
                number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                format!("w{}", (number >> 33) % 20_000)
            });
            text += &format!("\n{}.\n", words.collect::<Vec<_>>().join(" "));
        }
        env.write(&format!("docs/{name}.md"), text);
    }
}

/// What is said of a full disk, with the numbers replaced.
fn told(text: &str) -> String {
    let words = text.split(' ').map(|word| match word.parse::<u32>() {
        Ok(_) => "N",
        Err(_) => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

const FULL: &str = "error: the disk is full
  caused by: [PROJECT]/disk/data/collections/docent: N MiB are free, and N are needed
hint: free some space there, and run this again; --data-dir puts a collection on another disk
";

#[test]
#[expect(clippy::print_stderr, reason = "a test that is not run is not a test that passes")]
fn a_full_disk() {
    let env = TestEnv::new();
    documents(&env);
    std::fs::create_dir(env.path("disk")).expect("a directory");
    let Some(mut disk) = Disk::mount(&env) else {
        eprintln!("NOT RUN: a_full_disk. Nothing can be mounted here, not even in a namespace.");
        return;
    };
    let run = disk.docent(&env, INGEST).expect(4);
    assert_eq!(told(&run.stderr), FULL);
    let stored = disk.docent(&env, &["status", "--format", "json"]).expect(0).json();
    let stored = stored["documents"].as_u64().expect("a number");
    assert!((1..DOCUMENTS).contains(&stored), "{stored} documents are there: {run}");
    disk.docent(&env, &["search", "w17"]).expect(0);

    // Somebody else takes the rest.
    assert_ne!(disk.run("head -c 100M /dev/zero >disk/other 2>err"), 0);
    for args in [INGEST, &["ingest", "docs", "--check"], &["search", "w17"], &["status"]] {
        let run = disk.docent(&env, args).expect(4);
        assert_eq!(told(&run.stderr), FULL, "{run}");
    }
    let doctor = disk.docent(&env, &["doctor"]).expect(4);
    assert!(doctor.stdout.contains("failed  store     the disk is full: "), "{doctor}");

    assert_eq!(disk.run("mount -o remount,size=1g disk"), 0);
    disk.docent(&env, INGEST).expect(0);
    disk.docent(&env, &["ingest", "docs", "--check"]).expect(0);
    assert_eq!(disk.run("cp -r disk/data mended"), 0);
    env.run(&["ingest", "docs", "--data-dir", "clean"]).expect(0);
    assert_eq!(points(&env.path("mended")), points(&env.path("clean")));
}
