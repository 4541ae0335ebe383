//! What a running program shows: the facts that its API gives, and those that its DNS answers give.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use serde_json::Value;
use waymark_resolve::{Question, Reply};
use waymark_wire::{Name, RecordType, Serial};

use super::facts::{Fact, Facts, RecordFact, mnemonic, text};
use crate::harness::dns::{Stream, UDP_OCTETS};
use crate::harness::http::{Client, Credentials};
use crate::harness::program::Server;

/// How long an answer may take before the test is broken off.
const ANSWER_WAIT: Duration = Duration::from_secs(20);
/// Questions that are out at the same time: fewer than what a socket's buffer holds.
const QUESTIONS_OUT: usize = 32;

/// The platform's own domain, of which nothing is a fact.
pub(crate) const BRAND: &str = "waymark.test";

/// Where a program is reached, and as whom.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) api: SocketAddr,
    pub(crate) dns_port: u16,
    pub(crate) token: String,
    pub(crate) account: String,
}

/// What the API shows.
#[derive(Clone, Default, Debug)]
pub(crate) struct World {
    pub(crate) facts: Facts,
    pub(crate) zones: BTreeMap<String, ZoneView>,
    /// The ids of the records.
    pub(crate) records: BTreeMap<RecordFact, String>,
}

#[derive(Clone, Debug)]
pub(crate) struct ZoneView {
    pub(crate) id: String,
    pub(crate) name_servers: Vec<String>,
}

/// What DNS answers.
#[derive(Clone, Default, Debug)]
pub(crate) struct Answers {
    pub(crate) facts: Facts,
    pub(crate) serials: BTreeMap<String, Serial>,
}

impl Site {
    pub(crate) fn of(server: &Server) -> Self {
        let bootstrap = server.bootstrap();
        let (token, account) = (string(&bootstrap["token"]), string(&bootstrap["account_id"]));
        Self { api: server.api, dns_port: server.dns_port, token, account }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.api, Credentials::Token(self.token.clone()))
    }

    /// What `/healthz` answers: the status and the object.
    pub(crate) fn health(&self) -> (u16, Value) {
        let response = Client::new(self.api, Credentials::Nobody).get("/healthz");
        (response.status, response.json())
    }

    /// The last committed position.
    pub(crate) fn position(&self) -> u64 {
        self.health().1["journal"]["committed"].as_u64().expect("a position")
    }

    /// Reads everything through the API.
    pub(crate) fn world(&self) -> World {
        let mut client = self.client();
        let mut world = World::default();
        for zone in pages(&mut client, "/zones?per_page=50") {
            let (name, id) = (string(&zone["name"]), string(&zone["id"]));
            if name.ends_with(BRAND) {
                continue;
            }
            for record in pages(&mut client, &format!("/zones/{id}/dns_records?per_page=5000")) {
                let fact = record_fact(&name, &record);
                world.facts.insert(Fact::Record(fact.clone()));
                world.records.insert(fact, string(&record["id"]));
            }
            world.facts.insert(Fact::Zone(name.clone()));
            let name_servers = zone["name_servers"].as_array().expect("nameservers").iter().map(string).collect();
            world.zones.insert(name, ZoneView { id, name_servers });
        }
        world
    }

    /// Asks DNS, at the nameservers of the zones that the API shows, about everything that was ever mentioned.
    pub(crate) fn answers(&self, world: &World, mentioned: &Facts) -> Answers {
        let addresses = self.nameserver_addresses(world);
        // A zone that is gone has no nameservers: it is asked for at an address that is nobody's.
        let address_of = |zone: &str| {
            let own = world.zones.get(zone).and_then(|zone| zone.name_servers.first());
            own.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |server| addresses[server])
        };
        let mut questions = BTreeSet::new();
        for fact in mentioned.union(&world.facts.iter().map(Fact::published).collect()) {
            match fact {
                Fact::Zone(zone) => questions.insert((zone.clone(), zone.clone(), RecordType::SOA.0)),
                Fact::Record(record) => {
                    questions.insert((record.zone.clone(), record.owner.clone(), record.record_type().0))
                }
            };
        }
        let asked: Vec<(IpAddr, Question)> = questions
            .iter()
            .map(|(zone, owner, kind)| {
                let name = Name::from_text(owner).expect("a name");
                (address_of(zone), Question { name, record_type: RecordType(*kind) })
            })
            .collect();
        let mut answers = Answers::default();
        for ((zone, owner, _), reply) in questions.iter().zip(self.ask(&asked)) {
            answers.take(zone, owner, &reply);
        }
        answers
    }

    /// The serial that DNS shows of a zone, at an address that is nobody's.
    pub(crate) fn serial(&self, zone: &str) -> Option<Serial> {
        let name = Name::from_text(zone).expect("a name");
        let question = Question { name, record_type: RecordType::SOA };
        let mut answers = Answers::default();
        for reply in self.ask(&[(IpAddr::V4(Ipv4Addr::LOCALHOST), question)]) {
            answers.take(zone, zone, &reply);
        }
        answers.serials.remove(zone)
    }

    fn nameserver_addresses(&self, world: &World) -> BTreeMap<String, IpAddr> {
        let servers: BTreeSet<&String> = world.zones.values().flat_map(|zone| &zone.name_servers).collect();
        let question = |server: &&String| {
            let name = Name::from_text(server).expect("a name");
            (IpAddr::V4(Ipv4Addr::LOCALHOST), Question { name, record_type: RecordType::A })
        };
        let replies = self.ask(&servers.iter().map(question).collect::<Vec<_>>());
        let address = |reply: &Reply| {
            let octets: [u8; 4] = reply.answers.first()?.rdata.wire().try_into().ok()?;
            Some(IpAddr::from(octets))
        };
        let found = servers.into_iter().zip(&replies);
        found.map(|(server, reply)| (server.clone(), address(reply).expect("a nameserver's address"))).collect()
    }

    /// Asks each question once, and takes each answer from the address that was asked; over TCP what does not fit a
    /// datagram.
    fn ask(&self, questions: &[(IpAddr, Question)]) -> Vec<Reply> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port");
        socket.set_read_timeout(Some(ANSWER_WAIT)).expect("a socket");
        let mut replies: Vec<Option<Reply>> = vec![None; questions.len()];
        let mut buffer = vec![0; 65_535];
        for (start, group) in questions.chunks(QUESTIONS_OUT).enumerate() {
            let start = start * QUESTIONS_OUT;
            for (at, (address, question)) in group.iter().enumerate() {
                let query = question.to_wire((start + at) as u16, false, Some(UDP_OCTETS));
                socket.send_to(&query, (*address, self.dns_port)).expect("a question is sent");
            }
            for _ in group {
                let (length, from) = socket.recv_from(&mut buffer).expect("every question is answered");
                let reply = Reply::parse(&buffer[..length]).expect("a DNS message");
                let at = usize::from(reply.id.wrapping_sub(start as u16));
                let (address, question) = &group[at];
                assert_eq!((from.ip(), reply.question.as_ref()), (*address, Some(question)));
                let whole = if reply.truncated { self.ask_over_tcp(*address, question) } else { reply };
                replies[start + at] = Some(whole);
            }
        }
        replies.into_iter().map(|reply| reply.expect("every question is answered")).collect()
    }
}

