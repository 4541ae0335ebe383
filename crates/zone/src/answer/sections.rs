//! What each state of a name puts into the message, section by section.
//!
//! An RRset goes in whole or not at all. What must be there and does not fit sets TC (RFC 2181 section 9); what is only
//! helpful is left out in silence.

use waymark_wire::message::{Full, Section};
use waymark_wire::name::NAME_OCTETS_MAX;
use waymark_wire::{MessageWriter, Rcode, RecordType};

use super::Kind;
use super::find::{ApexSet, Found, find};
use crate::catalog::{RRsetRef, SearchName, View, Zone};
use crate::published::ScopeId;

/// A longer chain of aliases is a loop or a mistake; resolvers give up between 8 and 16 too.
const ALIASES_MAX: usize = 8;
/// Nameservers whose addresses are looked up for one RRset; more would not fit a datagram.
const GLUE_HOSTS_MAX: usize = 16;

/// A response under construction.
pub(super) struct Response<'b> {
    writer: MessageWriter<'b>,
    truncated: bool,
}

impl<'b> Response<'b> {
    pub(super) fn new(writer: MessageWriter<'b>) -> Self {
        Self { writer, truncated: false }
    }

    pub(super) fn is_truncated(&self) -> bool {
        self.truncated
    }

    pub(super) fn finish(self, rcode: Rcode, udp_size: u16, dnssec_ok: bool) -> usize {
        self.writer.finish(rcode, udp_size, dnssec_ok)
    }

