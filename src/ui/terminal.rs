//! The terminal that bars and spinners are drawn on.

use std::io;

use console::Term;
use indicatif::{MultiProgress, ProgressDrawTarget, TermLike};

/// Columns of the `^C` that a terminal echoes.
const ECHO: u16 = 2;

/// Most frames per second.
const DRAWN: u8 = 20;

/// The target of bars: stderr, or nothing.
pub(super) fn bars(drawn: bool) -> MultiProgress {
    let target = if drawn {
        ProgressDrawTarget::term_like_with_hz(Box::new(Roomy(Term::stderr())), DRAWN)
    } else {
        ProgressDrawTarget::hidden()
    };
    MultiProgress::with_draw_target(target)
}

/// A terminal that reports less than its width. Bars fill the width, and the `^C` after a full line
/// would begin a new line: that line would be cleared, and the bar would stay.
#[derive(Debug)]
struct Roomy(Term);

impl TermLike for Roomy {
    fn width(&self) -> u16 {
        self.0.width().saturating_sub(ECHO + 1).max(1)
    }

    fn height(&self) -> u16 {
        self.0.height()
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.0.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}