impl Site {
    fn ask_over_tcp(&self, address: IpAddr, question: &Question) -> Reply {
        let mut stream = Stream::connect((address, self.dns_port).into()).expect("a connection");
        let message = stream.exchange(&question.to_wire(1, false, None)).expect("an answer over TCP");
        Reply::parse(&message).expect("a DNS message")
    }
}

impl Answers {
    fn take(&mut self, zone: &str, owner: &str, reply: &Reply) {
        // A delegation stands in the authority section of a referral; everything else in the answer.
        for record in reply.answers.iter().chain(&reply.authority) {
            if text(&record.owner) != owner {
                continue;
            }
            match record.record_type {
                // The SOA of a negative answer's authority section has the zone's name, and is of the zone as well.
                RecordType::SOA => {
                    let serial = record.rdata.wire().len().checked_sub(20).map(|at| &record.rdata.wire()[at..at + 4]);
                    let serial = serial.and_then(|octets| octets.try_into().ok()).map(u32::from_be_bytes);
                    self.serials.insert(zone.to_owned(), Serial::new(serial.expect("a SOA record")));
                    self.facts.insert(Fact::Zone(zone.to_owned()));
                }
                RecordType::NS if owner == zone => {}
                _ => {
                    self.facts.insert(Fact::Record(RecordFact::new(zone, owner, record.ttl, &record.rdata)));
                }
            }
        }
    }
}

/// Every object of a listing, page after page until one is empty.
fn pages(client: &mut Client, path: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for page in 1.. {
        let found = client.get(&format!("{path}&page={page}")).ok();
        match found.as_array().expect("a list") {
            items if items.is_empty() => break,
            items => all.extend(items.iter().cloned()),
        }
    }
    all
}

/// A record as the API shows it.
pub(crate) fn record_fact(zone: &str, record: &Value) -> RecordFact {
    let kind = string(&record["type"]);
    let row = waymark_wire::records::row_by_mnemonic(&kind).expect("a type of the table");
    let priority = record["priority"].as_u64().map(|priority| format!("{priority} ")).unwrap_or_default();
    RecordFact {
        zone: zone.to_owned(),
        owner: string(&record["name"]),
        kind: mnemonic(row.record_type),
        text: format!("{} {priority}{}", record["ttl"], string(&record["content"])),
        comment: record["comment"].as_str().map(str::to_owned),
    }
}

pub(crate) fn string(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}
