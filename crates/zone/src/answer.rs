//! The answer to a question: bytes in, bytes out, from one generation of the catalog.
//!
//! ```text
//!  request -> Query -> scope -> zone -> find: Hit | NoData | NxDomain | Referral | Follow -> sections -> bytes
//! ```
//!
//! The search is RFC 1034 section 4.3.2 as RFC 2308, 4592, 6604 and 8020 clarify it. It walks down from the apex, so
//! that a zone cut hides what lies below it, and knows empty non-terminals as names. SOA and NS of the apex come from
//! the zone's header. Nothing here allocates, waits or keeps state.
//!
//! - `find`: which state a name is in.
//! - `sections`: what each state puts into the message.

mod find;
mod sections;

use std::net::IpAddr;

use waymark_wire::message::respond_header;
use waymark_wire::{MessageWriter, Query, Rcode, RecordType, Reject};

use crate::catalog::{SearchName, View, Zone};
use crate::published::{ScopeId, ZoneNumber};
use sections::Response;

/// Class IN (RFC 1035 section 3.2.4); nothing else is served.
const CLASS_IN: u16 = 1;
/// What a response may have over UDP when the asker says nothing (RFC 1035 section 4.2.1).
const UDP_OCTETS_PLAIN: u16 = 512;

/// How a question came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// One datagram each way: responses are cut to what the asker can take.
    Udp,
    /// A stream: responses are whole.
    Tcp,
}

/// What the server allows itself.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest response over UDP, in octets; 1232 avoids fragments (RFC 9715 section 3.1).
    pub udp_octets_max: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self { udp_octets_max: 1232 }
    }
}

/// What kind of answer was given, for statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Records of the asked type, or an alias.
    Positive,
    /// The name exists without records of the type.
    NoData,
    /// The name does not exist.
    NxDomain,
    /// The name is delegated.
    Referral,
    /// No zone here, or a question that is never answered.
    Refused,
    /// The request was malformed, or of a kind that is not served.
    Error,
}

/// An answer that was written.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    /// How many octets of the buffer it takes.
    pub length: usize,
    /// Its response code.
    pub rcode: Rcode,
    /// The zone of the asked name.
    pub zone: Option<ZoneNumber>,
    /// Whether something that had to be there did not fit.
    pub truncated: bool,
    /// What kind it is.
    pub kind: Kind,
}

/// Answers `request`, which came to the address `asked`, into `out`. None: stay silent.
///
/// `out` should hold what the transport can carry: 65,535 octets for a stream, `limits.udp_octets_max` for a datagram.
pub fn answer(
    view: &View<'_>,
    request: &[u8],
    asked: IpAddr,
    transport: Transport,
    limits: &Limits,
    out: &mut [u8],
) -> Option<Answered> {
    let query = match Query::parse(request) {
        Ok(query) => query,
        Err(Reject::Drop) => return None,
        Err(Reject::Respond { id, opcode, recursion_desired, rcode }) => {
            let length = respond_header(out, id, opcode, recursion_desired, rcode)?;
            return Some(Answered { length, rcode, zone: None, truncated: false, kind: Kind::Error });
        }
    };
    let limit = match (transport, query.edns) {
        (Transport::Tcp, _) => usize::from(u16::MAX),
        (Transport::Udp, None) => usize::from(UDP_OCTETS_PLAIN),
        (Transport::Udp, Some(edns)) => usize::from(edns.udp_size.min(limits.udp_octets_max)),
    };
    let mut response = Response::new(MessageWriter::respond(out, limit, &query)?);
    let outcome = match refusal(&query) {
        Some(rcode) => {
            Outcome { rcode, zone: None, kind: if rcode == Rcode::REFUSED { Kind::Refused } else { Kind::Error } }
        }
        None => answer_question(view, &query, asked, &mut response),
    };
    let truncated = response.is_truncated();
    let dnssec_ok = query.edns.is_some_and(|edns| edns.dnssec_ok);
    let length = response.finish(outcome.rcode, limits.udp_octets_max, dnssec_ok);
    Some(Answered { length, rcode: outcome.rcode, zone: outcome.zone, truncated, kind: outcome.kind })
}

struct Outcome {
    rcode: Rcode,
    zone: Option<ZoneNumber>,
    kind: Kind,
}

/// Why a well-formed query gets no look at the catalog.
fn refusal(query: &Query<'_>) -> Option<Rcode> {
    // RFC 6891 section 6.1.3.
    if query.edns.is_some_and(|edns| edns.version != 0) {
        return Some(Rcode::BADVERS);
    }
    if !query.record_type.is_question_type() {
        return Some(Rcode::FORMERR);
    }
    let transfer = matches!(query.record_type, RecordType::AXFR | RecordType::IXFR);
    (query.class != CLASS_IN || transfer).then_some(Rcode::REFUSED)
}

fn answer_question(view: &View<'_>, query: &Query<'_>, asked: IpAddr, response: &mut Response<'_>) -> Outcome {
    let refused = Outcome { rcode: Rcode::REFUSED, zone: None, kind: Kind::Refused };
    let Some(name) = view.search_name(query.name) else { return refused };
    let scope = view.scope_of(asked);
    let Some(zone) = zone_for_question(view, scope, &name, query.record_type) else { return refused };
    let (rcode, kind) = response.answer(view, scope, zone, query.name, name, query.record_type);
    Outcome { rcode, zone: Some(zone.number()), kind }
}

/// The zone that a name is asked in: the longest match in the scope, else among all active zones. At an address
/// without a scope of its own: active zones first, then every zone (DESIGN, "Who answers what").
fn zone_of<'v>(view: &'v View<'_>, scope: Option<ScopeId>, name: &SearchName, skip: usize) -> Option<Zone<'v>> {
    match scope {
        Some(scope) => view.zone_of(scope, name, skip).or_else(|| view.zone_of(ScopeId::ACTIVE, name, skip)),
        None => view.zone_of(ScopeId::ACTIVE, name, skip).or_else(|| view.zone_of(ScopeId::ALL, name, skip)),
    }
}

fn zone_for_question<'v>(
    view: &'v View<'_>,
    scope: Option<ScopeId>,
    name: &SearchName,
    record_type: RecordType,
) -> Option<Zone<'v>> {
    let zone = zone_of(view, scope, name, 0)?;
    let at_apex = name.wire() == zone.header().apex.as_wire();
    if record_type == RecordType::DS && at_apex && name.label_count() > 0 {
        // RFC 4035 section 3.1.4.1: DS belongs to the parent's side of the cut.
        return zone_of(view, scope, name, 1).or(Some(zone));
    }
    Some(zone)
}

#[cfg(test)]
mod tests;
