//! A zone's facts in one generation, packed into one run of octets: the value of a version of its record, whose key is
//! the apex.
//!
//! ```text
//!  number 8 | version 8 | account 8 | serial 4 | TTL of NS 4 | TTL of SOA 4 | nameservers 4 | SOA's octets 4 |
//!  status and flags 1 | SOA data | nameservers, in wire form | scopes, 4 each
//! ```
//!
//! Numbers are little endian. Written by [`pack`] and [`renewed`] only, so readers take the form for granted; what is
//! cut short reads as zeros and empty names.

use waymark_wire::Serial;
use waymark_wire::name::wire_len;

use super::versions::VersionRef;
use crate::published::{AccountNumber, ScopeId, Version, ZoneHeader, ZoneNumber, ZoneStatus};

const NUMBER_AT: usize = 0;
const VERSION_AT: usize = 8;
const ACCOUNT_AT: usize = 16;
const SERIAL_AT: usize = 24;
const NS_TTL_AT: usize = 28;
const SOA_TTL_AT: usize = 32;
const NAMESERVERS_AT: usize = 36;
const SOA_OCTETS_AT: usize = 40;
const FLAGS_AT: usize = 44;
const SOA_AT: usize = 45;
/// Serial, refresh, retry, expire and minimum end the data of a SOA record (RFC 1035 section 3.3.13).
const SOA_NUMBERS_OCTETS: usize = 20;

const STATUS_BITS: u8 = 3;
const PROVEN: u8 = 1 << 2;
const SIGNED: u8 = 1 << 3;

/// The facts of one version of a zone.
#[derive(Clone, Copy)]
pub(crate) struct ZoneState<'v> {
    apex: &'v [u8],
    packed: &'v [u8],
}

/// Packs the facts of a version of a zone.
pub(super) fn pack(number: ZoneNumber, version: Version, serial: Serial, header: &ZoneHeader) -> Vec<u8> {
    let soa = header.soa.rdata(serial);
    let nameservers = header.nameservers.iter().map(|host| host.as_wire().len()).sum::<usize>();
    let mut packed = Vec::with_capacity(SOA_AT + soa.len() + nameservers + header.scopes.len() * 4);
    packed.extend_from_slice(&number.0.to_le_bytes());
    packed.extend_from_slice(&version.0.to_le_bytes());
    packed.extend_from_slice(&header.account.0.to_le_bytes());
    let soa_octets = soa.len() as u32;
    for field in [serial.get(), header.ns_ttl, header.soa.ttl, header.nameservers.len() as u32, soa_octets] {
        packed.extend_from_slice(&field.to_le_bytes());
    }
    packed.push(flags(header));
    packed.extend_from_slice(&soa);
    header.nameservers.iter().for_each(|host| packed.extend_from_slice(host.as_wire()));
    header.scopes.iter().for_each(|scope| packed.extend_from_slice(&scope.0.to_le_bytes()));
    packed
}

/// The same zone with another version and serial.
pub(super) fn renewed(state: ZoneState<'_>, version: Version, serial: Serial) -> Vec<u8> {
    let mut packed = state.packed.to_vec();
    let serial_in_soa = SOA_AT + state.soa().len().saturating_sub(SOA_NUMBERS_OCTETS);
    let fields: [(usize, &[u8]); 3] = [
        (VERSION_AT, &version.0.to_le_bytes()),
        (SERIAL_AT, &serial.get().to_le_bytes()),
        (serial_in_soa, &serial.get().to_be_bytes()),
    ];
    for (at, octets) in fields {
        packed[at..at + octets.len()].copy_from_slice(octets);
    }
    packed
}

impl<'v> ZoneState<'v> {
    /// Reads a version of a zone's record.
    pub(super) fn new(version: VersionRef<'v>) -> Self {
        Self { apex: version.key(), packed: version.value() }
    }

