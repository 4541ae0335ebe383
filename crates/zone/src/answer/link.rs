//! One link of a chain, mostly the only one: what was found at a name is written into its sections.

use waymark_wire::message::Section;
use waymark_wire::{Rcode, RecordType};

use super::Kind;
use super::additional::Additional;
use super::chain::Place;
use super::find::{ApexSet, Found};
use super::response::{Response, Signer};
use crate::catalog::{RRsetRef, SearchName, Zone};

/// How an answer ends.
pub(super) struct Ending {
    pub(super) rcode: Rcode,
    pub(super) kind: Kind,
    /// What the answer is about, so that answers that say the same can be counted together. Of a chain, what its first
    /// link is about: the wildcard or DNAME there, and not whatever name was made up below it.
    pub(super) subject: u64,
}

/// A name, the zone it lies in, and where that was asked.
#[derive(Clone, Copy)]
pub(super) struct Link<'v, 'r, 'n> {
    pub(super) place: Place<'v, 'r>,
    pub(super) zone: Zone<'v>,
    pub(super) name: &'n SearchName,
    /// The name as it is written: as it was asked, or as the alias spells it.
    pub(super) owner: &'n [u8],
}

impl<'v, 'r> Link<'v, 'r, '_> {
    /// What it is about, if it is the first link.
    pub(super) fn subject(&self, found: &Found<'_>) -> u64 {
        match found {
            Found::Hit(owned) | Found::Follow(owned) => self.name.suffix_identity(owned.encloser.unwrap_or(0)),
            Found::Redirect(_, cut) | Found::Referral(_, cut) => self.name.suffix_identity(*cut),
            Found::Apex(_) | Found::NoData | Found::NxDomain => self.zone.number().0,
        }
    }

    /// Writes the end of a chain, or its only link.
    pub(super) fn end(&self, response: &mut Response<'_, '_>, found: Found<'v>, followed: bool) -> Ending {
        let (zone, name) = (self.zone, self.name);
        let additional = Additional::new(self.place);
        let of_zone = zone.number().0;
        let (rcode, kind, subject) = match found {
            Found::Hit(owned) => {
                let signer = Signer::found(name, owned.encloser);
                response.must(Section::Answer, self.owner, zone, signer, owned.rrset);
                additional.of_answer(response, zone, self.owner, owned.rrset);
                let subject = name.suffix_identity(owned.encloser.unwrap_or(0));
                (Rcode::NOERROR, Kind::Positive, subject)
            }
            Found::Apex(ApexSet::Soa) => {
                self.start_of_authority(response, Section::Answer, self.owner, zone.soa_ttl());
                (Rcode::NOERROR, Kind::Positive, of_zone)
            }
            Found::Apex(ApexSet::Ns) => {
                self.apex_nameservers(response);
                additional.of_apex(response, zone);
                (Rcode::NOERROR, Kind::Positive, of_zone)
            }
            Found::Referral(cut_set, cut) => {
                self.referral(response, additional, cut_set, cut);
                (Rcode::NOERROR, Kind::Referral, name.suffix_identity(cut))
            }
            Found::NoData | Found::Follow(_) | Found::Redirect(..) => {
                self.denial(response);
                (Rcode::NOERROR, Kind::NoData, of_zone)
            }
            // RFC 6604 section 3: the response code is that of the last name of the chain.
            Found::NxDomain => {
                self.denial(response);
                (Rcode::NXDOMAIN, Kind::NxDomain, of_zone)
            }
        };
        let aliased = followed && kind != Kind::NxDomain;
        Ending { rcode, kind: if aliased { Kind::Positive } else { kind }, subject }
    }

    /// Says that there is nothing, and how long that may be remembered (RFC 2308 section 3). Proofs of denial have
    /// their place here, and nowhere else.
    fn denial(&self, response: &mut Response<'_, '_>) {
        self.start_of_authority(response, Section::Authority, self.zone.apex(), self.zone.negative_ttl());
    }

    fn start_of_authority(&self, response: &mut Response<'_, '_>, section: Section, owner: &[u8], ttl: u32) {
        let zone = self.zone;
        let signer = Signer::name(zone.apex());
        response.require(section, owner, Some((zone, signer, RecordType::SOA, ttl)), |writer| {
            writer.put(section, owner, RecordType::SOA, ttl, zone.soa())
        });
    }

    fn apex_nameservers(&self, response: &mut Response<'_, '_>) {
        let (zone, owner, ttl) = (self.zone, self.owner, self.zone.ns_ttl());
        let order = response.order(zone.nameserver_count());
        let signer = Signer::name(zone.apex());
        response.require(Section::Answer, owner, Some((zone, signer, RecordType::NS, ttl)), |writer| {
            let hosts = order.filter_map(|number| zone.nameservers().nth(number));
            writer.put_all(Section::Answer, owner, RecordType::NS, ttl, hosts)
        });
    }

    /// Leads to the nameservers of the zone below, with what is needed to reach them.
    fn referral(
        &self,
        response: &mut Response<'_, '_>,
        additional: Additional<'v, 'r>,
        cut_set: RRsetRef<'v>,
        cut: usize,
    ) {
        let owner = self.name.suffix(cut);
        if !response.must_unsigned(Section::Authority, owner, cut_set) {
            return;
        }
        if response.wants_dnssec(self.zone) {
            // RFC 4035 section 3.1.4: with it, the zone below is signed.
            let delegation = self.place.view.owner(self.zone, self.name, cut);
            if let Some(signer_set) = delegation.and_then(|rrsets| rrsets.get(RecordType::DS)) {
                response.must(Section::Authority, owner, self.zone, Signer::name(owner), signer_set);
            }
        }
        additional.of_referral(response, self.zone, owner, cut_set);
    }
}
