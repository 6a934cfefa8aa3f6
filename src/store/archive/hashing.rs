//! Counts and hashes the bytes of a file while it is read or written.

use std::io::{self, BufRead, Read, Write};

use sha2::{Digest, Sha256};

use crate::types::ContentHash;

/// A reader or writer that hashes what passes through it.
pub(super) struct Hashing<T> {
    inner: T,
    sum: Sha256,
    bytes: u64,
}

impl<T> Hashing<T> {
    pub(super) fn new(inner: T) -> Self {
        Self { inner, sum: Sha256::new(), bytes: 0 }
    }

    /// Number of bytes that have passed.
    pub(super) fn count(&self) -> u64 {
        self.bytes
    }

    /// The inner reader or writer, and the hash of all bytes that have passed.
    pub(super) fn end(self) -> (T, ContentHash) {
        (self.inner, ContentHash::from_digest(&self.sum.finalize()))
    }

    fn take(&mut self, bytes: &[u8]) {
        self.sum.update(bytes);
        self.bytes += bytes.len() as u64;
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.take(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: BufRead> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.take(&buffer[..read]);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Hashing<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // Returns what the previous call has filled already.
        if let Ok(filled) = self.inner.fill_buf() {
            self.sum.update(&filled[..amount]);
            self.bytes += amount as u64;
        }
        self.inner.consume(amount);
    }
}
