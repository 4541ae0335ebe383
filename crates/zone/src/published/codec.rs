//! The byte form of published data: one format octet, then fields in order, lengths before what they measure.
//!
//! Integers are LEB128, names uncompressed wire form, data canonical wire form. An edge that meets a format it does
//! not know stops there (DESIGN, "The journal"): [`DecodeError::Format`]. Decoding any bytes gives a value or an
//! error, never more memory than a small multiple of the input.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use waymark_wire::{Name, Rdata, RecordType, Serial};

use super::*;

/// The format written by this release.
pub const FORMAT: u8 = 2;
/// The format of releases whose headers did not say whether a zone is signed; read, no longer written.
const FORMAT_UNSIGNED: u8 = 1;

/// Why bytes are not published data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Written by a release that this one does not know.
    #[error("published data of format {0}; this release reads formats up to {FORMAT}")]
    Format(u8),
    /// The bytes end early or make no sense.
    #[error("published data is damaged")]
    Damaged,
}

impl Commit {
    /// The byte form of the entries and scopes; incarnation and position are kept beside it.
    pub fn encode_body(&self) -> Vec<u8> {
        let mut out = Out(vec![FORMAT]);
        out.list(&self.entries, Out::entry);
        out.list(&self.scopes, Out::scope);
        out.0
    }

    /// The commit at `position` with this body.
    pub fn decode_body(incarnation: Incarnation, position: Position, bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes, |input| {
            Ok(Self { incarnation, position, entries: input.list(In::entry)?, scopes: input.list(In::scope)? })
        })
    }
}

impl Entry {
    /// The byte form of one entry.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Out(vec![FORMAT]);
        out.entry(self);
        out.0
    }

    /// The entry in these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes, In::entry)
    }
}

impl ScopeChange {
    /// The byte form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Out(vec![FORMAT]);
        out.scope(self);
        out.0
    }

    /// The change in these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes, In::scope)
    }
}

impl ZoneHeader {
    /// The byte form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Out(vec![FORMAT]);
        out.header(self);
        out.0
    }

    /// The header in these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes, In::header)
    }
}

impl RRset {
    /// The byte form of all RRsets of one owner name; the owner itself is kept beside it.
    pub fn encode_name(rrsets: &[Self]) -> Vec<u8> {
        let mut out = Out(vec![FORMAT]);
        out.list(rrsets, Out::rrset_body);
        out.0
    }

    /// The RRsets of `owner` in these bytes.
    pub fn decode_name(owner: &Name, bytes: &[u8]) -> Result<Vec<Self>, DecodeError> {
        decode(bytes, |input| input.list(|input| input.rrset_body(owner.clone())))
    }
}

fn decode<'a, T>(bytes: &'a [u8], read: impl FnOnce(&mut In<'a>) -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    let (&format, rest) = bytes.split_first().ok_or(DecodeError::Damaged)?;
    if !matches!(format, FORMAT | FORMAT_UNSIGNED) {
        return Err(DecodeError::Format(format));
    }
    let mut input = In { rest, format };
    let value = read(&mut input)?;
    if input.rest.is_empty() { Ok(value) } else { Err(DecodeError::Damaged) }
}

struct Out(Vec<u8>);

impl Out {
    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.number(items.len() as u64);
        for item in items {
            write(self, item);
        }
    }

    fn name(&mut self, name: &Name) {
        self.bytes(name.as_wire());
    }

    fn entry(&mut self, entry: &Entry) {
        self.number(entry.zone.0);
        self.number(entry.version.0);
        self.number(u64::from(entry.serial.get()));
        match &entry.change {
            Change::Delta { header, removed, added } => {
                self.0.push(0);
                self.list(header.as_slice(), Self::header);
                self.list(removed, Self::rrset);
                self.list(added, Self::rrset);
            }
            Change::Replace => self.0.push(1),
            Change::Gone => self.0.push(2),
        }
    }

    fn header(&mut self, header: &ZoneHeader) {
        self.name(&header.apex);
        self.number(header.account.0);
        self.0.push(match header.status {
            ZoneStatus::Pending => 0,
            ZoneStatus::Active => 1,
            ZoneStatus::Deleted => 2,
        });
        self.0.push(u8::from(header.proven));
        self.list(&header.scopes, |out, scope| out.number(u64::from(scope.0)));
        let soa = &header.soa;
        self.name(&soa.mname);
        self.name(&soa.rname);
        for seconds in [soa.refresh, soa.retry, soa.expire, soa.minimum, soa.ttl] {
            self.number(u64::from(seconds));
        }
        self.list(&header.nameservers, Self::name);
        self.number(u64::from(header.ns_ttl));
        self.0.push(u8::from(header.signed));
    }

    fn rrset(&mut self, rrset: &RRset) {
        self.name(&rrset.owner);
        self.rrset_body(rrset);
    }

    fn rrset_body(&mut self, rrset: &RRset) {
        self.number(u64::from(rrset.record_type.0));
        self.number(u64::from(rrset.ttl));
        self.list(&rrset.data, |out, rdata| out.bytes(rdata.wire()));
    }

    fn scope(&mut self, scope: &ScopeChange) {
        self.number(u64::from(scope.scope.0));
        self.list(&scope.addresses, |out, address| match address {
            IpAddr::V4(address) => out.bytes(&address.octets()),
            IpAddr::V6(address) => out.bytes(&address.octets()),
        });
    }
}

