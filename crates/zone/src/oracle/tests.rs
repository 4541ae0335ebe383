//! Generated worlds with a history: the catalog and its answers against the oracle, in every generation that somebody
//! holds.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use proptest::prelude::*;
use waymark_wire::{Name, RecordType, Request, Serial};

use super::message::{Message, Record};
use super::world::{Known, World, Zone};
use crate::answer::{
    Answered, Circumstances, Cookie, Needs, NoSupplies, Outcome, RRsetOrder, Settings, Transport, Way, answer,
};
use crate::catalog::{Catalog, View, Writer};
use crate::published::{
    Change, Commit, Entry, Incarnation, RRset, ScopeChange, ScopeId, Version, ZoneNumber, ZoneStatus,
};
use crate::testing::*;

/// Two accounts claim names that are above, below and equal to each other's. A claim is (apex, account).
const CLAIMS: &[(&str, u64)] =
    &[("test", 1), ("a.test", 1), ("a.test", 2), ("b.a.test", 2), ("c.test", 1), ("c.test", 2), ("other", 2)];
/// The scopes of the nameservers of the accounts, and their addresses; the last belongs to nobody.
const ADDRESSES: [&str; 4] = ["127.53.0.2", "127.53.0.3", "fd53::2", "192.0.2.53"];
const LABELS: [&str; 5] = ["a", "b", "c", "*", "x"];
/// What else may be pointed at: outside of all zones, and too long to have anything put before it.
const OUTSIDE: &str = "out.elsewhere";
const LONG: &str = "llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll.\
    llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll.\
    llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll.llllllllllllllllllllllllllllllllllllllllllllll.test";
const TYPES: [RecordType; 10] = [
    RecordType::A,
    RecordType::AAAA,
    RecordType::TXT,
    RecordType::MX,
    RecordType::NS,
    RecordType::CNAME,
    RecordType::DNAME,
    RecordType::DS,
    RecordType::SOA,
    RecordType::ANY,
];

/// One change of the world, as numbers that are read where they are used.
#[derive(Clone, Debug)]
enum Step {
    /// A zone comes, or if it is there gets another status: pending, active, proven.
    Claim { claim: usize, status: u8 },
    /// A zone goes.
    Leave { claim: usize },
    /// An RRset is put at a name.
    Put { claim: usize, owner: Vec<usize>, kind: u8, targets: Vec<Target> },
    /// One of those that are there is taken away.
    Remove { claim: usize, which: usize },
    /// A host that a record points to gets an address.
    Host { claim: usize, which: usize, kind: u8 },
    /// A zone's contents become those of another, as a new image.
    Replace { claim: usize, like: usize },
    /// An address comes to a scope, or leaves it.
    Move { address: usize, scope: Option<u32> },
}

/// Where a record points.
#[derive(Clone, Debug)]
enum Target {
    In {
        claim: usize,
        labels: Vec<usize>,
    },
    /// At or below the record's owner.
    Below {
        labels: Vec<usize>,
    },
    Outside,
    Long,
}

impl Target {
    fn name(&self, owner: &Name) -> Name {
        match self {
            Self::In { claim, labels } => below(&name(CLAIMS[*claim].0), labels),
            Self::Below { labels } => below(owner, labels),
            Self::Outside => name(OUTSIDE),
            Self::Long => name(LONG),
        }
    }
}

fn below(name: &Name, labels: &[usize]) -> Name {
    labels.iter().fold(name.clone(), |name, label| name.prepend(LABELS[*label]).unwrap())
}

fn any_claim() -> impl Strategy<Value = usize> {
    0..CLAIMS.len()
}

fn any_labels() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..LABELS.len(), 0..4)
}