    /// Answers for `asked` (the name as it was asked, whose search name is `name`) in `zone`, and follows aliases.
    pub(super) fn answer<'v>(
        &mut self,
        view: &'v View<'_>,
        scope: Option<ScopeId>,
        mut zone: Zone<'v>,
        asked: &[u8],
        mut name: SearchName,
        record_type: RecordType,
    ) -> (Rcode, Kind) {
        let first_zone = zone.number();
        let mut owner = [0; NAME_OCTETS_MAX];
        let mut owner_length = asked.len();
        owner[..owner_length].copy_from_slice(asked);
        let mut followed = [None; ALIASES_MAX + 1];
        for aliases in 0..=ALIASES_MAX {
            let found = find(view, zone, &name, record_type);
            if aliases == 0 && !matches!(found, Found::Referral(..)) {
                self.writer.set_authoritative();
            }
            if matches!(found, Found::Referral(..)) && zone.number() != first_zone {
                // Below a cut of another zone the outside world's answer counts: the resolver asks on.
                break;
            }
            let Found::Follow(cname) = found else {
                return self.end(view, zone, &name, &owner[..owner_length], found, aliases > 0);
            };
            let Some(target) = cname.data().next() else { break };
            followed[aliases] = Some(name.identity());
            if !self.must(Section::Answer, &owner[..owner_length], cname) {
                break;
            }
            let Some(target_name) = view.search_name(target) else { break };
            if followed.contains(&Some(target_name.identity())) {
                // A loop: each alias is said once (RFC 2181 section 5).
                break;
            }
            let Some(next) = crossing(view, scope, zone, &target_name) else { break };
            owner_length = target.len();
            owner[..owner_length].copy_from_slice(target);
            (zone, name) = (next, target_name);
        }
        (Rcode::NOERROR, Kind::Positive)
    }

    /// The end of a chain, or the only link.
    fn end(
        &mut self,
        view: &View<'_>,
        zone: Zone<'_>,
        name: &SearchName,
        owner: &[u8],
        found: Found<'_>,
        followed: bool,
    ) -> (Rcode, Kind) {
        match found {
            Found::Hit(rrset) => {
                self.must(Section::Answer, owner, rrset);
                if rrset.record_type == RecordType::NS {
                    self.addresses(view, zone, rrset.data(), None);
                }
                (Rcode::NOERROR, Kind::Positive)
            }
            Found::Apex(ApexSet::Soa) => {
                let soa_ttl = zone.header().soa.ttl;
                self.require(|writer| writer.put(Section::Answer, owner, RecordType::SOA, soa_ttl, zone.soa()));
                (Rcode::NOERROR, Kind::Positive)
            }
            Found::Apex(ApexSet::Ns) => {
                self.apex_nameservers(owner, zone);
                self.addresses(view, zone, zone.header().nameservers.iter().map(|host| host.as_wire()), None);
                (Rcode::NOERROR, Kind::Positive)
            }
            Found::Referral(cut_set, cut) => {
                self.referral(view, zone, name, cut_set, cut);
                (Rcode::NOERROR, if followed { Kind::Positive } else { Kind::Referral })
            }
            Found::NoData | Found::Follow(_) => {
                self.denial(zone);
                (Rcode::NOERROR, if followed { Kind::Positive } else { Kind::NoData })
            }
            // RFC 6604 section 2.1: the response code is that of the last name of the chain.
            Found::NxDomain => {
                self.denial(zone);
                (Rcode::NXDOMAIN, Kind::NxDomain)
            }
        }
    }

    /// The SOA record that says how long the absence may be remembered (RFC 2308 section 3).
    fn denial(&mut self, zone: Zone<'_>) {
        let header = zone.header();
        let ttl = header.soa.negative_ttl();
        self.require(|writer| writer.put(Section::Authority, header.apex.as_wire(), RecordType::SOA, ttl, zone.soa()));
    }

    fn apex_nameservers(&mut self, owner: &[u8], zone: Zone<'_>) {
        let header = zone.header();
        self.require(|writer| {
            header
                .nameservers
                .iter()
                .try_for_each(|host| writer.put(Section::Answer, owner, RecordType::NS, header.ns_ttl, host.as_wire()))
        });
    }

    fn referral(&mut self, view: &View<'_>, zone: Zone<'_>, name: &SearchName, cut_set: RRsetRef<'_>, cut: usize) {
        if self.must(Section::Authority, name.suffix(cut), cut_set) {
            self.addresses(view, zone, cut_set.data(), Some(name.suffix(cut)));
        }
    }

    /// Addresses of `hosts` that the zone knows. Those of hosts below `cut` are needed to get anywhere, so they must
    /// fit (RFC 9471 section 3); the others may.
    fn addresses<'h>(
        &mut self,
        view: &View<'_>,
        zone: Zone<'_>,
        hosts: impl Iterator<Item = &'h [u8]>,
        cut: Option<&[u8]>,
    ) {
        for host in hosts.take(GLUE_HOSTS_MAX) {
            let Some(name) = view.search_name(host) else { continue };
            if name.cut_to(zone.header().apex.as_wire()).is_none() {
                continue;
            }
            let Some(rrsets) = view.owner(zone, &name, 0) else { continue };
            let needed = cut.is_some_and(|cut| name.cut_to(cut).is_some());
            for record_type in [RecordType::A, RecordType::AAAA] {
                let Some(rrset) = rrsets.get(record_type) else { continue };
                if needed {
                    self.must(Section::Additional, host, rrset);
                } else {
                    self.may(Section::Additional, host, rrset);
                }
            }
        }
    }

    fn must(&mut self, section: Section, owner: &[u8], rrset: RRsetRef<'_>) -> bool {
        self.require(|writer| put_rrset(writer, section, owner, rrset))
    }

    fn may(&mut self, section: Section, owner: &[u8], rrset: RRsetRef<'_>) {
        let mark = self.writer.mark();
        if put_rrset(&mut self.writer, section, owner, rrset).is_err() {
            self.writer.rewind(mark);
        }
    }

    fn require(&mut self, put: impl FnOnce(&mut MessageWriter<'b>) -> Result<(), Full>) -> bool {
        let mark = self.writer.mark();
        let fits = !self.truncated && put(&mut self.writer).is_ok();
        if !fits {
            self.writer.rewind(mark);
            self.writer.set_truncated();
            self.truncated = true;
        }
        fits
    }
}

fn put_rrset(writer: &mut MessageWriter<'_>, section: Section, owner: &[u8], rrset: RRsetRef<'_>) -> Result<(), Full> {
    rrset.data().try_for_each(|data| writer.put(section, owner, rrset.record_type, rrset.ttl, data))
}

/// The zone in which an alias of `zone` goes on: another one only if it is proven or kin, else `zone` itself if the
/// target lies in it, else none: the resolver asks on (DESIGN, "Who answers what").
fn crossing<'v>(view: &'v View<'_>, scope: Option<ScopeId>, zone: Zone<'v>, target: &SearchName) -> Option<Zone<'v>> {
    let inside = target.cut_to(zone.header().apex.as_wire()).map(|_| zone);
    match super::zone_of(view, scope, target, 0) {
        Some(other) if other.number() == zone.number() => Some(zone),
        Some(other) if other.may_be_crossed_into_from(zone.account()) => Some(other),
        _ => inside,
    }
}
