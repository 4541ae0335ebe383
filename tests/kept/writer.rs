//! A writer: writes of every kind, one after the other, with a note of what became of each.
//!
//! A writer has zones of its own, which it makes and deletes, and owner names of its own in zones that all writers
//! share. Every content is new, so that a trace of a write can only be of that write. About one write in ten is one
//! that must be refused.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use serde_json::{Value, json};

use super::client::Connection;
use super::facts::{Change, Fact, RecordFact};
use super::ledger::{End, Step};
use super::site::{Site, World, record_fact, string};
use crate::harness::http::Response;
use crate::harness::random::Random;

/// Zones of its own that a writer keeps at the same time.
const OWN_ZONES_MAX: usize = 3;
/// Names for these; more than it has zones.
const OWN_NAMES: usize = 6;
/// Records that a writer keeps in one zone.
const RECORDS_MAX: usize = 40;
/// Records that a writer keeps at one owner name.
const RECORDS_PER_OWNER_MAX: usize = 4;
/// Where all test zones are.
pub(crate) const PARENT: &str = "kept.example";

/// The time of a run: whatever only grows.
pub(crate) type Clock<'a> = &'a (dyn Fn() -> u64 + Sync);

/// A writer, as far as it knows the world: see [`Writer::new`].
pub(crate) struct Writer<'a> {
    number: usize,
    site: &'a Site,
    clock: Clock<'a>,
    random: Random,
    /// Makes every label and content new.
    serial_number: &'a AtomicU64,
    /// Strings of 255 octets that a TXT content has beside its own.
    padding: usize,
    zones: Vec<Zone>,
}

struct Zone {
    name: String,
    id: String,
    records: Vec<Record>,
}

#[derive(Clone)]
struct Record {
    id: String,
    fact: RecordFact,
}

/// What others see of a writer while it runs.
#[derive(Default)]
pub(crate) struct Signals {
    in_flight: AtomicBool,
    ended: AtomicU64,
}

/// Wakes one who waits for so many writes of all writers together.
pub(crate) struct Alarm {
    left: AtomicU64,
    reached: Sender<()>,
}

impl Signals {
    /// Whether a request was sent and its reply is not there, and how many writes have ended before it.
    pub(crate) fn read(&self) -> (bool, u64) {
        (self.in_flight.load(Ordering::SeqCst), self.ended.load(Ordering::SeqCst))
    }
}

impl Alarm {
    pub(crate) fn after(writes: u64) -> (Self, Receiver<()>) {
        let (reached, receiver) = channel();
        (Self { left: AtomicU64::new(writes), reached }, receiver)
    }

    fn count(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            let _ = self.reached.send(());
        }
    }
}

/// How a writer's run ended.
pub(crate) struct Run {
    pub(crate) steps: Vec<Step>,
    /// What a reply was that should have been another.
    pub(crate) complaints: Vec<String>,
    /// The reply of 5xx that has ended it, if one has.
    pub(crate) failure: Option<Response>,
}

/// A write to be sent.
struct Plan {
    method: &'static str,
    path: String,
    body: Value,
    change: Change,
    effect: Effect,
}

/// What a success means for what the writer knows.
enum Effect {
    MakeZone {
        name: String,
    },
    DeleteZone {
        zone: usize,
    },
    Make {
        zone: usize,
        fact: RecordFact,
    },
    Turn {
        zone: usize,
        record: usize,
        fact: RecordFact,
    },
    Delete {
        zone: usize,
        record: usize,
    },
    /// It must be refused.
    Refuse,
}

/// The name of a zone that all writers share.
pub(crate) fn shared_zone(number: usize) -> String {
    format!("shared-{number}.{PARENT}")
}

impl<'a> Writer<'a> {
    /// A writer that goes on from what the API shows.
    pub(crate) fn new(
        number: usize,
        site: &'a Site,
        world: &World,
        clock: Clock<'a>,
        serial_number: &'a AtomicU64,
        random: Random,
    ) -> Self {
        let mut zones = Vec::new();
        for (name, view) in &world.zones {
            let is_own = Fact::Zone(name.clone()).writer() == Some(number);
            if !is_own && !name.starts_with("shared-") {
                continue;
            }
            let own = world.records.iter().filter(|(fact, _)| {
                fact.zone == *name && Fact::Record(RecordFact::clone(fact)).writer() == Some(number)
            });
            let records = own.map(|(fact, id)| Record { id: id.clone(), fact: fact.clone() }).collect();
            zones.push(Zone { name: name.clone(), id: view.id.clone(), records });
        }
        Self { number, site, clock, random, serial_number, padding: 0, zones }
    }