fn any_target() -> impl Strategy<Value = Target> {
    prop_oneof![
        12 => (any_claim(), any_labels()).prop_map(|(claim, labels)| Target::In { claim, labels }),
        4 => any_labels().prop_map(|labels| Target::Below { labels }),
        1 => Just(Target::Outside),
        1 => Just(Target::Long),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let targets = prop::collection::vec(any_target(), 1..4);
    prop_oneof![
        4 => (any_claim(), 0u8..3).prop_map(|(claim, status)| Step::Claim { claim, status }),
        1 => any_claim().prop_map(|claim| Step::Leave { claim }),
        24 => (any_claim(), any_labels(), 0u8..12, targets)
            .prop_map(|(claim, owner, kind, targets)| Step::Put { claim, owner, kind, targets }),
        6 => (any_claim(), any::<usize>()).prop_map(|(claim, which)| Step::Remove { claim, which }),
        6 => (any_claim(), any::<usize>(), 0u8..3).prop_map(|(claim, which, kind)| Step::Host { claim, which, kind }),
        1 => (any_claim(), any_claim()).prop_map(|(claim, like)| Step::Replace { claim, like }),
        1 => (0..3usize, prop::option::of(2u32..4)).prop_map(|(address, scope)| Step::Move { address, scope }),
    ]
}

/// The world with what steers it: who holds which claim.
#[derive(Clone, Default)]
struct History {
    world: World,
    /// The zone of each claim that is made, and its status.
    claims: BTreeMap<usize, (ZoneNumber, u8)>,
    next_zone: u64,
}

impl History {
    fn new() -> Self {
        let mut history = Self { next_zone: 1, ..Self::default() };
        for (address, scope) in [(0, 2), (1, 3), (2, 2)] {
            history.take(&Step::Move { address, scope: Some(scope) });
        }
        history
    }

    fn zone(&mut self, claim: usize) -> Option<&mut Zone> {
        self.world.zones.get_mut(&self.claims.get(&claim)?.0)
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Claim { claim, status } => self.claim(*claim, *status),
            Step::Leave { claim } => {
                if let Some((zone, _)) = self.claims.remove(claim) {
                    self.world.zones.remove(&zone);
                }
            }
            Step::Put { claim, owner, kind, targets } => {
                let Some(zone) = self.zone(*claim) else { return };
                zone.put(rrset(zone.apex(), below(zone.apex(), owner), *kind, targets));
            }
            Step::Remove { claim, which } => {
                let Some(zone) = self.zone(*claim) else { return };
                let key = zone.rrsets.keys().nth(which % zone.rrsets.len().max(1)).cloned();
                key.map(|key| zone.rrsets.remove(&key));
            }
            Step::Host { claim, which, kind } => {
                let Some(zone) = self.zone(*claim) else { return };
                let pointing = zone.rrsets.values().filter(|rrset| rrset.record_type == RecordType::NS);
                let hosts = pointing.flat_map(|rrset| rrset.data.iter());
                let hosts = hosts.map(|data| Name::from_wire(data.wire()).unwrap());
                let hosts: Vec<Name> = hosts.filter(|host| host.is_at_or_below(zone.apex())).collect();
                let Some(host) = hosts.get(which % hosts.len().max(1)) else { return };
                zone.put(rrset(zone.apex(), host.clone(), *kind, &[Target::Outside]));
            }
            Step::Replace { claim, like } => {
                let Some(like) = self.zone(*like) else { return };
                let (apex, rrsets) = (like.apex().clone(), like.rrsets.clone());
                let Some(zone) = self.zone(*claim).filter(|zone| *zone.apex() == apex) else { return };
                zone.rrsets = rrsets;
            }
            Step::Move { address, scope } => {
                let address: IpAddr = ADDRESSES[*address].parse().unwrap();
                match scope {
                    Some(scope) => self.world.addresses.insert(address, ScopeId(*scope)),
                    None => self.world.addresses.remove(&address),
                };
            }
        }
        self.settle();
    }

    fn claim(&mut self, claim: usize, status: u8) {
        let next_zone = self.next_zone;
        let (number, known) = self.claims.entry(claim).or_insert((ZoneNumber(next_zone), status));
        *known = status;
        self.next_zone += 1;
        let (apex, account) = CLAIMS[claim];
        let zone = self.world.zones.entry(*number).or_insert_with(|| Zone {
            version: Version(0),
            serial: Serial::new(number.0 as u32),
            header: header(apex, account, &[]),
            rrsets: BTreeMap::new(),
        });
        zone.header.status = if status == 0 { ZoneStatus::Pending } else { ZoneStatus::Active };
        zone.header.proven = status == 2;
    }

    /// Who holds which scope: of the zones of one name the active ones come first, then the older claims; none holds
    /// what another one holds.
    fn settle(&mut self) {
        let mut order: Vec<(bool, usize, ZoneNumber, u8)> =
            self.claims.iter().map(|(claim, (zone, status))| (*status == 0, *claim, *zone, *status)).collect();
        order.sort();
        let mut held: BTreeSet<(&str, u32)> = BTreeSet::new();
        for (_, claim, number, status) in order {
            let (apex, account) = CLAIMS[claim];
            let own = account as u32 + 1;
            let wanted = [(status > 0).then_some(0), Some(1), Some(own)].into_iter().flatten();
            let scopes = wanted.filter(|scope| held.insert((apex, *scope))).map(ScopeId).collect();
            self.world.zones.get_mut(&number).unwrap().header.scopes = scopes;
        }
    }
}

