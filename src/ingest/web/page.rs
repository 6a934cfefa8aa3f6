//! Interprets an answer, and writes the body of a page to a file.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use flate2::read::MultiGzDecoder;
use url::Url;

use super::directives::Directives;
use super::http::{self, BodyError, HttpResponse};
use super::links::{self, Scan};
use super::media::Media;
use super::sitemap::{self, Sitemap};
use crate::error::{BackendError, Fault};
use crate::http::retry_after;
use crate::ingest::extract::looks_like_text;
use crate::types::{ContentHash, Validators};

const OVER_LIMIT: &str = "over the size limit (raise it with --max-file-size)";

const LONGEST_VALIDATOR: usize = 512;

/// The result of a request.
pub(super) enum FetchOutcome {
    Page(WebPage),
    Sitemap(Sitemap),
    /// Not changed since the validators were issued.
    Unchanged,
    Redirect(Url),
    /// The server says that there is no such page.
    Gone,
    /// Skipped on purpose.
    Skip(&'static str),
    Fail(String),
}

/// A page that was fetched.
pub(super) struct WebPage {
    /// Its extension says what it is. `None` if the page asks not to be stored.
    pub(super) file: Option<Spooled>,
    pub(super) validators: Validators,
    /// Links that may be followed.
    pub(super) links: Vec<Url>,
}

/// The content of a page, on disk.
pub(super) struct Spooled {
    pub(super) path: PathBuf,
    /// In bytes.
    pub(super) size: u64,
    pub(super) hash: ContentHash,
}

/// What the caller wants from an answer.
#[derive(Clone, Copy)]
pub(super) struct AcceptedContent {
    /// Whether the page may be a sitemap.
    pub(super) sitemap: bool,
    pub(super) links: bool,
    /// Whether the request was conditional.
    pub(super) conditional: bool,
}

/// Directory for pages until they are stored.
pub(super) struct Spool {
    directory: PathBuf,
    next: AtomicUsize,
    /// Limit on the size of a page, in bytes.
    limit: u64,
}

impl Spool {
    pub(super) fn new(directory: &Path, limit: u64) -> Self {
        Self { directory: directory.to_owned(), next: AtomicUsize::new(1), limit }
    }

    /// A new file name; the file is not created.
    fn name(&self) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.directory.join(format!("{number:06}"))
    }
}

/// Reads an answer. An error means that another try may succeed.
pub(super) async fn read(
    url: &Url,
    answer: HttpResponse,
    wanted: AcceptedContent,
    spool: &Spool,
) -> Result<FetchOutcome, BackendError> {
    match answer.status() {
        200 | 203 => read_body(url, answer, wanted, spool).await,
        304 if wanted.conditional => Ok(FetchOutcome::Unchanged),
        status @ (301 | 302 | 303 | 307 | 308) => {
            let target = answer.header("location").and_then(|target| links::link(url, &target));
            let nowhere =
                || FetchOutcome::Fail(format!("HTTP {status}: redirects without a usable target"));
            Ok(target.map_or_else(nowhere, FetchOutcome::Redirect))
        }
        404 | 410 => Ok(FetchOutcome::Gone),
        401 => Ok(FetchOutcome::Fail(
            "HTTP 401: a password is required (give it as https://USER:PASSWORD@HOST/...)"
                .to_owned(),
        )),
        403 => Ok(FetchOutcome::Fail("HTTP 403: forbidden".to_owned())),
        408 | 425 | 429 | 500 | 502..=504 | 507..=599 => Err(transient(url, &answer)),
        status => Ok(FetchOutcome::Fail(format!("HTTP {status}"))),
    }
}

/// The error for a server that may recover.
pub(super) fn transient(url: &Url, answer: &HttpResponse) -> BackendError {
    let retry_after = retry_after(&answer.all_headers(), chrono::Utc::now());
    let message = format!("HTTP {}", answer.status());
    http::error(url, Fault::Transient { retry_after }, &message)
}

