//! Whom an address stands for.

use std::net::{IpAddr, Ipv6Addr};

/// The part of an address that one host cannot change at will: what handlers know a caller by. An IPv6
/// host has a whole /64.
pub(crate) fn group(address: IpAddr) -> IpAddr {
    prefix(address, 4)
}

/// The part of an address that one customer of a network cannot change at will: what places and
/// requests are shared out by. Sites are given an IPv6 prefix of /56 up to /48 (RFC 6177), and tunnel
/// brokers give a /48 to anybody who asks; whoever had several of the units that are counted would
/// have several shares. Neighbours in a hoster's /48 share a share: they lose idle connections to each
/// other, and are never refused for each other.
pub(crate) fn site(address: IpAddr) -> IpAddr {
    prefix(address, 3)
}

/// An IPv4 address, also where it is mapped, or the first 16-bit groups of an IPv6 one.
fn prefix(address: IpAddr, groups: usize) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let mut segments = address.segments();
            segments.iter_mut().skip(groups).for_each(|part| *part = 0);
            IpAddr::V6(Ipv6Addr::from(segments))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_host_has_a_64_and_a_site_a_48() {
        let here = ip("2001:db8:1:2::1");
        assert_eq!(group(here), group(ip("2001:db8:1:2:3:4:5:6")));
        assert_ne!(group(here), group(ip("2001:db8:1:3::1")));
        assert_eq!(site(here), site(ip("2001:db8:1:ffff::1")));
        assert_ne!(site(here), site(ip("2001:db8:2:2::1")));
    }

    #[test]
    fn every_ipv4_address_is_one_also_where_it_is_mapped() {
        for of in [group, site] {
            assert_eq!(of(ip("::ffff:192.0.2.1")), of(ip("192.0.2.1")));
            assert_ne!(of(ip("192.0.2.1")), of(ip("192.0.2.2")));
        }
    }
}
