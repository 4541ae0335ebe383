//! The event: what is kept of one answer, for analytics and logs.
//!
//! ```text
//!  answer --Event::encode--> octets in the caller's buffer --ring, file, network--> Event::decode, nothing copied
//! ```
//!
//! The byte form is a format octet and then the fields in order: numbers in LEB128, the shortest way there is, the name
//! in wire form and in the case that was asked. So each event has one byte form and each byte form one event, it says
//! itself where it ends, and an ordinary answer takes about thirty octets and its name.
//!
//! ```text
//!  format | transport, origin, family | opcode, which of scope, zone and name are there | flags (2) | at | interval |
//!  type | class | rcode | scope? | zone? | request octets | response octets | duration | port (2) | client (4 or 16) |
//!  name?
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::{BitOr, BitOrAssign};

use crate::name::{NAME_OCTETS_MAX, wire_len};
use crate::record_type::{Opcode, Rcode, RecordType};

/// The format written by this release.
pub const FORMAT: u8 = 1;
/// The longest byte form, in octets.
pub const EVENT_OCTETS_MAX: usize = 3 + 2 + 10 + 5 + 3 * 3 + 5 + 10 + 2 * 3 + 5 + 2 + 16 + NAME_OCTETS_MAX;

/// One answer, or one request that was left without one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event<'a> {
    /// When the request was answered, in microseconds since 1970-01-01 UTC.
    pub at_micros: u64,
    /// How many answers this one stands for; at least 1.
    pub sample_interval: u32,
    /// The asked name in wire form, in the case that was asked; empty where the request had no readable question.
    pub name: &'a [u8],
    /// The asked type; 0 without a question.
    pub record_type: RecordType,
    /// The asked class; 0 without a question.
    pub class: u16,
    /// The request's opcode; 0 to 15.
    pub opcode: Opcode,
    /// The answer's response code, the upper bits of the OPT record included.
    pub rcode: Rcode,
    /// What was set in request and answer.
    pub flags: Flags,
    /// How the request came.
    pub transport: Transport,
    /// Where the answer came from.
    pub origin: Origin,
    /// The scope that was asked, as a number of this installation.
    pub scope: Option<u32>,
    /// The zone that answered, as a number of this installation.
    pub zone: Option<u64>,
    /// Where the request came from.
    pub client: IpAddr,
    /// Its port there.
    pub client_port: u16,
    /// The length of the request, in octets.
    pub request_octets: u16,
    /// The length of the answer, in octets; 0 if nothing was sent.
    pub response_octets: u16,
    /// From the request's receipt to its answer, in microseconds; the largest number for all that is longer.
    pub duration_micros: u32,
}

/// How a request came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum Transport {
    /// A datagram.
    Udp = 0,
    /// A stream.
    Tcp = 1,
    /// A stream under TLS (RFC 7858).
    Tls = 2,
    /// HTTPS (RFC 8484).
    Https = 3,
    /// QUIC (RFC 9250).
    Quic = 4,
}

/// Where an answer came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum Origin {
    /// No zone: the request was malformed, not served, or refused.
    Nothing = 0,
    /// A zone, as it lay in memory.
    Zone = 1,
    /// A zone, and what had to be supplied first: a signature, a target's addresses, another server's answer.
    Supplied = 2,
    /// The server itself: its version or identity.
    Server = 3,
}

/// What was set in a request and its answer. Bits without a name are kept as they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub struct Flags(pub u16);

impl Flags {
    /// The request had RD.
    pub const RECURSION_DESIRED: Self = Self(1);
    /// The request had CD.
    pub const CHECKING_DISABLED: Self = Self(1 << 1);
    /// The request had an OPT record.
    pub const EDNS: Self = Self(1 << 2);
    /// The request had DO.
    pub const DNSSEC_OK: Self = Self(1 << 3);
    /// The request had a COOKIE option.
    pub const COOKIE: Self = Self(1 << 4);
    /// And its server cookie was good.
    pub const COOKIE_GOOD: Self = Self(1 << 5);
    /// The answer has AA.
    pub const AUTHORITATIVE: Self = Self(1 << 6);
    /// The answer has TC.
    pub const TRUNCATED: Self = Self(1 << 7);
    /// Response-rate limiting dropped or truncated the answer.
    pub const RATE_LIMITED: Self = Self(1 << 8);

