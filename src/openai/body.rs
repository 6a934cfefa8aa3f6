//! The body of a success, brought into the form that its reader expects: unpacked, without a byte
//! order mark, and where it streams, an event stream.

use std::error::Error;
use std::io::{self, Write as _};

use flate2::write::{MultiGzDecoder, ZlibDecoder};
use futures::{StreamExt as _, stream};
use reqwest::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use reqwest::{Body, Response};

use super::events::{self, EventStream};
use crate::http::TooLarge;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Bytes of an answer, unpacked: the vectors of the largest batch that any endpoint takes (2,048 inputs
/// of 4,096 dimensions, some 20 bytes a number) are below, and so is the longest stream of tokens.
pub(super) const LARGEST: usize = 256 << 20;

/// The same answer with a body that can be read, and that ends with [`TooLarge`] past `largest`. The
/// error is a sentence.
pub(super) fn readable(
    response: Response,
    streams: bool,
    largest: usize,
) -> Result<Response, String> {
    let mut mender = Mender {
        packing: Packing::of(&response)?,
        read: 0,
        largest,
        begun: Some(Vec::new()),
        events: streams.then(EventStream::default),
    };
    let (status, mut headers) = (response.status(), response.headers().clone());
    headers.remove(CONTENT_ENCODING);
    headers.remove(CONTENT_LENGTH);
    let pieces = response.bytes_stream().map(Some).chain(stream::iter([None]));
    let mended = pieces.scan(false, move |ended, piece| {
        if *ended {
            return std::future::ready(None);
        }
        let mended = match piece {
            Some(Ok(bytes)) => mender.push(&bytes),
            Some(Err(error)) => Err(error.into()),
            None => mender.finish().map_err(Into::into),
        };
        let mended = match mended {
            // The reader of a stream loses what an error says, and would ask again.
            Err(error) if streams && error.is::<TooLarge>() => {
                *ended = true;
                Ok(events::too_large(&error.to_string()))
            }
            mended => mended,
        };
        std::future::ready(Some(mended))
    });
    let mut answer = ::http::Response::new(Body::wrap_stream(mended));
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    Ok(answer.into())
}

struct Mender {
    packing: Packing,
    /// Bytes, unpacked, and how many there may be.
    read: usize,
    largest: usize,
    /// The first bytes, until they are no byte order mark or were one.
    begun: Option<Vec<u8>>,
    events: Option<EventStream>,
}

impl Mender {
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        let bytes = self.packing.push(bytes)?;
        self.read += bytes.len();
        if self.read > self.largest {
            return Err(TooLarge(self.largest).into());
        }
        Ok(self.pass(bytes, false)?)
    }

    fn finish(&mut self) -> io::Result<Vec<u8>> {
        let rest = self.packing.finish()?;
        self.pass(rest, true)
    }

    fn pass(&mut self, mut bytes: Vec<u8>, ended: bool) -> io::Result<Vec<u8>> {
        if let Some(mut begun) = self.begun.take() {
            begun.extend(bytes);
            if begun.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(&begun) && !ended
            {
                self.begun = Some(begun);
                return Ok(Vec::new());
            }
            if begun.starts_with(BYTE_ORDER_MARK) {
                begun.drain(..BYTE_ORDER_MARK.len());
            }
            bytes = begun;
        }
        let Some(events) = &mut self.events else { return Ok(bytes) };
        let mut out = Vec::new();
        events.push(&bytes, &mut out)?;
        if ended {
            events.finish(&mut out);
        }
        Ok(out)
    }
}

/// How a body is compressed. None is asked for, but proxies do as they please.
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

    /// What can be read by now: an event that has arrived is passed on.
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
