//! Colours and hyperlinks, or plain text.

use std::path::Path;

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_encode};

use crate::types::is_url;

/// Characters to encode in the URL of a page: it is a URL already, but nothing in it may end the
/// hyperlink.
const NOT_PRINTABLE: &AsciiSet = &CONTROLS.add(b' ');

/// Characters to encode in the path of a file.
const NOT_IN_PATHS: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// How to mark up text for one stream.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    pub color: bool,
    /// Whether the stream is a terminal.
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

    /// `text` as an OSC 8 hyperlink to a source, if the terminal supports them: the URL of a page, or a
    /// file relative to `root`.
    pub fn link(self, text: &str, source: &str, root: &Path) -> String {
        let file = root.join(source);
        if !(self.color && self.tty && file.is_absolute()) {
            return text.to_owned();
        }
        let url = if is_url(source) {
            percent_encode(source.as_bytes(), NOT_PRINTABLE).to_string()
        } else {
            format!("file://{}", percent_encode(file.as_os_str().as_encoded_bytes(), NOT_IN_PATHS))
        };
        format!("\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_files_and_to_pages() {
        let root = Path::new("/project");
        let style = Style::new(true, true);
        for (source, url) in [
            ("docs/a b.md", "file:///project/docs/a%20b.md"),
            ("/else/ü", "file:///else/%C3%BC"),
            ("https://example.org/a?b=c&d", "https://example.org/a?b=c&d"),
            ("https://example.org/\x1b]8;;x", "https://example.org/%1B]8;;x"),
        ] {
            let expected = format!("\x1b]8;;{url}\x1b\\text\x1b]8;;\x1b\\");
            assert_eq!(style.link("text", source, root), expected);
        }
        assert_eq!(Style::new(true, false).link("text", "a", root), "text");
    }
}