    /// Makes TXT contents longer, for what fills a disk.
    pub(crate) fn padded(self, strings: usize) -> Self {
        Self { padding: strings, ..self }
    }

    /// Writes until `count` writes have ended or the program stops answering. A reply of 5xx ends the run too: whoever
    /// runs the writer says whether it may come.
    pub(crate) fn run(&mut self, count: usize, signals: &Signals, alarm: Option<&Alarm>) -> Run {
        let mut run = Run { steps: Vec::new(), complaints: Vec::new(), failure: None };
        let Ok(mut connection) = Connection::open(self.site) else { return run };
        for _ in 0..count {
            let plan = self.plan();
            let sent = (self.clock)();
            let written = connection.send(plan.method, &plan.path, &plan.body);
            signals.in_flight.store(written.is_ok(), Ordering::SeqCst);
            let reply = written.and_then(|()| connection.receive());
            let at = (self.clock)();
            let end = match &reply {
                Err(_) => End::Open,
                Ok(reply) if reply.status == 200 => End::Acknowledged(at),
                Ok(_) => End::Refused,
            };
            if end != End::Open {
                signals.in_flight.store(false, Ordering::SeqCst);
            }
            let may_be_200 = !matches!(plan.effect, Effect::Refuse);
            run.steps.push(Step { change: plan.change, sent, end });
            let Ok(reply) = reply else { return run };
            if !(reply.status == 200 && may_be_200 || (400..500).contains(&reply.status) && !may_be_200) {
                let (method, path, body) = (plan.method, &plan.path, &plan.body);
                run.complaints.push(format!("{method} {path} {body}: {} {}", reply.status, reply.text()));
                run.failure = (reply.status >= 500).then_some(reply);
                return run;
            }
            if end != End::Refused {
                self.learn(plan.effect, &reply.ok());
            }
            signals.ended.fetch_add(1, Ordering::SeqCst);
            alarm.inspect(|alarm| alarm.count());
        }
        run
    }

    fn learn(&mut self, effect: Effect, result: &Value) {
        match effect {
            Effect::MakeZone { name } => self.zones.push(Zone { name, id: string(&result["id"]), records: vec![] }),
            Effect::DeleteZone { zone } => drop(self.zones.remove(zone)),
            Effect::Make { zone, fact } => {
                assert_eq!(record_fact(&fact.zone, result), fact, "the reply to a write shows what was written");
                self.zones[zone].records.push(Record { id: string(&result["id"]), fact });
            }
            Effect::Turn { zone, record, fact } => {
                assert_eq!(record_fact(&fact.zone, result), fact, "the reply to a write shows what was written");
                self.zones[zone].records[record].fact = fact;
            }
            Effect::Delete { zone, record } => drop(self.zones[zone].records.remove(record)),
            Effect::Refuse => {}
        }
    }

    fn plan(&mut self) -> Plan {
        let own: Vec<usize> = (0..self.zones.len()).filter(|zone| self.is_own(*zone)).collect();
        let zone = self.random.below(self.zones.len().max(1));
        let records = self.zones.get(zone).map_or(0, |zone| zone.records.len());
        if self.zones.is_empty() || own.len() < OWN_ZONES_MAX && self.random.below(12) == 0 {
            return self.make_zone();
        }
        if own.len() == OWN_ZONES_MAX && self.random.below(20) == 0 {
            let zone = own[self.random.below(own.len())];
            return self.delete_zone(zone);
        }
        if records == 0 {
            return self.make(zone);
        }
        let record = self.random.below(records);
        match self.random.below(10) {
            0 => self.refused(zone, record),
            1..=3 if records < RECORDS_MAX => self.make(zone),
            4 => self.put(zone, record),
            5 => self.patch_content(zone, record),
            6 => self.patch_ttl(zone, record),
            7 => self.patch_comment(zone, record),
            8 if records < RECORDS_MAX => self.make_beside(zone, record),
            _ => self.delete(zone, record),
        }
    }

    fn is_own(&self, zone: usize) -> bool {
        Fact::Zone(self.zones[zone].name.clone()).writer() == Some(self.number)
    }

