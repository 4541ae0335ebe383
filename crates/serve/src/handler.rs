//! What becomes of a request, whichever way it came: a pure function of bytes in and bytes out, and of what has been
//! handed in (the moment, a view of the catalog, supplies).
//!
//! ```text
//!  wire: read -> cookie checked -> zone: answered, or parked -> response rate limited -> counted, one event
//! ```
//!
//! Not here: sockets, who waits for what (`parked`).

use std::net::{IpAddr, SocketAddr};

use waymark_wire::edns::OptionCode;
use waymark_wire::event::{Event, Flags, Origin, Transport as EventTransport};
use waymark_wire::{ExtendedError, Opcode, Rcode, RecordType, Reject, Request};
use waymark_zone::answer::{
    Answered, Circumstances, Cookie, Kind, Needs, Outcome, Settings, Supplies, Transport, Way, answer, answer_bare,
};
use waymark_zone::published::ZoneNumber;

use crate::clock::Now;
use crate::cookies::{Checked, Cookies};
use crate::events::Recorder;
use crate::rate_limit::{Class, RateLimiter, Verdict};
use crate::statistics::Block;

/// A request and the way it came.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) octets: &'a [u8],
    /// What they say.
    pub(crate) request: &'a Result<Request<'a>, Reject<'a>>,
    pub(crate) client: SocketAddr,
    /// The address that was asked.
    pub(crate) asked: IpAddr,
    pub(crate) transport: Transport,
    /// Over a stream: how long it may stay idle, in units of 100 milliseconds (RFC 7828).
    pub(crate) keepalive: Option<u16>,
    /// When it came.
    pub(crate) received: Now,
    /// It has been parked since: what it brought was counted when it came.
    pub(crate) parked: bool,
}

/// What an answering thread writes besides answers: its counters, its ring of events, and what answers lack.
pub(crate) struct Books<'b> {
    pub(crate) block: &'b Block,
    pub(crate) recorder: &'b mut Recorder,
    pub(crate) needs: &'b mut Needs,
}

/// What becomes of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Handled {
    /// So many octets are sent.
    Send(usize),
    /// Nothing is sent, because of the rate limit.
    Suppressed,
    /// Nothing is sent: it was no request.
    Silent,
    /// It has to wait for what the needs say, in this zone.
    Wait(ZoneNumber),
}

/// Answers requests. Shared by everybody who answers.
pub(crate) struct Handler {
    settings: Settings,
    cookies: Option<Cookies>,
    limiter: Option<RateLimiter>,
}

impl Handler {
    pub(crate) fn new(settings: Settings, cookies: Option<Cookies>, limiter: Option<RateLimiter>) -> Self {
        Self { settings, cookies, limiter }
    }

    /// Handles a request now, with what has been supplied. The answer is written to `out`.
    pub(crate) fn handle(
        &self,
        way: Way<'_, '_, '_>,
        asking: &Asking<'_>,
        now: Now,
        supplies: &dyn Supplies,
        books: &mut Books<'_>,
        out: &mut [u8],
    ) -> Handled {
        let cookie = self.check_cookie(asking, now);
        if !asking.parked {
            books.block.cookie(&cookie);
        }
        let circumstances = circumstances(asking, cookie);
        let mut case = Case { asking, cookie, circumstances, now };
        match answer(way, asking.request, &case.circumstances, &self.settings, supplies, books.needs, out) {
            Outcome::Silent => Handled::Silent,
            Outcome::Wait(zone) => Handled::Wait(zone),
            Outcome::Answered(answered) => self.limit(&mut case, answered, books, out),
        }
    }

    /// Makes ready for an answer about the name with this identity, if it will have records.
    pub(crate) fn expect(&self, client: IpAddr, identity: u64) {
        if let Some(limiter) = &self.limiter {
            limiter.touch(client, identity);
        }
    }

    /// Says that the answer to a request that has been handled cannot be made (RFC 8914 section 4.1).
    pub(crate) fn fail(&self, asking: &Asking<'_>, now: Now, books: &mut Books<'_>, out: &mut [u8]) -> Handled {
        let cookie = self.check_cookie(asking, now);
        let mut case = Case { asking, cookie, circumstances: circumstances(asking, cookie), now };
        let error = Some((ExtendedError::OTHER, "what the answer needs was not supplied in time"));
        match self.bare(&case, Rcode::SERVFAIL, error, false, out) {
            Some(answered) => self.limit(&mut case, answered, books, out),
            None => Handled::Silent,
        }
    }

    fn bare(
        &self,
        case: &Case<'_>,
        rcode: Rcode,
        error: Option<(ExtendedError, &str)>,
        truncated: bool,
        out: &mut [u8],
    ) -> Option<Answered> {
        answer_bare(case.asking.request, &case.circumstances, &self.settings, rcode, error, truncated, out).answered()
    }

    fn check_cookie(&self, asking: &Asking<'_>, now: Now) -> Checked {
        let Some(cookies) = &self.cookies else { return Checked::Absent };
        let edns = match asking.request {
            Ok(request) => request.edns(),
            Err(Reject::Respond { edns, .. }) => *edns,
            Err(Reject::Drop) => None,
        };
        let option = edns.and_then(|edns| edns.option(OptionCode::COOKIE));
        cookies.check(option, asking.client.ip().to_canonical(), now.unix_seconds())
    }

