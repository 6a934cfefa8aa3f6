//! The child's side: parses what could hang, panic or eat memory.
//!
//! Requests and answers are frames on standard input and output. A request is a JSON [`Request`]
//! and the file, each after its length (eight bytes, little endian); an answer is [`MAGIC`], the
//! length and a JSON [`Answer`], and the same of the pixels where a picture was asked for.

use std::io::{self, Read, Write};
use std::time::Duration;
use std::{panic, thread};

use serde::{Deserialize, Serialize};

use super::ocr::PagePicture;
use super::parts::Parts;
use super::pdf::PagesUnread;
use super::{
    ExtractError, csv, docx, epub, html, image, json, mail, markup, notebook, odf, pdf, pptx, rtf,
    sheet, subtitles,
};
use crate::ingest::document::{Document, Syntax, Unit};
use crate::types::Kind;

/// What is known of a file before it is parsed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) source: String,
    pub(super) kind: Kind,
    /// See [`crate::types::DocumentRecord::text_fields`].
    pub(super) text_fields: Vec<String>,
    /// Processor time for the file. A parser that can stop by itself keeps what it has by then.
    pub(super) limit: Duration,
    /// Of PDFs that are locked.
    #[serde(default)]
    pub(super) passwords: Vec<String>,
    /// Comments of reviewers are text.
    #[serde(default)]
    pub(super) comments: bool,
    /// The page, from 1, that is wanted as a picture; `None` for the document.
    pub(super) page: Option<u32>,
    /// How many mails it is attached in, one in another.
    #[serde(default)]
    pub(super) nesting: u32,
}

impl Request {
    /// The frame of a request, up to the file.
    pub(super) fn header(&self, length: usize) -> io::Result<Vec<u8>> {
        let json = serde_json::to_vec(self)?;
        let mut header = (json.len() as u64).to_le_bytes().to_vec();
        header.extend(json);
        header.extend((length as u64).to_le_bytes());
        Ok(header)
    }
}

/// Bytes of text that a document may have: a small file can unpack to any size.
const MAX_TEXT: usize = 128 << 20;

/// Starts every answer: whatever a parser prints is not taken for one.
pub(super) const MAGIC: [u8; 4] = *b"dcnt";

/// What is asked for, or the reason why there is none.
pub(super) type Answer<T> = Result<T, String>;

/// What is made of a file.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Extracted {
    pub(super) document: Document,
    /// Pages that its text does not tell, or not all of them.
    #[serde(default)]
    pub(super) unread: PagesUnread,
}

impl From<Document> for Extracted {
    fn from(document: Document) -> Self {
        Self { document, unread: PagesUnread::default() }
    }
}

/// A [`PagePicture`] without its pixels.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct PictureSize {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) units_per_pixel: f32,
}

/// Name of the thread that parses; its panics are answers and are not printed.
const THREAD: &str = "extract";

/// Recursive parsers meet deep nesting. Only what is used of it becomes memory.
const STACK: usize = 64 << 20;

/// Serves requests until `input` ends. `memory_mb` limits the address space of the whole process
/// (0: no limit).
pub fn run_worker(
    input: &mut impl Read,
    output: &mut impl Write,
    memory_mb: u64,
) -> io::Result<()> {
    limit_memory(memory_mb)?;
    silence_panics();
    while let Some((request, bytes)) = read_request(input)? {
        match request.page {
            None => write_answer(output, &answer(move || parse(&request, &bytes)))?,
            Some(page) => {
                let picture = answer(move || page_picture(&request, page, &bytes));
                let size = picture.as_ref().map_err(String::clone).map(|it| PictureSize {
                    width: it.picture.width,
                    height: it.picture.height,
                    units_per_pixel: it.units_per_pixel,
                });
                write_answer(output, &size)?;
                if let Ok(PagePicture { picture, .. }) = picture {
                    output.write_all(&(picture.pixels.len() as u64).to_le_bytes())?;
                    output.write_all(&picture.pixels)?;
                    output.flush()?;
                }
            }
        }
    }
    Ok(())
}

/// A page of a file as a picture.
fn page_picture(request: &Request, page: u32, bytes: &[u8]) -> Result<PagePicture, ExtractError> {
    match request.kind {
        Kind::Pdf => {
            let page = pdf::page_picture(bytes, &request.passwords, page, request.limit)?;
            let units_per_pixel = 1.0 / page.pixels_per_point.max(f32::MIN_POSITIVE);
            Ok(PagePicture { picture: page.picture, units_per_pixel })
        }
        Kind::Image => {
            let picture = image::page(bytes, page)?;
            Ok(PagePicture { picture, units_per_pixel: 1.0 })
        }
        kind => Err(ExtractError::new(&format!("{kind} has no pictures of pages"))),
    }
}

pub(super) fn parse(request: &Request, bytes: &[u8]) -> Result<Extracted, ExtractError> {
    let (source, fields) = (&request.source, &request.text_fields);
    let document = match request.kind {
        Kind::Pdf => return within_limit(pdf::document(bytes, &request.passwords, request.limit)?),
        Kind::Image => return Ok(only_pictures(image::pages(bytes)?)),
        Kind::Html if mail::is_saved_page(source) => mail::page(bytes),
        Kind::Html => html::document(bytes),
        Kind::Docx => docx::document(source, bytes, request.comments),
        Kind::Pptx => pptx::document(source, bytes),
        Kind::Odt => odf::text(source, bytes, request.comments),
        Kind::Odp => odf::presentation(source, bytes),
        Kind::Rtf => rtf::document(bytes, request.comments),
        Kind::Spreadsheet => sheet::document(source, fields, bytes),
        Kind::Csv => csv::document(fields, bytes),
        Kind::Json => json::document(source, fields, bytes),
        Kind::Notebook => notebook::document(bytes),
        Kind::Epub => epub::document(bytes),
        Kind::Email => mail::document(request, bytes),
        Kind::Xml => markup::document(bytes),
        Kind::Subtitles => subtitles::document(bytes),
        kind @ (Kind::Markdown | Kind::Text | Kind::Rst | Kind::Asciidoc | Kind::Code) => {
            Err(ExtractError::new(&format!("{kind} is not read by a worker")))
        }
    }?;
    within_limit(document.into())
}

