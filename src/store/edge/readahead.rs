//! Files of a shard that are read from end to end: requested from the disk before the engine maps them, and
//! kept in memory afterwards.
//!
//! When the engine closes a shard, it has the system drop the pages it has read of the files, and it maps
//! most of them with the advice that they are read at random. So the next process that loads the shard,
//! perhaps this one a turn later, waits for the disk once per page: 390 ms for the 27 MB that a question to
//! 100,000 chunks is compared with. Requested all at once they take 30 ms. Pages that are in memory already
//! cost nothing, so a process that will load the shard again keeps them there.

use std::fs;
use std::io;
#[cfg(target_os = "linux")]
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use crate::store::EXACT_UP_TO;

/// Which points are deleted, and which have no value: read while a shard is loaded.
const FLAGS: [&str; 2] = ["flags_a.dat", "flags_b.dat"];

/// One byte per dimension.
const QUANTIZED: &str = "quantized.data";

/// The exact vectors. After the quantized ones, so many of them are compared that reading all is faster.
const EXACT: &str = "matrix.dat";

/// Bytes requested per call. Linux reads no more of a request than it would read ahead by itself (this many,
/// unless configured otherwise), and ignores the rest (`force_page_cache_ra` in its `mm/readahead.c`).
#[cfg(target_os = "linux")]
const AT_ONCE: u64 = 128 << 10;

/// Requests what is read while the shard is loaded and, if it is loaded `to_search`, by the first search in
/// it. Does not wait; what can't be requested is read later.
pub(super) fn ask(shard: &Path, to_search: bool) {
    for file in wanted(shard, to_search) {
        let _ = will_need(&file);
    }
}

/// Files that stay in memory while this value lives, although the engine has the system drop them: Linux
/// drops no page that is mapped elsewhere as well.
#[derive(Default)]
pub(super) struct ResidentFiles {
    #[cfg(target_os = "linux")]
    _mapped: Vec<memmap2::Mmap>,
}

/// Keeps what [`ask`] requests, up to [`EXACT_UP_TO`]: the part that is not in memory is read now.
#[cfg(target_os = "linux")]
pub(super) fn keep(shard: &Path) -> ResidentFiles {
    let mut bytes = 0;
    let mut mapped = Vec::new();
    for file in wanted(shard, true) {
        bytes += fs::metadata(&file).map_or(0, |metadata| metadata.len());
        if bytes > EXACT_UP_TO as u64 {
            break;
        }
        mapped.extend(map(&file));
    }
    ResidentFiles { _mapped: mapped }
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "there is no other way to map a file")]
fn map(file: &Path) -> io::Result<memmap2::Mmap> {
    let file = fs::File::open(file)?;
    // SAFETY: nobody reads through the map, so nobody sees the file change.
    let mapped = unsafe { memmap2::Mmap::map(&file)? };
    mapped.advise(memmap2::Advice::PopulateRead)?;
    Ok(mapped)
}

/// The engine makes no other system drop pages.
#[cfg(not(target_os = "linux"))]
pub(super) fn keep(_shard: &Path) -> ResidentFiles {
    ResidentFiles::default()
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

/// Beyond [`EXACT_UP_TO`] there is a graph, which visits only a few vectors.
fn compared_bytes(files: &[PathBuf]) -> u64 {
    let bytes = |name: &str| -> u64 {
        let named = files.iter().filter(|file| file.ends_with(name));
        named.filter_map(|file| Some(fs::metadata(file).ok()?.len())).sum()
    };
    // Collections of earlier versions are not quantized.
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

/// Other systems have their own readahead only.
#[cfg(not(target_os = "linux"))]
fn will_need(_file: &Path) -> io::Result<()> {
    Ok(())
}
