//! From a name to its records: aliases and redirections are followed, and the end says what there is.
//!
//! Each link of a chain is searched with `find` and written before the next one is looked for. A chain stays in its
//! zone, or goes on into another one where DESIGN's crossing rule allows it; else the resolver asks on.

use waymark_wire::message::Section;
use waymark_wire::name::NAME_OCTETS_MAX;
use waymark_wire::{Rcode, RecordType};

use super::additional::Additional;
use super::find::{ApexSet, Found, Owned, find};
use super::response::{Response, Signer};
use super::{Kind, zone_for_question};
use crate::catalog::{RRsetRef, SearchName, View, Zone};
use crate::published::ScopeId;

/// A longer chain of aliases is a mistake; resolvers give up between 11 and 16 too.
const ALIASES_MAX: usize = 16;

/// Where a question is answered.
#[derive(Clone, Copy)]
pub(super) struct Place<'v, 'r> {
    pub(super) view: &'v View<'r>,
    pub(super) scope: Option<ScopeId>,
}

/// How an answer ends.
pub(super) struct Ending {
    pub(super) rcode: Rcode,
    pub(super) kind: Kind,
    /// What the answer is about, so that answers that say the same can be counted together. Of a chain, what its first
    /// link is about: the wildcard or DNAME there, and not whatever name was made up below it.
    pub(super) subject: u64,
}

/// Answers for `asked` (the name as it was asked, whose search name is `name`) in `zone`.
pub(super) fn answer<'v>(
    place: Place<'v, '_>,
    response: &mut Response<'_, '_>,
    zone: Zone<'v>,
    asked: &[u8],
    name: SearchName,
    record_type: RecordType,
) -> Ending {
    let mut subject = name.identity();
    let mut chain = Chain::new(place, zone, asked, name);
    for aliases in 0..=ALIASES_MAX {
        let found = find(place.view, chain.zone, &chain.name, record_type);
        let referral = matches!(found, Found::Referral(..));
        if aliases == 0 {
            subject = chain.subject(&found);
        }
        if aliases == 0 && !referral {
            response.set_authoritative();
        }
        if referral && chain.zone.number() != zone.number() {
            // Below a cut of another zone the outside world's answer counts: the resolver asks on.
            break;
        }
        let step = match found {
            Found::Follow(alias) => chain.follow(response, alias, record_type),
            Found::Redirect(dname, cut) => chain.redirect(response, dname, cut, record_type),
            end => {
                let ending = chain.end(response, end, aliases > 0);
                let aliased = aliases > 0 && ending.kind == Kind::Positive;
                return if aliased { Ending { subject, ..ending } } else { ending };
            }
        };
        match step {
            Step::On => {}
            Step::Out => break,
            Step::TooLong => return Ending { rcode: Rcode::YXDOMAIN, kind: Kind::Positive, subject },
        }
    }
    Ending { rcode: Rcode::NOERROR, kind: Kind::Positive, subject }
}

/// Whether a chain goes on.
enum Step {
    /// At the next name.
    On,
    /// Not here: it leaves what is served, does not fit, or is a loop.
    Out,
    /// A redirection made a name of more than 255 octets (RFC 6672 section 2.2).
    TooLong,
}

/// A chain that is being followed, at one of its names.
struct Chain<'v, 'r> {
    place: Place<'v, 'r>,
    zone: Zone<'v>,
    name: SearchName,
    /// The name as it is written: as it was asked, or as the alias spells it.
    owner: [u8; NAME_OCTETS_MAX],
    owner_length: usize,
    /// The names that were aliases: each is said once (RFC 2181 section 5).
    aliases: Said,
    /// The owners of DNAME RRsets, likewise.
    redirections: Said,
}

/// Names that have been said.
#[derive(Default)]
struct Said {
    names: [u64; ALIASES_MAX + 1],
    length: usize,
}

impl Said {
    /// Adds a name; false if it is there already, or there is no room for more.
    fn add(&mut self, name: u64) -> bool {
        let new = self.length < self.names.len() && !self.contains(name);
        if new {
            self.names[self.length] = name;
            self.length += 1;
        }
        new
    }

    fn contains(&self, name: u64) -> bool {
        self.names[..self.length].contains(&name)
    }
}

impl<'v, 'r> Chain<'v, 'r> {
    fn new(place: Place<'v, 'r>, zone: Zone<'v>, asked: &[u8], name: SearchName) -> Self {
        let (aliases, redirections) = (Said::default(), Said::default());
        let owner = [0; NAME_OCTETS_MAX];
        let mut chain = Self { place, zone, name, owner, owner_length: 0, aliases, redirections };
        chain.set_owner(asked);
        chain
    }

    /// What a first link is about.
    fn subject(&self, found: &Found<'_>) -> u64 {
        match found {
            Found::Hit(owned) | Found::Follow(owned) => self.name.suffix_identity(owned.encloser.unwrap_or(0)),
            Found::Redirect(_, cut) | Found::Referral(_, cut) => self.name.suffix_identity(*cut),
            Found::Apex(_) | Found::NoData | Found::NxDomain => self.zone.number().0,
        }
    }

    fn set_owner(&mut self, owner: &[u8]) {
        let length = owner.len().min(NAME_OCTETS_MAX);
        self.owner[..length].copy_from_slice(&owner[..length]);
        self.owner_length = length;
    }

    fn owner(&self) -> &[u8] {
        &self.owner[..self.owner_length]
    }

