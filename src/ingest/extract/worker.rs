//! The child's side: runs the parsers that could hang, panic or exhaust memory.
//!
//! Requests and answers are frames on standard input and output. A request is a JSON [`WorkerRequest`] and the file,
//! each after its length (eight bytes, little endian). An answer is [`MAGIC`], the length and a JSON
//! [`WorkerReply`]; where a picture was requested, the length of its pixels and the pixels follow. Several pages are
//! answered one after the other as they are drawn: the file is sent and opened once.

use std::any::Any;
use std::io::{self, Read, Write};
use std::panic::AssertUnwindSafe;
use std::sync::mpsc::sync_channel;
use std::time::Duration;
use std::{panic, thread};

use serde::{Deserialize, Serialize};

use super::ocr::{PagePicture, WantedPage};
use super::pages_unread::PagesUnread;
use super::parts::PartsBuilder;
use super::{
    ExtractError, calendar, contacts, container, csv, docx, epub, html, image, json, mail, markup,
    no_text, notebook, odf, pdf, pptx, rtf, sheet, subtitles,
};
use crate::ingest::document::{Document, LocatorUnit, Syntax};
use crate::types::DocumentKind;

/// What is known about a file before it is parsed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct WorkerRequest {
    pub(super) source: String,
    pub(super) kind: DocumentKind,
    /// See [`crate::types::DocumentRecord::text_fields`].
    pub(super) text_fields: Vec<String>,
    /// Processor time for the file. A parser that can stop by itself keeps what it has by then.
    pub(super) limit: Duration,
    /// Passwords to try on locked PDFs.
    #[serde(default)]
    pub(super) passwords: Vec<String>,
    /// Whether reviewers' comments are text.
    #[serde(default)]
    pub(super) comments: bool,
    /// The pages that are wanted as pictures; none for the document. `limit` applies to each page.
    #[serde(default)]
    pub(super) pages: Vec<WantedPage>,
    /// How many mails this file is nested in, each attached to the next.
    #[serde(default)]
    pub(super) nesting: u32,
}

impl WorkerRequest {
    /// The frame of a request, without the file.
    pub(super) fn header(&self, length: usize) -> io::Result<Vec<u8>> {
        let json = serde_json::to_vec(self)?;
        let mut header = (json.len() as u64).to_le_bytes().to_vec();
        header.extend(json);
        header.extend((length as u64).to_le_bytes());
        Ok(header)
    }
}

/// Most bytes of text in a document: a small file can unpack to any size.
const MAX_TEXT: usize = 128 << 20;

/// Starts every answer, so that nothing a parser prints is taken for one.
pub(super) const MAGIC: [u8; 4] = *b"dcnt";

/// The result of a request, or the reason why there is none.
pub(super) type WorkerReply<T> = Result<T, String>;

/// The result of reading a file.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Extracted {
    pub(super) document: Document,
    /// Pages whose text is missing, or not all there.
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

/// Name of the thread that parses; its panics become answers and are not printed.
const THREAD: &str = "extract";

/// Stack of that thread: recursive parsers meet deep nesting. Only the part that is used becomes memory.
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
        if request.pages.is_empty() {
            write_answer(output, &answer(move || parse(&request, &bytes)))?;
        } else {
            write_pictures(output, request, bytes)?;
        }
    }
    Ok(())
}

/// Answers with the picture of each requested page. While one is written, the next one is drawn, and never
/// more.
fn write_pictures(
    output: &mut impl Write,
    request: WorkerRequest,
    bytes: Vec<u8>,
) -> io::Result<()> {
    let wanted = request.pages.len();
    let (taker, drawn) = sync_channel(0);
    let thread = spawn(move || {
        page_pictures(&request, bytes, |picture| taker.send(picture).is_ok());
    });
    let mut written = 0;
    for picture in drawn {
        write_picture(output, picture.map_err(|error| error.reason))?;
        written += 1;
    }
    let ended = match thread.map(thread::JoinHandle::join) {
        Ok(Ok(())) => "the page was not drawn".to_owned(),
        Ok(Err(panic)) => panic_message(&*panic),
        Err(error) => no_thread(&error),
    };
    (written..wanted).try_for_each(|_| write_picture(output, Err(ended.clone())))
}

fn write_picture(output: &mut impl Write, picture: WorkerReply<PagePicture>) -> io::Result<()> {
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
    Ok(())
}

