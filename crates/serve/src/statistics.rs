//! What the sockets have seen: counted by whoever handles a message, summed when somebody asks.
//!
//! Each worker counts in a block of its own, which no other thread writes, so that counting costs neither a locked
//! instruction nor a cache line that travels between cores. [`Statistics`] is the sum of all blocks: plain numbers
//! that only grow, except for the connections that are open now.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use waymark_zone::answer::{Answered, Kind};

use crate::cookies::Checked;
use crate::{events, parked};

/// Response codes counted one by one (IANA "DNS RCODEs": the highest in use is BADCOOKIE, 23); the last place of
/// [`Traffic::rcodes`] holds all others.
pub const RCODES: usize = 24;

/// Everything that the server has counted since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Over UDP.
    pub udp: Traffic,
    /// Requests over UDP by worker, in the workers' order; their sum is `udp.queries`.
    pub udp_worker_queries: Vec<u64>,
    /// Over TCP.
    pub tcp: Traffic,
    /// TCP connections.
    pub connections: Connections,
    /// Questions that had to wait.
    pub parked: parked::Counts,
    /// Records of answers.
    pub events: events::Counts,
}

/// Messages of one transport.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests received, whatever became of them.
    pub queries: u64,
    /// Answers made.
    pub answers: u64,
    /// Requests that got no answer: not a DNS request, too long, or without a usable address.
    pub dropped: u64,
    /// Answers with TC set.
    pub truncated: u64,
    /// Answers that the kernel or the connection did not take.
    pub unsent: u64,
    /// Octets of all requests, without headers of lower layers.
    pub received_octets: u64,
    /// Octets of all answers made.
    pub answered_octets: u64,
    /// Answers by what they say.
    pub kinds: Kinds,
    /// Answers by response code; the last place holds all codes from [`RCODES`] on.
    pub rcodes: [u64; RCODES + 1],
    /// Faults of our own while a request was answered; each costs the requests that were in hand.
    pub faults: u64,
    /// Answers that the rate limit held back.
    pub suppressed: u64,
    /// Answers that the rate limit cut down to TC.
    pub slipped: u64,
    /// Requests by their cookie.
    pub cookies: CookieCounts,
}

/// Requests by their cookie (RFC 7873 section 5.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CookieCounts {
    /// A client cookie alone.
    pub client_only: u64,
    /// A server cookie that was not ours, or too old.
    pub bad: u64,
    /// A server cookie of ours.
    pub good: u64,
}

/// Answers by what they say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    /// What was asked for.
    pub positive: u64,
    /// The name exists and has no such records.
    pub no_data: u64,
    /// The name does not exist.
    pub nx_domain: u64,
    /// Ask the nameservers below.
    pub referral: u64,
    /// No zone for this question here.
    pub refused: u64,
    /// The request could not be read or answered.
    pub error: u64,
}

/// TCP connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// Open now.
    pub open: u64,
    /// Taken in.
    pub accepted: u64,
    /// Closed at once, because there were too many in all, and none of them was idle.
    pub refused_in_all: u64,
    /// Closed at once, because their client had too many, and none of them was idle.
    pub refused_per_client: u64,
    /// Closed while they were idle, because a new connection needed the place.
    pub evicted_idle: u64,
    /// Closed because the client was silent, or read or wrote too slowly.
    pub timed_out: u64,
}

/// A number that one thread at a time adds to, and any thread reads.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, amount: u64) {
        // Not `fetch_add`: nobody else writes, and a locked instruction per count would show in the cost of an answer.
        self.0.store(self.0.load(Relaxed).wrapping_add(amount), Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// The counters of one worker, or of one reader of the TCP pool. One thread at a time may call the counting functions;
/// a second one would lose counts, and nothing worse.
///
/// Aligned to two cache lines, because processors fetch them in pairs.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Block {
    queries: Counter,
    answers: Counter,
    dropped: Counter,
    truncated: Counter,
    unsent: Counter,
    received_octets: Counter,
    answered_octets: Counter,
    faults: Counter,
    suppressed: Counter,
    slipped: Counter,
    /// Client only, bad, good.
    cookies: [Counter; 3],
    kinds: [Counter; 6],
    rcodes: [Counter; RCODES + 1],
}

impl Block {
    /// A request of `octets` has come.
    pub(crate) fn received(&self, octets: usize) {
        self.queries.add(1);
        self.received_octets.add(octets as u64);
    }

    /// It gets no answer.
    pub(crate) fn dropped(&self) {
        self.dropped.add(1);
    }

