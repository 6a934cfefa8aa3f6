//! Sparse files: the engine allots tens of megabytes at once, and writes little of it at first. Parts that
//! were never written read as zeros, and need not be read.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use crc32fast::Hasher;

/// Bytes read at once.
const BLOCK: usize = 1 << 16;

/// Bytes of a file that take up disk space; its length where the system can't report it.
pub(super) fn written(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |metadata| on_disk(&metadata))
}

#[cfg(unix)]
fn on_disk(metadata: &fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    // In units of 512 bytes, whatever the block size of the file system.
    metadata.len().min(metadata.blocks() * 512)
}

#[cfg(not(unix))]
fn on_disk(metadata: &fs::Metadata) -> u64 {
    metadata.len()
}

/// Length and CRC-32 of a file, its holes included.
pub(super) fn checksum(file: &Path) -> io::Result<(u64, u32)> {
    let mut file = File::open(file)?;
    let length = file.metadata()?.len();
    let mut hasher = Hasher::new();
    let mut block = vec![0; BLOCK];
    let mut zeros = Hasher::new();
    zeros.update(&block);
    let mut at = 0;
    while at < length {
        let part = next_part(&file, at, length)?;
        for _ in 0..(part.start - at) / BLOCK as u64 {
            hasher.combine(&zeros);
        }
        block.fill(0);
        hasher.update(&block[..(part.start - at) as usize % BLOCK]);
        file.seek(SeekFrom::Start(part.start))?;
        let mut rest = (&file).take(part.end - part.start);
        at = part.start;
        loop {
            let read = rest.read(&mut block)?;
            hasher.update(&block[..read]);
            at += read as u64;
            if read == 0 {
                break;
            }
        }
        // The file became shorter meanwhile.
        if at < part.end {
            break;
        }
    }
    Ok((at, hasher.finalize()))
}

/// The next written range from `at` on; empty, at the end, where nothing follows.
#[cfg(any(target_os = "linux", target_os = "macos", target_os = "freebsd"))]
fn next_part(file: &File, at: u64, length: u64) -> io::Result<Range<u64>> {
    use rustix::fs::SeekFrom::{Data, Hole};
    use rustix::io::Errno;
    let start = match rustix::fs::seek(file, Data(at)) {
        Ok(start) => start.min(length),
        Err(Errno::NXIO) => length,
        // The file system can't report holes.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(at..length),
        Err(error) => return Err(error.into()),
    };
    let end =
        if start < length { rustix::fs::seek(file, Hole(start))?.min(length) } else { length };
    Ok(start..end)
}

#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "freebsd")))]
fn next_part(_file: &File, at: u64, length: u64) -> io::Result<Range<u64>> {
    Ok(at..length)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::Write as _;

    use super::*;

    #[test]
    fn holes_are_zeros_and_cost_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        // Length, and offsets at which something is written.
        let cases: [(u64, &[u64]); 7] = [
            (0, &[]),
            (5, &[0]),
            (3 << 20, &[]),
            (3 << 20, &[0, 1 << 20]),
            ((3 << 20) + 7, &[2 << 20, (3 << 20) + 1]),
            (1 << 20, &[100_000, 300_001]),
            (1 << 16, &[(1 << 16) - 3]),
        ];
        for (length, places) in cases {
            let mut file = File::create(&path).unwrap();
            file.set_len(length).unwrap();
            for place in places {
                file.seek(SeekFrom::Start(*place)).unwrap();
                file.write_all(b"abc").unwrap();
            }
            file.set_len(length).unwrap();
            file.sync_all().unwrap();
            let expected = crc32fast::hash(&fs::read(&path).unwrap());
            assert_eq!(checksum(&path).unwrap(), (length, expected), "{length} {places:?}");
            assert!(written(&path) <= length);
        }
    }
}
