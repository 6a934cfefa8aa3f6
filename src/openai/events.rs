//! Turns a streamed response, as servers write it, into the data of its events.
//!
//! The event stream is that of the [HTML
//! standard](https://html.spec.whatwg.org/multipage/server-sent-events.html). Deviations of servers are
//! handled here: a response that comes whole although a stream was asked for, events without the empty line
//! between them, keep-alives that are events, and errors that differ from an answer only by the name of
//! their event.

use std::collections::VecDeque;
use std::io;

use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value, json};

use super::classify;

/// Most bytes of one event, or of a response that comes whole: more than any answer has.
const LONGEST: usize = 16 * 1024 * 1024;

/// Names of events that only keep the connection open.
const KEEP_ALIVE: &[&str] = &["keepalive", "keep-alive", "ping", "heartbeat"];

/// Parses a response while it arrives, however it is split.
#[derive(Default)]
pub(super) struct EventStream {
    form: Form,
    /// A line that has not ended, or the whole response if it is not an event stream.
    held: Vec<u8>,
    /// The previous line ended with CR, so an LF that follows belongs to it.
    after_cr: bool,
    name: String,
    data: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Form {
    #[default]
    Unknown,
    Events,
    /// JSON, or a web page.
    Whole,
}

impl EventStream {
    /// The data of the events that `bytes` complete, added to `out`.
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut VecDeque<String>) -> io::Result<()> {
        self.held.extend_from_slice(bytes);
        if self.form == Form::Unknown {
            self.form = form(&self.held, false);
        }
        if self.form == Form::Events {
            self.lines(out);
        }
        if self.held.len() > LONGEST {
            return Err(io::Error::other("one event of the answer has more than 16 MB"));
        }
        Ok(())
    }

    /// Returns what was held when the response ended. An event that was cut off is left out.
    pub(super) fn finish(&mut self, out: &mut VecDeque<String>) {
        if self.form == Form::Unknown {
            self.form = form(&self.held, true);
        }
        if self.form == Form::Whole {
            return whole(&String::from_utf8_lossy(&std::mem::take(&mut self.held)), out);
        }
        self.lines(out);
        let last = std::mem::take(&mut self.held);
        self.line(&String::from_utf8_lossy(&last), out);
        if self.is_complete() {
            self.dispatch(out);
        }
    }

    /// Handles every complete line: ended by CR LF, LF, or CR alone.
    fn lines(&mut self, out: &mut VecDeque<String>) {
        let held = std::mem::take(&mut self.held);
        let mut rest = held.as_slice();
        loop {
            if self.after_cr && !rest.is_empty() {
                rest = rest.strip_prefix(b"\n").unwrap_or(rest);
                self.after_cr = false;
            }
            let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                break;
            };
            self.line(&String::from_utf8_lossy(&rest[..end]), out);
            self.after_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
        }
        self.held = rest.to_vec();
    }

    fn line(&mut self, line: &str, out: &mut VecDeque<String>) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" if line.is_empty() => self.dispatch(out),
            "data" | "event" => {
                // Some servers leave the empty line out.
                if !self.data.is_empty() && self.is_complete() {
                    self.dispatch(out);
                }
                match field {
                    "data" => self.data.push(value.to_owned()),
                    _ => value.clone_into(&mut self.name),
                }
            }
            // A comment, or a field that has no meaning here.
            _ => {}
        }
    }

    fn is_complete(&self) -> bool {
        let data = self.data.join("\n");
        data.trim() == "[DONE]" || serde_json::from_str::<IgnoredAny>(&data).is_ok()
    }

    fn dispatch(&mut self, out: &mut VecDeque<String>) {
        let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
        let data = data.join("\n");
        match name.as_str() {
            name if KEEP_ALIVE.contains(&name) => {}
            _ if data.trim().is_empty() => {}
            "error" => out.push_back(error(data.trim())),
            _ => out.push_back(data.trim().to_owned()),
        }
    }
}

/// The form of a response, judged by its beginning; its content type is often wrong.
fn form(begun: &[u8], ended: bool) -> Form {
    const FIELDS: [&[u8]; 5] = [b"data", b"event", b"id", b"retry", b":"];
    let text = begun.trim_ascii_start();
    if FIELDS.iter().any(|field| text.starts_with(field)) {
        return Form::Events;
    }
    let undecided = FIELDS.iter().any(|field| field.starts_with(text));
    if undecided && !ended { Form::Unknown } else { Form::Whole }
}