struct In<'a> {
    rest: &'a [u8],
    format: u8,
}

impl<'a> In<'a> {
    fn octet(&mut self) -> Result<u8, DecodeError> {
        let (&octet, rest) = self.rest.split_first().ok_or(DecodeError::Damaged)?;
        self.rest = rest;
        Ok(octet)
    }

    fn number(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let octet = self.octet()?;
            let bits = u64::from(octet & 0x7f);
            if bits << shift >> shift != bits {
                return Err(DecodeError::Damaged);
            }
            value |= bits << shift;
            if octet < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::Damaged)
    }

    fn small<T: TryFrom<u64>>(&mut self) -> Result<T, DecodeError> {
        T::try_from(self.number()?).map_err(|_| DecodeError::Damaged)
    }

    fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let length: usize = self.small()?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(DecodeError::Damaged)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn list<T>(&mut self, read: impl Fn(&mut Self) -> Result<T, DecodeError>) -> Result<Vec<T>, DecodeError> {
        let length: usize = self.small()?;
        // Every item has at least one octet: a length beyond what is left is a lie, and allocates nothing.
        if length > self.rest.len() {
            return Err(DecodeError::Damaged);
        }
        (0..length).map(|_| read(self)).collect()
    }

    fn name(&mut self) -> Result<Name, DecodeError> {
        Name::from_wire(self.bytes()?).map_err(|_| DecodeError::Damaged)
    }

    fn entry(&mut self) -> Result<Entry, DecodeError> {
        Ok(Entry {
            zone: ZoneNumber(self.number()?),
            version: Version(self.number()?),
            serial: Serial::new(self.small()?),
            change: match self.octet()? {
                0 => Change::Delta {
                    header: self.list(Self::header)?.pop(),
                    removed: self.list(Self::rrset)?,
                    added: self.list(Self::rrset)?,
                },
                1 => Change::Replace,
                2 => Change::Gone,
                _ => return Err(DecodeError::Damaged),
            },
        })
    }

    fn header(&mut self) -> Result<ZoneHeader, DecodeError> {
        Ok(ZoneHeader {
            apex: self.name()?,
            account: AccountNumber(self.number()?),
            status: match self.octet()? {
                0 => ZoneStatus::Pending,
                1 => ZoneStatus::Active,
                2 => ZoneStatus::Deleted,
                _ => return Err(DecodeError::Damaged),
            },
            proven: self.octet()? == 1,
            scopes: self.list(|input| Ok(ScopeId(input.small()?)))?,
            soa: Soa {
                mname: self.name()?,
                rname: self.name()?,
                refresh: self.small()?,
                retry: self.small()?,
                expire: self.small()?,
                minimum: self.small()?,
                ttl: self.small()?,
            },
            nameservers: self.list(Self::name)?,
            ns_ttl: self.small()?,
            signed: self.format != FORMAT_UNSIGNED && self.octet()? == 1,
        })
    }

    fn rrset(&mut self) -> Result<RRset, DecodeError> {
        let owner = self.name()?;
        self.rrset_body(owner)
    }

    fn rrset_body(&mut self, owner: Name) -> Result<RRset, DecodeError> {
        let record_type = RecordType(self.small()?);
        let ttl = self.small()?;
        let data =
            self.list(|input| Rdata::from_wire(record_type, input.bytes()?).map_err(|_| DecodeError::Damaged))?;
        if data.is_empty() {
            return Err(DecodeError::Damaged);
        }
        Ok(RRset { owner, record_type, ttl, data })
    }

    fn scope(&mut self) -> Result<ScopeChange, DecodeError> {
        Ok(ScopeChange {
            scope: ScopeId(self.small()?),
            addresses: self.list(|input| match input.bytes()? {
                v4 if v4.len() == 4 => {
                    Ok(Ipv4Addr::from_octets(v4.try_into().map_err(|_| DecodeError::Damaged)?).into())
                }
                v6 if v6.len() == 16 => {
                    Ok(Ipv6Addr::from_octets(v6.try_into().map_err(|_| DecodeError::Damaged)?).into())
                }
                _ => Err(DecodeError::Damaged),
            })?,
        })
    }
}

#[cfg(test)]
mod tests;