async fn read_body(
    url: &Url,
    answer: HttpResponse,
    wanted: AcceptedContent,
    spool: &Spool,
) -> Result<FetchOutcome, BackendError> {
    let media = Media::parse(&answer.header("content-type").unwrap_or_default());
    let directives = answer
        .headers("x-robots-tag")
        .map(|value| Directives::of_header(&value))
        .fold(Directives::default(), Directives::and);
    let extension = media.extension(url);
    let sitemap = wanted.sitemap && media.is_xml(url);
    if let Err(reason) = extension
        && !sitemap
    {
        return Ok(FetchOutcome::Skip(reason));
    }
    if answer.length().is_some_and(|length| length > spool.limit) {
        return Ok(FetchOutcome::Fail(OVER_LIMIT.to_owned()));
    }
    if directives.noindex && !sitemap && (directives.nofollow || !wanted.links) {
        return Ok(FetchOutcome::Skip("noindex"));
    }
    let gzip = match answer.header("content-encoding").as_deref().map(str::trim) {
        None | Some("" | "identity") => false,
        Some("gzip" | "x-gzip") => true,
        Some(other) => {
            let reason = format!("sent in the encoding {other:?}, which was not asked for");
            return Ok(FetchOutcome::Fail(reason));
        }
    };
    let validators = Validators {
        etag: answer.header("etag").filter(|value| may_be_sent(value)),
        last_modified: answer.header("last-modified").filter(|value| may_be_sent(value)),
    };
    let file = spool.name();
    if let Err(unsaved) = save(answer, &file, spool.limit).await {
        let _ = fs::remove_file(&file);
        return match unsaved {
            BodyError::OverLimit => Ok(FetchOutcome::Fail(OVER_LIMIT.to_owned())),
            BodyError::Disk(error) => {
                Ok(FetchOutcome::Fail(format!("cannot write it to a temporary file: {error}")))
            }
            BodyError::Broken(error) => Err(error),
        };
    }
    let body = Body { url: url.clone(), file, extension, media, directives, gzip, sitemap };
    let (limit, links) = (spool.limit, wanted.links);
    // A panic in a parser fails the page, not the run.
    let read = tokio::task::spawn_blocking(move || body.read(limit, links, validators)).await;
    Ok(match read {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => {
            FetchOutcome::Fail(format!("cannot write it to a temporary file: {error}"))
        }
        Err(_) => FetchOutcome::Fail("its links cannot be read".to_owned()),
    })
}

/// Whether a header of an answer can be stored and sent in a later request.
fn may_be_sent(value: &str) -> bool {
    value.len() <= LONGEST_VALIDATOR && value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

async fn save(answer: HttpResponse, file: &Path, limit: u64) -> Result<(), BodyError> {
    let mut file = File::create(file).map_err(BodyError::Disk)?;
    answer.save(&mut file, limit).await
}

/// A body as it was sent, in a file without an extension.
struct Body {
    url: Url,
    file: PathBuf,
    extension: Result<String, &'static str>,
    media: Media,
    directives: Directives,
    gzip: bool,
    /// Whether it may be a sitemap.
    sitemap: bool,
}

impl Body {
    fn read(self, limit: u64, links: bool, validators: Validators) -> io::Result<FetchOutcome> {
        let bytes = match unpacked(fs::read(&self.file)?, self.gzip, self.sitemap, limit) {
            Ok(bytes) => bytes,
            Err(reason) => return self.drop(FetchOutcome::Fail(reason.to_owned())),
        };
        if self.sitemap
            && let Some(sitemap) = sitemap::parse(&String::from_utf8_lossy(&bytes))
        {
            return self.drop(FetchOutcome::Sitemap(sitemap));
        }
        let extension = match &self.extension {
            Ok(extension) => extension.clone(),
            Err(reason) => return self.drop(FetchOutcome::Skip(reason)),
        };
        let scan =
            if self.media.is_html() { links::scan(&self.url, &bytes) } else { Scan::default() };
        if let Some(target) = scan.refresh.filter(|target| *target != self.url) {
            return self.drop(FetchOutcome::Redirect(target));
        }
        let directives = self.directives.and(scan.directives);
        let followed = if links && !directives.nofollow { scan.links } else { Vec::new() };
        let file = if directives.noindex {
            fs::remove_file(&self.file)?;
            None
        } else {
            Some(self.keep(bytes, &extension)?)
        };
        Ok(FetchOutcome::Page(WebPage { file, validators, links: followed }))
    }

    /// Stores the page under a name with its extension, converted to UTF-8 where the header's charset
    /// requires it.
    fn keep(&self, bytes: Vec<u8>, extension: &str) -> io::Result<Spooled> {
        let bytes = in_charset(&self.media, bytes);
        let path = self.file.with_extension(extension);
        fs::write(&self.file, &bytes)?;
        fs::rename(&self.file, &path)?;
        Ok(Spooled { path, size: bytes.len() as u64, hash: ContentHash::of(&bytes) })
    }

    fn drop(&self, outcome: FetchOutcome) -> io::Result<FetchOutcome> {
        fs::remove_file(&self.file)?;
        Ok(outcome)
    }
}

/// Undoes the compression of the transfer, and that of a `sitemap.xml.gz`.
fn unpacked(sent: Vec<u8>, gzip: bool, sitemap: bool, limit: u64) -> Result<Vec<u8>, &'static str> {
    let mut bytes = sent;
    for packed in [gzip, sitemap] {
        if packed && bytes.starts_with(b"\x1f\x8b") {
            let mut out = Vec::new();
            let read = MultiGzDecoder::new(&bytes[..]).take(limit + 1).read_to_end(&mut out);
            read.map_err(|_| "its compression is broken")?;
            bytes = out;
        }
    }
    if bytes.len() as u64 > limit { Err(OVER_LIMIT) } else { Ok(bytes) }
}

