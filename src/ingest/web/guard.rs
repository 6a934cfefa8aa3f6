//! Decides which addresses may be connected to.
//!
//! A page decides where its links and redirects lead, and a name server decides where a name leads. So the
//! guard checks every URL before it is requested, and every address that a name resolves to. The connection
//! is then made to exactly the addresses that passed, so that a name that resolves differently a moment later
//! (DNS rebinding) gains nothing.
//!
//! Behind a proxy, the proxy resolves the name. What this machine knows about the name is still checked, but
//! the proxy decides where the connection ends.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::future::BoxFuture;
use url::{Host, Url};

use super::address::{AddressClass, reach};

/// Looks up the addresses of a name.
pub(super) type Lookup =
    Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

#[derive(Clone)]
pub(super) struct Guard {
    allow_private: bool,
    lookup: Lookup,
}

/// Why an address is not connected to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct RefusedAddress(String);

impl fmt::Display for RefusedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RefusedAddress {}

/// Why a name has no address to connect to.
#[derive(Debug)]
pub(super) enum ResolveError {
    Refused(RefusedAddress),
    Unknown(io::Error),
}

impl Guard {
    pub(super) fn new(allow_private: bool) -> Self {
        Self::with_lookup(allow_private, Arc::new(|host| Box::pin(system_lookup(host))))
    }

    pub(super) fn with_lookup(allow_private: bool, lookup: Lookup) -> Self {
        Self { allow_private, lookup }
    }

    /// Checks the URL itself. An address in it, in any notation (`0x7f.1`, `2130706433`, `[::ffff:7f00:1]`),
    /// was normalized when the URL was parsed. No name is looked up for such a URL later, so it has to be
    /// refused here.
    pub(super) fn check_url(&self, url: &Url) -> Result<(), RefusedAddress> {
        if !matches!(url.scheme(), "http" | "https") {
            let scheme = url.scheme();
            return Err(RefusedAddress(format!(
                "{scheme}: is not supported, only http and https are"
            )));
        }
        let address: IpAddr = match url.host() {
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err(RefusedAddress("it names no host".to_owned())),
        };
        self.check(&address.to_string(), address)
    }

    /// The addresses of a name that may be connected to. If some are refused, the others remain.
    pub(super) async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
        let found = (self.lookup)(host.to_owned()).await.map_err(ResolveError::Unknown)?;
        let mut refused = None;
        let mut allowed = Vec::new();
        for address in found {
            match self.check(host, address) {
                Ok(()) => allowed.push(address),
                Err(error) => refused = Some(error),
            }
        }
        match refused {
            Some(refused) if allowed.is_empty() => Err(ResolveError::Refused(refused)),
            _ if allowed.is_empty() => Err(ResolveError::Unknown(io::ErrorKind::NotFound.into())),
            _ => Ok(allowed),
        }
    }

    fn check(&self, host: &str, address: IpAddr) -> Result<(), RefusedAddress> {
        let named = address.to_string();
        let subject =
            if host == named { format!("{named} is") } else { format!("{host} is at {named},") };
        match reach(address) {
            AddressClass::Public => Ok(()),
            AddressClass::Local(_) if self.allow_private => Ok(()),
            AddressClass::Local(what) => {
                Err(RefusedAddress(format!("{subject} {what} (allow it with --allow-private)")))
            }
            AddressClass::Never(what) => {
                Err(RefusedAddress(format!("{subject} {what}, which docent never connects to")))
            }
        }
    }
}

