//! A terminal to run docent in: what is sent is typed, what is expected must appear.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::pty::{Winsize, openpty};

/// How long a test waits for something that must appear.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<Screen>,
    /// Bytes of the screen before what is still to be expected.
    seen: usize,
}

#[derive(Default)]
struct Screen {
    shown: Mutex<Shown>,
    changed: Condvar,
}

#[derive(Default)]
struct Shown {
    bytes: Vec<u8>,
    over: bool,
}

impl Screen {
    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Terminal {
    /// Runs a command in a terminal of 80 columns, which is the one that its Ctrl-C comes from.
    pub(crate) fn run(command: &Command) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None).expect("a terminal");
        // A program that held its own terminal open would never notice that it is gone.
        for end in [&pty.master, &pty.slave] {
            rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC).expect("a flag");
        }
        let stream = || Stdio::from(pty.slave.try_clone().expect("a descriptor"));
        let mut in_session = Command::new("setsid");
        in_session.arg("--ctty").arg(command.get_program()).args(command.get_args());
        in_session.env_clear().envs(command.get_envs().filter_map(|(k, v)| Some((k, v?))));
        in_session.env("TERM", "xterm-256color").env("LANG", "C.UTF-8");
        in_session.current_dir(command.get_current_dir().expect("a directory"));
        in_session.stdin(stream()).stdout(stream()).stderr(stream());
        let child = in_session.spawn().expect("docent starts");
        drop(in_session);
        drop(pty.slave);
        let keyboard = File::from(pty.master);
        let screen = Arc::new(Screen::default());
        let (mut output, shared) = (keyboard.try_clone().expect("a descriptor"), screen.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Reading fails when the last process in the terminal is gone.
            while let Ok(read @ 1..) = output.read(&mut buffer) {
                shared.lock().bytes.extend_from_slice(&buffer[..read]);
                shared.changed.notify_all();
            }
            shared.lock().over = true;
            shared.changed.notify_all();
        });
        Self { child, keyboard, screen, seen: 0 }
    }

    pub(crate) fn send(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Blocks until `text` has appeared after what was expected before.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) {
        self.until(text);
    }

    /// The same; returns everything that was shown before it.
    #[track_caller]
    pub(crate) fn until(&mut self, text: &str) -> String {
        let find = |shown: &Shown| {
            let rest = &shown.bytes[self.seen..];
            rest.windows(text.len()).position(|window| window == text.as_bytes())
        };
        let (shown, _) = self
            .screen
            .changed
            .wait_timeout_while(self.screen.lock(), PATIENCE, |shown| {
                !shown.over && find(shown).is_none()
            })
            .unwrap_or_else(PoisonError::into_inner);
        let Some(at) = find(&shown) else {
            panic!("{text:?} did not appear in:\n{}", String::from_utf8_lossy(&shown.bytes));
        };
        let before = String::from_utf8_lossy(&shown.bytes[..self.seen + at]).into_owned();
        drop(shown);
        self.seen += at + text.len();
        before
    }

    /// Blocks until the program has ended.
    #[track_caller]
    pub(crate) fn end(self) -> Option<i32> {
        self.last().0
    }

    /// The same; returns what was shown after what was expected, too.
    #[track_caller]
    pub(crate) fn last(mut self) -> (Option<i32>, String) {
        let (shown, timeout) = self
            .screen
            .changed
            .wait_timeout_while(self.screen.lock(), PATIENCE, |shown| !shown.over)
            .unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&shown.bytes);
        assert!(!timeout.timed_out(), "docent goes on after:\n{text}");
        let last = String::from_utf8_lossy(&shown.bytes[self.seen..]).into_owned();
        drop(shown);
        (self.child.wait().expect("docent ends").code(), last)
    }
}

impl Drop for Terminal {
    /// A test that failed leaves nothing behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