    /// The apex, in wire form.
    pub(super) fn apex(self) -> &'v [u8] {
        self.apex
    }

    pub(super) fn number(self) -> ZoneNumber {
        ZoneNumber(self.u64_at(NUMBER_AT))
    }

    pub(super) fn version(self) -> Version {
        Version(self.u64_at(VERSION_AT))
    }

    pub(super) fn account(self) -> AccountNumber {
        AccountNumber(self.u64_at(ACCOUNT_AT))
    }

    pub(super) fn serial(self) -> Serial {
        Serial::new(self.u32_at(SERIAL_AT))
    }

    pub(super) fn ns_ttl(self) -> u32 {
        self.u32_at(NS_TTL_AT)
    }

    pub(super) fn soa_ttl(self) -> u32 {
        self.u32_at(SOA_TTL_AT)
    }

    /// The TTL of negative answers: the smaller of the SOA's TTL and its minimum (RFC 2308 section 3).
    pub(super) fn negative_ttl(self) -> u32 {
        let minimum = self.soa().last_chunk().copied().map_or(0, u32::from_be_bytes);
        self.soa_ttl().min(minimum)
    }

    pub(super) fn status(self) -> ZoneStatus {
        match self.flags() & STATUS_BITS {
            0 => ZoneStatus::Pending,
            1 => ZoneStatus::Active,
            _ => ZoneStatus::Deleted,
        }
    }

    pub(super) fn is_proven(self) -> bool {
        self.flags() & PROVEN != 0
    }

    pub(super) fn is_signed(self) -> bool {
        self.flags() & SIGNED != 0
    }

    /// The data of its SOA record.
    pub(super) fn soa(self) -> &'v [u8] {
        let length = self.u32_at(SOA_OCTETS_AT) as usize;
        self.packed.get(SOA_AT..SOA_AT + length).unwrap_or_default()
    }

    pub(super) fn nameserver_count(self) -> usize {
        self.u32_at(NAMESERVERS_AT) as usize
    }

    /// Its nameservers, in wire form.
    pub(super) fn nameservers(self) -> impl Iterator<Item = &'v [u8]> + Clone {
        let mut rest = self.packed.get(SOA_AT + self.soa().len()..).unwrap_or_default();
        (0..self.nameserver_count()).map_while(move |_| {
            let (host, after) = rest.split_at_checked(wire_len(rest).ok()?)?;
            rest = after;
            Some(host)
        })
    }

    /// The scopes in which its apex stands for it. For the writer.
    pub(super) fn scopes(self) -> impl Iterator<Item = ScopeId> {
        let hosts: usize = self.nameservers().map(<[u8]>::len).sum();
        let packed = self.packed.get(SOA_AT + self.soa().len() + hosts..).unwrap_or_default();
        packed.as_chunks().0.iter().map(|octets| ScopeId(u32::from_le_bytes(*octets)))
    }

    fn flags(self) -> u8 {
        self.packed.get(FLAGS_AT).copied().unwrap_or_default()
    }

    fn u64_at(self, at: usize) -> u64 {
        self.packed.get(at..).and_then(<[u8]>::first_chunk).copied().map_or(0, u64::from_le_bytes)
    }

    fn u32_at(self, at: usize) -> u32 {
        self.packed.get(at..).and_then(<[u8]>::first_chunk).copied().map_or(0, u32::from_le_bytes)
    }
}

fn flags(header: &ZoneHeader) -> u8 {
    let status = match header.status {
        ZoneStatus::Pending => 0,
        ZoneStatus::Active => 1,
        ZoneStatus::Deleted => 2,
    };
    status | if header.proven { PROVEN } else { 0 } | if header.signed { SIGNED } else { 0 }
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use super::super::heap::{Heap, Memory};
    use super::super::versions::{self, Key};
    use super::*;
    use crate::testing::*;

    #[test]
    fn what_is_packed_is_what_the_header_says_and_is_renewed_in_place() {
        for (status, proven, signed) in
            [(ZoneStatus::Pending, false, true), (ZoneStatus::Active, true, false), (ZoneStatus::Deleted, true, true)]
        {
            let header = ZoneHeader { status, proven, signed, ..header("z.test", 7, &[1, 2, 3601]) };
            let packed = pack(ZoneNumber(1 << 40), Version(3), Serial::new(9), &header);
            let key = Key { space: 0, hash: 0, octets: header.apex.as_wire() };
            let mut heap = Heap::new(Memory::Single);
            let first = versions::make(&mut heap, key, 0, Some(&packed), 0, null_mut());
            // SAFETY: freed with the heap.
            let state = ZoneState::new(unsafe { VersionRef::new(first) });
            assert_eq!((state.number(), state.version(), state.serial().get()), (ZoneNumber(1 << 40), Version(3), 9));
            assert_eq!((state.status(), state.is_proven(), state.is_signed()), (status, proven, signed));
            assert_eq!((state.ns_ttl(), state.soa_ttl()), (header.ns_ttl, header.soa.ttl));
            assert_eq!((state.apex(), state.account()), (header.apex.as_wire(), header.account));
            assert_eq!(state.negative_ttl(), header.soa.negative_ttl());
            assert_eq!(state.scopes().collect::<Vec<_>>(), header.scopes);
            assert!(state.nameservers().eq(header.nameservers.iter().map(|host| host.as_wire())));
            assert_eq!(
                renewed(state, Version(4), Serial::new(10)),
                pack(ZoneNumber(1 << 40), Version(4), Serial::new(10), &header)
            );
        }
    }
}
