//! `install.sh`, with a scripted server.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use docent::types::ContentHash;

use crate::env::{Run, TestEnv};
use crate::site::{Answer, Site};

const TARGET: &str = "x86_64-unknown-linux-gnu";

struct Release {
    env: TestEnv,
    site: Site,
    archive: Vec<u8>,
}

impl Release {
    /// A release of a program that prints what it is.
    fn start() -> Self {
        let env = TestEnv::new();
        let program = format!("docent-{TARGET}/docent");
        script(&env.path(&program), "echo docent 9.9.9");
        let tar = Command::new("tar")
            .args(["-czf", "docent.tar.gz", &program])
            .current_dir(env.project())
            .status();
        assert!(tar.expect("tar runs").success());
        let archive = fs::read(env.path("docent.tar.gz")).expect("an archive");
        let release = Self { env, site: Site::start(), archive };
        release.answer(Answer::new("application/gzip", release.archive.clone()));
        release.answer_sum(&format!("{}  docent-{TARGET}.tar.gz\n", release.sum()));
        release
    }

    fn sum(&self) -> String {
        ContentHash::of(&self.archive).0
    }

    fn answer(&self, answer: Answer) {
        self.site.put(&format!("/docent-{TARGET}.tar.gz"), answer);
    }

    fn answer_sum(&self, text: &str) {
        self.site.put(&format!("/docent-{TARGET}.tar.gz.sha256"), Answer::text(text));
    }

    fn install(&self, args: &[&str]) -> Run {
        let mut command = Command::new("/bin/sh");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/install.sh");
        command
            .arg(script)
            .args(args)
            .current_dir(self.env.project())
            .env_clear()
            .env("HOME", self.env.home())
            // Commands that are put there come first.
            .env("PATH", format!("{}:/usr/bin:/bin", self.env.path("commands").display()))
            .env("GET_DOCENT_FROM", self.site.url(""))
            .stdin(Stdio::null());
        self.env.outcome(args, command.output().expect("a shell runs"))
    }

    fn installed(&self) -> PathBuf {
        self.env.home().join(".local/bin/docent")
    }

    /// Nothing is installed, and nothing is left of the attempt.
    #[track_caller]
    fn refuses(&self, args: &[&str], code: i32, why: &str) {
        let run = self.install(args).expect(code);
        assert!(run.stderr.contains(why), "{run}");
        assert!(!self.installed().exists());
        let left = fs::read_dir(self.env.home()).expect("a directory").count();
        assert_eq!(left, 0, "{run}");
    }
}

fn script(path: &Path, body: &str) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    fs::write(path, format!("#!/bin/sh\n{body}\n")).expect("a script");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("permissions");
}

#[test]
fn a_release_whose_sum_is_right_is_installed() {
    let release = Release::start();
    let run = release.install(&["--target", TARGET]).expect(0);
    assert!(run.stderr.contains("docent 9.9.9 is installed as [HOME]/.local/bin/docent"), "{run}");
    assert!(run.stderr.contains("is not on your PATH"), "{run}");
    let told = Command::new(release.installed()).output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&told.stdout), "docent 9.9.9\n");
    let asked = [".sha256", ""].map(|end| format!("/docent-{TARGET}.tar.gz{end}"));
    assert_eq!(release.site.asked(), asked);
    // Again, in the place of what is there, and nothing beside it.
    release.install(&["--target", TARGET]).expect(0);
    assert_eq!(fs::read_dir(release.env.home().join(".local/bin")).expect("it").count(), 1);
}

#[test]
fn the_build_for_this_machine_is_found() {
    let release = Release::start();
    let commands = release.env.path("commands");
    script(&commands.join("uname"), "[ \"$1\" = -s ] && echo Linux || echo x86_64");
    script(&commands.join("getconf"), "echo glibc 2.36");
    let to = release.env.path("bin");
    release.install(&["--to", to.to_str().expect("UTF-8")]).expect(0);
    assert!(to.join("docent").exists());
    for (uname, getconf, wanted) in [
        ("Linux x86_64", "glibc 2.17", "x86_64-unknown-linux-musl"),
        ("Linux aarch64", "", "aarch64-unknown-linux-musl"),
        ("Darwin arm64", "", "aarch64-apple-darwin"),
        ("Darwin x86_64", "", "x86_64-apple-darwin"),
    ] {
        let (system, machine) = uname.split_once(' ').expect("two words");
        script(
            &commands.join("uname"),
            &format!("[ \"$1\" = -s ] && echo {system} || echo {machine}"),
        );
        script(&commands.join("getconf"), &format!("echo {getconf}"));
        script(&commands.join("sysctl"), "exit 1");
        release.site.asked();
        release.refuses(&[], 1, "cannot be fetched");
        assert_eq!(release.site.asked(), [format!("/docent-{wanted}.tar.gz.sha256")], "{uname}");
    }
}

