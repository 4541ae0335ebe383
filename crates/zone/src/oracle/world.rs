//! The world as maps, and how a question is answered in it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use waymark_wire::{Name, RecordType, Serial};

use super::message::Record;
use crate::answer::Kind;
use crate::published::{RRset, ScopeId, Version, ZoneHeader, ZoneNumber, ZoneStatus};

/// Links of a chain that are followed; a ruling, as no RFC names a number.
const LINKS_MAX: usize = 17;
const NOERROR: u8 = 0;
const NXDOMAIN: u8 = 3;
const REFUSED: u8 = 5;
const YXDOMAIN: u8 = 6;

/// Everything that is served in one generation.
#[derive(Clone, Default)]
pub(super) struct World {
    pub(super) zones: BTreeMap<ZoneNumber, Zone>,
    pub(super) addresses: BTreeMap<IpAddr, ScopeId>,
}

/// A zone: a map of names and types to RRsets. SOA and NS of the apex are the header's.
#[derive(Clone, PartialEq)]
pub(super) struct Zone {
    pub(super) version: Version,
    pub(super) serial: Serial,
    pub(super) header: ZoneHeader,
    pub(super) rrsets: BTreeMap<(Name, RecordType), RRset>,
}

/// What every question to a world looks into.
pub(super) struct Known<'w> {
    world: &'w World,
    facts: BTreeMap<ZoneNumber, Facts>,
}

/// Every RRset of a zone, and the names that exist.
struct Facts {
    all: BTreeMap<(Name, RecordType), RRset>,
    names: BTreeSet<Name>,
}

/// The answer to a question.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) rcode: u8,
    pub(super) authoritative: bool,
    pub(super) kind: Kind,
    pub(super) zone: Option<ZoneNumber>,
    pub(super) answer: Vec<Record>,
    pub(super) authority: Vec<Record>,
    /// Glue that nobody gets on without.
    pub(super) glue: Vec<Record>,
}

/// What a search in one zone has come to.
enum State {
    /// These records, with the asked name as their owner.
    Hit(RRset),
    Alias(RRset),
    Redirection(RRset),
    Delegation(RRset),
    NoData,
    NoName,
}

impl Zone {
    pub(super) fn apex(&self) -> &Name {
        &self.header.apex
    }

    pub(super) fn put(&mut self, rrset: RRset) {
        self.rrsets.insert((rrset.owner.clone(), rrset.record_type), rrset);
    }

    /// Every RRset, those of the header included.
    fn all(&self) -> BTreeMap<(Name, RecordType), RRset> {
        let mut all = self.rrsets.clone();
        let (header, apex) = (&self.header, self.apex());
        let mut add = |record_type, ttl, data: Vec<Vec<u8>>| {
            let data = data.iter().map(|wire| waymark_wire::Rdata::from_wire(record_type, wire).unwrap()).collect();
            all.insert((apex.clone(), record_type), RRset { owner: apex.clone(), record_type, ttl, data });
        };
        add(RecordType::SOA, header.soa.ttl, vec![header.soa.rdata(self.serial)]);
        add(RecordType::NS, header.ns_ttl, header.nameservers.iter().map(|host| host.as_wire().to_vec()).collect());
        all
    }

    /// Names that exist: owners, and all names between them and the apex (RFC 4592 section 2.2.2).
    pub(super) fn names(&self) -> BTreeSet<Name> {
        self.all().into_keys().flat_map(|(owner, _)| path(self.apex(), &owner)).collect()
    }

    /// RFC 1034 section 4.3.2, step 3, with RFC 4592 for wildcards and RFC 6672 section 3.2 for DNAME: matching down,
    /// label by label.
    fn search(&self, facts: &Facts, name: &Name, record_type: RecordType) -> State {
        let Facts { all, names } = facts;
        let at = |owner: &Name, record_type| all.get(&(owner.clone(), record_type)).cloned();
        for node in path(self.apex(), name) {
            if !names.contains(&node) {
                // 3c. The closest encloser is the name before; its wildcard is the source of synthesis if it exists.
                let wildcard = node.parent().unwrap().prepend("*").unwrap();
                return if names.contains(&wildcard) {
                    self.at_node(facts, &wildcard, record_type)
                } else {
                    State::NoName
                };
            }
            // 3b. A delegation: authority ends here. DS at the cut itself is this side's (RFC 4035 section 3.1.4.1).
            let is_cut = node != *self.apex() && !(node == *name && record_type == RecordType::DS);
            if let Some(cut) = at(&node, RecordType::NS).filter(|_| is_cut) {
                return State::Delegation(cut);
            }
            if let Some(dname) = at(&node, RecordType::DNAME).filter(|_| node != *name) {
                return State::Redirection(dname);
            }
        }
        self.at_node(facts, name, record_type)
    }