async fn system_lookup(host: String) -> io::Result<Vec<IpAddr>> {
    // Any port will do; only the addresses are used.
    Ok(tokio::net::lookup_host((host.as_str(), 0))
        .await?
        .map(|address: SocketAddr| address.ip())
        .collect())
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;

    use super::*;

    /// A name server that gives these answers one after the other, and then repeats the last.
    pub(in crate::ingest::web) fn answers(script: &[&[&str]]) -> Lookup {
        let parse = |text: &&str| text.parse::<IpAddr>().unwrap();
        let script: Vec<Vec<IpAddr>> =
            script.iter().map(|answer| answer.iter().map(parse).collect()).collect();
        let asked = AtomicUsize::new(0);
        Arc::new(move |_| {
            let turn = asked.fetch_add(1, Ordering::Relaxed).min(script.len() - 1);
            let answer = script[turn].clone();
            Box::pin(async move { Ok(answer) })
        })
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn addresses_in_urls_in_every_notation() {
        let guard = Guard::new(false);
        for text in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://127.0.0.1./",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7f.0.0.1/",
            "http://017700000001/",
            "http://0177.0.0.01/",
            "http://%31%32%37.0.0.1/",
            "http://１２７.0.0.1/",
            "http://127。0。0。1/",
            "http://0/",
            "http://10.1.2.3:8080/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[0:0:0:0:0:ffff:a9fe:a9fe]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[fe80::1]/",
            "http://[fd12:3456::1]/",
            "http://169.254.169.254/latest/meta-data/",
            "http://user@192.168.1.1/",
            "https://100.64.3.4/",
            "http://239.1.1.1/",
            "ftp://example.org/",
            "file:///etc/passwd",
            "data:text/plain,x",
        ] {
            assert!(guard.check_url(&url(text)).is_err(), "{text}");
        }
        for text in ["http://example.org/", "https://1.1.1.1/", "http://[2606:4700::1111]/"] {
            assert_eq!(guard.check_url(&url(text)), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_is_allowed_on_request_and_what_never_is() {
        let guard = Guard::new(true);
        for text in ["http://127.0.0.1/", "http://10.0.0.1/", "http://[fd12::1]/"] {
            assert_eq!(guard.check_url(&url(text)), Ok(()), "{text}");
        }
        for text in ["http://169.254.169.254/", "http://[fd00:ec2::254]/", "http://224.0.0.1/"] {
            assert!(guard.check_url(&url(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_refusal_names_the_address_the_reason_and_the_flag() {
        let reason = |text: &str| Guard::new(false).check_url(&url(text)).unwrap_err().to_string();
        assert_eq!(
            reason("http://2130706433/"),
            "127.0.0.1 is a loopback address (allow it with --allow-private)"
        );
        assert_eq!(
            reason("http://169.254.169.254/"),
            "169.254.169.254 is the address of a metadata service, which docent never connects to"
        );
    }

    #[tokio::test]
    async fn names_are_judged_by_their_addresses() {
        let guard = Guard::with_lookup(
            false,
            answers(&[&["10.0.0.7"], &["93.184.216.34", "127.0.0.1"], &["93.184.216.34"], &[]]),
        );
        match guard.resolve("intranet.example").await {
            Err(ResolveError::Refused(refused)) => assert_eq!(
                refused.to_string(),
                "intranet.example is at 10.0.0.7, a private address (allow it with --allow-private)"
            ),
            other => panic!("{other:?}"),
        }
        let public: IpAddr = [93, 184, 216, 34].into();
        assert_eq!(guard.resolve("mixed.example").await.ok(), Some(vec![public]));
        assert_eq!(guard.resolve("public.example").await.ok(), Some(vec![public]));
        assert!(matches!(guard.resolve("none.example").await, Err(ResolveError::Unknown(_))));
    }

    #[tokio::test]
    async fn localhost_is_this_machine() {
        let outcome = Guard::new(false).resolve("localhost").await;
        assert!(matches!(outcome, Err(ResolveError::Refused(_))), "{outcome:?}");
    }

    proptest! {
        /// An address in a URL is refused exactly when it is not public, however it is written.
        #[test]
        fn notations_agree(bits in prop_oneof![
            any::<u32>(),
            (0x7f00_0000_u32..0x7f00_ffff),
            (0x0a00_0000_u32..0x0a00_ffff),
            Just(0xa9fe_a9fe),
        ]) {
            let guard = Guard::new(false);
            let [a, b, c, d] = bits.to_be_bytes();
            let public = reach(IpAddr::from([a, b, c, d])) == AddressClass::Public;
            for text in [
                format!("{a}.{b}.{c}.{d}"),
                format!("{bits}"),
                format!("{bits:#x}"),
                format!("0{bits:o}"),
                format!("{a:#x}.{b:#o}.{c}.{d}").replace("0o", "0"),
                format!("{a}.{}", bits & 0xff_ffff),
                format!("[::ffff:{a}.{b}.{c}.{d}]"),
                format!("[::ffff:{:x}:{:x}]", bits >> 16, bits & 0xffff),
            ] {
                let parsed = url(&format!("http://{text}/"));
                prop_assert_eq!(guard.check_url(&parsed).is_ok(), public, "{}", text);
            }
        }
    }
}