/// In a pipeline without docent.
#[test]
fn the_gate_for_pipelines_installs_what_is_not_there() {
    let release = Release::start();
    let commands = release.env.path("commands");
    script(&commands.join("uname"), "[ \"$1\" = -s ] && echo Linux || echo x86_64");
    script(&commands.join("getconf"), "echo glibc 2.36");
    let mut setup = Command::new("/bin/sh");
    setup
        .args([concat!(env!("CARGO_MANIFEST_DIR"), "/ci/docent-gate.sh"), "setup"])
        .current_dir(release.env.project())
        .env_clear()
        .env("HOME", release.env.home())
        .env("PATH", format!("{}:/usr/bin:/bin", commands.display()))
        .env("GET_DOCENT_FROM", release.site.url(""))
        .env("GATE_TOOLS", release.env.path("tools"));
    let run = release.env.outcome(&["setup"], setup.output().expect("a shell runs")).expect(0);
    // The program of this release prints what it is for any arguments, also when it is asked for a key.
    assert_eq!(run.stdout, "[PROJECT]/tools/docent\ndocent 9.9.9\n", "{run}");
}

#[test]
fn a_machine_without_a_release_is_told_what_to_do() {
    let release = Release::start();
    let uname = release.env.path("commands/uname");
    for (system, machine, why) in [
        ("Linux", "s390x", "there is no release for s390x"),
        ("Plan9", "x86_64", "there is no release for Plan9"),
        ("MINGW64_NT-10.0", "x86_64", "x86_64-pc-windows-msvc.zip"),
    ] {
        script(&uname, &format!("[ \"$1\" = -s ] && echo {system} || echo {machine}"));
        release.refuses(&[], 1, why);
    }
    assert!(release.site.asked().is_empty());
}

#[test]
fn what_is_not_what_was_released_is_refused() {
    let release = Release::start();
    let target = ["--target", TARGET];
    release.answer_sum(&format!("{}  docent.tar.gz\n", "0".repeat(64)));
    release.refuses(&target, 1, "is not what was released");
    release.answer_sum("<html>no such page</html>\n");
    release.refuses(&target, 1, "does not have a SHA-256");
    release.answer_sum("");
    release.refuses(&target, 1, "does not have a SHA-256");
    release.answer_sum(&release.sum());
    let half = release.archive[..release.archive.len() / 2].to_vec();
    release.answer(Answer::new("application/gzip", half.clone()));
    release.refuses(&target, 1, "is not what was released");
    release.answer(Answer::new("application/gzip", half).cut());
    release.refuses(&target, 1, "cannot be fetched");
}

#[test]
fn what_is_not_there_is_said_with_its_address() {
    let release = Release::start();
    release.refuses(
        &["--target", "sparc-sun-solaris"],
        1,
        "/docent-sparc-sun-solaris.tar.gz.sha256 cannot be fetched",
    );
    release.site.remove(&format!("/docent-{TARGET}.tar.gz"));
    release.refuses(
        &["--target", TARGET],
        1,
        &format!("/docent-{TARGET}.tar.gz cannot be fetched"),
    );
    release.site.asked();
    release.refuses(&["--target", TARGET, "--version", "v1.2.3"], 1, "cannot be fetched");
    assert_eq!(release.site.asked(), [format!("/v1.2.3/docent-{TARGET}.tar.gz.sha256")]);
}

#[test]
fn a_place_that_cannot_be_written_is_said() {
    let release = Release::start();
    let file = release.env.write("a file", "");
    let below = file.join("bin");
    release.refuses(
        &["--target", TARGET, "--to", &below.to_string_lossy()],
        1,
        "cannot be created",
    );
    // Root may write everywhere except where the system has files of its own.
    if Path::new("/proc/self").exists() {
        release.refuses(&["--target", TARGET, "--to", "/proc/self"], 1, "cannot be written");
    }
}

#[test]
fn wrong_usage_is_told_before_anything_is_asked() {
    let release = Release::start();
    release.refuses(&["--to"], 2, "--to takes a value");
    release.refuses(&["--target", ""], 2, "--target takes a value");
    release.refuses(&["here"], 2, "unknown argument: here");
    assert!(release.site.asked().is_empty());
    let help = release.install(&["--help"]).expect(0);
    assert!(help.stdout.contains("--from URL"), "{help}");
}

/// Until there is a release, the script does not use an address that somebody else may own.
#[test]
fn a_copy_of_no_release_needs_a_place() {
    let manifest = include_str!("../../Cargo.toml");
    let script = include_str!("../../install.sh");
    let repository =
        manifest.lines().find_map(|line| line.strip_prefix("repository = \"https://github.com/"));
    let repository = repository.expect("a repository").trim_end_matches('"');
    assert!(script.contains(&format!("\nrepository={repository}\n")), "{repository}");
}