    /// 3a: what a node has for a type. What the API lets stand beside a CNAME is found before the CNAME.
    fn at_node(&self, facts: &Facts, node: &Name, record_type: RecordType) -> State {
        let first = (node.clone(), RecordType(0));
        let here: BTreeMap<u16, &RRset> = facts
            .all
            .range(first..)
            .take_while(|((owner, _), _)| owner == node)
            .map(|((_, record_type), rrset)| (record_type.0, rrset))
            .collect();
        let found = match record_type {
            // RFC 8482 section 4.1: one RRset of those that there are.
            RecordType::ANY if node == self.apex() => here.get(&RecordType::SOA.0),
            RecordType::ANY => here.values().next(),
            _ => here.get(&record_type.0),
        };
        match (found, here.get(&RecordType::CNAME.0)) {
            (Some(rrset), _) => State::Hit((*rrset).clone()),
            (None, Some(alias)) => State::Alias((*alias).clone()),
            (None, None) => State::NoData,
        }
    }

    /// The SOA record of a negative answer (RFC 2308 section 3 and 5).
    fn denial(&self) -> Vec<Record> {
        let soa = &self.header.soa;
        let (owner, ttl, data) = (self.apex().clone(), soa.ttl.min(soa.minimum), soa.rdata(self.serial));
        vec![Record { owner, record_type: RecordType::SOA, ttl, data }]
    }

    /// Addresses of nameservers at or below the cut, which only the zone above can give (RFC 9471 section 3.1). Nothing
    /// is below a DNAME.
    fn glue(&self, cut: &RRset) -> Vec<Record> {
        let hosts = cut.data.iter().map(|data| Name::from_wire(data.wire()).unwrap());
        let inside = hosts.filter(|host| host.is_at_or_below(&cut.owner)).filter(|host| {
            let mut above = path(self.apex(), host);
            above.pop();
            !above.into_iter().any(|node| self.rrsets.contains_key(&(node, RecordType::DNAME)))
        });
        let addresses = inside.flat_map(|host| [(host.clone(), RecordType::A), (host, RecordType::AAAA)]);
        addresses.filter_map(|key| self.rrsets.get(&key)).flat_map(|rrset| records(&rrset.owner, rrset)).collect()
    }
}

impl World {
    pub(super) fn known(&self) -> Known<'_> {
        let facts = |zone: &Zone| Facts { all: zone.all(), names: zone.names() };
        Known { world: self, facts: self.zones.iter().map(|(number, zone)| (*number, facts(zone))).collect() }
    }

    /// DESIGN, "Who answers what": the longest match in the scope of the address, else among active zones; at an
    /// address of nobody, active zones and then all.
    fn zone_of(&self, address: IpAddr, name: &Name) -> Option<(ZoneNumber, &Zone)> {
        let scopes = match self.addresses.get(&address) {
            Some(scope) => [*scope, ScopeId::ACTIVE],
            None => [ScopeId::ACTIVE, ScopeId::ALL],
        };
        scopes.into_iter().find_map(|scope| {
            let in_scope = self.zones.iter().filter(|(_, zone)| zone.header.scopes.contains(&scope));
            let matching = in_scope.filter(|(_, zone)| name.is_at_or_below(zone.apex()));
            matching.max_by_key(|(_, zone)| zone.apex().label_count()).map(|(number, zone)| (*number, zone))
        })
    }

    /// Where a question is asked: DS of an apex of the zone above (RFC 4035 section 3.1.4.1), if that is here and is not
    /// merely somebody else's claim above an active zone.
    fn zone_for(&self, address: IpAddr, name: &Name, record_type: RecordType) -> Option<(ZoneNumber, &Zone)> {
        let (number, zone) = self.zone_of(address, name)?;
        if record_type != RecordType::DS || zone.apex() != name {
            return Some((number, zone));
        }
        let active = |zone: &Zone| zone.header.status == ZoneStatus::Active;
        let above = name.parent().and_then(|above| self.zone_of(address, &above));
        let speaks = |above: &Zone| above.header.account == zone.header.account || active(above) || !active(zone);
        above.filter(|(_, above)| speaks(above)).or(Some((number, zone)))
    }

    /// DESIGN's crossing rule: from one zone into another only if that one is proven or kin; within itself always.
    fn crossing(
        &self,
        address: IpAddr,
        from: (ZoneNumber, &Zone),
        name: &Name,
        record_type: RecordType,
    ) -> Option<(ZoneNumber, &Zone)> {
        let to = self.zone_for(address, name, record_type).filter(|(number, zone)| {
            let header = &zone.header;
            let proven = header.proven && header.status == ZoneStatus::Active;
            *number == from.0 || proven || header.account == from.1.header.account
        });
        let here = || self.zones.get_key_value(&from.0).map(|(number, zone)| (*number, zone));
        to.or_else(|| here().filter(|(_, zone)| name.is_at_or_below(zone.apex())))
    }
}

