//! Paths, directories and globs that choose documents.

use crate::types::{upload_id, upload_source};

/// Syntax of globs, for hints.
pub const GLOBS: &str =
    "globs may have * ** ? [a-z] {a,b}; a backslash takes the next character literally";

/// Why a pattern is not a valid glob, as a phrase.
pub fn glob_problem(pattern: &str) -> Option<String> {
    globset::Glob::new(pattern).err().map(|error| error.kind().to_string())
}

/// The directory that contains everything that a pattern selects: the pattern itself, if it is not a
/// glob.
pub fn plain_directory(pattern: &str) -> &str {
    let pattern = pattern.trim_start_matches("./");
    let plain = match pattern.find(['*', '?', '[', '{', '\\']) {
        Some(end) => pattern[..end].rsplit_once('/').map_or("", |(directory, _)| directory),
        None => pattern,
    };
    plain.trim_end_matches('/')
}

/// Whether the pattern selects an upload of any name below its directory.
pub fn takes_every_name(pattern: &str) -> bool {
    let source = upload_source(plain_directory(pattern), &upload_id(0), "name");
    let glob = globset::Glob::new(pattern).map(|glob| glob.compile_matcher());
    is_under(&source, pattern.trim_start_matches("./")) || glob.is_ok_and(|it| it.is_match(&source))
}

/// Whether a source has this name, or is in a directory of this name.
pub(super) fn is_under(source: &str, name: &str) -> bool {
    let name = name.trim_end_matches('/');
    let rest = source.strip_prefix(name);
    !name.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_of_a_glob_takes_every_name_or_some() {
        for (pattern, directory, every) in [
            ("docs", "docs", true),
            ("./docs/", "docs", true),
            ("docs/**", "docs", true),
            ("*", "", true),
            ("docs/*.md", "docs", false),
            ("docs/te*", "docs", false),
            ("team-?/**", "", false),
            ("team/{a,b}/c", "team", false),
            ("team/\\[a]/**", "team", false),
        ] {
            assert_eq!(plain_directory(pattern), directory, "{pattern}");
            assert_eq!(takes_every_name(pattern), every, "{pattern}");
        }
        assert!(glob_problem("docs/[a").is_some() && glob_problem("docs/[a]").is_none());
    }
}
