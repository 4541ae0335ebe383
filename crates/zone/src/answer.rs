//! The answer to a question: a parsed request in, bytes out, from one generation of the catalog.
//!
//! ```text
//!  Request -> scope -> zone -> find: Hit | NoData | NxDomain | Referral | Follow | Redirect -> sections -> bytes
//!                                                                                          \-> Wait, with all needs
//! ```
//!
//! The search is RFC 1034 section 4.3.2 as RFC 2308, 4592, 6604, 6672 and 8020 clarify it. It walks down from the apex,
//! so that a zone cut hides what lies below it, and knows empty non-terminals as names. SOA and NS of the apex come
//! from the zone's header, and so does whether answers are signed. Nothing here allocates, waits or keeps state.
//!
//! - `find`: which state a name is in.
//! - `link`: each state is written.
//! - `chain`: aliases are followed.
//! - `additional`: what the asker would ask next.
//! - `response`: RRsets whole or not at all, with their signatures.
//! - `supply`: what an answer lacks, and who supplies it.
//! - `identity`: questions about the server itself.

mod additional;
mod chain;
mod find;
mod identity;
mod link;
mod response;
mod supply;

use std::net::IpAddr;

use waymark_wire::edns::{COOKIE_OCTETS, Edns, OptionCode, ResponseOpt};
use waymark_wire::query::{HEADER_OCTETS, Head};
use waymark_wire::{Class, ExtendedError, MessageWriter, Query, Rcode, RecordType, Reject, Request};

pub use supply::{NEEDS_MAX, Needs, NoSupplies, SignatureOf, Supplies};

use crate::catalog::{Approach, SearchName, View, Zone};
use crate::published::{ScopeId, ZoneNumber, ZoneStatus};
use chain::Place;
use response::Response;

/// What a response may have over UDP when the asker says nothing (RFC 1035 section 4.2.1).
const UDP_OCTETS_PLAIN: u16 = 512;

/// How a question came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One datagram each way: responses are cut to what the asker can take.
    Udp,
    /// A stream: responses are whole.
    Tcp,
}

/// In which order the records of an RRset are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum RRsetOrder {
    /// Beginning with another record from question to question (docs: dns/manage-dns-records/how-to/round-robin-dns).
    #[default]
    Rotate,
    /// Always the same: sorted by data.
    Stable,
}

/// How the server answers, whoever asks.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The largest response over UDP, in octets; 1232 avoids fragments (RFC 9715 section 3.1).
    pub udp_octets_max: u16,
    /// The order of records.
    pub rrset_order: RRsetOrder,
    /// What to say to who asks which server this is by NSID (RFC 5001); none: nothing.
    pub nsid: Option<Box<[u8]>>,
    /// What to say to `version.bind` and `version.server`, at most 255 octets; none: the question is refused.
    pub version: Option<Box<str>>,
    /// What to say to `id.server` and `hostname.bind` (RFC 4892), at most 255 octets; none: the question is refused.
    pub server_id: Option<Box<str>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { udp_octets_max: 1232, rrset_order: RRsetOrder::default(), nsid: None, version: None, server_id: None }
    }
}

/// How and where one request came.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// The address that was asked.
    pub asked: IpAddr,
    /// How it came.
    pub transport: Transport,
    /// What to do about its cookie.
    pub cookie: Cookie,
    /// Over a stream: how long it may stay idle, in units of 100 milliseconds, for who asks (RFC 7828).
    pub keepalive: Option<u16>,
}

/// What to do about a request's cookie (RFC 7873 section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// Nothing: it has none, or cookies are off.
    None,
    /// The response carries this one: the client's, and a server cookie for it.
    Reply([u8; COOKIE_OCTETS]),
    /// Likewise; the server cookie that came was wrong or too old.
    ReplyToBad([u8; COOKIE_OCTETS]),
}

