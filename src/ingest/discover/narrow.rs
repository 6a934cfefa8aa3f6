//! Restricts a run to a part of its inputs.

use std::path::Path;

use super::scope::{Root, is_under};
use super::{lexical, walk};

/// Patterns for [`include`](super::DiscoverOptions::include) that match only these files and directories.
/// They do not override the walk below `roots`: what it skips stays skipped. A path is relative to the
/// project, or absolute, and is not a glob.
///
/// # Errors
/// Returns the first path that is not below `roots`.
pub fn narrowed<'a>(
    paths: &'a [String],
    roots: &[String],
    project: &Path,
) -> Result<Vec<String>, &'a str> {
    let pattern = |path: &'a String| {
        let source = source_of(path, project).ok_or(path.as_str())?;
        let is_meant = |root: &String| {
            let root_path = root.trim_start_matches("./");
            is_under(root_path, &source)
                || Root::named(root, project).is_some_and(|root| root.holds(&source))
        };
        match roots.iter().any(is_meant) {
            true if source.is_empty() => Ok("*".to_owned()),
            true => Ok(literal(&source)),
            false => Err(path.as_str()),
        }
    };
    paths.iter().map(pattern).collect()
}

/// The source that the file would have as a document.
fn source_of(path: &str, project: &Path) -> Option<String> {
    let path = lexical(&project.join(path.trim()));
    match path.strip_prefix(project) {
        Ok(relative) => walk::source_of(relative),
        Err(_) => path.to_str().map(str::to_owned),
    }
}

/// The pattern that matches only this path and what is below it.
fn literal(source: &str) -> String {
    let mut pattern = "/".to_owned();
    for c in source.trim_start_matches('/').chars() {
        if "\\*?[]{}! ".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::discover::Patterns;

    #[test]
    fn a_path_is_a_part_of_the_inputs() {
        let roots = ["docs", "notes/*.txt", "/else/where", "one.md"].map(str::to_owned);
        let of = |path: &str| {
            let paths = [path.to_owned()];
            narrowed(&paths, &roots, Path::new("/project")).map_err(str::to_owned)
        };
        for (path, pattern) in [
            ("docs", "/docs"),
            ("./docs/a b.md ", "/docs/a\\ b.md"),
            ("/project/docs/", "/docs"),
            ("docs/../one.md", "/one.md"),
            ("notes/a.txt", "/notes/a.txt"),
            ("notes", "/notes"),
            ("/else/where/x", "/else/where/x"),
            (".", "*"),
        ] {
            assert_eq!(of(path), Ok(vec![pattern.to_owned()]), "{path}");
        }
        for outside in
            ["other", "docs/../other", "../docs", "/etc/passwd", "notes/a.md", "doc", "one.mdx"]
        {
            assert_eq!(of(outside), Err(outside.to_owned()));
        }
    }

    #[test]
    fn special_characters_in_a_name_are_literal() {
        let names = ["a*b", "a?b", "[ab]", "{a,b}", "!a", "#a", "a\\b", " a ", "a.md"];
        for name in names {
            let patterns = Patterns::new(&[literal(name)], &[]).expect("a pattern");
            for other in names {
                assert_eq!(patterns.admit(other), name == other, "{name} {other}");
            }
            assert!(patterns.admit(&format!("{name}/below")), "{name}");
        }
    }
}
