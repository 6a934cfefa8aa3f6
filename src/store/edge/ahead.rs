//! Files of a shard that are read from end to end: asked of the disk before the engine maps them, and
//! kept in memory after.
//!
//! Where the engine lets go of a shard, it has the system drop the pages that it read of its files,
//! and it maps most of them with the advice that they are read at random. So whoever loads the shard
//! next, this process a turn later, say, waits for the disk once for each page: 390 ms for the 27 MB
//! that a question to 100,000 chunks is compared with, which take 30 ms where all of them are asked for
//! at once. What is in memory already costs nothing, so who will load the shard again keeps it there.

use std::fs;
use std::io;
#[cfg(target_os = "linux")]
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use crate::store::EXACT_UP_TO;

/// What was deleted, and what has no value: read while a shard is loaded.
const FLAGS: [&str; 2] = ["flags_a.dat", "flags_b.dat"];

/// A byte for each dimension.
const QUANTIZED: &str = "quantized.data";

/// The vectors themselves. So many of them are compared after the bytes that to read all is faster.
const EXACT: &str = "matrix.dat";

/// Bytes asked for with one call: Linux reads no more of them than it would read ahead by itself,
/// which is this where nobody set it, and leaves out the rest (`force_page_cache_ra` in its `mm/readahead.c`).
#[cfg(target_os = "linux")]
const AT_ONCE: u64 = 128 << 10;

/// Asks for what is read by loading a shard, and by the first search in it where that is what it is
/// loaded for. Does not wait for it, and what can't be asked for is read later.
pub(super) fn ask(shard: &Path, to_search: bool) {
    for file in wanted(shard, to_search) {
        let _ = will_need(&file);
    }
}

/// Files that stay in memory as long as this lives, although the engine has the system drop them: Linux
/// drops no page that somebody else has mapped as well.
#[derive(Default)]
pub(super) struct Kept {
    #[cfg(target_os = "linux")]
    _mapped: Vec<memmap2::Mmap>,
}

/// Keeps what [`ask`] asks for, up to [`EXACT_UP_TO`]: what of it is not in memory is read now.
#[cfg(target_os = "linux")]
pub(super) fn keep(shard: &Path) -> Kept {
    let mut bytes = 0;
    let mut mapped = Vec::new();
    for file in wanted(shard, true) {
        bytes += fs::metadata(&file).map_or(0, |metadata| metadata.len());
        if bytes > EXACT_UP_TO as u64 {
            break;
        }
        mapped.extend(map(&file));
    }
    Kept { _mapped: mapped }
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "there is no other way to map a file")]
fn map(file: &Path) -> io::Result<memmap2::Mmap> {
    let file = fs::File::open(file)?;
    // SAFETY: nobody reads through it, so nobody sees the file change.
    let mapped = unsafe { memmap2::Mmap::map(&file)? };
    mapped.advise(memmap2::Advice::PopulateRead)?;
    Ok(mapped)
}

/// Other systems are not asked to drop anything.
#[cfg(not(target_os = "linux"))]
pub(super) fn keep(_shard: &Path) -> Kept {
    Kept::default()
}

pub(super) fn wanted(shard: &Path, to_search: bool) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let _ = walk(&shard.join("segments"), &mut files);
    let compares_all = to_search && compared_bytes(&files) <= EXACT_UP_TO as u64;
    files.retain(|file| {
        let is_one_of = |names: &[&str]| names.iter().any(|name| file.ends_with(name));
        is_one_of(&FLAGS) || compares_all && is_one_of(&[QUANTIZED, EXACT])
    });
    files
}

/// With more than [`EXACT_UP_TO`] there is a graph, which leads to few of them.
fn compared_bytes(files: &[PathBuf]) -> u64 {
    let bytes = |name: &str| -> u64 {
        let named = files.iter().filter(|file| file.ends_with(name));
        named.filter_map(|file| Some(fs::metadata(file).ok()?.len())).sum()
    };
    // A collection of before is not quantized.
    Some(bytes(QUANTIZED)).filter(|bytes| *bytes > 0).unwrap_or_else(|| bytes(EXACT))
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn will_need(file: &Path) -> io::Result<()> {
    let file = fs::File::open(file)?;
    for start in (0..file.metadata()?.len()).step_by(AT_ONCE as usize) {
        let length = NonZeroU64::new(AT_ONCE);
        rustix::fs::fadvise(&file, start, length, rustix::fs::Advice::WillNeed)?;
    }
    Ok(())
}

/// What others do by themselves is all there is.
#[cfg(not(target_os = "linux"))]
fn will_need(_file: &Path) -> io::Result<()> {
    Ok(())
}