impl Cookie {
    fn reply(self) -> Option<[u8; COOKIE_OCTETS]> {
        match self {
            Self::None => None,
            Self::Reply(cookie) | Self::ReplyToBad(cookie) => Some(cookie),
        }
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
    /// The request was malformed, or of a kind that is not served, or the answer could not be made.
    Error,
}

/// An answer that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// How many octets of the buffer it takes.
    pub length: usize,
    /// Its response code.
    pub rcode: Rcode,
    /// The scope of the address that was asked.
    pub scope: Option<ScopeId>,
    /// The zone of the asked name.
    pub zone: Option<ZoneNumber>,
    /// Whether something that had to be there did not fit.
    pub truncated: bool,
    /// What kind it is.
    pub kind: Kind,
    /// What it is about: answers of one kind and subject say the same (a name, a zone, a cut), whatever was asked.
    pub subject: u64,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It gets no answer.
    Silent,
    /// It gets what was written.
    Answered(Answered),
    /// It cannot be answered yet: the needs say what is lacking. What was written counts for nothing.
    Wait(ZoneNumber),
}

impl Outcome {
    /// What was written, if it can be sent.
    pub fn answered(self) -> Option<Answered> {
        match self {
            Self::Answered(answered) => Some(answered),
            Self::Silent | Self::Wait(_) => None,
        }
    }
}

/// Where a request is answered from: a view, and how far the question has come in it already.
#[derive(Clone, Copy)]
pub struct Way<'v, 'r, 'n> {
    /// The generation that is answered from.
    pub view: &'v View<'r>,
    /// The question's name, and its way to its zone in this view; none: nothing has been done beforehand.
    pub approach: Option<(&'n SearchName, Approach<'v>)>,
}

impl<'v, 'r> From<&'v View<'r>> for Way<'v, 'r, '_> {
    fn from(view: &'v View<'r>) -> Self {
        Self { view, approach: None }
    }
}

/// Answers a request into `out`.
///
/// `out` should hold what the transport can carry: 65,535 octets for a stream, `settings.udp_octets_max` for a
/// datagram. `needs` is emptied first.
pub fn answer<'v, 'r, 'n>(
    way: impl Into<Way<'v, 'r, 'n>>,
    request: &Result<Request<'_>, Reject<'_>>,
    circumstances: &Circumstances,
    settings: &Settings,
    supplies: &dyn Supplies,
    needs: &mut Needs,
    out: &mut [u8],
) -> Outcome
where
    'r: 'v,
{
    needs.clear();
    let Some(bare) = Bare::new(request, circumstances, settings) else { return Outcome::Silent };
    let query = match request {
        Ok(Request::Query(query)) => query,
        Ok(Request::Cookie(..)) => return bare.write(cookie_rcode(circumstances.cookie), None, false, out),
        Err(Reject::Respond { rcode, .. }) => return bare.write(*rcode, None, false, out),
        Err(Reject::Drop) => return Outcome::Silent,
    };
    if let Some((rcode, error)) = refusal(query) {
        return bare.write(rcode, error, false, out);
    }
    let Some(mut writer) = bare.writer(out) else { return Outcome::Silent };
    if query.class == Class::CH {
        let rcode = identity::answer(query, settings, &mut writer);
        let kind = if rcode == Rcode::NOERROR { Kind::Positive } else { Kind::Refused };
        let error = (rcode == Rcode::REFUSED).then_some((ExtendedError::PROHIBITED, ""));
        return Answered::about_nothing(writer.finish(rcode, error), rcode, kind);
    }
    let dnssec_ok = query.edns.is_some_and(|edns| edns.dnssec_ok);
    let rotation = (settings.rrset_order == RRsetOrder::Rotate).then_some(query.head.id);
    let mut response = Response::new(writer, dnssec_ok, rotation, supplies, needs);
    answer_question(way.into(), query, circumstances, &mut response)
}

/// Writes an answer without records to a request that was to be answered, because something failed or is held back.
/// `truncated` sets TC, so that the asker comes again over a stream.
pub fn answer_bare(
    request: &Result<Request<'_>, Reject<'_>>,
    circumstances: &Circumstances,
    settings: &Settings,
    rcode: Rcode,
    error: Option<(ExtendedError, &str)>,
    truncated: bool,
    out: &mut [u8],
) -> Outcome {
    match Bare::new(request, circumstances, settings) {
        Some(bare) => bare.write(rcode, error, truncated, out),
        None => Outcome::Silent,
    }
}

