//! Names of collections, and of their versions.

/// Says why `name` can't be the name of a collection, if it can't. One rule for both stores, so that a
/// collection can move between them: the name must work as a file name on every system and as a collection
/// name in Qdrant. `@` separates the name from the version.
pub fn check_name(name: &str) -> Result<(), String> {
    const FORBIDDEN: &str = "<>:\"/\\|?*@";
    if name.is_empty() || name.len() > 200 {
        return Err("a collection name has 1 to 200 bytes".to_owned());
    }
    if name.starts_with('.') || name.ends_with(['.', ' ']) {
        return Err(format!(
            "collection name {name:?} starts with a dot or ends with a dot or blank"
        ));
    }
    match name.chars().find(|&c| c.is_control() || FORBIDDEN.contains(c)) {
        Some(c) => Err(format!("collection name {name:?} contains {c:?}")),
        None => Ok(()),
    }
}

/// Version number of a physical collection `NAME@vN` of `name`.
pub(super) fn version_of(physical: &str, name: &str) -> Option<u32> {
    version_in(physical).filter(|(of, _)| of == name).map(|(_, number)| number)
}

/// Name and version number of a physical collection `NAME@vN`.
pub(super) fn version_in(physical: &str) -> Option<(String, u32)> {
    let (name, number) = physical.rsplit_once("@v")?;
    Some((name.to_owned(), number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_files_everywhere_and_collections_in_qdrant() {
        for good in ["docs", "my docs", "team.handbook-v2", "Füße", "文档"] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in ["", ".hidden", "a/b", "a\\b", "a@v1", "a:b", "tab\t", "dot.", "..", "x?"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
        assert!(check_name(&"x".repeat(201)).is_err());
    }

    #[test]
    fn versions_are_read_from_physical_names() {
        assert_eq!(version_of("docs@v7", "docs"), Some(7));
        assert_eq!(version_of("docs2@v7", "docs"), None);
        assert_eq!(version_of("docs", "docs"), None);
        assert_eq!(version_of("docs@lock", "docs"), None);
    }
}