    fn new_number(&self) -> u64 {
        self.serial_number.fetch_add(1, Ordering::Relaxed)
    }

    fn make_zone(&mut self) -> Plan {
        // Few names, so that many a zone is made again that was deleted before.
        let mut names: Vec<String> = (0..OWN_NAMES).map(|name| format!("z{name}.w{}.{PARENT}", self.number)).collect();
        names.retain(|name| self.zones.iter().all(|zone| zone.name != *name));
        let name = names.swap_remove(self.random.below(names.len()));
        Plan {
            method: "POST",
            path: "/zones".to_owned(),
            body: json!({"name": name, "account": {"id": self.site.account}}),
            change: Change { removed: vec![], added: vec![Fact::Zone(name.clone())] },
            effect: Effect::MakeZone { name },
        }
    }

    fn delete_zone(&mut self, zone: usize) -> Plan {
        let Zone { name, id, records } = &self.zones[zone];
        let records = records.iter().map(|record| Fact::Record(record.fact.clone()));
        Plan {
            method: "DELETE",
            path: format!("/zones/{id}"),
            body: Value::Null,
            change: Change { removed: records.chain([Fact::Zone(name.clone())]).collect(), added: vec![] },
            effect: Effect::DeleteZone { zone },
        }
    }

    fn make(&mut self, zone: usize) -> Plan {
        let number = self.new_number();
        let zone_name = &self.zones[zone].name;
        let owner = format!("n{number}.w{}.{zone_name}", self.number);
        let kinds = ["A", "A", "AAAA", "CNAME", "MX", "NS", "TXT", "TXT"];
        let kind = kinds[self.random.below(kinds.len())];
        self.make_at(zone, owner, kind, 60 + number as u32 % 1000)
    }

    /// A second record at the owner name of one, of the same RRset if it can have two.
    fn make_beside(&mut self, zone: usize, record: usize) -> Plan {
        let fact = self.zones[zone].records[record].fact.clone();
        let at_owner = self.zones[zone].records.iter().filter(|other| other.fact.owner == fact.owner).count();
        match fact.kind {
            "CNAME" => self.make(zone),
            // Also because the TXT contents of one name are limited together.
            _ if at_owner == RECORDS_PER_OWNER_MAX => self.make(zone),
            kind => self.make_at(zone, fact.owner.clone(), kind, ttl(&fact)),
        }
    }

    fn make_at(&mut self, zone: usize, owner: String, kind: &'static str, ttl: u32) -> Plan {
        let (body, fact) = self.record(zone, owner, kind, ttl, None);
        Plan {
            method: "POST",
            path: format!("/zones/{}/dns_records", self.zones[zone].id),
            body,
            change: Change { removed: vec![], added: vec![Fact::Record(fact.clone())] },
            effect: Effect::Make { zone, fact },
        }
    }

