//! How many connections there may be: in all, and per client.
//!
//! A client is an IPv4 address, or the first 64 bits of an IPv6 address: that is what one household or one machine is
//! given, and it may use every address in it. The table has one entry per client with an open connection and so is
//! bounded by the number of connections.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// Every place is taken.
    InAll,
    /// The client has as many as one may have.
    Client,
}

/// The places for connections.
pub(super) struct Places {
    in_all_max: usize,
    per_client_max: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    in_all: usize,
    by_client: HashMap<IpAddr, usize>,
}

/// A connection's place; free again when dropped.
pub(super) struct Place {
    places: Arc<Places>,
    client: IpAddr,
}

impl Places {
    /// Places in all and per client; 0 means without limit.
    pub(super) fn new(in_all_max: usize, per_client_max: usize) -> Arc<Self> {
        Arc::new(Self { in_all_max, per_client_max, taken: Mutex::default() })
    }

    /// Takes a place for a connection from this address.
    pub(super) fn take(places: &Arc<Self>, address: IpAddr) -> Result<Place, Full> {
        let client = client(address);
        let mut taken = places.lock();
        if places.in_all_max > 0 && taken.in_all >= places.in_all_max {
            return Err(Full::InAll);
        }
        let of_client = taken.by_client.get(&client).copied().unwrap_or(0);
        if places.per_client_max > 0 && of_client >= places.per_client_max {
            return Err(Full::Client);
        }
        taken.by_client.insert(client, of_client + 1);
        taken.in_all += 1;
        Ok(Place { places: places.clone(), client })
    }

    /// How many places are taken.
    pub(super) fn taken(&self) -> usize {
        self.lock().in_all
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.in_all = taken.in_all.saturating_sub(1);
        match taken.by_client.get_mut(&self.client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.by_client.remove(&self.client)),
        }
    }
}

fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(places: &Arc<Places>, address: &str) -> Result<Place, Full> {
        Places::take(places, address.parse().unwrap())
    }

    #[test]
    fn a_place_that_is_given_back_can_be_taken_again() {
        let places = Places::new(2, 0);
        let first = take(&places, "192.0.2.1").unwrap();
        let _second = take(&places, "192.0.2.1").unwrap();
        assert_eq!(take(&places, "192.0.2.2").err(), Some(Full::InAll));
        drop(first);
        assert_eq!(places.taken(), 1);
        let _third = take(&places, "192.0.2.2").unwrap();
    }

    #[test]
    fn one_client_does_not_take_the_places_of_others() {
        let places = Places::new(0, 2);
        let held: Vec<Place> = (0..2).map(|_| take(&places, "192.0.2.1").unwrap()).collect();
        assert_eq!(take(&places, "192.0.2.1").err(), Some(Full::Client));
        assert_eq!(take(&places, "::ffff:192.0.2.1").err(), Some(Full::Client), "the same address, mapped");
        let _other = take(&places, "192.0.2.2").unwrap();
        drop(held);
        assert_eq!(places.lock().by_client.len(), 1, "a client without connections leaves nothing");
    }

    #[test]
    fn an_ipv6_client_is_a_network() {
        let places = Places::new(0, 1);
        let _held = take(&places, "2001:db8::1").unwrap();
        assert_eq!(take(&places, "2001:db8::ffff:1").err(), Some(Full::Client));
        let _other = take(&places, "2001:db8:0:1::1").unwrap();
    }

    #[test]
    fn zero_lifts_both_limits() {
        let places = Places::new(0, 0);
        let held: Vec<Place> = (0..1000).map(|_| take(&places, "192.0.2.1").unwrap()).collect();
        assert_eq!((held.len(), places.taken()), (1000, 1000));
    }
}
