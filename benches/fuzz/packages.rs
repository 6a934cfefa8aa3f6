//! Packages: formats that are ZIP files. Their parts are damaged before they are packed, so that
//! checksums are right; sometimes a part is removed or doubled, or the package itself is damaged.

use std::io::{Cursor, Read as _, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::mutate::{self, Dice};

type Parts = Vec<(String, Vec<u8>)>;

pub(crate) fn damaged(one: &[u8], other: &[u8], words: &[&str], dice: &mut Dice) -> Vec<u8> {
    let (Some(mut parts), true) = (parts(one), dice.below(20) > 0) else {
        return mutate::bytes(one, other, words, dice);
    };
    let others = self::parts(other).unwrap_or_default();
    for _ in 0..=dice.below(3) {
        let (at, to) = (dice.below(parts.len()), dice.below(parts.len()));
        match dice.below(16) {
            0 if parts.len() > 1 => drop(parts.remove(at)),
            1 => {
                let text = parts[at].1.clone();
                parts[to].1 = text;
            }
            2 if !others.is_empty() => parts.push(dice.pick(&others).clone()),
            3 => {
                let name = mutate::bytes(parts[at].0.as_bytes(), b"", words, dice);
                parts[at].0 = String::from_utf8_lossy(&name).chars().take(100).collect();
            }
            _ => {
                let other = if others.is_empty() { &parts[to].1 } else { &dice.pick(&others).1 };
                parts[at].1 = mutate::bytes(&parts[at].1, other, words, dice);
            }
        }
    }
    package(&parts)
}

fn parts(package: &[u8]) -> Option<Parts> {
    let mut zip = ZipArchive::new(Cursor::new(package)).ok()?;
    let mut parts = Parts::new();
    for index in 0..zip.len().min(200) {
        let mut content = Vec::new();
        let mut part = zip.by_index(index).ok()?;
        part.by_ref().take(mutate::LONGEST as u64).read_to_end(&mut content).ok()?;
        let name = part.name().ok()?.into_owned();
        parts.push((name, content));
    }
    (!parts.is_empty()).then_some(parts)
}

/// A second entry of the same name is left out.
pub(crate) fn package(parts: &[(impl AsRef<str>, impl AsRef<[u8]>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        if zip.start_file(name.as_ref(), stored).is_ok() {
            zip.write_all(content.as_ref()).expect("a part");
        }
    }
    zip.finish().expect("a package").into_inner()
}