/// What is known of a picture file before it is read: how many pages it has.
fn only_pictures(pages: u32) -> Extracted {
    let document = Parts::new(Unit::Page).finish(String::new(), Syntax::Plain);
    Extracted { document, unread: PagesUnread::scanned(pages) }
}

fn within_limit(extracted: Extracted) -> Result<Extracted, ExtractError> {
    if extracted.document.text.len() > MAX_TEXT {
        let reason = format!("too large: more than {} MB of text", MAX_TEXT >> 20);
        return Err(ExtractError::new(&reason));
    }
    Ok(extracted)
}

/// Runs `work` on a thread with a stack of its own; a panic is a reason.
fn answer<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ExtractError> + Send + 'static,
) -> Answer<T> {
    let thread = thread::Builder::new().name(THREAD.to_owned()).stack_size(STACK).spawn(work);
    match thread.map(thread::JoinHandle::join) {
        Ok(Ok(outcome)) => outcome.map_err(|error| error.reason),
        Ok(Err(panic)) => Err(ExtractError::new(&pdf::panic_message(&*panic)).reason),
        Err(error) => Err(format!("no thread could be started: {error}")),
    }
}

fn limit_memory(memory_mb: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    if memory_mb == 0 {
        return Ok(());
    }
    let limit = Some(memory_mb << 20);
    Ok(setrlimit(Resource::As, Rlimit { current: limit, maximum: limit })?)
}

fn silence_panics() {
    let others = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if thread::current().name() != Some(THREAD) {
            others(info);
        }
    }));
}

/// `None` where the input ends between requests.
fn read_request(input: &mut impl Read) -> io::Result<Option<(Request, Vec<u8>)>> {
    let mut first = [0];
    if input.read(&mut first)? == 0 {
        return Ok(None);
    }
    let mut input = first.chain(input);
    let request = serde_json::from_slice(&read_sized(&mut input)?)?;
    Ok(Some((request, read_sized(&mut input)?)))
}

/// Reads a length and so many bytes.
fn read_sized(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 8];
    input.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    let mut bytes = Vec::new();
    input.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn write_answer<T: Serialize>(output: &mut impl Write, answer: &Answer<T>) -> io::Result<()> {
    let json = serde_json::to_vec(answer)?;
    output.write_all(&MAGIC)?;
    output.write_all(&(json.len() as u64).to_le_bytes())?;
    output.write_all(&json)?;
    output.flush()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn serve(requests: &[(Kind, &[u8])]) -> Vec<Answer<Extracted>> {
        let mut input = Vec::new();
        for (kind, bytes) in requests {
            let (source, text_fields) = ("a".to_owned(), Vec::new());
            let limit = Duration::MAX;
            let (passwords, comments, page, nesting) = (Vec::new(), false, None, 0);
            let kind = *kind;
            let request =
                Request { source, kind, text_fields, limit, passwords, comments, page, nesting };
            input.extend(request.header(bytes.len()).unwrap());
            input.extend(*bytes);
        }
        let mut output = Vec::new();
        run_worker(&mut input.as_slice(), &mut output, 0).unwrap();
        answers(&output)
    }

    fn answers(mut output: &[u8]) -> Vec<Answer<Extracted>> {
        let mut answers = Vec::new();
        while !output.is_empty() {
            assert_eq!(output[..4], MAGIC);
            let length = u64::from_le_bytes(output[4..12].try_into().unwrap()) as usize;
            answers.push(serde_json::from_slice(&output[12..12 + length]).unwrap());
            output = &output[12 + length..];
        }
        answers
    }

    #[test]
    fn many_requests_one_worker() {
        let answers = serve(&[
            (Kind::Html, b"<p>one"),
            (Kind::Pdf, b"not a PDF"),
            (Kind::Markdown, b"# x"),
            (Kind::Html, b"<p>two"),
        ]);
        assert_eq!(answers[0].as_ref().unwrap().document.text, "one");
        assert!(answers[1].as_ref().unwrap_err().contains("not a PDF"));
        assert_eq!(answers[2], Err("markdown is not read by a worker".to_owned()));
        assert_eq!(answers[3].as_ref().unwrap().document.text, "two");
    }

    #[test]
    fn a_panic_is_an_answer() {
        silence_panics();
        let panicked: Answer<()> = answer(|| panic!("index out of bounds"));
        assert_eq!(panicked, Err("the parser panicked: index out of bounds".to_owned()));
    }

    #[test]
    fn deep_recursion_fits_the_stack() {
        fn depth(levels: u64) -> u64 {
            let frame = std::hint::black_box([levels; 32]);
            if levels == 0 { 0 } else { 1 + depth(std::hint::black_box(frame[31]) - 1) }
        }
        assert_eq!(answer(|| Ok(depth(50_000))), Ok(50_000));
    }

    #[test]
    fn a_broken_request_ends_the_worker() {
        for broken in [&b"\x02\0\0\0\0\0\0\0{}"[..], b"\x05\0\0\0\0\0\0\0{}", b"\x02\0"] {
            assert!(run_worker(&mut &broken[..], &mut Vec::new(), 0).is_err());
        }
    }
}
