//! Files of a shard that will be read from end to end, asked of the disk before the engine maps them.
//!
//! Where the engine lets go of a shard, it has the system drop the pages that it read of its files,
//! and it maps most of them with the advice that they are read at random. So whoever loads the shard
//! next, this process a turn later, say, waits for the disk once for each page: 390 ms for the 27 MB
//! that a question to 100,000 chunks is compared with, which take 30 ms where all of them are asked for
//! at once. What is in memory already costs nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::store::EXACT_UP_TO;

/// What was deleted, and what has no value: read while a shard is loaded.
const FLAGS: [&str; 2] = ["flags_a.dat", "flags_b.dat"];

/// A byte for each dimension.
const QUANTIZED: &str = "quantized.data";

/// The vectors themselves. So many of them are compared after the bytes that to read all is faster.
const EXACT: &str = "matrix.dat";

/// Asks for what is read by loading a shard, and by the first search in it where that is what it is
/// loaded for. Does not wait for it, and what can't be asked for is read later.
pub(super) fn ask(shard: &Path, to_search: bool) {
    for file in wanted(shard, to_search) {
        let _ = will_need(&file);
    }
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
    Ok(rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::WillNeed)?)
}

/// Other systems are not asked for pages to be dropped either.
#[cfg(not(target_os = "linux"))]
fn will_need(_file: &Path) -> io::Result<()> {
    Ok(())
}