    /// Holds an answer back if its like was sent too often (`rate_limit`). Over a stream, and to a client whose cookie
    /// was good, the source is known to be real: no limit.
    fn limit(&self, case: &mut Case<'_>, answered: Answered, books: &mut Books<'_>, out: &mut [u8]) -> Handled {
        let exempt = case.asking.transport != Transport::Udp || case.cookie.is_good();
        let verdict = match self.limiter.as_ref().filter(|_| !exempt) {
            None => Verdict::Send,
            Some(limiter) => {
                let (class, subject) = class_of(&answered);
                limiter.allow(case.asking.client.ip().to_canonical(), class, subject, case.now)
            }
        };
        match verdict {
            Verdict::Send => {
                books.block.answered(&answered);
                books.recorder.record(|| case.event(&answered, out, Flags::default()));
                Handled::Send(answered.length)
            }
            Verdict::Drop => {
                books.block.suppressed();
                books
                    .recorder
                    .record(|| Event { response_octets: 0, ..case.event(&answered, out, Flags::RATE_LIMITED) });
                Handled::Suppressed
            }
            Verdict::Truncate => {
                let Some(cut) = self.bare(case, answered.rcode, None, true, out) else { return Handled::Silent };
                let cut = Answered { length: cut.length, truncated: true, ..answered };
                books.block.slipped();
                books.block.answered(&cut);
                books.recorder.record(|| case.event(&cut, out, Flags::RATE_LIMITED));
                Handled::Send(cut.length)
            }
        }
    }
}

/// One request under way.
struct Case<'a> {
    asking: &'a Asking<'a>,
    cookie: Checked,
    circumstances: Circumstances,
    now: Now,
}

impl<'a> Case<'a> {
    /// What is kept of an answer, the first octets of which are in `out`.
    fn event(&self, answered: &Answered, out: &[u8], limited: Flags) -> Event<'a> {
        let asking = self.asking;
        let (head, name, record_type, class, edns) = match *asking.request {
            Ok(Request::Query(query)) => (Some(query.head), query.name, query.record_type, query.class.0, query.edns),
            Ok(Request::Cookie(head, edns)) => (Some(head), &[][..], RecordType(0), 0, Some(edns)),
            Err(Reject::Respond { head, edns, .. }) => (Some(head), &[][..], RecordType(0), 0, edns),
            Err(Reject::Drop) => (None, &[][..], RecordType(0), 0, None),
        };
        let bits = out.get(2).copied().unwrap_or_default();
        let flags = Flags::RECURSION_DESIRED.when(head.is_some_and(|head| head.recursion_desired))
            | Flags::CHECKING_DISABLED.when(head.is_some_and(|head| head.checking_disabled))
            | Flags::EDNS.when(edns.is_some())
            | Flags::DNSSEC_OK.when(edns.is_some_and(|edns| edns.dnssec_ok))
            | Flags::COOKIE.when(self.cookie != Checked::Absent)
            | Flags::COOKIE_GOOD.when(self.cookie.is_good())
            | Flags::AUTHORITATIVE.when(bits & 0x04 != 0)
            | Flags::TRUNCATED.when(bits & 0x02 != 0)
            | limited;
        let waited = self.now.micros_since(asking.received);
        Event {
            at_micros: self.now.unix_micros,
            sample_interval: 1,
            name,
            record_type,
            class,
            opcode: head.map_or(Opcode::QUERY, |head| head.opcode),
            rcode: answered.rcode,
            flags,
            transport: match asking.transport {
                Transport::Udp => EventTransport::Udp,
                Transport::Tcp => EventTransport::Tcp,
            },
            origin: match answered.zone {
                Some(_) if asking.parked => Origin::Supplied,
                Some(_) => Origin::Zone,
                None if answered.kind == Kind::Positive => Origin::Server,
                None => Origin::Nothing,
            },
            scope: answered.scope.map(|scope| scope.0),
            zone: answered.zone.map(|zone| zone.0),
            client: asking.client.ip().to_canonical(),
            client_port: asking.client.port(),
            request_octets: short(asking.octets.len()),
            response_octets: short(answered.length),
            duration_micros: u32::try_from(waited).unwrap_or(u32::MAX),
        }
    }
}

fn circumstances(asking: &Asking<'_>, cookie: Checked) -> Circumstances {
    let cookie = match cookie {
        Checked::Absent | Checked::Malformed => Cookie::None,
        Checked::ClientOnly(reply) | Checked::Good(reply) => Cookie::Reply(reply),
        Checked::Bad(reply) => Cookie::ReplyToBad(reply),
    };
    Circumstances { asked: asking.asked, transport: asking.transport, cookie, keepalive: asking.keepalive }
}

fn class_of(answered: &Answered) -> (Class, u64) {
    let class = match answered.kind {
        Kind::Positive => Class::Positive,
        Kind::NoData => Class::NoData,
        Kind::NxDomain => Class::NxDomain,
        Kind::Referral => Class::Referral,
        Kind::Refused | Kind::Error => return (Class::Error, 0),
    };
    (class, answered.subject)
}

fn short(octets: usize) -> u16 {
    u16::try_from(octets).unwrap_or(u16::MAX)
}
