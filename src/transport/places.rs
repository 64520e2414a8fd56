//! Places for connections: so many in all, and of one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard};

/// Of an IPv6 address, what a client cannot choose by itself.
const NETWORK: u128 = !0 << 64;

pub(super) struct Places {
    max: usize,
    per_address_max: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    count: usize,
    /// Addresses without any are left out.
    by_address: HashMap<IpAddr, usize>,
}

/// A place that is taken; free again when it is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    InAll,
    OfAddress,
}

impl Places {
    pub fn new(max: usize, per_address_max: usize) -> Arc<Places> {
        Arc::new(Places { max, per_address_max, taken: Mutex::default() })
    }

    pub fn take(self: &Arc<Places>, address: IpAddr) -> Result<Place, Full> {
        let address = counted(address);
        let mut taken = self.lock();
        if taken.count >= self.max {
            return Err(Full::InAll);
        }
        let of_address = taken.by_address.get(&address).copied().unwrap_or_default();
        if of_address >= self.per_address_max {
            return Err(Full::OfAddress);
        }
        taken.count += 1;
        taken.by_address.insert(address, of_address + 1);
        Ok(Place { places: self.clone(), address })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.count -= 1;
        if let Some(count) = taken.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

/// The address that a connection is counted for.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(places: &Arc<Places>, address: &str) -> Result<Place, Full> {
        places.take(address.parse().unwrap())
    }

    #[test]
    fn places_are_bounded_in_all_and_by_address() {
        let places = Places::new(3, 2);
        let first = take(&places, "10.0.0.1").unwrap();
        let _second = take(&places, "10.0.0.1").unwrap();
        assert_eq!(take(&places, "10.0.0.1").err(), Some(Full::OfAddress));
        assert_eq!(take(&places, "::ffff:10.0.0.1").err(), Some(Full::OfAddress));
        let third = take(&places, "10.0.0.2").unwrap();
        assert_eq!(take(&places, "10.0.0.3").err(), Some(Full::InAll));
        drop(third);
        drop(first);
        let _again = take(&places, "10.0.0.1").unwrap();
        assert_eq!(places.lock().by_address.len(), 1);
    }

    #[test]
    fn one_network_of_ipv6_is_one_address() {
        let places = Places::new(3, 1);
        let _first = take(&places, "2001:db8::1").unwrap();
        assert_eq!(take(&places, "2001:db8::ffff").err(), Some(Full::OfAddress));
        let _other = take(&places, "2001:db8:0:1::1").unwrap();
    }
}
