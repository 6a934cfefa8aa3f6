//! Tenants: groups of people whose documents are kept apart. Each tenant has its own collections, whose names
//! contain the tenant's: `docs~acme` is the collection `docs` of the tenant `acme`.

/// Separates the name of a collection from that of its tenant. Neither name contains it.
pub const TENANT_MARK: char = '~';

/// Bytes of the longest name of a tenant.
const LONGEST: usize = 64;

/// Whether a tenant can have this name: lower-case letters, digits, `-` and `_`. In file systems that ignore
/// case, `Acme` and `acme` would be one collection.
pub fn is_tenant_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    (1..=LONGEST).contains(&name.len()) && name.chars().all(fits)
}

/// The full name of a tenant's collection. Without a tenant, or if the name already contains one, it is the
/// name itself.
pub fn collection_of_tenant(name: &str, tenant: Option<&str>) -> String {
    match tenant.filter(|_| tenant_of(name).is_none()) {
        Some(tenant) => format!("{name}{TENANT_MARK}{tenant}"),
        None => name.to_owned(),
    }
}

/// The tenant that owns a collection.
pub fn tenant_of(collection: &str) -> Option<&str> {
    collection.rsplit_once(TENANT_MARK).map(|(_, tenant)| tenant)
}

/// A collection of the same tenant, with this suffix after its own name.
pub fn sibling_collection(collection: &str, suffix: &str) -> String {
    match collection.rsplit_once(TENANT_MARK) {
        Some((name, tenant)) => format!("{name}{suffix}{TENANT_MARK}{tenant}"),
        None => format!("{collection}{suffix}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collection_carries_the_name_of_its_tenant() {
        for (name, tenant, collection, whose) in [
            ("docs", None, "docs", None),
            ("docs", Some("acme"), "docs~acme", Some("acme")),
            ("docs~acme", Some("acme"), "docs~acme", Some("acme")),
            ("docs~acme", None, "docs~acme", Some("acme")),
        ] {
            assert_eq!(collection_of_tenant(name, tenant), collection);
            assert_eq!(tenant_of(collection), whose);
        }
        assert_eq!(sibling_collection("docs~acme", ".chunk-64"), "docs.chunk-64~acme");
        assert_eq!(sibling_collection("docs", ".chunk-64"), "docs.chunk-64");
    }

    #[test]
    fn names_of_tenants_are_the_same_on_every_file_system() {
        for good in ["acme", "acme-2", "_", "7", &"x".repeat(64)] {
            assert!(is_tenant_name(good), "{good}");
        }
        for bad in ["", "Acme", "a.b", "a~b", "a/b", "a b", "ä", "a@v1", &"x".repeat(65)] {
            assert!(!is_tenant_name(bad), "{bad}");
        }
    }
}