    /// Whether all that is set in `other` is set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These flags if `condition` holds, else none.
    #[must_use]
    pub fn when(self, condition: bool) -> Self {
        if condition { self } else { Self::default() }
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

/// Why octets are not an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Written by a release that this one does not know.
    #[error("an event of format {0}; this release reads format {FORMAT}")]
    Format(u8),
    /// The octets end early or make no sense.
    #[error("the event is damaged")]
    Damaged,
}

const HAS_SCOPE: u8 = 1 << 4;
const HAS_ZONE: u8 = 1 << 5;
const HAS_NAME: u8 = 1 << 6;
const IPV6: u8 = 1 << 6;

impl<'a> Event<'a> {
    /// Writes the byte form and gives its length in octets; allocates nothing. None if `name` is neither empty nor one
    /// whole uncompressed name.
    pub fn encode(&self, out: &mut [u8; EVENT_OCTETS_MAX]) -> Option<usize> {
        if !self.name.is_empty() && wire_len(self.name) != Ok(self.name.len()) {
            return None;
        }
        let mut out = Out { octets: out, length: 0 };
        let family = if self.client.is_ipv6() { IPV6 } else { 0 };
        let present =
            [(HAS_SCOPE, self.scope.is_some()), (HAS_ZONE, self.zone.is_some()), (HAS_NAME, !self.name.is_empty())];
        let present = present.iter().fold(0, |bits, (bit, is)| if *is { bits | bit } else { bits });
        out.bytes(&[FORMAT, self.transport as u8 | (self.origin as u8) << 3 | family, self.opcode.0 & 0x0f | present]);
        out.bytes(&self.flags.0.to_be_bytes());
        out.number(self.at_micros);
        out.number(self.sample_interval.max(1).into());
        out.number(self.record_type.0.into());
        out.number(self.class.into());
        out.number(self.rcode.0.into());
        if let Some(scope) = self.scope {
            out.number(scope.into());
        }
        if let Some(zone) = self.zone {
            out.number(zone);
        }
        out.number(self.request_octets.into());
        out.number(self.response_octets.into());
        out.number(self.duration_micros.into());
        out.bytes(&self.client_port.to_be_bytes());
        match self.client {
            IpAddr::V4(address) => out.bytes(&address.octets()),
            IpAddr::V6(address) => out.bytes(&address.octets()),
        }
        out.bytes(self.name);
        Some(out.length)
    }

    /// Reads the event at the start of `octets`, and gives how many of them it takes.
    pub fn decode(octets: &'a [u8]) -> Result<(Self, usize), EventError> {
        match octets.first() {
            Some(&FORMAT) => {}
            Some(&other) => return Err(EventError::Format(other)),
            None => return Err(EventError::Damaged),
        }
        let mut input = In(&octets[1..]);
        let event = input.event().ok_or(EventError::Damaged)?;
        Ok((event, octets.len() - input.0.len()))
    }
}

struct Out<'o> {
    octets: &'o mut [u8; EVENT_OCTETS_MAX],
    length: usize,
}

impl Out<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        self.octets[self.length..end].copy_from_slice(bytes);
        self.length = end;
    }

    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes(&[value as u8 | 0x80]);
            value >>= 7;
        }
        self.bytes(&[value as u8]);
    }
}

struct In<'a>(&'a [u8]);

impl<'a> In<'a> {
    fn event(&mut self) -> Option<Event<'a>> {
        let [how, what] = self.array()?;
        if (how | what) & 0x80 != 0 {
            return None;
        }
        Some(Event {
            transport: transport(how & 7)?,
            origin: origin(how >> 3 & 7)?,
            opcode: Opcode(what & 0x0f),
            flags: Flags(u16::from_be_bytes(self.array()?)),
            at_micros: self.number()?,
            sample_interval: self.small().filter(|interval| *interval > 0)?,
            record_type: RecordType(self.small()?),
            class: self.small()?,
            rcode: Rcode(self.small()?),
            scope: if what & HAS_SCOPE != 0 { Some(self.small()?) } else { None },
            zone: if what & HAS_ZONE != 0 { Some(self.number()?) } else { None },
            request_octets: self.small()?,
            response_octets: self.small()?,
            duration_micros: self.small()?,
            client_port: u16::from_be_bytes(self.array()?),
            client: match how & IPV6 {
                0 => Ipv4Addr::from(self.array::<4>()?).into(),
                _ => Ipv6Addr::from(self.array::<16>()?).into(),
            },
            name: if what & HAS_NAME != 0 { self.bytes(wire_len(self.0).ok()?)? } else { &[] },
        })
    }

    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*array)
    }

    fn small<N: TryFrom<u64>>(&mut self) -> Option<N> {
        N::try_from(self.number()?).ok()
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let [octet] = self.array()?;
            let bits = u64::from(octet & 0x7f);
            // The tenth octet has room for one bit, and a last octet of zero would be a longer way to say the same.
            if bits << shift >> shift != bits || (octet == 0 && shift > 0) {
                return None;
            }
            value |= bits << shift;
            if octet < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

fn transport(number: u8) -> Option<Transport> {
    let all = [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Https, Transport::Quic];
    all.get(usize::from(number)).copied()
}

fn origin(number: u8) -> Option<Origin> {
    [Origin::Nothing, Origin::Zone, Origin::Supplied, Origin::Server].get(usize::from(number)).copied()
}

#[cfg(test)]
mod tests;