    /// Says the CNAME RRset, and goes on to its target.
    fn follow(&mut self, response: &mut Response<'_, '_>, alias: Owned<'v>, record_type: RecordType) -> Step {
        let Some(target) = alias.rrset.data().next() else { return Step::Out };
        let signer = Signer::found(&self.name, alias.encloser);
        if !response.must(Section::Answer, self.owner(), self.zone, signer, alias.rrset) {
            return Step::Out;
        }
        self.aliases.add(self.name.identity());
        self.go_on(target, record_type)
    }

    /// Says the DNAME RRset and the CNAME record that it makes of the name, and goes on there (RFC 6672 section 3.1).
    fn redirect(
        &mut self,
        response: &mut Response<'_, '_>,
        dname: RRsetRef<'v>,
        cut: usize,
        record_type: RecordType,
    ) -> Step {
        let Some(target) = dname.data().next() else { return Step::Out };
        let first = self.redirections.add(self.name.suffix_identity(cut));
        let below = self.name.octets_cut(cut);
        // The owner is written as it was asked; only its letters' case can differ from the name's own.
        let (owner, dname_owner) = (self.owner(), &self.owner()[below..]);
        let signer = Signer::name(self.name.suffix(cut));
        if first && !response.must(Section::Answer, dname_owner, self.zone, signer, dname) {
            return Step::Out;
        }
        let mut redirected = [0; NAME_OCTETS_MAX];
        let Some(space) = redirected.get_mut(..below + target.len()) else { return Step::TooLong };
        space[..below].copy_from_slice(&owner[..below]);
        space[below..].copy_from_slice(target);
        let redirected = &redirected[..below + target.len()];
        // A synthesized record has no signature: whoever checks makes it again from the DNAME (RFC 6672 section 5.3.1).
        let said = response.require(Section::Answer, owner, None, |writer| {
            writer.put(Section::Answer, owner, RecordType::CNAME, dname.ttl, redirected)
        });
        if !said {
            return Step::Out;
        }
        self.aliases.add(self.name.identity());
        self.go_on(redirected, record_type)
    }

    fn go_on(&mut self, target: &[u8], record_type: RecordType) -> Step {
        let Some(name) = self.place.view.search_name(target) else { return Step::Out };
        // A loop: what it says has been said.
        if self.aliases.contains(name.identity()) {
            return Step::Out;
        }
        let Some(zone) = crossing(self.place, self.zone, &name, record_type) else { return Step::Out };
        self.set_owner(target);
        (self.zone, self.name) = (zone, name);
        Step::On
    }

    /// The end of the chain, or its only link.
    fn end(&self, response: &mut Response<'_, '_>, found: Found<'v>, followed: bool) -> Ending {
        let (zone, name) = (self.zone, &self.name);
        let additional = Additional::new(self.place);
        let of_zone = zone.number().0;
        let (rcode, kind, subject) = match found {
            Found::Hit(owned) => {
                let signer = Signer::found(name, owned.encloser);
                response.must(Section::Answer, self.owner(), zone, signer, owned.rrset);
                additional.of_answer(response, zone, self.owner(), owned.rrset);
                let subject = name.suffix_identity(owned.encloser.unwrap_or(0));
                (Rcode::NOERROR, Kind::Positive, subject)
            }
            Found::Apex(ApexSet::Soa) => {
                self.start_of_authority(response, Section::Answer, self.owner(), zone.header().soa.ttl);
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
        let header = self.zone.header();
        self.start_of_authority(response, Section::Authority, header.apex.as_wire(), header.soa.negative_ttl());
    }

    fn start_of_authority(&self, response: &mut Response<'_, '_>, section: Section, owner: &[u8], ttl: u32) {
        let zone = self.zone;
        let signer = Signer::name(zone.header().apex.as_wire());
        response.require(section, owner, Some((zone, signer, RecordType::SOA, ttl)), |writer| {
            writer.put(section, owner, RecordType::SOA, ttl, zone.soa())
        });
    }

    fn apex_nameservers(&self, response: &mut Response<'_, '_>) {
        let header = self.zone.header();
        let (owner, ttl) = (self.owner(), header.ns_ttl);
        let mut order = response.order(header.nameservers.len());
        let signer = Signer::name(header.apex.as_wire());
        response.require(Section::Answer, owner, Some((self.zone, signer, RecordType::NS, ttl)), |writer| {
            let mut hosts = order.by_ref().filter_map(|number| header.nameservers.get(number));
            hosts.try_for_each(|host| writer.put(Section::Answer, owner, RecordType::NS, ttl, host.as_wire()))
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
            let delegation = self.place.view.owner(self.zone, &self.name, cut);
            if let Some(signer_set) = delegation.and_then(|rrsets| rrsets.get(RecordType::DS)) {
                response.must(Section::Authority, owner, self.zone, Signer::name(owner), signer_set);
            }
        }
        additional.of_referral(response, self.zone, owner, cut_set);
    }
}

/// The zone in which an alias of `zone` goes on: another one only if it is proven or kin, else `zone` itself if the
/// target lies in it, else none: the resolver asks on (DESIGN, "Who answers what").
pub(super) fn crossing<'v>(
    place: Place<'v, '_>,
    zone: Zone<'v>,
    target: &SearchName,
    record_type: RecordType,
) -> Option<Zone<'v>> {
    let inside = target.cut_to(zone.header().apex.as_wire()).map(|_| zone);
    match zone_for_question(place.view, place.scope, target, record_type) {
        Some(other) if other.number() == zone.number() => Some(zone),
        Some(other) if other.may_be_crossed_into_from(zone.account()) => Some(other),
        _ => inside,
    }
}