/// What every response to a request has in common: header, question, OPT record, and how long it may be.
struct Bare<'r> {
    head: Head,
    question: &'r [u8],
    opt: Option<ResponseOpt<'r>>,
    octets_max: usize,
}

impl<'r> Bare<'r> {
    /// None: the request gets no response at all.
    fn new(
        request: &Result<Request<'r>, Reject<'r>>,
        circumstances: &Circumstances,
        settings: &'r Settings,
    ) -> Option<Self> {
        let (head, question, edns) = match *request {
            Ok(Request::Query(query)) => (query.head, query.question, query.edns),
            Ok(Request::Cookie(head, edns)) => (head, &[][..], Some(edns)),
            Err(Reject::Respond { head, question, edns, .. }) => (head, question, edns),
            Err(Reject::Drop) => return None,
        };
        let octets_max = match (circumstances.transport, edns) {
            (Transport::Tcp, _) => usize::from(u16::MAX),
            (Transport::Udp, None) => usize::from(UDP_OCTETS_PLAIN),
            (Transport::Udp, Some(edns)) => usize::from(edns.udp_size.min(settings.udp_octets_max)),
        };
        let opt = edns.map(|edns| response_opt(&edns, circumstances, settings)).map(|opt| {
            // A long name of the server is told only if there is room for it.
            let fits = HEADER_OCTETS + question.len() + opt.octets() <= octets_max;
            if fits { opt } else { ResponseOpt { nsid: None, ..opt } }
        });
        Some(Self { head, question, opt, octets_max })
    }

    fn writer<'b>(&self, out: &'b mut [u8]) -> Option<MessageWriter<'b>>
    where
        'r: 'b,
    {
        MessageWriter::respond(out, self.octets_max, &self.head, self.question, self.opt)
    }

    fn write(&self, rcode: Rcode, error: Option<(ExtendedError, &str)>, truncated: bool, out: &mut [u8]) -> Outcome {
        let Some(mut writer) = self.writer(out) else { return Outcome::Silent };
        if truncated {
            writer.set_truncated();
        }
        let kind = match rcode {
            Rcode::NOERROR => Kind::Positive,
            Rcode::REFUSED => Kind::Refused,
            _ => Kind::Error,
        };
        match Answered::about_nothing(writer.finish(rcode, error), rcode, kind) {
            Outcome::Answered(answered) => Outcome::Answered(Answered { truncated, ..answered }),
            other => other,
        }
    }
}

impl Answered {
    fn about_nothing(length: usize, rcode: Rcode, kind: Kind) -> Outcome {
        let subject = u64::from(rcode.0);
        Outcome::Answered(Self { length, rcode, scope: None, zone: None, truncated: false, kind, subject })
    }
}

fn response_opt<'s>(edns: &Edns<'_>, circumstances: &Circumstances, settings: &'s Settings) -> ResponseOpt<'s> {
    let known_version = edns.version == 0;
    let asks_for = |code| known_version && edns.option(code).is_some();
    ResponseOpt {
        udp_size: settings.udp_octets_max,
        dnssec_ok: edns.dnssec_ok,
        cookie: circumstances.cookie.reply().filter(|_| known_version),
        nsid: settings.nsid.as_deref().filter(|_| asks_for(OptionCode::NSID)),
        keepalive: circumstances.keepalive.filter(|_| asks_for(OptionCode::TCP_KEEPALIVE)),
    }
}

fn cookie_rcode(cookie: Cookie) -> Rcode {
    match cookie {
        // RFC 7873 section 5.4: without cookies, a request without a question makes no sense.
        Cookie::None => Rcode::FORMERR,
        Cookie::Reply(_) => Rcode::NOERROR,
        Cookie::ReplyToBad(_) => Rcode::BADCOOKIE,
    }
}