    /// A record with a content that was never there before: the body that asks for it, and the fact that it will be.
    fn record(
        &self,
        zone: usize,
        owner: String,
        kind: &'static str,
        ttl: u32,
        comment: Option<String>,
    ) -> (Value, RecordFact) {
        let number = self.new_number();
        let (priority, content) = match kind {
            "A" => (None, format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255)),
            "AAAA" => (None, format!("2001:db8::1:{:x}:{:x}", number >> 16, number & 0xffff)),
            "TXT" => (None, format!("\"text {number}\"{}", format!(" \"{}\"", "x".repeat(255)).repeat(self.padding))),
            "MX" => (Some(number % 100), format!("mail-{number}.example.net")),
            _ => (None, format!("target-{number}.example.net")),
        };
        let mut body = json!({"name": owner, "type": kind, "content": content, "ttl": ttl, "comment": comment});
        if let Some(priority) = priority {
            body["priority"] = json!(priority);
        }
        let priority = priority.map(|priority| format!("{priority} ")).unwrap_or_default();
        let zone = self.zones[zone].name.clone();
        (body, RecordFact { zone, owner, kind, text: format!("{ttl} {priority}{content}"), comment })
    }

    /// PUT: another content, the same type and TTL; what is not said, the comment, is taken away.
    fn put(&mut self, zone: usize, record: usize) -> Plan {
        let old = self.zones[zone].records[record].fact.clone();
        let (body, new) = self.record(zone, old.owner.clone(), old.kind, ttl(&old), None);
        self.turn("PUT", zone, record, body, new)
    }

    fn patch_content(&mut self, zone: usize, record: usize) -> Plan {
        let old = self.zones[zone].records[record].fact.clone();
        let (body, new) = self.record(zone, old.owner.clone(), old.kind, ttl(&old), old.comment.clone());
        let mut patch = json!({"content": body["content"]});
        if let Some(priority) = body.get("priority") {
            patch["priority"] = priority.clone();
        }
        self.turn("PATCH", zone, record, patch, new)
    }

    /// Another TTL, where the record is alone: an RRset has one TTL.
    fn patch_ttl(&mut self, zone: usize, record: usize) -> Plan {
        let old = self.zones[zone].records[record].fact.clone();
        if self.zones[zone].records.iter().filter(|other| other.fact.owner == old.owner).count() > 1 {
            return self.patch_comment(zone, record);
        }
        let ttl = if ttl(&old) < 3000 { ttl(&old) + 1000 } else { ttl(&old) - 2000 };
        let content = old.text.split_once(' ').map_or("", |(_, content)| content);
        let new = RecordFact { text: format!("{ttl} {content}"), ..old.clone() };
        self.turn("PATCH", zone, record, json!({ "ttl": ttl }), new)
    }

    fn patch_comment(&mut self, zone: usize, record: usize) -> Plan {
        let comment = format!("comment {}", self.new_number());
        let old = self.zones[zone].records[record].fact.clone();
        let new = RecordFact { comment: Some(comment.clone()), ..old };
        self.turn("PATCH", zone, record, json!({ "comment": comment }), new)
    }

    fn turn(&self, method: &'static str, zone: usize, record: usize, body: Value, new: RecordFact) -> Plan {
        let old = &self.zones[zone].records[record];
        Plan {
            method,
            path: format!("/zones/{}/dns_records/{}", self.zones[zone].id, old.id),
            body,
            change: Change { removed: vec![Fact::Record(old.fact.clone())], added: vec![Fact::Record(new.clone())] },
            effect: Effect::Turn { zone, record, fact: new },
        }
    }

    fn delete(&mut self, zone: usize, record: usize) -> Plan {
        let Record { id, fact } = self.zones[zone].records[record].clone();
        Plan {
            method: "DELETE",
            path: format!("/zones/{}/dns_records/{id}", self.zones[zone].id),
            body: Value::Null,
            change: Change { removed: vec![Fact::Record(fact)], added: vec![] },
            effect: Effect::Delete { zone, record },
        }
    }

    /// A write that must be refused. What it would have added is noted, so that DNS is asked about it.
    fn refused(&mut self, zone: usize, record: usize) -> Plan {
        let Record { id, fact } = self.zones[zone].records[record].clone();
        let (zone_name, records) = (&self.zones[zone].name, format!("/zones/{}/dns_records", self.zones[zone].id));
        let fresh = format!("n{}.w{}.{zone_name}", self.new_number(), self.number);
        let (alias, alias_fact) = self.record(zone, fact.owner.clone(), "CNAME", 300, None);
        let (bad_ttl, bad_ttl_fact) = self.record(zone, fresh.clone(), "A", 7, None);
        let (unknown, unknown_fact) = self.record(zone, fresh.clone(), "TXT", 300, None);
        let another = id.chars().rev().collect::<String>();
        let (method, path, body, would_add) = match self.random.below(5) {
            0 if matches!(fact.kind, "A" | "AAAA" | "CNAME") => ("POST", records, alias, Some(alias_fact)),
            1 => ("POST", records, bad_ttl, Some(bad_ttl_fact)),
            2 if another != id => ("PUT", format!("{records}/{another}"), unknown, Some(unknown_fact)),
            3 => {
                let body = json!({"name": zone_name, "account": {"id": self.site.account}});
                ("POST", "/zones".to_owned(), body, None)
            }
            _ => ("POST", records, json!({"name": fresh, "type": "A", "content": "10.0.0.256", "ttl": 300}), None),
        };
        let added = would_add.into_iter().map(Fact::Record).collect();
        Plan { method, path, body, change: Change { removed: vec![], added }, effect: Effect::Refuse }
    }
}

fn ttl(fact: &RecordFact) -> u32 {
    fact.text.split(' ').next().and_then(|ttl| ttl.parse().ok()).expect("a TTL")
}