/// A response that comes at once, or as JSON values line by line. Anything else is passed on unchanged, for
/// the caller to report.
fn whole(text: &str, out: &mut VecDeque<String>) {
    let values = Deserializer::from_str(text).into_iter::<Value>().collect::<Result<Vec<_>, _>>();
    match values {
        Ok(values) => out.extend(values.iter().map(Value::to_string)),
        Err(_) if text.trim().is_empty() => {}
        Err(_) => out.push_back(text.trim().to_owned()),
    }
}

/// The data of an event that is named `error`, in a shape that is an error without its name.
fn error(data: &str) -> String {
    match serde_json::from_str::<Value>(data) {
        Ok(value) if classify::is_error(&value) => data.to_owned(),
        Ok(value) => json!({"error": value}).to_string(),
        Err(_) => json!({"error": {"message": data}}).to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
        let (mut stream, mut out) = (EventStream::default(), VecDeque::new());
        for piece in pieces {
            stream.push(piece, &mut out).unwrap();
        }
        stream.finish(&mut out);
        let events = out.iter().map(|data| format!("data: {}\n\n", data.replace('\n', "\ndata: ")));
        events.collect()
    }

    const TABLE: &[(&str, &str)] = &[
        ("data: {\"a\":1}\n\ndata: [DONE]\n\n", "data: {\"a\":1}\n\ndata: [DONE]\n\n"),
        (
            "data:{\"a\":\"é\"}\r\n\r\ndata:[DONE] \r\n\r\n",
            "data: {\"a\":\"é\"}\n\ndata: [DONE]\n\n",
        ),
        ("data: 1\r\rdata: 2\r\r", "data: 1\n\ndata: 2\n\n"),
        (": PROCESSING\n\ndata: 1\n\n: PROCESSING\n\n", "data: 1\n\n"),
        ("event: ping\ndata: {\"type\":\"ping\"}\n\ndata: 1\n\n", "data: 1\n\n"),
        ("id: 1\nretry: 5\nevent: message\ndata: 1\nnonsense\n\n", "data: 1\n\n"),
        ("data:\n\ndata: \n\ndata\n\ndata: 1\n\n", "data: 1\n\n"),
        ("data: {\"a\":\ndata: 1}\n\n", "data: {\"a\":\ndata: 1}\n\n"),
        ("data: 1\ndata: 2\nevent: x\ndata: 3\n", "data: 1\n\ndata: 2\n\ndata: 3\n\n"),
        ("data: {\"a\":1}", "data: {\"a\":1}\n\n"),
        ("data: 1\n\ndata: {\"a\":", "data: 1\n\n"),
        (
            "event: error\ndata: {\"message\":\"overloaded\"}\n\n",
            "data: {\"error\":{\"message\":\"overloaded\"}}\n\n",
        ),
        (
            "data: overloaded\nevent: error\n\n",
            "data: {\"error\":{\"message\":\"overloaded\"}}\n\n",
        ),
        ("event: error\ndata: {\"error\":\"no\"}\n\n", "data: {\"error\":\"no\"}\n\n"),
        (" {\n \"choices\": []\n}\n", "data: {\"choices\":[]}\n\n"),
        ("{\"a\":1}\n{\"a\":2}\n", "data: {\"a\":1}\n\ndata: {\"a\":2}\n\n"),
        ("<!doctype html>\n<p>in</p>", "data: <!doctype html>\ndata: <p>in</p>\n\n"),
        ("da", "data: da\n\n"),
        ("", ""),
    ];

    #[test]
    fn every_way_to_write_a_stream_is_read() {
        for (text, events) in TABLE {
            assert_eq!(read([text.as_bytes()]), *events, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_events(
            row in 0..TABLE.len(),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..8),
        ) {
            let bytes = TABLE[row].0.as_bytes();
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            at.extend([0, bytes.len()]);
            at.sort_unstable();
            let whole = read([bytes]);
            prop_assert_eq!(&read(at.windows(2).map(|w| &bytes[w[0]..w[1]])), &whole);
            prop_assert_eq!(&read(bytes.chunks(1)), &whole);
        }
    }

    #[test]
    fn an_endless_line_is_given_up() {
        let (mut stream, mut out) = (EventStream::default(), VecDeque::new());
        stream.push(b"data: ", &mut out).unwrap();
        let megabyte = vec![b'x'; 1024 * 1024];
        let pushed = (0..17).map(|_| stream.push(&megabyte, &mut out)).find(Result::is_err);
        assert!(pushed.is_some() && out.is_empty());
    }
}