/// An RRset at `owner`, a name of the zone. Kinds are weighted by how often they stand in the list.
fn rrset(apex: &Name, mut owner: Name, kind: u8, targets: &[Target]) -> RRset {
    let mnemonic = ["A", "A", "AAAA", "TXT", "MX", "NS", "NS", "CNAME", "CNAME", "DNAME", "DS", "A"][usize::from(kind)];
    // What no RFC says: a delegation or redirection by a wildcard (RFC 4592 section 4.2 and 4.4). NS at the apex is the
    // header's, DS is the parent's.
    let unsaid = matches!(mnemonic, "NS" | "DNAME" | "DS") && owner.is_wildcard();
    if unsaid || (owner == *apex && matches!(mnemonic, "NS" | "DS")) {
        owner = apex.prepend("z").unwrap();
    }
    let number =
        |target: &Target| target.name(&owner).as_wire().iter().map(|octet| u32::from(*octet)).sum::<u32>() % 250;
    let data = |target: &Target| match mnemonic {
        "A" => format!("192.0.2.{}", number(target)),
        "AAAA" => format!("2001:db8::{}", number(target)),
        "TXT" => format!("text-{}", number(target)),
        "MX" => format!("{} {}.", number(target), target.name(&owner)),
        "DS" => format!("{} 13 2 {}", number(target), "ab".repeat(32)),
        _ => format!("{}.", target.name(&owner)),
    };
    let single = matches!(mnemonic, "CNAME" | "DNAME");
    let targets = if single { &targets[..1] } else { targets };
    let lines: BTreeSet<String> = targets.iter().map(|target| format!("{owner} {mnemonic} {}", data(target))).collect();
    rrsets(&lines.iter().map(String::as_str).collect::<Vec<_>>()).remove(0)
}

/// The served side of a history.
struct Served {
    writer: Writer,
    catalog: Arc<Catalog>,
}

impl Served {
    /// One commit from one world to the next; `new` gets the versions of its zones.
    fn commit(&mut self, old: &World, new: &mut World, whole: Option<ZoneNumber>) {
        let position = self.writer.position().next();
        let mut entries = Vec::new();
        for (number, zone) in &mut new.zones {
            let before = old.zones.get(number);
            if before.is_some_and(|before| before.header == zone.header && before.rrsets == zone.rrsets) {
                continue;
            }
            zone.version = Version(position.0);
            zone.serial = Serial::new(position.0 as u32);
            let change = match before {
                Some(_) if whole == Some(*number) => self.stage(*number, zone),
                before => difference(before, zone),
            };
            entries.push(Entry { zone: *number, version: zone.version, serial: zone.serial, change });
        }
        for number in old.zones.keys().filter(|number| !new.zones.contains_key(number)) {
            let (version, serial) = (Version(position.0), Serial::new(0));
            entries.push(Entry { zone: *number, version, serial, change: Change::Gone });
        }
        let addresses_of = |world: &World, scope| -> Vec<IpAddr> {
            world.addresses.iter().filter(|(_, of)| **of == scope).map(|(address, _)| *address).collect()
        };
        let scopes = [ScopeId(2), ScopeId(3)].into_iter();
        let changed = scopes.filter(|scope| addresses_of(old, *scope) != addresses_of(new, *scope));
        let scopes = changed.map(|scope| ScopeChange { scope, addresses: addresses_of(new, scope) }).collect();
        let commit = Commit { incarnation: Incarnation::default(), position, entries, scopes };
        self.writer.apply(&[commit]).unwrap();
    }