/// Draws pages of a file, and gives each to `take` until `take` returns false.
fn page_pictures(
    request: &WorkerRequest,
    bytes: Vec<u8>,
    mut take: impl FnMut(Result<PagePicture, ExtractError>) -> bool,
) {
    let pages = &request.pages;
    match request.kind {
        DocumentKind::Pdf => {
            pdf::page_pictures(bytes, &request.passwords, pages, request.limit, |page| {
                take(page.map(|page| PagePicture {
                    units_per_pixel: 1.0 / page.pixels_per_point.max(f32::MIN_POSITIVE),
                    picture: page.picture,
                }))
            });
        }
        DocumentKind::Image => {
            // A panic of a decoder costs one page.
            let page = |wanted: &WantedPage| {
                panic::catch_unwind(AssertUnwindSafe(|| image::page(&bytes, wanted.page)))
                    .unwrap_or_else(|panic| Err(ExtractError::new(&panic_message(&*panic))))
            };
            let picture = |picture| PagePicture { picture, units_per_pixel: 1.0 };
            let _ = pages.iter().map(page).all(|page| take(page.map(picture)));
        }
        kind => {
            let reason = format!("{kind} has no pictures of pages");
            let _ = pages.iter().all(|_| take(Err(ExtractError::new(&reason))));
        }
    }
}

pub(super) fn parse(request: &WorkerRequest, bytes: &[u8]) -> Result<Extracted, ExtractError> {
    let (source, fields) = (&request.source, &request.text_fields);
    let mut document = match request.kind {
        DocumentKind::Pdf => {
            return within_limit(pdf::document(bytes, &request.passwords, request.limit)?);
        }
        DocumentKind::Image => return Ok(only_pictures(image::pages(bytes)?)),
        DocumentKind::Html if mail::is_saved_page(source) || container::is_saved_page(bytes) => {
            mail::page(bytes)
        }
        DocumentKind::Html => html::document(bytes),
        DocumentKind::Docx => docx::document(request, bytes),
        DocumentKind::Pptx => pptx::document(source, bytes, request.comments),
        DocumentKind::Odt => odf::text(source, bytes, request.comments),
        DocumentKind::Odp => odf::presentation(source, bytes),
        DocumentKind::Rtf => rtf::document(bytes, request.comments),
        DocumentKind::Spreadsheet => sheet::document(source, fields, bytes),
        DocumentKind::Csv => csv::document(fields, bytes),
        DocumentKind::Json => json::document(source, fields, bytes),
        DocumentKind::Notebook => notebook::document(bytes),
        DocumentKind::Epub => epub::document(bytes),
        DocumentKind::Email => mail::document(request, bytes),
        DocumentKind::Xml => markup::document(bytes),
        DocumentKind::Subtitles => subtitles::document(bytes),
        DocumentKind::Calendar => calendar::document(bytes),
        DocumentKind::Contacts => contacts::document(bytes),
        kind @ (DocumentKind::Markdown
        | DocumentKind::Text
        | DocumentKind::Rst
        | DocumentKind::Asciidoc
        | DocumentKind::Code) => Err(ExtractError::new(&format!("{kind} is not read by a worker"))),
    }?;
    if document.text.trim().is_empty() && document.warnings.is_empty() {
        document.warnings.extend(no_text::warning(request.kind, bytes));
    }
    within_limit(document.into())
}

/// The result for a picture file, which has only pages to be read by OCR.
fn only_pictures(pages: u32) -> Extracted {
    let document = PartsBuilder::new(LocatorUnit::Page).finish(String::new(), Syntax::Plain);
    Extracted { document, unread: PagesUnread::scanned(pages) }
}

fn within_limit(extracted: Extracted) -> Result<Extracted, ExtractError> {
    if extracted.document.text.len() > MAX_TEXT {
        let reason = format!("too large: more than {} MB of text", MAX_TEXT >> 20);
        return Err(ExtractError::new(&reason));
    }
    Ok(extracted)
}

/// What a panic said, for the report.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the parser panicked: {}", message.unwrap_or("no message"))
}

/// Runs `work` on a thread with a stack of its own; a panic becomes a reason.
fn answer<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ExtractError> + Send + 'static,
) -> WorkerReply<T> {
    match spawn(work).map(thread::JoinHandle::join) {
        Ok(Ok(outcome)) => outcome.map_err(|error| error.reason),
        Ok(Err(panic)) => Err(ExtractError::new(&panic_message(&*panic)).reason),
        Err(error) => Err(no_thread(&error)),
    }
}

fn spawn<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<thread::JoinHandle<T>> {
    thread::Builder::new().name(THREAD.to_owned()).stack_size(STACK).spawn(work)
}

fn no_thread(error: &io::Error) -> String {
    format!("no thread could be started: {error}")
}

/// Limits the address space where the system supports it. macOS may refuse; then the time limit is the only
/// one.
#[cfg(unix)]
fn limit_memory(memory_mb: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    if memory_mb == 0 {
        return Ok(());
    }
    let limit = Some(memory_mb << 20);
    match setrlimit(Resource::As, Rlimit { current: limit, maximum: limit }) {
        Err(_) if cfg!(target_vendor = "apple") => Ok(()),
        limited => Ok(limited?),
    }
}

