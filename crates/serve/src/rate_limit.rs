//! Response-rate limiting: how often one network is told the same thing over UDP, where an address proves nothing.
//!
//! ```text
//!  client's network, class of answer, subject --hash--> set of eight buckets --allow--> Send | Drop | Truncate
//! ```
//!
//! Whoever asks in another's name has the answers sent to him. A limited answer is dropped, or every so often sent
//! truncated, so that a real client among the forged ones comes back over TCP. Each network of clients has a token
//! bucket for each thing that it is told: [`Options::per_second`] answers at once, and as many each second.
//!
//! A bucket is one word: when it will be full again, how many answers it has suppressed since one was truncated, and a
//! fingerprint of whose it is. All workers share one table of a fixed number of buckets, and change a bucket by
//! comparing and swapping it: no lock, no memory that grows.
//!
//! What is not exact, and by how much:
//!
//! - A bucket that is full again says nothing, and makes room for another without loss. Where all eight of a set are
//!   in use, the fullest makes room: its network may get a bucket's worth too many, while those that are pressed the
//!   hardest stay known. With 65,536 entries that takes hundreds of thousands of forged networks a second, at ten
//!   answers a second.
//! - Two workers that meet a new network in the same instant may each make it a bucket: one answer too many per worker.
//! - Two networks share a bucket when their fingerprints and sets are the same: one pair in 2^37, at 65,536 entries.
//! - A bucket of 71 minutes ago, to the second, may look like one that is in use, and suppress answers for that second.
//!
//! Not here: who is exempt (TCP, good cookies), what an answer's class is, and counting what was suppressed.

use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use foldhash::quality::FixedState;

use crate::clock::Now;

mod bucket;

use bucket::{Bucket, TICKS_PER_SECOND, Ticks};

/// The highest limit, in answers a second; a higher one would limit nothing that a machine can send.
pub const PER_SECOND_MAX: u32 = 1_000_000;
/// The highest [`Options::slip`].
pub const SLIP_MAX: u8 = bucket::SUPPRESSED_MAX;

/// How often a bucket is tried that other workers keep changing. Each failure is another answer of the same set; the
/// attempts end so that no worker can be held up.
const ATTEMPTS: usize = 16;
const WAYS: usize = 8;

/// How much is let through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Answers a second to one network about one thing, and the size of its bucket; 0 to [`PER_SECOND_MAX`], 0 for no
    /// limit.
    pub per_second: u32,
    /// Every so manieth suppressed answer is sent truncated; 0: none, 1: all; at most [`SLIP_MAX`].
    pub slip: u8,
    /// How many bits of an IPv4 address are a network; at most 32.
    pub ipv4_prefix: u8,
    /// How many bits of an IPv6 address are a network; at most 128.
    pub ipv6_prefix: u8,
    /// Buckets, of 8 octets each; rounded up to a power of two, at least 8.
    pub entries: usize,
}

impl Default for Options {
    /// No limit. The rest is what other nameservers have made customary.
    fn default() -> Self {
        Self { per_second: 0, slip: 2, ipv4_prefix: 24, ipv6_prefix: 56, entries: 1 << 16 }
    }
}

/// What an answer says, as far as the limit is concerned. Each class has its own subject.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum Class {
    /// Records: by the name asked, or by the wildcard or DNAME they come from, which would else answer for any name.
    Positive,
    /// A name without such records: by zone.
    NoData,
    /// No such name: by zone, since names are easily made up.
    NxDomain,
    /// A referral: by cut.
    Referral,
    /// A refusal or an error: all alike, so the subject is 0.
    Error,
}

/// What becomes of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is sent.
    Send,
    /// Nothing is sent.
    Drop,
    /// It is sent without records and with TC.
    Truncate,
}

/// The buckets, shared by all workers.
pub struct RateLimiter {
    sets: Box<[Set]>,
    /// Not a cryptographic hash: what it keeps from others is with whom they share a bucket, and nobody sees a hash.
    hasher: FixedState,
    slip: u8,
    /// How much of a bucket an answer takes, as the time in which that comes back.
    cost: Ticks,
    /// The size of a bucket, likewise.
    capacity: Ticks,
    ipv4_mask: u128,
    ipv6_mask: u128,
}

/// One cache line.
#[derive(Default)]
#[repr(align(64))]
struct Set([AtomicU64; WAYS]);

