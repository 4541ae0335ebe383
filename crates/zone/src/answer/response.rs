//! A response under construction: RRsets go in whole or not at all, with their signatures where the zone has them.
//!
//! What must be there and does not fit sets TC (RFC 2181 section 9); what is only helpful is left out in silence.

use waymark_wire::edns::ExtendedError;
use waymark_wire::message::{Full, Mark, Section};
use waymark_wire::{MessageWriter, Rcode, RecordType};

use super::supply::{Needs, SignatureOf, Supplies};
use crate::catalog::{RRsetRef, SearchName, Zone};

/// Whose RRset it is: what its signature is found by.
#[derive(Clone, Copy)]
pub(super) struct Signer<'n> {
    /// The owner, or the closest encloser above the wildcard that is the owner; in lower-case wire form.
    pub(super) name: &'n [u8],
    pub(super) wildcard: bool,
}

impl<'n> Signer<'n> {
    pub(super) fn name(name: &'n [u8]) -> Self {
        Self { name, wildcard: false }
    }

    /// The owner that a search for `name` has found.
    pub(super) fn found(name: &'n SearchName, encloser: Option<usize>) -> Self {
        Self { name: name.suffix(encloser.unwrap_or(0)), wildcard: encloser.is_some() }
    }
}

/// See the module's description.
pub(super) struct Response<'b, 's> {
    writer: MessageWriter<'b>,
    start: Mark,
    truncated: bool,
    /// Signatures are wanted (RFC 3225).
    dnssec_ok: bool,
    /// Where in an RRset the answer begins; none: RRsets keep their order.
    rotation: Option<u16>,
    supplies: &'s dyn Supplies,
    needs: &'s mut Needs,
}

impl<'b, 's> Response<'b, 's> {
    pub(super) fn new(
        writer: MessageWriter<'b>,
        dnssec_ok: bool,
        rotation: Option<u16>,
        supplies: &'s dyn Supplies,
        needs: &'s mut Needs,
    ) -> Self {
        needs.clear();
        let start = writer.mark();
        Self { writer, start, truncated: false, dnssec_ok, rotation, supplies, needs }
    }

    pub(super) fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Whether something has to be supplied before this can be sent.
    pub(super) fn is_lacking(&self) -> bool {
        !self.needs.is_empty()
    }

    pub(super) fn wants_dnssec(&self, zone: Zone<'_>) -> bool {
        self.dnssec_ok && zone.is_signed()
    }

    pub(super) fn set_authoritative(&mut self) {
        self.writer.set_authoritative();
    }

    /// Takes everything back but the question.
    pub(super) fn clear(&mut self) {
        self.writer.clear(self.start);
        self.truncated = false;
    }

    pub(super) fn finish(&mut self, rcode: Rcode, error: Option<(ExtendedError, &str)>) -> usize {
        self.writer.finish(rcode, error)
    }

    /// Puts in an RRset that has to be there; false, and TC, if it does not fit.
    pub(super) fn must(
        &mut self,
        section: Section,
        owner: &[u8],
        zone: Zone<'_>,
        signer: Signer<'_>,
        rrset: RRsetRef<'_>,
    ) -> bool {
        let rotation = self.rotation;
        let signed = (zone, signer, rrset.record_type, rrset.ttl);
        self.require(section, owner, Some(signed), |writer| put_rrset(writer, section, owner, rrset, rotation))
    }

    /// Puts in an RRset that has to be there and has no signature: glue, and the NS RRset of a cut (RFC 4035 section
    /// 2.2); false, and TC, if it does not fit.
    pub(super) fn must_unsigned(&mut self, section: Section, owner: &[u8], rrset: RRsetRef<'_>) -> bool {
        let rotation = self.rotation;
        self.require(section, owner, None, |writer| put_rrset(writer, section, owner, rrset, rotation))
    }

    /// Puts in records that have to be there and are in no RRset of the catalog: `signed` says what signs them.
    pub(super) fn require(
        &mut self,
        section: Section,
        owner: &[u8],
        signed: Option<(Zone<'_>, Signer<'_>, RecordType, u32)>,
        put: impl FnOnce(&mut MessageWriter<'b>) -> Result<(), Full>,
    ) -> bool {
        let mark = self.writer.mark();
        let written = !self.truncated
            && put(&mut self.writer).is_ok()
            && signed.is_none_or(|(zone, signer, record_type, ttl)| {
                self.sign(section, owner, zone, signer, record_type, ttl).is_ok()
            });
        if !written {
            self.writer.rewind(mark);
            self.writer.set_truncated();
            self.truncated = true;
        }
        written
    }

    /// Puts in a helpful RRset if it fits and the answer is whole so far. It goes without a signature rather than wait
    /// for one.
    pub(super) fn may(&mut self, section: Section, owner: &[u8], rrset: RRsetRef<'_>) {
        let mark = self.writer.mark();
        if self.truncated || put_rrset(&mut self.writer, section, owner, rrset, self.rotation).is_err() {
            self.writer.rewind(mark);
        }
    }

    /// Appends the signature of what was just put in, or states the need for it.
    fn sign(
        &mut self,
        section: Section,
        owner: &[u8],
        zone: Zone<'_>,
        signer: Signer<'_>,
        record_type: RecordType,
        ttl: u32,
    ) -> Result<(), Full> {
        if !self.wants_dnssec(zone) {
            return Ok(());
        }
        let of = SignatureOf { zone: zone.number(), name: signer.name, wildcard: signer.wildcard, record_type };
        match self.supplies.signature(&of) {
            Some(data) => self.writer.put(section, owner, RecordType::RRSIG, ttl, data),
            None => {
                self.needs.add(&of);
                Ok(())
            }
        }
    }

    /// The order in which `count` records of a set that is no RRset of the catalog are written.
    pub(super) fn order(&self, count: usize) -> impl Iterator<Item = usize> + use<> {
        let first = first_of(self.rotation, count);
        (first..count).chain(0..first)
    }
}

fn put_rrset(
    writer: &mut MessageWriter<'_>,
    section: Section,
    owner: &[u8],
    rrset: RRsetRef<'_>,
    rotation: Option<u16>,
) -> Result<(), Full> {
    let first = first_of(rotation, usize::from(rrset.count));
    let rotated = rrset.data().skip(first).chain(rrset.data().take(first));
    writer.put_all(section, owner, rrset.record_type, rrset.ttl, rotated)
}

fn first_of(rotation: Option<u16>, count: usize) -> usize {
    rotation.map_or(0, |rotation| usize::from(rotation) % count.max(1))
}