/// There is no such limit here.
#[cfg(not(unix))]
fn limit_memory(_: u64) -> io::Result<()> {
    Ok(())
}

fn silence_panics() {
    let others = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if thread::current().name() != Some(THREAD) {
            others(info);
        }
    }));
}

/// `None` if the input ends between requests.
fn read_request(input: &mut impl Read) -> io::Result<Option<(WorkerRequest, Vec<u8>)>> {
    let mut first = [0];
    if input.read(&mut first)? == 0 {
        return Ok(None);
    }
    let mut input = first.chain(input);
    let request = serde_json::from_slice(&read_sized(&mut input)?)?;
    Ok(Some((request, read_sized(&mut input)?)))
}

/// Reads a length and that many bytes.
fn read_sized(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 8];
    input.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    let mut bytes = Vec::new();
    input.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn write_answer<T: Serialize>(output: &mut impl Write, answer: &WorkerReply<T>) -> io::Result<()> {
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

    fn serve(requests: &[(DocumentKind, &[u8])]) -> Vec<WorkerReply<Extracted>> {
        let mut input = Vec::new();
        for (kind, bytes) in requests {
            let (source, text_fields) = ("a".to_owned(), Vec::new());
            let limit = Duration::MAX;
            let (passwords, comments, pages, nesting) = (Vec::new(), false, Vec::new(), 0);
            let kind = *kind;
            let request = WorkerRequest {
                source,
                kind,
                text_fields,
                limit,
                passwords,
                comments,
                pages,
                nesting,
            };
            input.extend(request.header(bytes.len()).unwrap());
            input.extend(*bytes);
        }
        let mut output = Vec::new();
        run_worker(&mut input.as_slice(), &mut output, 0).unwrap();
        answers(&output)
    }

    fn answers(mut output: &[u8]) -> Vec<WorkerReply<Extracted>> {
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
            (DocumentKind::Html, b"<p>one"),
            (DocumentKind::Pdf, b"not a PDF"),
            (DocumentKind::Markdown, b"# x"),
            (DocumentKind::Html, b"<p>two"),
        ]);
        assert_eq!(answers[0].as_ref().unwrap().document.text, "one");
        assert!(answers[1].as_ref().unwrap_err().contains("not a PDF"));
        assert_eq!(answers[2], Err("markdown is not read by a worker".to_owned()));
        assert_eq!(answers[3].as_ref().unwrap().document.text, "two");
    }

    #[test]
    fn pages_of_one_file_answer_one_request() {
        for (name, kind, pages, fails) in [
            (
                "two-pages.tiff",
                DocumentKind::Image,
                vec![2, 9, 1],
                vec!["no page 9: the file has 2"],
            ),
            ("mixed.pdf", DocumentKind::Pdf, vec![2, 7, 2], vec!["no page 7: the file has 3"]),
            ("cut.pdf", DocumentKind::Pdf, vec![1, 2], vec!["damaged or truncated"; 2]),
            ("page.html", DocumentKind::Html, vec![1], vec!["html has no pictures of pages"]),
        ] {
            let path = format!("{}/tests/fixtures/pictures/{name}", env!("CARGO_MANIFEST_DIR"));
            let bytes = std::fs::read(path).unwrap_or_default();
            let wanted = pages.len();
            let request = super::super::request(name, kind, &[]);
            let pages = pages.into_iter().map(WantedPage::whole).collect();
            let request = WorkerRequest { limit: Duration::from_mins(1), pages, ..request };
            let input = [request.header(bytes.len()).unwrap(), bytes].concat();
            let mut output = Vec::new();
            run_worker(&mut input.as_slice(), &mut output, 0).unwrap();
            let (mut rest, mut failed, mut drawn) = (output.as_slice(), Vec::new(), 0);
            while !rest.is_empty() {
                assert_eq!(rest[..4], MAGIC);
                rest = &rest[4..];
                let json = read_sized(&mut rest).unwrap();
                match serde_json::from_slice::<WorkerReply<PictureSize>>(&json).unwrap() {
                    Ok(size) => {
                        let pixels = read_sized(&mut rest).unwrap();
                        assert_eq!(pixels.len(), size.width as usize * size.height as usize);
                        drawn += 1;
                    }
                    Err(reason) => failed.push(reason),
                }
            }
            assert_eq!((drawn + failed.len(), failed.len()), (wanted, fails.len()), "{name}");
            for (reason, expected) in failed.iter().zip(fails) {
                assert!(reason.starts_with(expected), "{name}: {reason}");
            }
        }
    }

    #[test]
    fn a_panic_is_an_answer() {
        silence_panics();
        let panicked: WorkerReply<()> = answer(|| panic!("index out of bounds"));
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
