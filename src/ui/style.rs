//! Colour and hyperlinks, or neither.

use std::fmt::Write as _;
use std::path::Path;

/// How to mark up text for one stream.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    pub color: bool,
    /// The stream is a terminal.
    pub tty: bool,
}

impl Style {
    pub fn new(color: bool, tty: bool) -> Self {
        Self { color, tty }
    }

    pub fn strong(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    pub fn error(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    pub fn warning(self, text: &str) -> String {
        self.paint("1;33", text)
    }

    /// A word of the question, found in a passage.
    pub fn matched(self, text: &str) -> String {
        self.paint("1;33", text)
    }

    pub fn citation(self, text: &str) -> String {
        self.paint("36", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// `text` as an OSC 8 hyperlink to a file, where the terminal takes them.
    pub fn link(self, text: &str, file: &Path) -> String {
        if !(self.color && self.tty && file.is_absolute()) {
            return text.to_owned();
        }
        let mut url = String::from("file://");
        for byte in file.as_os_str().as_encoded_bytes() {
            if byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte) {
                url.push(char::from(*byte));
            } else {
                let _ = write!(url, "%{byte:02X}");
            }
        }
        format!("\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\")
    }
}
