//! How many boxes each zone and each client's network has.
//!
//! Counted in two tables of fixed size, in each at two places that a hash chooses; the smaller count is the share.
//! Whoever meets another in both places may be held for the one with more: at 4096 places that is rare, and which two
//! meet nobody can choose. Workers look and then count, so that each may let one in too many.

use std::hash::{BuildHasher, Hash};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use foldhash::fast::FixedState;
use waymark_zone::published::ZoneNumber;

const PLACES: usize = 4096;

pub(super) struct Shares {
    hasher: FixedState,
    zones: Counts,
    clients: Counts,
}

struct Counts(Box<[AtomicU32]>);

impl Shares {
    pub(super) fn new(seed: u64) -> Self {
        let counts = || Counts((0..PLACES).map(|_| AtomicU32::new(0)).collect());
        Self { hasher: FixedState::with_seed(seed), zones: counts(), clients: counts() }
    }

    /// Counts one box more for a zone and a client, unless one of them has as many as there are free ones.
    pub(super) fn enter(&self, zone: ZoneNumber, client: IpAddr, free: usize) -> bool {
        let (zone, client) = self.hashes(zone, client);
        let fits = self.zones.of(zone) < free && self.clients.of(client) < free;
        if fits {
            self.zones.change(zone, 1);
            self.clients.change(client, 1);
        }
        fits
    }

    /// Counts one box less.
    pub(super) fn leave(&self, zone: ZoneNumber, client: IpAddr) {
        let (zone, client) = self.hashes(zone, client);
        self.zones.change(zone, u32::MAX);
        self.clients.change(client, u32::MAX);
    }

    fn hashes(&self, zone: ZoneNumber, client: IpAddr) -> (u64, u64) {
        (self.hash(zone), self.hash(network(client)))
    }

    fn hash(&self, value: impl Hash) -> u64 {
        self.hasher.hash_one(value)
    }
}

impl Counts {
    fn places(&self, hash: u64) -> [&AtomicU32; 2] {
        [hash, hash >> 32].map(|hash| &self.0[hash as usize % PLACES])
    }

    fn of(&self, hash: u64) -> usize {
        let [one, other] = self.places(hash).map(|place| place.load(Relaxed));
        one.min(other) as usize
    }

    /// Adds 1, or takes 1 away by adding `u32::MAX`.
    fn change(&self, hash: u64, by: u32) {
        for place in self.places(hash) {
            place.fetch_add(by, Relaxed);
        }
    }
}

/// What one household or machine is given, and can ask from: an IPv4 /24, an IPv6 /56.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & !0xff).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 72 << 72).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Fills 1000 boxes from one side and gives how many it got.
    fn fill(shares: &Shares, free: &mut usize, zone: u64, clients: impl Iterator<Item = IpAddr>) -> usize {
        let mut got = 0;
        for client in clients.take(2000) {
            if *free > 0 && shares.enter(ZoneNumber(zone), client, *free) {
                *free -= 1;
                got += 1;
            }
        }
        got
    }

    fn many() -> impl Iterator<Item = IpAddr> {
        (0u32..).map(|number| Ipv4Addr::from_bits(number << 8).into())
    }

    #[test]
    fn a_zone_gets_half_and_leaves_room_for_the_next() {
        let (shares, mut free) = (Shares::new(1), 1000);
        assert_eq!(fill(&shares, &mut free, 1, many()), 500);
        let second = fill(&shares, &mut free, 2, many());
        assert!((240..=260).contains(&second), "{second}");
        assert!(free > 200);
    }

    #[test]
    fn a_network_gets_half_whatever_zones_it_asks() {
        let (shares, mut free) = (Shares::new(1), 1000);
        let got = (0..1000)
            .filter(|zone| {
                let fits = shares.enter(ZoneNumber(*zone), ip(&format!("192.0.2.{}", zone % 256)), free);
                free -= usize::from(fits);
                fits
            })
            .count();
        assert_eq!(got, 500);
        assert!(shares.enter(ZoneNumber(5000), ip("198.51.100.1"), free));
    }

    #[test]
    fn who_leaves_makes_room() {
        let shares = Shares::new(1);
        for _ in 0..10_000 {
            assert!(shares.enter(ZoneNumber(1), ip("2001:db8::1"), 1));
            assert!(!shares.enter(ZoneNumber(1), ip("2001:db8:0:ff::1"), 1), "the same network");
            shares.leave(ZoneNumber(1), ip("2001:db8::1"));
        }
    }
}