/// The same text as UTF-8 with a byte order mark, which extraction trusts first, where the header knows more
/// about the charset than the text.
fn in_charset(media: &Media, bytes: Vec<u8>) -> Vec<u8> {
    let Some(charset) = media.charset else { return bytes };
    let is_text =
        media.essence.starts_with("text/") || media.is_html() || media.essence.ends_with("xml");
    let wide = charset == UTF_16LE || charset == UTF_16BE;
    let head = &bytes[..bytes.len().min(8192)];
    // Plain text in UTF-8 is recognized anyway; a page may claim another charset in a `meta` element.
    let known = charset == UTF_8 && !media.is_html();
    if !is_text || known || Encoding::for_bom(head).is_some() || !(wide || looks_like_text(head)) {
        return bytes;
    }
    let (text, _) = charset.decode_without_bom_handling(&bytes);
    format!("\u{FEFF}{text}").into_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn unpack(sent: &[u8], gzip: bool, sitemap: bool) -> Result<Vec<u8>, &'static str> {
        unpacked(sent.to_vec(), gzip, sitemap, 100)
    }

    #[test]
    fn compression_is_undone_within_the_limit() {
        let once = gzip(b"text");
        assert_eq!(unpack(b"text", false, false), Ok(b"text".to_vec()));
        assert_eq!(unpack(&once, true, false), Ok(b"text".to_vec()));
        assert_eq!(unpack(&once, false, true), Ok(b"text".to_vec()));
        assert_eq!(unpack(&gzip(&once), true, true), Ok(b"text".to_vec()));
        assert_eq!(unpack(&once, false, false), Ok(once.clone()), "a file that is what it is");
        assert_eq!(unpack(b"text", true, false), Ok(b"text".to_vec()), "not compressed after all");
        assert_eq!(unpack(&gzip(&[b'a'; 100]), true, false), Ok(vec![b'a'; 100]));
        assert_eq!(unpack(&gzip(&[b'a'; 101]), true, false), Err(OVER_LIMIT));
        assert_eq!(unpack(&once[..once.len() - 4], true, false), Err("its compression is broken"));
    }

    #[test]
    fn the_charset_of_the_header_is_used() {
        let kept = |header: &str, bytes: &[u8]| in_charset(&Media::parse(header), bytes.to_vec());
        let marked = |text: &str| format!("\u{FEFF}{text}").into_bytes();
        let latin = b"Gr\xF6\xDFe";
        assert_eq!(kept("text/html; charset=iso-8859-1", latin), marked("Größe"));
        assert_eq!(kept("text/plain; charset=iso-8859-15", b"5 \xA4"), marked("5 €"));
        assert_eq!(kept("text/html; charset=utf-8", "é".as_bytes()), marked("é"));
        assert_eq!(kept("text/plain; charset=utf-16le", b"a\0\n\0"), marked("a\n"));
        for (header, bytes) in [
            ("text/html", &latin[..]),
            ("text/plain; charset=utf-8", "é".as_bytes()),
            ("text/plain; charset=iso-8859-1", "\u{FEFF}é".as_bytes()),
            ("application/pdf; charset=iso-8859-1", b"%PDF-1.4 \xE9"),
            ("text/plain; charset=iso-8859-1", b"\x89PNG\r\n\x1a\n\0"),
        ] {
            assert_eq!(kept(header, bytes), bytes, "{header}");
        }
    }
}