impl RateLimiter {
    /// A limiter with all its memory, or none where 0 lifts the limit. `seed` must be random: whoever knew it could
    /// choose whom he shares a bucket with.
    pub fn new(options: &Options, seed: [u8; 16]) -> Option<Self> {
        let per_second = Ticks::from(options.per_second.min(PER_SECOND_MAX));
        if per_second == 0 {
            return None;
        }
        let sets = options.entries.div_ceil(WAYS).next_power_of_two();
        let bits = u128::from_ne_bytes(seed);
        // Both halves count, be they equal.
        let seed = (bits as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (bits >> 64) as u64;
        // Rounded up, so that the limit is never exceeded by rounding.
        let cost = TICKS_PER_SECOND.div_ceil(per_second);
        Some(Self {
            sets: (0..sets).map(|_| Set::default()).collect(),
            hasher: FixedState::with_seed(seed),
            slip: options.slip.min(SLIP_MAX),
            cost,
            capacity: cost * per_second,
            // IPv4 addresses are hashed as mapped ones.
            ipv4_mask: mask(96 + options.ipv4_prefix.min(32)),
            ipv6_mask: mask(options.ipv6_prefix.min(128)),
        })
    }

    /// What becomes of an answer of this class about `subject`, a number that stands for a name or a zone, to
    /// `client`. `now` may be the moment of another worker's batch, a little earlier or later.
    pub fn allow(&self, client: IpAddr, class: Class, subject: u64, now: Now) -> Verdict {
        let key = self.key(client, class, subject);
        let set = &self.sets[key as usize & (self.sets.len() - 1)];
        let (tag, now) = (Bucket::tag_of(key), bucket::ticks(now));
        for _ in 0..ATTEMPTS {
            let (slot, seen) = set.find(tag, now, self.capacity);
            let (verdict, after) = self.judge(seen, tag, now);
            let (seen, after) = (seen.to_bits(), after.to_bits());
            if seen == after || slot.compare_exchange(seen, after, Relaxed, Relaxed).is_ok() {
                return verdict;
            }
        }
        Verdict::Drop
    }

    /// Looks at the bucket that an answer with records about `subject` will need, so that it is near when it does.
    pub(crate) fn touch(&self, client: IpAddr, subject: u64) {
        let key = self.key(client, Class::Positive, subject);
        let set = &self.sets[key as usize & (self.sets.len() - 1)];
        std::hint::black_box(set.0[0].load(Relaxed));
    }

    /// The octets that the table takes, now and for ever.
    pub fn octets(&self) -> usize {
        size_of_val(&*self.sets)
    }

    fn judge(&self, seen: Bucket, tag: u32, now: Ticks) -> (Verdict, Bucket) {
        let bucket = if seen.tag == tag { seen } else { Bucket { tag, suppressed: 0, full_at: now } };
        let missing = bucket.missing(now, self.capacity);
        if missing + self.cost <= self.capacity {
            return (Verdict::Send, Bucket { full_at: now + missing + self.cost, ..bucket });
        }
        match bucket.suppressed + 1 {
            _ if self.slip == 0 => (Verdict::Drop, bucket),
            suppressed if suppressed >= self.slip => (Verdict::Truncate, Bucket { suppressed: 0, ..bucket }),
            suppressed => (Verdict::Drop, Bucket { suppressed, ..bucket }),
        }
    }

    fn key(&self, client: IpAddr, class: Class, subject: u64) -> u64 {
        let network = match client.to_canonical() {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits() & self.ipv4_mask,
            IpAddr::V6(address) => address.to_bits() & self.ipv6_mask,
        };
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u128(network);
        hasher.write_u64(subject);
        hasher.write_u8(class as u8);
        hasher.finish()
    }
}

impl Set {
    /// The bucket with this tag, else the one that is the least loss.
    fn find(&self, tag: u32, now: Ticks, capacity: Ticks) -> (&AtomicU64, Bucket) {
        let mut best = (&self.0[0], Bucket::from_bits(self.0[0].load(Relaxed)));
        for slot in &self.0 {
            let bucket = Bucket::from_bits(slot.load(Relaxed));
            if bucket.tag == tag {
                return (slot, bucket);
            }
            if bucket.missing(now, capacity) < best.1.missing(now, capacity) {
                best = (slot, bucket);
            }
        }
        best
    }
}

/// The first `prefix` of 128 bits.
fn mask(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)
}

#[cfg(test)]
mod tests;