    /// It gets this answer.
    pub(crate) fn answered(&self, answer: &Answered) {
        self.answers.add(1);
        self.answered_octets.add(answer.length as u64);
        self.truncated.add(u64::from(answer.truncated));
        self.rcodes[usize::from(answer.rcode.0).min(RCODES)].add(1);
        let kind = match answer.kind {
            Kind::Positive => 0,
            Kind::NoData => 1,
            Kind::NxDomain => 2,
            Kind::Referral => 3,
            Kind::Refused => 4,
            Kind::Error => 5,
        };
        self.kinds[kind].add(1);
    }

    /// Its cookie is worth this.
    pub(crate) fn cookie(&self, checked: &Checked) {
        match checked {
            Checked::Absent | Checked::Malformed => {}
            Checked::ClientOnly(_) => self.cookies[0].add(1),
            Checked::Bad(_) => self.cookies[1].add(1),
            Checked::Good(_) => self.cookies[2].add(1),
        }
    }

    /// The rate limit held its answer back.
    pub(crate) fn suppressed(&self) {
        self.suppressed.add(1);
    }

    /// The rate limit cut its answer down.
    pub(crate) fn slipped(&self) {
        self.slipped.add(1);
    }

    /// How many requests have come.
    pub(crate) fn queries(&self) -> u64 {
        self.queries.get()
    }

    /// `answers` of those made were not taken.
    pub(crate) fn unsent(&self, answers: usize) {
        self.unsent.add(answers as u64);
    }

    /// Something of ours failed while requests were answered.
    pub(crate) fn fault(&self) {
        self.faults.add(1);
    }
}

impl Traffic {
    /// Adds up what `blocks` have counted.
    pub(crate) fn sum<'a>(blocks: impl IntoIterator<Item = &'a Block>) -> Self {
        let mut sum = Self::default();
        for block in blocks {
            sum.queries += block.queries.get();
            sum.answers += block.answers.get();
            sum.dropped += block.dropped.get();
            sum.truncated += block.truncated.get();
            sum.unsent += block.unsent.get();
            sum.received_octets += block.received_octets.get();
            sum.answered_octets += block.answered_octets.get();
            sum.faults += block.faults.get();
            sum.suppressed += block.suppressed.get();
            sum.slipped += block.slipped.get();
            let [client_only, bad, good] = &block.cookies;
            sum.cookies.client_only += client_only.get();
            sum.cookies.bad += bad.get();
            sum.cookies.good += good.get();
            for (total, counter) in sum.rcodes.iter_mut().zip(&block.rcodes) {
                *total += counter.get();
            }
            sum.kinds.add(&block.kinds);
        }
        sum
    }
}

impl Kinds {
    fn add(&mut self, [positive, no_data, nx_domain, referral, refused, error]: &[Counter; 6]) {
        self.positive += positive.get();
        self.no_data += no_data.get();
        self.nx_domain += nx_domain.get();
        self.referral += referral.get();
        self.refused += refused.get();
        self.error += error.get();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use waymark_wire::Rcode;

    fn answered(rcode: u16, kind: Kind, truncated: bool) -> Answered {
        Answered { length: 40, rcode: Rcode(rcode), scope: None, zone: None, truncated, kind, subject: 0 }
    }

    #[test]
    fn blocks_are_summed() {
        let blocks = [Block::default(), Block::default()];
        for block in &blocks {
            block.received(30);
            block.received(31);
            block.dropped();
            block.answered(&answered(3, Kind::NxDomain, true));
            block.unsent(1);
        }
        let sum = Traffic::sum(&blocks);
        assert_eq!((sum.queries, sum.received_octets, sum.dropped), (4, 122, 2));
        assert_eq!((sum.answers, sum.answered_octets, sum.truncated, sum.unsent), (2, 80, 2, 2));
        assert_eq!((sum.rcodes[3], sum.kinds.nx_domain), (2, 2));
    }

    #[test]
    fn unknown_response_codes_share_the_last_place() {
        let block = Block::default();
        for rcode in [RCODES as u16, 4095, 16] {
            block.answered(&answered(rcode, Kind::Error, false));
        }
        let sum = Traffic::sum([&block]);
        assert_eq!((sum.rcodes[RCODES], sum.rcodes[16], sum.kinds.error), (2, 1, 3));
    }

    #[test]
    fn blocks_of_two_workers_share_no_cache_line() {
        assert_eq!(align_of::<Block>(), 128);
    }
}
