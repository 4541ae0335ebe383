//! The additional section: what the asker would ask next.
//!
//! - A referral: the addresses of the nameservers that this zone knows. Those of hosts at or below the cut are needed
//!   to get anywhere, so they must fit (RFC 9471 section 3.1); those of hosts below another cut of the zone may.
//! - An answer with NS, MX or SRV records: addresses of their hosts (RFC 1035 section 3.3, RFC 2782).
//! - An answer with SVCB or HTTPS records: what leads to addresses (RFC 9460 section 4.1).

use waymark_wire::RecordType;
use waymark_wire::message::Section;
use waymark_wire::name::is_at_or_below;

use super::chain::{Place, crossing};
use super::find::{Found, find};
use super::response::Response;
use crate::catalog::{Content, RRsetRef, RRsets, SearchName, View, Zone};

/// Hosts whose addresses are looked up because they may help; more would not fit a datagram.
const HOSTS_MAX: usize = 16;
/// Records whose hosts are looked at for that.
const RECORDS_MAX: usize = 64;
/// Service bindings in alias mode that are followed, one after the other.
const SERVICE_ALIASES_MAX: usize = 4;
const ADDRESS_TYPES: [RecordType; 2] = [RecordType::A, RecordType::AAAA];

/// See the module's description.
#[derive(Clone, Copy)]
pub(super) struct Additional<'v, 'r> {
    place: Place<'v, 'r>,
}

/// Names whose addresses are in the section already.
#[derive(Default)]
struct Hosts {
    names: [u64; HOSTS_MAX],
    length: usize,
}

impl Hosts {
    /// False: it is there already, or there are enough.
    fn add(&mut self, name: &SearchName) -> bool {
        let identity = name.identity();
        let new = self.length < HOSTS_MAX && !self.names[..self.length].contains(&identity);
        if new {
            self.names[self.length] = identity;
            self.length += 1;
        }
        new
    }
}

impl<'v, 'r> Additional<'v, 'r> {
    pub(super) fn new(place: Place<'v, 'r>) -> Self {
        Self { place }
    }

    /// What goes with an answer of `rrset`, whose owner is `owner` as it is written.
    pub(super) fn of_answer(self, response: &mut Response<'_, '_>, zone: Zone<'v>, owner: &[u8], rrset: RRsetRef<'v>) {
        if response.is_truncated() {
            return;
        }
        let host_at = match rrset.record_type {
            RecordType::NS => return self.nameservers(response, zone, rrset.data()),
            RecordType::SVCB | RecordType::HTTPS => return self.services(response, zone, owner, rrset),
            RecordType::MX => 2,
            RecordType::SRV => 6,
            _ => return,
        };
        let mut hosts = Hosts::default();
        for host in rrset.data().take(RECORDS_MAX).filter_map(|data| data.get(host_at..)) {
            self.host(response, zone, host, &mut hosts);
        }
    }

    /// What goes with the NS RRset of the apex.
    pub(super) fn of_apex(self, response: &mut Response<'_, '_>, zone: Zone<'v>) {
        self.nameservers(response, zone, zone.nameservers());
    }

    /// The addresses that go with a referral to the zone whose apex is `cut`.
    pub(super) fn of_referral(
        self,
        response: &mut Response<'_, '_>,
        zone: Zone<'v>,
        cut: &[u8],
        cut_set: RRsetRef<'v>,
    ) {
        let is_inside = |host: &&[u8]| is_at_or_below(host, cut);
        let mut name = SearchName::empty();
        for host in cut_set.data().filter(is_inside) {
            if !self.place.view.read_name(host, &mut name) {
                continue;
            }
            for rrset in glue(self.place.view, zone, &name) {
                if !response.must_unsigned(Section::Additional, host, rrset) {
                    return;
                }
            }
        }
        self.nameservers(response, zone, cut_set.data().filter(|host| !is_inside(host)));
    }

