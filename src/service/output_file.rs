//! Checks files that are written to a place that somebody named.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Failure;
use crate::ingest::discover::lexical;

/// Refuses to write through a link out of the project, which may have come from somebody else: what is
/// named in the project is written in the project. `root` is canonical, `path` absolute and as it was
/// typed.
///
/// # Errors
/// A part of the path is in the project, and is a link that leads out of it, or nowhere.
pub fn forbid_way_out(path: &Path, root: &Path) -> Result<(), Failure> {
    let parts: Vec<&Path> = path.ancestors().collect();
    for part in parts.into_iter().rev().filter(|part| lexical(part).starts_with(root)) {
        let target = match part.canonicalize() {
            Ok(target) if target.starts_with(root) => continue,
            Ok(target) => target,
            Err(_) if !part.is_symlink() => continue,
            Err(_) => fs::read_link(part).unwrap_or_default(),
        };
        return Err(leads_out(part, &target));
    }
    Ok(())
}

fn leads_out(link: &Path, target: &Path) -> Failure {
    let (link, target): (PathBuf, _) = (lexical(link), target.display());
    Failure::config(format!(
        "{} points outside the project: it is a link to {target}, so nothing is written through it",
        link.display()
    ))
    .hint(format!("if {target} is meant, name it itself"))
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_is_named_in_a_project_is_written_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        let root = dir.join("project");
        for place in ["project/real/deep", "outside/deep"] {
            fs::create_dir_all(dir.join(place)).unwrap();
        }
        for (link, target) in [
            ("in", "real"),
            ("out", "../outside/deep"),
            ("real/out", "../../outside"),
            ("out.txt", "../outside/a.txt"),
            ("loop", "loop"),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        let cases = [
            ("a.txt", true),
            ("real/deep/a.txt", true),
            ("in/deep/a.txt", true),
            ("new/deeper/a.txt", true),
            ("in/../a.txt", true),
            ("../outside/a.txt", true),
            ("out/a.txt", false),
            ("out", false),
            ("real/out/deep/a.txt", false),
            ("in/out/new/a.txt", false),
            ("out/../a.txt", false),
            ("out/../../a.txt", false),
            ("out.txt", false),
            ("loop", false),
        ];
        for (path, allowed) in cases {
            let judged = forbid_way_out(&root.join(path), &root);
            assert_eq!(judged.is_ok(), allowed, "{path}");
        }
        assert!(forbid_way_out(&dir.join("outside/a.txt"), &root).is_ok());
    }
}
