//! From a name to its records: aliases and redirections are followed, and the end says what there is.
//!
//! Each link of a chain is searched with `find` and written before the next one is looked for. A chain stays in its
//! zone, or goes on into another one where DESIGN's crossing rule allows it; else the resolver asks on. Most answers
//! have one link (`link`), and no chain is made for them.

use waymark_wire::message::Section;
use waymark_wire::name::NAME_OCTETS_MAX;
use waymark_wire::{Rcode, RecordType};

use super::find::{Found, Owned, find};
use super::link::{Ending, Link};
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

/// Answers for `asked` (the name as it was asked, whose search name is `name`) in `zone`.
pub(super) fn answer<'v>(
    place: Place<'v, '_>,
    response: &mut Response<'_, '_>,
    zone: Zone<'v>,
    asked: &[u8],
    name: &SearchName,
    record_type: RecordType,
) -> Ending {
    let found = find(place.view, zone, name, record_type);
    if !matches!(found, Found::Referral(..)) {
        response.set_authoritative();
    }
    let link = Link { place, zone, name, owner: asked };
    match found {
        Found::Follow(_) | Found::Redirect(..) => follow(link, response, found, record_type),
        end => link.end(response, end, false),
    }
}

/// Follows the aliases that begin with a first link, at which this was found.
#[inline(never)]
fn follow<'v>(
    first: Link<'v, '_, '_>,
    response: &mut Response<'_, '_>,
    found: Found<'v>,
    record_type: RecordType,
) -> Ending {
    let subject = first.subject(&found);
    let mut chain = Chain::new(first);
    let mut found = found;
    for _ in 0..=ALIASES_MAX {
        let step = match found {
            Found::Follow(alias) => chain.follow(response, alias, record_type),
            Found::Redirect(dname, cut) => chain.redirect(response, dname, cut, record_type),
            // Below a cut of another zone the outside world's answer counts: the resolver asks on.
            Found::Referral(..) if chain.zone.number() != first.zone.number() => break,
            end => {
                let ending = chain.link().end(response, end, true);
                return if ending.kind == Kind::Positive { Ending { subject, ..ending } } else { ending };
            }
        };
        match step {
            Step::On => found = find(first.place.view, chain.zone, &chain.name, record_type),
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
    fn new(first: Link<'v, 'r, '_>) -> Self {
        let (place, zone) = (first.place, first.zone);
        let mut name = SearchName::empty();
        name.copy_from(first.name);
        let (aliases, redirections) = (Said::default(), Said::default());
        let owner = [0; NAME_OCTETS_MAX];
        let mut chain = Self { place, zone, name, owner, owner_length: 0, aliases, redirections };
        chain.set_owner(first.owner);
        chain
    }

    /// Where the chain is.
    fn link(&self) -> Link<'v, 'r, '_> {
        Link { place: self.place, zone: self.zone, name: &self.name, owner: self.owner() }
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
        // A loop: what it says has been said.
        if !self.place.view.read_name(target, &mut self.name) || self.aliases.contains(self.name.identity()) {
            return Step::Out;
        }
        let Some(zone) = crossing(self.place, self.zone, &self.name, record_type) else { return Step::Out };
        self.set_owner(target);
        self.zone = zone;
        Step::On
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
    let inside = target.cut_to(zone.apex()).map(|_| zone);
    match zone_for_question(place.view, place.scope, target, record_type) {
        Some(other) if other.number() == zone.number() => Some(zone),
        Some(other) if other.may_be_crossed_into_from(zone.account()) => Some(other),
        _ => inside,
    }
}
