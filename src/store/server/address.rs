//! The address of a Qdrant server as users give it, turned into what the gRPC client needs.

/// Port of Qdrant's gRPC interface.
const GRPC: u16 = 6334;
/// Port of its REST interface and dashboard: the better-known one, one below gRPC.
const REST: u16 = 6333;

/// The addresses of the nodes of one cluster, in the order in which they are asked; several are separated by
/// commas. At least one.
pub(super) fn grpc_addresses(given: &str) -> Result<Vec<String>, String> {
    let mut addresses = Vec::new();
    for address in given.split(',').map(grpc_address) {
        let address = address?;
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

/// `scheme://host:port` for `[http://|https://]host[:port][/]`.
///
/// Without a scheme it is `http`, without a port 6334. Port 6333 becomes 6334: it can only mean the REST
/// interface of the same server.
fn grpc_address(given: &str) -> Result<String, String> {
    let given = given.trim();
    let (scheme, rest) = given.split_once("://").unwrap_or(("http", given));
    let scheme = scheme.to_ascii_lowercase();
    if !matches!(scheme.as_str(), "http" | "https") {
        return Err(format!("the address starts with {scheme}://; use http:// or https://"));
    }
    let authority = rest.trim_end_matches('/');
    if authority.contains('@') {
        // Never repeat the address: it may contain a password.
        return Err("the address contains `@`: set the key as QDRANT_API_KEY".to_owned());
    }
    if given.contains(';') || given.matches("://").count() > 1 {
        return Err(format!("{given:?}: several addresses are separated by commas"));
    }
    if authority.contains(['/', '?', '#']) || authority.chars().any(char::is_whitespace) {
        return Err(format!("{given:?} is not an address like http://localhost:6334"));
    }
    let (host, port) = split_port(authority)
        .filter(|(host, _)| !host.is_empty())
        .ok_or_else(|| format!("{given:?} is not an address like http://localhost:6334"))?;
    let port = match port {
        None | Some(REST) => GRPC,
        Some(port) => port,
    };
    Ok(format!("{scheme}://{host}:{port}"))
}

/// Host (an IPv6 address in brackets) and port. `None` where they can't be separated.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.rfind(']') {
        Some(end) if authority.starts_with('[') => {
            let (host, port) = authority.split_at(end + 1);
            match port.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if port.is_empty() => (host, None),
                None => return None,
            }
        }
        Some(_) => return None,
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    match port {
        None => Some((host, None)),
        Some(digits) => Some((host, Some(digits.parse().ok()?))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn addresses_lead_to_the_grpc_port() {
        for (given, expected) in [
            ("http://localhost:6334", "http://localhost:6334"),
            ("http://localhost:6333/", "http://localhost:6334"),
            ("https://x.cloud.qdrant.io", "https://x.cloud.qdrant.io:6334"),
            ("HTTPS://x.cloud.qdrant.io:443", "https://x.cloud.qdrant.io:443"),
            ("localhost", "http://localhost:6334"),
            ("qdrant:7000", "http://qdrant:7000"),
            ("http://[::1]:6333", "http://[::1]:6334"),
            (" http://[::1] ", "http://[::1]:6334"),
        ] {
            assert_eq!(grpc_address(given).as_deref(), Ok(expected), "{given}");
        }
    }

    #[test]
    fn an_invalid_address_is_refused_and_keys_in_it_are_not_repeated() {
        for bad in [
            "",
            "http://",
            "ftp://x",
            "http://x/path",
            "a b",
            "http://x:port",
            "http://::1",
            "http://x:99999",
        ] {
            assert!(grpc_address(bad).is_err(), "{bad}");
        }
        assert!(!grpc_address("http://me:s3cret@host").unwrap_err().contains("s3cret"));
    }

    #[test]
    fn several_addresses_are_separated_by_commas() {
        let both = ["http://a:6334".to_owned(), "http://b:7000".to_owned()];
        assert_eq!(grpc_addresses("http://a:6333, http://b:7000,a"), Ok(both.to_vec()));
        for bad in ["http://a http://b", "http://a;http://b", "http://a,", "a,ftp://b"] {
            let error = grpc_addresses(bad).unwrap_err();
            assert!(!error.is_empty(), "{bad}");
        }
        assert!(grpc_addresses("http://a;http://b").unwrap_err().contains("commas"));
    }
}