impl<'w> Known<'w> {
    /// The answer to a question at an address.
    pub(super) fn answer(&self, address: IpAddr, name: &Name, record_type: RecordType) -> Expected {
        let mut expected = Expected {
            rcode: NOERROR,
            authoritative: true,
            kind: Kind::Positive,
            zone: None,
            answer: Vec::new(),
            authority: Vec::new(),
            glue: Vec::new(),
        };
        let Some(start) = self.world.zone_for(address, name, record_type) else {
            return Expected { rcode: REFUSED, kind: Kind::Refused, authoritative: false, ..expected };
        };
        expected.zone = Some(start.0);
        self.follow(address, start, name, record_type, &mut expected);
        expected
    }

    fn follow(
        &self,
        address: IpAddr,
        start: (ZoneNumber, &'w Zone),
        name: &Name,
        record_type: RecordType,
        expected: &mut Expected,
    ) {
        let (mut at, mut name) = (start, name.clone());
        let mut said: BTreeSet<Name> = BTreeSet::new();
        for link in 0..LINKS_MAX {
            let kind = |kind| if link == 0 { kind } else { Kind::Positive };
            let target = match at.1.search(&self.facts[&at.0], &name, record_type) {
                State::Hit(rrset) => return expected.answer.extend(records(&name, &rrset)),
                State::Delegation(_) if at.0 != start.0 => return,
                State::Delegation(cut) => {
                    expected.authoritative = link > 0;
                    expected.kind = kind(Kind::Referral);
                    expected.authority = records(&cut.owner, &cut).collect();
                    expected.glue = at.1.glue(&cut);
                    return;
                }
                State::NoData => {
                    expected.kind = kind(Kind::NoData);
                    return expected.authority = at.1.denial();
                }
                State::NoName => {
                    // RFC 6604 section 3: the response code is about the last name of the chain.
                    (expected.rcode, expected.kind) = (NXDOMAIN, Kind::NxDomain);
                    return expected.authority = at.1.denial();
                }
                State::Alias(alias) => {
                    expected.answer.extend(records(&name, &alias));
                    Name::from_wire(alias.data[0].wire()).unwrap()
                }
                State::Redirection(dname) => {
                    let shown = records(&dname.owner, &dname).next().unwrap();
                    if !expected.answer.contains(&shown) {
                        expected.answer.push(shown);
                    }
                    // RFC 6672 section 2.2: the owner's labels are replaced by the target's.
                    let below = name.as_wire().len() - dname.owner.as_wire().len();
                    let redirected = [&name.as_wire()[..below], dname.data[0].wire()].concat();
                    let Ok(target) = Name::from_wire(&redirected) else {
                        return expected.rcode = YXDOMAIN;
                    };
                    let data = redirected;
                    let (owner, ttl) = (name.clone(), dname.ttl);
                    expected.answer.push(Record { owner, record_type: RecordType::CNAME, ttl, data });
                    target
                }
            };
            said.insert(name);
            let next = self.world.crossing(address, at, &target, record_type).filter(|_| !said.contains(&target));
            let Some(next) = next else { return };
            (at, name) = (next, target);
        }
    }
}

/// The names from the apex down to `name`, both included.
fn path(apex: &Name, name: &Name) -> Vec<Name> {
    let mut path = vec![name.clone()];
    while *path.last().unwrap() != *apex {
        path.push(path.last().unwrap().parent().unwrap());
    }
    path.reverse();
    path
}

fn records<'r>(owner: &'r Name, rrset: &'r RRset) -> impl Iterator<Item = Record> + 'r {
    let RRset { record_type, ttl, data, .. } = rrset;
    data.iter().map(|data| Record {
        owner: owner.clone(),
        record_type: *record_type,
        ttl: *ttl,
        data: data.wire().to_vec(),
    })
}
