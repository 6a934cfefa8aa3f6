//! A file → a collection.

use std::io::{self, BufRead, Read};

use serde::de::DeserializeOwned;
use zstd::stream::read::Decoder;

use super::checks::Checks;
use super::hashing::Hashing;
use super::{
    ArchiveEntry, ArchiveError, ArchiveHeader, DOCUMENT, END, FAILURE, FORMAT, HEAD, LONGEST,
    MAGIC, POINT, SUM, SealedArchive, is_plausible,
};
use crate::store::payload;
use crate::types::{DocumentRecord, FailureRecord, Manifest, Ownership, Point, SparseVector};

/// Maximum length of the first line, in bytes.
const FIRST_LINE: u64 = 64;

/// Buffer size that most entries fit in, in bytes.
const USUAL: usize = 1 << 16;

/// Largest window for unpacking, as a power of two: level 3 writes windows of 2 MiB.
const WINDOW: u32 = 23;

/// Reads a file, an entry at a time.
pub struct ArchiveReader<R: BufRead> {
    /// `None` once everything was read.
    packed: Option<Decoder<'static, Hashing<R>>>,
    checks: Checks,
    /// Bytes after unpacking.
    content: u64,
    /// What is known once everything was read.
    sealed: Option<SealedArchive>,
}

impl<R: BufRead> ArchiveReader<R> {
    /// Reads up to and including the head.
    pub fn open(input: R) -> Result<Self, ArchiveError> {
        let mut input = Hashing::new(input);
        first_line(&mut input)?;
        let mut packed = Decoder::with_buffer(input)?.single_frame();
        packed.window_log_max(WINDOW)?;
        let mut content = 0;
        let (kind, body) = frame(&mut packed, &mut content)?;
        if kind != HEAD {
            return Err(ArchiveError::Wrong("its head is missing".to_owned()));
        }
        let head: ArchiveHeader = parse(&body)?;
        // The file decides neither who owns the collection, nor whether work on it is unfinished.
        let manifest = Manifest { owner: Ownership::default(), unfinished: None, ..head.manifest };
        let checks =
            Checks::new(ArchiveHeader { manifest, ..head }).map_err(ArchiveError::Wrong)?;
        Ok(Self { packed: Some(packed), checks, content, sealed: None })
    }

    pub fn head(&self) -> &ArchiveHeader {
        self.checks.head()
    }

    /// The next entry; `None` after the last one, once the whole file is known to be intact.
    pub fn entry(&mut self) -> Result<Option<ArchiveEntry>, ArchiveError> {
        let Some(packed) = &mut self.packed else { return Ok(None) };
        let (kind, body) = frame(packed, &mut self.content)?;
        let entry = match kind {
            DOCUMENT => ArchiveEntry::Document(DocumentRecord { project: None, ..parse(&body)? }),
            FAILURE => ArchiveEntry::Failure(FailureRecord { project: None, ..parse(&body)? }),
            POINT => ArchiveEntry::Point(point(&body)?),
            END if body.is_empty() => return self.end().map(|()| None),
            _ => {
                return Err(ArchiveError::Wrong(format!(
                    "it has an entry of the unknown kind {kind}"
                )));
            }
        };
        self.checks.entry(&entry).map_err(ArchiveError::Wrong)?;
        Ok(Some(entry))
    }

    /// Size and checksum of the file; `None` until everything was read.
    pub fn sealed(&self) -> Option<&SealedArchive> {
        self.sealed.as_ref()
    }

    fn end(&mut self) -> Result<(), ArchiveError> {
        self.checks.end().map_err(ArchiveError::Wrong)?;
        let Some(mut packed) = self.packed.take() else { return Ok(()) };
        let more = ArchiveError::Wrong("something follows its end".to_owned());
        if packed.read(&mut [0]).map_err(unpacking)? > 0 {
            return Err(more);
        }
        packed.finish_frame().map_err(unpacking)?;
        let hashed = packed.finish();
        let before = hashed.count();
        let (mut rest, digest) = hashed.end();
        let expected = format!("{SUM}{digest}\n");
        let mut last = Vec::new();
        rest.by_ref().take(expected.len() as u64).read_to_end(&mut last)?;
        if last.len() < expected.len() {
            return Err(ArchiveError::Cut);
        }
        if last != expected.as_bytes() {
            let why = "its checksum does not match its content: it was damaged";
            return Err(ArchiveError::Wrong(why.to_owned()));
        }
        if rest.read(&mut [0])? > 0 {
            return Err(more);
        }
        self.sealed = Some(SealedArchive { bytes: before + last.len() as u64, digest });
        Ok(())
    }
}