    fn stage(&mut self, number: ZoneNumber, zone: &Zone) -> Change {
        self.writer.stage_zone(number, zone.version, zone.serial, zone.header.clone());
        let all: Vec<RRset> = zone.rrsets.values().cloned().collect();
        all.chunk_by(|one, other| one.owner == other.owner).for_each(|run| self.writer.stage_rrsets(number, run));
        Change::Replace
    }
}

fn difference(before: Option<&Zone>, zone: &Zone) -> Change {
    let none = BTreeMap::new();
    let old = before.map_or(&none, |before| &before.rrsets);
    let lacking = |from: &BTreeMap<(Name, RecordType), RRset>, in_: &BTreeMap<(Name, RecordType), RRset>| {
        from.iter().filter(|(key, rrset)| in_.get(key) != Some(rrset)).map(|(_, rrset)| rrset.clone()).collect()
    };
    let header = before.is_none_or(|before| before.header != zone.header).then(|| zone.header.clone());
    Change::Delta { header, removed: lacking(old, &zone.rrsets), added: lacking(&zone.rrsets, old) }
}

/// Names that are asked for: all that exist anywhere, names below them, and wildcards' neighbours.
fn names_to_ask(world: &World) -> BTreeSet<Name> {
    let mut names: BTreeSet<Name> = CLAIMS.iter().map(|(apex, _)| name(apex)).collect();
    names.extend([name("nowhere"), name("elsewhere.test"), name(OUTSIDE)]);
    for zone in world.zones.values() {
        for owner in zone.names() {
            names.extend(["q", "*"].iter().filter_map(|label| owner.prepend(label).ok()));
            names.insert(owner);
        }
    }
    names
}

/// Asks everything in a view and compares it with the world that the view holds.
fn compare(view: &View<'_>, world: &World) {
    let known = world.known();
    for name in names_to_ask(world) {
        for record_type in TYPES {
            for address in ADDRESSES {
                compare_one(view, world, &known, address.parse().unwrap(), &name, record_type);
            }
        }
    }
}

fn compare_one(
    view: &View<'_>,
    world: &World,
    known: &Known<'_>,
    address: IpAddr,
    name: &Name,
    record_type: RecordType,
) {
    let (answered, message) = ask(view, address, name, record_type);
    let expected = known.answer(address, name, record_type);
    let [answer, authority, additional] = &message.sections;
    let told = (message.rcode, message.authoritative, answered.kind, answered.zone, answer, authority);
    let wanted =
        (expected.rcode, expected.authoritative, expected.kind, expected.zone, &expected.answer, &expected.authority);
    assert_eq!(told, wanted, "{name} {record_type} at {address}");
    assert!(!message.truncated, "{name} {record_type} at {address} is cut");
    for glue in &expected.glue {
        assert!(additional.contains(glue), "{name} {record_type} at {address}: {glue:?} is not in {additional:?}");
    }
    additional.iter().for_each(|record| is_helpful(world, &message, record));
}