    /// Addresses of nameservers that the zone holds, be it as glue.
    fn nameservers<'h>(self, response: &mut Response<'_, '_>, zone: Zone<'v>, hosts: impl Iterator<Item = &'h [u8]>) {
        let mut name = SearchName::empty();
        for host in hosts.take(HOSTS_MAX) {
            if !self.place.view.read_name(host, &mut name) {
                continue;
            }
            for rrset in glue(self.place.view, zone, &name) {
                response.may(Section::Additional, host, rrset);
            }
        }
    }

    /// Addresses for a host, wherever they may be taken from; false if it was looked up before.
    fn host(self, response: &mut Response<'_, '_>, zone: Zone<'v>, host: &[u8], hosts: &mut Hosts) -> bool {
        let mut name = SearchName::empty();
        if !self.place.view.read_name(host, &mut name) || !hosts.add(&name) {
            return false;
        }
        let Some(zone) = crossing(self.place, zone, &name, RecordType::A) else { return true };
        for record_type in ADDRESS_TYPES {
            if let Found::Hit(owned) = find(self.place.view, zone, &name, record_type) {
                response.may(Section::Additional, host, owned.rrset);
            }
        }
        true
    }

    /// In alias mode the records of the target, and so on; in service mode the addresses of the targets.
    fn services(self, response: &mut Response<'_, '_>, zone: Zone<'v>, owner: &[u8], rrset: RRsetRef<'v>) {
        let mut hosts = Hosts::default();
        let asked = owner;
        let (mut zone, mut owner, mut rrset) = (zone, owner, rrset);
        for _ in 0..=SERVICE_ALIASES_MAX {
            let Some(target) = alias_target(rrset) else {
                return self.service_hosts(response, zone, owner, rrset, &mut hosts);
            };
            // What the answer says is not said again.
            if target.eq_ignore_ascii_case(asked) || !self.host(response, zone, target, &mut hosts) {
                return;
            }
            let Some((next_zone, next)) = self.service(zone, target, rrset.record_type) else { return };
            response.may(Section::Additional, target, next);
            (zone, owner, rrset) = (next_zone, target, next);
        }
    }

    /// The service bindings of the target of an alias.
    fn service(self, zone: Zone<'v>, target: &[u8], record_type: RecordType) -> Option<(Zone<'v>, RRsetRef<'v>)> {
        let mut name = SearchName::empty();
        let zone = self.place.view.read_name(target, &mut name).then_some(zone)?;
        let zone = crossing(self.place, zone, &name, record_type)?;
        match find(self.place.view, zone, &name, record_type) {
            Found::Hit(owned) => Some((zone, owned.rrset)),
            _ => None,
        }
    }

    fn service_hosts(
        self,
        response: &mut Response<'_, '_>,
        zone: Zone<'v>,
        owner: &[u8],
        rrset: RRsetRef<'v>,
        hosts: &mut Hosts,
    ) {
        let services = rrset.data().take(RECORDS_MAX).filter(|data| !is_alias(data));
        for target in services.filter_map(service_target) {
            // RFC 9460 section 2.5.2: in service mode the root stands for the owner itself.
            let host = if target == [0] { owner } else { target };
            self.host(response, zone, host, hosts);
        }
    }
}

/// The target of an RRset in alias mode, if it has one (RFC 9460 section 2.4.2 and 2.5.1).
fn alias_target(rrset: RRsetRef<'_>) -> Option<&[u8]> {
    rrset.data().find(|data| is_alias(data)).and_then(service_target).filter(|target| *target != [0])
}

/// Whether the priority is 0 (RFC 9460 section 2.4.1).
fn is_alias(data: &[u8]) -> bool {
    data.starts_with(&[0, 0])
}

fn service_target(data: &[u8]) -> Option<&[u8]> {
    let rest = data.get(2..)?;
    rest.get(..waymark_wire::name::wire_len(rest).ok()?)
}

/// The addresses that the zone holds for a host, also below a cut, but not below a DNAME.
fn glue<'v>(view: &'v View<'_>, zone: Zone<'v>, host: &SearchName) -> impl Iterator<Item = RRsetRef<'v>> {
    let rrsets = glue_owner(view, zone, host);
    ADDRESS_TYPES.into_iter().filter_map(move |record_type| rrsets?.get(record_type))
}

fn glue_owner<'v>(view: &'v View<'_>, zone: Zone<'v>, host: &SearchName) -> Option<RRsets<'v>> {
    let apex_at = host.cut_to(zone.apex())?;
    let redirects = zone.may_have(Content::Redirections);
    for cut in (1..=apex_at).rev().filter(|_| redirects) {
        let rrsets = view.owner(zone, host, cut)?;
        if rrsets.get(RecordType::DNAME).is_some() {
            return None;
        }
    }
    view.owner(zone, host, 0)
}