/// Why a well-formed query gets no look at the catalog.
fn refusal(query: &Query<'_>) -> Option<(Rcode, Option<(ExtendedError, &'static str)>)> {
    // RFC 6891 section 6.1.3.
    if query.edns.is_some_and(|edns| edns.version != 0) {
        return Some((Rcode::BADVERS, None));
    }
    if !query.record_type.is_question_type() {
        return Some((Rcode::FORMERR, None));
    }
    if !matches!(query.class, Class::IN | Class::CH) {
        return Some((Rcode::REFUSED, Some((ExtendedError::NOT_SUPPORTED, "class"))));
    }
    let transfer = matches!(query.record_type, RecordType::AXFR | RecordType::IXFR);
    transfer.then_some((Rcode::REFUSED, Some((ExtendedError::PROHIBITED, "transfer"))))
}

fn answer_question(
    way: Way<'_, '_, '_>,
    query: &Query<'_>,
    circumstances: &Circumstances,
    response: &mut Response<'_, '_>,
) -> Outcome {
    let view = way.view;
    if let Some((name, approach)) = way.approach {
        let zone = approach.zone(view).map(|zone| on_its_side(view, approach.scope(), zone, name, query.record_type));
        return answer_in(Place { view, scope: approach.scope() }, zone, name, query, circumstances, response);
    }
    let scope = view.scope_of(circumstances.asked);
    let mut name = SearchName::empty();
    let is_name = view.read_name(query.name, &mut name);
    let zone = is_name.then(|| zone_for_question(view, scope, &name, query.record_type)).flatten();
    answer_in(Place { view, scope }, zone, &name, query, circumstances, response)
}

/// Answers in the zone that has the right to.
fn answer_in<'v>(
    place: Place<'v, '_>,
    zone: Option<Zone<'v>>,
    name: &SearchName,
    query: &Query<'_>,
    circumstances: &Circumstances,
    response: &mut Response<'_, '_>,
) -> Outcome {
    let scope = place.scope;
    let Some(zone) = zone else {
        let length = response.finish(Rcode::REFUSED, Some((ExtendedError::NOT_AUTHORITATIVE, "")));
        return Answered::about_nothing(length, Rcode::REFUSED, Kind::Refused);
    };
    let mut ending = chain::answer(place, response, zone, query.name, name, query.record_type);
    if response.is_lacking() {
        return Outcome::Wait(zone.number());
    }
    let mut error = None;
    if circumstances.transport == Transport::Tcp && response.is_truncated() {
        // A stream carries all that a message can be: more can never be answered.
        response.clear();
        error = Some((ExtendedError::OTHER, "the answer is longer than a message"));
        (ending.rcode, ending.kind) = (Rcode::SERVFAIL, Kind::Error);
    }
    let truncated = response.is_truncated();
    let (rcode, kind, subject) = (ending.rcode, ending.kind, ending.subject);
    let length = response.finish(rcode, error);
    Outcome::Answered(Answered { length, rcode, scope, zone: Some(zone.number()), truncated, kind, subject })
}

fn zone_for_question<'v>(
    view: &'v View<'_>,
    scope: Option<ScopeId>,
    name: &SearchName,
    record_type: RecordType,
) -> Option<Zone<'v>> {
    Some(on_its_side(view, scope, view.zone_of(scope, name, 0)?, name, record_type))
}

/// The zone that has the right to answer where the longest match is `zone`.
fn on_its_side<'v>(
    view: &'v View<'_>,
    scope: Option<ScopeId>,
    zone: Zone<'v>,
    name: &SearchName,
    record_type: RecordType,
) -> Zone<'v> {
    if record_type != RecordType::DS || name.label_count() == 0 || name.wire() != zone.apex() {
        return zone;
    }
    // RFC 4035 section 3.1.4.1: DS belongs to the parent's side of the cut. A claim does not speak for an active zone
    // of somebody else.
    let active = |zone: Zone<'_>| zone.status() == ZoneStatus::Active;
    let speaks = |parent: &Zone<'_>| parent.account() == zone.account() || active(*parent) || !active(zone);
    view.zone_of(scope, name, 1).filter(speaks).unwrap_or(zone)
}

#[cfg(test)]
mod tests;
