//! Which versions of Qdrant are new enough.

/// Qdrant keeps metadata of a collection, which holds docent's manifest, since this version. An older server
/// ignores the field and reports success. Everything else that docent uses is older.
const OLDEST: (u32, u32) = (1, 16);

/// Says why a server of this version can't be used, if it can't. A version that can't be parsed, as of a
/// custom build, is accepted.
pub(super) fn too_old(version: &str) -> Option<String> {
    let mut numbers = version.trim_start_matches('v').split('.').map(str::parse);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else { return None };
    let (oldest_major, oldest_minor) = OLDEST;
    ((major, minor) < OLDEST).then(|| {
        format!(
            "Qdrant {version} is too old: docent needs {oldest_major}.{oldest_minor} or later, \
             which keeps what a collection was built with"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_without_collection_metadata_are_too_old() {
        for old in ["1.15.5", "v1.9.0", "0.11.7", "1.15"] {
            assert!(too_old(old).is_some_and(|why| why.contains(old) && why.contains("1.16")));
        }
        for fine in ["1.16.0", "v1.18.3", "1.16.0-dev", "1.100.0", "2.0.0", "dev", ""] {
            assert_eq!(too_old(fine), None, "{fine}");
        }
    }
}
