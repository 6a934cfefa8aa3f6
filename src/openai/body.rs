//! The body of a successful response, in the form that its reader expects: decompressed, without a byte
//! order mark, and for a stream, the data of its events.

use std::collections::VecDeque;
use std::error::Error;
use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::write::{MultiGzDecoder, ZlibDecoder};
use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use reqwest::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use reqwest::{Body, Response};

use super::events::EventStream;
use crate::http::TooLarge;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Most bytes of a response, decompressed. The vectors of the largest batch that any endpoint takes (2,048
/// inputs of 4,096 dimensions, some 20 bytes a number) stay below, and so does the longest stream of
/// tokens.
pub(super) const LARGEST: usize = 256 << 20;

type Problem = Box<dyn Error + Send + Sync>;

/// The data of each event of a response; an error is the last item.
pub(super) type EventData = BoxStream<'static, Result<String, Problem>>;

/// The same response with a body that is decompressed and fails with [`TooLarge`] past `largest`. The error
/// is a sentence.
pub(super) fn readable(response: Response, largest: usize) -> Result<Response, String> {
    let mut mender = Mender::of(&response, largest)?;
    let (status, mut headers) = (response.status(), response.headers().clone());
    headers.remove(CONTENT_ENCODING);
    headers.remove(CONTENT_LENGTH);
    let pieces = response.bytes_stream().map(Some).chain(stream::iter([None]));
    let mended = pieces.map(move |piece| match piece {
        Some(piece) => mender.push(&piece?),
        None => Ok(mender.finish()?),
    });
    let mut answer = ::http::Response::new(Body::wrap_stream(mended));
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    Ok(answer.into())
}

/// The events of a response as they arrive, or [`TooLarge`] past `largest`. Nothing is read ahead of
/// demand, so a slow reader holds the model up. The error is a sentence.
pub(super) fn events(response: Response, largest: usize) -> Result<EventData, String> {
    let reading = Reading {
        mender: Mender::of(&response, largest)?,
        pieces: response.bytes_stream().boxed(),
        events: EventStream::default(),
        ready: VecDeque::new(),
        ended: false,
    };
    let events = stream::unfold(reading, |mut reading| async {
        let event = reading.next().await?;
        Some((event, reading))
    });
    Ok(events.boxed())
}

struct Reading {
    mender: Mender,
    pieces: BoxStream<'static, reqwest::Result<Bytes>>,
    events: EventStream,
    /// Events that have arrived and were not yet asked for.
    ready: VecDeque<String>,
    ended: bool,
}

impl Reading {
    async fn next(&mut self) -> Option<Result<String, Problem>> {
        while self.ready.is_empty() && !self.ended {
            if let Err(problem) = self.read().await {
                self.ended = true;
                return Some(Err(problem));
            }
        }
        self.ready.pop_front().map(Ok)
    }

    async fn read(&mut self) -> Result<(), Problem> {
        let Some(piece) = self.pieces.next().await else {
            self.ended = true;
            let rest = self.mender.finish()?;
            self.events.push(&rest, &mut self.ready)?;
            self.events.finish(&mut self.ready);
            return Ok(());
        };
        let bytes = self.mender.push(&piece?)?;
        Ok(self.events.push(&bytes, &mut self.ready)?)
    }
}

struct Mender {
    packing: Packing,
    /// Decompressed bytes so far, and their limit in `largest`.
    read: usize,
    largest: usize,
    /// The first bytes, until it is known whether they are a byte order mark.
    begun: Option<Vec<u8>>,
}

impl Mender {
    fn of(response: &Response, largest: usize) -> Result<Self, String> {
        let packing = Packing::of(response)?;
        Ok(Self { packing, read: 0, largest, begun: Some(Vec::new()) })
    }

    fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Problem> {
        let bytes = self.packing.push(bytes)?;
        self.read += bytes.len();
        if self.read > self.largest {
            return Err(TooLarge(self.largest).into());
        }
        Ok(self.pass(bytes, false))
    }

    fn finish(&mut self) -> io::Result<Vec<u8>> {
        let rest = self.packing.finish()?;
        Ok(self.pass(rest, true))
    }

    fn pass(&mut self, bytes: Vec<u8>, ended: bool) -> Vec<u8> {
        let Some(mut begun) = self.begun.take() else { return bytes };
        begun.extend(bytes);
        if begun.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(&begun) && !ended {
            self.begun = Some(begun);
            return Vec::new();
        }
        if begun.starts_with(BYTE_ORDER_MARK) {
            begun.drain(..BYTE_ORDER_MARK.len());
        }
        begun
    }
}

/// How a body is compressed. docent does not ask for compression, but proxies do as they please.
enum Packing {
    None,
    Gzip(MultiGzDecoder<Vec<u8>>),
    Deflate(ZlibDecoder<Vec<u8>>),
}

impl Packing {
    fn of(response: &Response) -> Result<Self, String> {
        let value = response.headers().get(CONTENT_ENCODING);
        let value = value.and_then(|value| value.to_str().ok()).unwrap_or_default();
        match value.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::None),
            "gzip" | "x-gzip" => Ok(Self::Gzip(MultiGzDecoder::new(Vec::new()))),
            "deflate" => Ok(Self::Deflate(ZlibDecoder::new(Vec::new()))),
            other => Err(format!("answered compressed as {other:?}, which was not asked for")),
        }
    }

    /// The bytes that can be decompressed by now, so that an event is passed on as soon as it has arrived.
    fn push(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::None => Ok(bytes.to_vec()),
            Self::Gzip(decoder) => {
                decoder.write_all(bytes)?;
                decoder.flush()?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::Deflate(decoder) => {
                decoder.write_all(bytes)?;
                decoder.flush()?;
                Ok(std::mem::take(decoder.get_mut()))
            }
        }
    }

    fn finish(&mut self) -> io::Result<Vec<u8>> {
        match self {
            Self::None => Ok(Vec::new()),
            Self::Gzip(decoder) => {
                decoder.try_finish()?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::Deflate(decoder) => {
                decoder.try_finish()?;
                Ok(std::mem::take(decoder.get_mut()))
            }
        }
    }
}
