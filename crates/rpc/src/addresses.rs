//! Connections counted by address.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

/// Counts connections by address. An IPv6 host has a whole /64, so that is counted as one address.
#[derive(Clone)]
pub(crate) struct Addresses {
    counts: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
    most: usize,
}

impl Addresses {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            counts: Arc::default(),
            most,
        }
    }

    /// Takes a place for `address`, if it has one left.
    pub(crate) fn enter(&self, address: IpAddr) -> Option<Slot> {
        let address = group(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Slot {
            addresses: self.clone(),
            address,
        })
    }
}

/// The part of an address that one host cannot change at will.
pub(crate) fn group(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// One taken place; given back on drop.
pub(crate) struct Slot {
    addresses: Addresses,
    address: IpAddr,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self
            .addresses
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_its_places_and_no_more() {
        let addresses = Addresses::new(2);
        let here: IpAddr = "192.0.2.1".parse().unwrap();
        let first = addresses.enter(here).unwrap();
        let _second = addresses.enter(here).unwrap();
        assert!(addresses.enter(here).is_none());
        assert!(addresses.enter("192.0.2.2".parse().unwrap()).is_some());
        drop(first);
        assert!(addresses.enter(here).is_some());
    }

    #[test]
    fn a_whole_ipv6_network_counts_as_one_address() {
        let addresses = Addresses::new(1);
        let _slot = addresses.enter("2001:db8::1".parse().unwrap()).unwrap();
        assert!(
            addresses
                .enter("2001:db8::ffff:1".parse().unwrap())
                .is_none()
        );
        assert!(
            addresses
                .enter("2001:db8:0:1::1".parse().unwrap())
                .is_some()
        );
    }

    #[test]
    fn a_mapped_ipv4_address_is_the_same_address() {
        assert_eq!(
            group("::ffff:192.0.2.1".parse().unwrap()),
            group("192.0.2.1".parse().unwrap())
        );
    }

    #[test]
    fn counts_of_gone_addresses_are_forgotten() {
        let addresses = Addresses::new(1);
        drop(addresses.enter("192.0.2.1".parse().unwrap()));
        assert!(addresses.counts.lock().unwrap().is_empty());
    }
}
