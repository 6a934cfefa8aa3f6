//! Reads lines of limited length from one stream, and writes lines to another.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::Mutex;

/// Byte order mark, with which some editors begin a text.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// A line, without its end.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum InputLine {
    Whole(Vec<u8>),
    /// The line is skipped.
    TooLong,
}

pub(super) struct LineReader<R> {
    input: BufReader<R>,
    longest: usize,
    begun: Vec<u8>,
    /// The current line is too long, and was reported.
    passing: bool,
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    /// `longest`: most bytes of a line.
    pub(super) fn new(input: R, longest: usize) -> Self {
        Self { input: BufReader::new(input), longest, begun: Vec::new(), passing: false }
    }

    /// The next line; `None` at the end. If dropped, the next call continues where this one was.
    pub(super) async fn next(&mut self) -> Option<InputLine> {
        loop {
            // A stream that fails counts as ended.
            let read = self.input.fill_buf().await.unwrap_or_default();
            if read.is_empty() {
                // The last line of a piped message may lack its line break.
                let last = std::mem::take(&mut self.begun);
                return (!last.is_empty()).then(|| InputLine::Whole(stripped(last)));
            }
            let end = read.iter().position(|byte| *byte == b'\n');
            let part = &read[..end.unwrap_or(read.len())];
            let was_passing = self.passing;
            if !was_passing {
                self.passing = self.begun.len() + part.len() > self.longest;
                if self.passing {
                    self.begun = Vec::new();
                } else {
                    self.begun.extend_from_slice(part);
                }
            }
            let is_too_long = self.passing && !was_passing;
            let taken = end.map_or(part.len(), |end| end + 1);
            self.input.consume(taken);
            if end.is_some() {
                self.passing = false;
            }
            match end {
                _ if is_too_long => return Some(InputLine::TooLong),
                Some(_) if !was_passing => {
                    return Some(InputLine::Whole(stripped(std::mem::take(&mut self.begun))));
                }
                _ => {}
            }
        }
    }
}

fn stripped(mut line: Vec<u8>) -> Vec<u8> {
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    if line.starts_with(MARK) {
        line.drain(..MARK.len());
    }
    line
}

/// Clones write whole lines to the same stream.
pub(super) struct LineWriter<W>(Arc<Mutex<Option<W>>>);

impl<W> Clone for LineWriter<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W: AsyncWrite + Unpin> LineWriter<W> {
    pub(super) fn new(output: W) -> Self {
        Self(Arc::new(Mutex::new(Some(output))))
    }

    /// # Errors
    /// The stream is closed.
    pub(super) async fn write(&self, mut line: String) -> io::Result<()> {
        line.push('\n');
        let mut output = self.0.lock().await;
        let output = output.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        output.write_all(line.as_bytes()).await?;
        output.flush().await
    }

    pub(super) async fn close(&self) {
        self.0.lock().await.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(input: &[u8]) -> Vec<InputLine> {
        let mut reader = LineReader::new(input, 4);
        let mut lines = Vec::new();
        while let Some(line) = reader.next().await {
            lines.push(line);
        }
        lines
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_passed_over() {
        let whole = |text: &str| InputLine::Whole(text.as_bytes().to_vec());
        assert_eq!(
            lines(b"a\r\n12345\n1234\n\n123456789 123456789\nb\nend").await,
            [
                whole("a"),
                InputLine::TooLong,
                whole("1234"),
                whole(""),
                InputLine::TooLong,
                whole("b"),
                whole("end")
            ]
        );
        assert_eq!(lines(b"\xEF\xBB\xBFa\n123456").await, [whole("a"), InputLine::TooLong]);
        assert_eq!(lines(b"").await, []);
    }

    #[tokio::test]
    async fn a_read_that_was_given_up_loses_nothing() {
        let (input, mut writes) = tokio::io::duplex(64);
        let mut reader = LineReader::new(input, 64);
        writes.write_all(b"ab").await.expect("it is open");
        tokio::select! {
            biased;
            line = reader.next() => panic!("no line has ended: {line:?}"),
            () = tokio::task::yield_now() => {}
        }
        writes.write_all(b"cd\n").await.expect("it is open");
        assert_eq!(reader.next().await, Some(InputLine::Whole(b"abcd".to_vec())));
    }
}