fn first_line(input: &mut impl BufRead) -> Result<(), ArchiveError> {
    let mut line = Vec::new();
    input.take(FIRST_LINE).read_until(b'\n', &mut line)?;
    let expected = format!("{MAGIC}{FORMAT}\n");
    if line == expected.as_bytes() {
        return Ok(());
    }
    if expected.as_bytes().starts_with(&line) {
        return Err(ArchiveError::Cut);
    }
    let format = line.strip_prefix(MAGIC.as_bytes()).and_then(|rest| rest.strip_suffix(b"\n"));
    match format.and_then(|format| std::str::from_utf8(format).ok()).map(str::parse::<u32>) {
        Some(Ok(other)) => Err(ArchiveError::Format(other)),
        _ => Err(ArchiveError::Foreign),
    }
}

/// Kind and body of the next entry. Memory grows with what is actually read, not with the stated length.
fn frame<R: BufRead>(
    packed: &mut Decoder<'static, Hashing<R>>,
    content: &mut u64,
) -> Result<(u8, Vec<u8>), ArchiveError> {
    let mut start = [0; 5];
    packed.read_exact(&mut start).map_err(unpacking)?;
    let [kind, length @ ..] = start;
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST {
        return Err(ArchiveError::Wrong(format!("an entry of {length} bytes is too long")));
    }
    let mut body = Vec::with_capacity(length.min(USUAL));
    packed.by_ref().take(length as u64).read_to_end(&mut body).map_err(unpacking)?;
    if body.len() < length {
        return Err(ArchiveError::Cut);
    }
    *content += 5 + length as u64;
    if !is_plausible(*content, packed.get_ref().count()) {
        let why = "it would unpack to more than a thousand times its size";
        return Err(ArchiveError::Wrong(why.to_owned()));
    }
    Ok((kind, body))
}

/// Separates failures to read the file from failures to unpack it.
fn unpacking(error: io::Error) -> ArchiveError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => ArchiveError::Cut,
        _ if error.raw_os_error().is_some() => ArchiveError::Io(error),
        // The decompressor's own message helps nobody.
        _ => ArchiveError::Wrong("it was damaged: it can't be unpacked".to_owned()),
    }
}

pub(super) fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, ArchiveError> {
    serde_json::from_slice(json).map_err(|error| {
        let why = match error.classify() {
            serde_json::error::Category::Data => {
                "a field is missing, or is not of the type that docent writes"
            }
            _ => "it is damaged: its JSON is not valid",
        };
        ArchiveError::Wrong(format!("a record can't be read: {why}"))
    })
}

/// A chunk with its vectors, from the body of its entry.
fn point(body: &[u8]) -> Result<Point, ArchiveError> {
    let read = |mut rest: &[u8]| {
        let payload = part(&mut rest, 1)?.to_vec();
        let dense = floats(part(&mut rest, 4)?);
        let terms = part(&mut rest, 8)?;
        let (indices, values) = terms.split_at(terms.len() / 2);
        let sparse = SparseVector {
            indices: words(indices).map(u32::from_le_bytes).collect(),
            values: floats(values),
        };
        rest.is_empty().then_some((payload, dense, sparse))
    };
    let (payload, dense, sparse) = read(body).ok_or_else(|| {
        ArchiveError::Wrong("a chunk has another length than it states".to_owned())
    })?;
    let chunk = payload::to_chunk(parse(&payload)?).map_err(ArchiveError::Wrong)?;
    Ok(Point { chunk, dense: (!dense.is_empty()).then_some(dense), sparse })
}

/// Takes a length-prefixed part, in items of `size` bytes.
fn part<'a>(rest: &mut &'a [u8], size: usize) -> Option<&'a [u8]> {
    let (items, after) = rest.split_first_chunk::<4>()?;
    let items = u32::from_le_bytes(*items) as usize;
    let (part, after) = after.split_at_checked(items.checked_mul(size)?)?;
    *rest = after;
    Some(part)
}

fn words(bytes: &[u8]) -> impl Iterator<Item = [u8; 4]> {
    bytes.chunks_exact(4).map(|word| [word[0], word[1], word[2], word[3]])
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    words(bytes).map(f32::from_le_bytes).collect()
}
