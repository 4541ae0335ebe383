//! How many connections there may be: in all, and per client; and which one goes when there is no place left.
//!
//! ```text
//!  accept -> take: a free place
//!                  or the place of the connection that has been idle longest, which is told to go
//!                  or none: everybody is in the middle of something
//! ```
//!
//! A client is an IPv4 address, or the first 64 bits of an IPv6 address: that is what one household or one machine is
//! given, and it may use every address in it. The table has one entry per client with an open connection and so is
//! bounded by the number of connections.
//!
//! RFC 9210 section 4.2 has the server close the oldest idle connections first. Where a client is at its own limit, only
//! a connection of the same client frees a place for it, and so its own oldest idle one goes, which costs nobody else
//! anything; where the server is full, the oldest idle one of all goes, whoever it belongs to. A connection is idle
//! when no request of its has begun, none waits for its answer, and no answer is being written. Idle connections are
//! kept in the order in which they became idle, so that taking a place costs a few steps however many there are.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Connections that have lost their places and are still closing; while there are so many, nobody else loses one. It
/// bounds the sockets that are open beyond the limit.
pub(super) const LEAVING_MAX: usize = 64;
/// The turn of a connection that is not idle.
const BUSY: u64 = 0;

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// Every place is taken, and nobody is idle.
    InAll,
    /// The client has as many as one may have, and none of them is idle.
    Client,
}

/// The connection's place has been given to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Evicted;

/// The places for connections.
pub(super) struct Places {
    in_all_max: usize,
    per_client_max: usize,
    table: Mutex<Table>,
    /// What the table says, for those who need no more than the number.
    taken: AtomicUsize,
}

#[derive(Default)]
struct Table {
    in_all: usize,
    by_client: HashMap<IpAddr, Client>,
    /// Idle connections by turn: the first has been idle longest.
    idle: BTreeMap<u64, Idle>,
    last_turn: u64,
    leaving: usize,
}

#[derive(Default)]
struct Client {
    places: usize,
    idle: BTreeSet<u64>,
}

struct Idle {
    client: IpAddr,
    evict: Arc<Notify>,
}

/// A connection's place; free again when dropped.
pub(super) struct Place {
    places: Arc<Places>,
    client: IpAddr,
    /// Since which turn the connection is idle. Written by the connection alone, under the table's lock.
    idle_since: AtomicU64,
    evict: Arc<Notify>,
}

impl Places {
    /// Places in all and per client; 0 means without limit.
    pub(super) fn new(in_all_max: usize, per_client_max: usize) -> Arc<Self> {
        Arc::new(Self { in_all_max, per_client_max, table: Mutex::default(), taken: AtomicUsize::new(0) })
    }

    /// Takes a place for a connection from this address, which is idle until it says otherwise. Somebody idle may lose
    /// theirs for it.
    pub(super) fn take(places: &Arc<Self>, address: IpAddr) -> Result<Place, Full> {
        let client = client(address);
        let mut table = places.lock();
        if let Some(full) = places.what_is_full(&table, client) {
            let turn = table.oldest_idle(full, client).filter(|_| table.leaving < LEAVING_MAX).ok_or(full)?;
            table.evict(turn);
        }
        table.in_all += 1;
        table.by_client.entry(client).or_default().places += 1;
        places.taken.store(table.in_all, Relaxed);
        let evict = Arc::new(Notify::new());
        let turn = if places.are_limited() { table.begin_idle(client, &evict) } else { BUSY };
        Ok(Place { places: places.clone(), client, idle_since: AtomicU64::new(turn), evict })
    }

    /// How many places are taken.
    pub(super) fn taken(&self) -> usize {
        self.taken.load(Relaxed)
    }

    /// Whether more than three quarters of all places are taken.
    pub(super) fn are_scarce(&self) -> bool {
        self.in_all_max > 0 && self.taken().saturating_mul(4) > self.in_all_max.saturating_mul(3)
    }

    fn what_is_full(&self, table: &Table, client: IpAddr) -> Option<Full> {
        let of_client = table.by_client.get(&client).map_or(0, |client| client.places);
        if self.per_client_max > 0 && of_client >= self.per_client_max {
            return Some(Full::Client);
        }
        (self.in_all_max > 0 && table.in_all >= self.in_all_max).then_some(Full::InAll)
    }

    /// Without limits nobody is ever looked for.
    fn are_limited(&self) -> bool {
        self.in_all_max > 0 || self.per_client_max > 0
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn oldest_idle(&self, full: Full, client: IpAddr) -> Option<u64> {
        match full {
            Full::Client => self.by_client.get(&client)?.idle.first().copied(),
            Full::InAll => Some(*self.idle.first_key_value()?.0),
        }
    }

    fn evict(&mut self, turn: u64) {
        let Some(idle) = self.end_idle(turn) else { return };
        self.give_back(idle.client);
        self.leaving += 1;
        idle.evict.notify_one();
    }

    /// The turn since which this connection is idle.
    fn begin_idle(&mut self, client: IpAddr, evict: &Arc<Notify>) -> u64 {
        self.last_turn += 1;
        self.idle.insert(self.last_turn, Idle { client, evict: evict.clone() });
        self.by_client.entry(client).or_default().idle.insert(self.last_turn);
        self.last_turn
    }

    /// None if this connection is not among the idle ones.
    fn end_idle(&mut self, turn: u64) -> Option<Idle> {
        let idle = self.idle.remove(&turn)?;
        if let Some(client) = self.by_client.get_mut(&idle.client) {
            client.idle.remove(&turn);
        }
        Some(idle)
    }

    fn give_back(&mut self, address: IpAddr) {
        self.in_all = self.in_all.saturating_sub(1);
        match self.by_client.get_mut(&address) {
            Some(client) if client.places > 1 => client.places -= 1,
            _ => drop(self.by_client.remove(&address)),
        }
    }
}

impl Place {
    /// The connection waits for a request: from now on it may lose its place.
    pub(super) fn idle(&self) {
        if !self.places.are_limited() || self.idle_since.load(Relaxed) != BUSY {
            return;
        }
        let turn = self.places.lock().begin_idle(self.client, &self.evict);
        self.idle_since.store(turn, Relaxed);
    }

    /// The connection has something to do and keeps its place until it is idle again, unless it has lost it already.
    pub(super) fn busy(&self) -> Result<(), Evicted> {
        let turn = self.idle_since.load(Relaxed);
        if turn != BUSY {
            self.places.lock().end_idle(turn).ok_or(Evicted)?;
            self.idle_since.store(BUSY, Relaxed);
        }
        Ok(())
    }

    /// Ends when the place has been given to another connection.
    pub(super) async fn evicted(&self) {
        self.evict.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let turn = *self.idle_since.get_mut();
        let mut table = self.places.lock();
        if turn != BUSY && table.end_idle(turn).is_none() {
            table.leaving = table.leaving.saturating_sub(1);
        } else {
            table.give_back(self.client);
        }
        self.places.taken.store(table.in_all, Relaxed);
    }
}

fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests;
