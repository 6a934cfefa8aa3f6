//! Classifies IP addresses: the public internet, this machine's networks, or something that is never a web
//! site. Pure.
//!
//! The ranges are those of the IANA registries of special-purpose addresses (RFC 6890), and the addresses at
//! which clouds serve credentials to their machines.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a connection to an address would reach.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum AddressClass {
    /// On the public internet.
    Public,
    /// On this machine or its networks, or in a range that no public server uses. The text completes "ADDRESS
    /// is ...".
    Local(&'static str),
    /// Never a web site worth reading, on any network.
    Never(&'static str),
}

pub(super) fn reach(address: IpAddr) -> AddressClass {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

const METADATA: AddressClass = AddressClass::Never("the address of a metadata service");
const MULTICAST: AddressClass = AddressClass::Never("a multicast address");
const NOWHERE: AddressClass = AddressClass::Never("an address that no machine has");
const LOOPBACK: AddressClass = AddressClass::Local("a loopback address");
const LINK_LOCAL: AddressClass = AddressClass::Local("a link-local address");
const PRIVATE: AddressClass = AddressClass::Local("a private address");
const SHARED: AddressClass = AddressClass::Local("a shared address of a provider's network");
const RESERVED: AddressClass = AddressClass::Local("a reserved address");

/// Address, length of the prefix, meaning; the first match applies.
const V4: &[([u8; 4], u32, AddressClass)] = &[
    // AWS, Azure, Google Cloud, DigitalOcean and others; Alibaba; Oracle; Azure's wire server.
    ([169, 254, 169, 254], 32, METADATA),
    ([169, 254, 170, 2], 32, METADATA),
    ([169, 254, 170, 23], 32, METADATA),
    ([100, 100, 100, 200], 32, METADATA),
    ([192, 0, 0, 192], 32, METADATA),
    ([168, 63, 129, 16], 32, METADATA),
    ([0, 0, 0, 0], 8, NOWHERE),
    ([10, 0, 0, 0], 8, PRIVATE),
    ([100, 64, 0, 0], 10, SHARED),
    ([127, 0, 0, 0], 8, LOOPBACK),
    ([169, 254, 0, 0], 16, LINK_LOCAL),
    ([172, 16, 0, 0], 12, PRIVATE),
    ([192, 0, 0, 0], 24, RESERVED),
    ([192, 0, 2, 0], 24, RESERVED),
    ([192, 88, 99, 0], 24, RESERVED),
    ([192, 168, 0, 0], 16, PRIVATE),
    ([198, 18, 0, 0], 15, RESERVED),
    ([198, 51, 100, 0], 24, RESERVED),
    ([203, 0, 113, 0], 24, RESERVED),
    ([224, 0, 0, 0], 4, MULTICAST),
    ([255, 255, 255, 255], 32, NOWHERE),
    ([240, 0, 0, 0], 4, RESERVED),
];

fn reach_v4(address: Ipv4Addr) -> AddressClass {
    let within = |prefix: [u8; 4], length: u32| {
        let mask = u32::MAX << (32 - length);
        u32::from(address) & mask == u32::from(Ipv4Addr::from(prefix)) & mask
    };
    V4.iter()
        .find(|(prefix, length, _)| within(*prefix, *length))
        .map_or(AddressClass::Public, |(_, _, reach)| *reach)
}

/// First segments, length of the prefix, meaning; the first match applies. An address in no row is public
/// within `2000::/3` and reserved elsewhere.
const V6: &[([u16; 8], u32, AddressClass)] = &[
    // AWS; Google Cloud.
    ([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128, METADATA),
    ([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128, METADATA),
    ([0, 0, 0, 0, 0, 0, 0, 0], 128, NOWHERE),
    ([0, 0, 0, 0, 0, 0, 0, 1], 128, LOOPBACK),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, AddressClass::Local("a unique-local address")),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, LINK_LOCAL),
    ([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, PRIVATE),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, MULTICAST),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, RESERVED),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, RESERVED),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, RESERVED),
    ([0x2000, 0, 0, 0, 0, 0, 0, 0], 3, AddressClass::Public),
];

fn reach_v6(address: Ipv6Addr) -> AddressClass {
    if let Some(inner) = carried(address) {
        return reach_v4(inner);
    }
    let bits = u128::from(address);
    let within = |prefix: [u16; 8], length: u32| {
        let mask = u128::MAX << (128 - length);
        bits & mask == u128::from(Ipv6Addr::from(prefix)) & mask
    };
    V6.iter()
        .find(|(prefix, length, _)| within(*prefix, *length))
        .map_or(RESERVED, |(_, _, reach)| *reach)
}

/// The IPv4 address that a connection to this address ends at: mapped, translated (NAT64, RFC 6052) or
/// tunnelled (6to4, RFC 3056).
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> AddressClass {
        reach(text.parse().expect(text))
    }

    #[test]
    fn every_range() {
        let never = |reach| matches!(reach, AddressClass::Never(_));
        let local = |reach| matches!(reach, AddressClass::Local(_));
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00::1",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ] {
            assert_eq!(of(text), AddressClass::Public, "{text}");
        }
        for text in [
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.0.1",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.2.1",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "240.0.0.1",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:0:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:c0a8:101::1",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "100::1",
            "5f00::1",
            "4000::1",
        ] {
            assert!(local(of(text)), "{text}: {:?}", of(text));
        }
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.170.2",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            "224.0.0.1",
            "239.255.255.255",
            "255.255.255.255",
            "::",
            "fd00:ec2::254",
            "fd20:ce::254",
            "ff02::1",
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::",
            "::ffff:0.0.0.0",
        ] {
            assert!(never(of(text)), "{text}: {:?}", of(text));
        }
    }

    proptest! {
        /// The standard library knows the older ranges: none of them is public here.
        #[test]
        fn nothing_special_is_public(bits in any::<u32>()) {
            let address = Ipv4Addr::from(bits);
            let special = address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.is_broadcast()
                || address.is_documentation()
                || address.is_unspecified();
            prop_assert!(!special || reach_v4(address) != AddressClass::Public);
        }

        /// An IPv4 address in an IPv6 address is classified like the plain one.
        #[test]
        fn wrapping_changes_nothing(bits in prop_oneof![
            any::<u32>(),
            prop::sample::select(vec![0x7f00_0001, 0x0a00_0001, 0xa9fe_a9fe, 0xc0a8_0101, 0]),
        ]) {
            let inner = Ipv4Addr::from(bits);
            let [a, b, c, d] = inner.octets();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            for outer in [
                inner.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            ] {
                prop_assert_eq!(reach(IpAddr::V6(outer)), reach_v4(inner), "{}", outer);
            }
        }

        #[test]
        fn only_global_unicast_is_public(bits in any::<u128>()) {
            let address = Ipv6Addr::from(bits);
            if reach_v6(address) == AddressClass::Public {
                prop_assert!(bits >> 125 == 1 || carried(address).is_some(), "{}", address);
            }
        }
    }
}