/// Additional records are addresses of hosts that the answer names, as some zone has them.
fn is_helpful(world: &World, message: &Message, record: &Record) {
    let host_at = |record: &Record| match record.record_type {
        RecordType::NS => Some(0),
        RecordType::MX => Some(2),
        _ => None,
    };
    let named = message.sections[..2].iter().flatten();
    let hosts: Vec<&[u8]> = named.filter_map(|record| record.data.get(host_at(record)?..)).collect();
    assert!(hosts.contains(&record.owner.as_wire()), "nobody asks for {record:?} next");
    let key = |owner: &Name| (owner.clone(), record.record_type);
    let is_true = world.zones.values().any(|zone| {
        let wildcards = zone.rrsets.keys().filter(|(owner, _)| owner.is_wildcard()).map(|(owner, _)| owner);
        let mut owners = wildcards.chain([&record.owner]).filter_map(|owner| zone.rrsets.get(&key(owner)));
        owners.any(|rrset| rrset.data.iter().any(|data| data.wire() == record.data))
    });
    assert!(is_true, "{record:?} is in no zone");
}

fn ask(view: &View<'_>, asked: IpAddr, name: &Name, record_type: RecordType) -> (Answered, Message) {
    let mut query = vec![0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    query.extend_from_slice(name.as_wire());
    query.extend(record_type.0.to_be_bytes());
    query.extend([0, 1]);
    let circumstances = Circumstances { asked, transport: Transport::Tcp, cookie: Cookie::None, keepalive: None };
    let settings = Settings { rrset_order: RRsetOrder::Stable, ..Settings::default() };
    let mut out = vec![0; 65_535];
    let request = Request::parse(&query);
    let outcome = answer(view, &request, &circumstances, &settings, &NoSupplies, &mut Needs::new(), &mut out);
    let Outcome::Answered(answered) = outcome else { panic!("{name} {record_type}: {outcome:?}") };
    let mut ahead = vec![0; 65_535];
    let search = view.search_name(name.as_wire()).unwrap();
    // Beside one that asks elsewhere, and what is no question.
    let names = [view.search_name(&[0]).unwrap(), search, view.search_name(&[0]).unwrap()];
    let mut approaches = [Some(view.begin(None, &names[0])), Some(view.begin(view.scope_of(asked), &names[1])), None];
    view.approach(&names, &mut approaches);
    let way = Way { view, approach: approaches[1].map(|approach| (&names[1], approach)) };
    let again = answer(way, &request, &circumstances, &settings, &NoSupplies, &mut Needs::new(), &mut ahead);
    assert_eq!((again, &ahead), (outcome, &out), "{name} {record_type}: the way there makes no difference");
    (answered, Message::read(&out[..answered.length]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_generation_is_answered_as_the_oracle_says(
        steps in prop::collection::vec(prop::collection::vec(any_step(), 1..8), 3..20),
    ) {
        let (writer, catalog) = Catalog::new(5);
        let mut served = Served { writer, catalog };
        let mut history = History::new();
        // Everybody is there from the start on; what comes later, comes again.
        (0..CLAIMS.len()).for_each(|claim| history.take(&Step::Claim { claim, status: claim as u8 % 3 }));
        let mut shown = World::default();
        let mut readers = [served.catalog.reader(), served.catalog.reader()];
        let mut readers = readers.iter_mut();
        let mut held: Vec<(View<'_>, World)> = Vec::new();
        for (number, commit) in steps.iter().enumerate() {
            commit.iter().for_each(|step| history.take(step));
            let whole = commit.iter().find_map(|step| match step {
                Step::Replace { claim, .. } => history.claims.get(claim).map(|(zone, _)| *zone),
                _ => None,
            });
            served.commit(&shown, &mut history.world, whole);
            shown = history.world.clone();
            if number % (steps.len() / 3).max(1) == 0 {
                held.extend(readers.next().map(|reader| (reader.view(), shown.clone())));
            }
        }
        for (view, world) in &held {
            compare(view, world);
        }
        let mut reader = served.catalog.reader();
        compare(&reader.view(), &shown);
        drop(held);
        while served.writer.collect() {}
        compare(&reader.view(), &shown);
    }
}
