//! Answers questions of one kind and nothing else, so that a profiler sees what an answer costs.
//!
//! ```text
//! answers KIND COUNT [WORKERS]      KIND: hit, nxdomain, wildcard, referral, cname, truncated, mixed
//! ```
//!
//! A thousand zones in a catalog as the server has it, cookies and response-rate limiting on, events recorded. Each
//! worker has a thread, a socket and a client of its own; client and worker take turns on that thread: 64 questions are
//! sent, answered in one batch, and the answers looked at. So every run does the same, instruction by instruction.
//! `bench/instructions.py` runs it under callgrind.

use std::error::Error;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread;

use waymark_serve::clock::SystemClock;
use waymark_serve::cookies::Secret;
use waymark_serve::events::Events;
use waymark_serve::udp::ByHand;
use waymark_serve::{Options, Server, Surroundings, huge_pages, rate_limit};
use waymark_wire::{Name, Rdata, RecordType, Serial};
use waymark_zone::catalog::{Catalog, Writer};
use waymark_zone::published::{
    AccountNumber, Incarnation, Position, RRset, ScopeId, Soa, Version, ZoneHeader, ZoneNumber, ZoneStatus,
};

type Failure = Box<dyn Error + Send + Sync>;

const ZONES: u64 = 1000;
/// Questions sent before they are answered.
const BURST: usize = 64;

/// A kind of question: what is asked in each zone, and what the answer must look like.
struct Kind {
    name: &'static str,
    /// What stands before the apex.
    prefix: &'static str,
    record_type: RecordType,
    rcode: u8,
    truncated: bool,
    /// Records in the answer section.
    answers: u8,
}

const fn kind(name: &'static str, prefix: &'static str, rcode: u8, answers: u8) -> Kind {
    Kind { name, prefix, record_type: RecordType::A, rcode, truncated: false, answers }
}

const KINDS: [Kind; 6] = [
    kind("hit", "www.", 0, 1),
    kind("nxdomain", "nothing.", 3, 0),
    kind("wildcard", "any.thing.wild.", 0, 1),
    kind("referral", "host.sub.", 0, 0),
    kind("cname", "alias.", 0, 2),
    Kind { record_type: RecordType::TXT, truncated: true, ..kind("truncated", "large.", 0, 0) },
];

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = "usage: answers hit|nxdomain|wildcard|referral|cname|truncated|mixed COUNT [WORKERS]";
    let (name, count) = match &arguments[..] {
        [name, count, ..] => (name.as_str(), count.parse::<usize>()?),
        _ => return Err(usage.into()),
    };
    let workers = arguments.get(2).map_or(Ok(1), |workers| workers.parse())?;
    let kinds: Vec<&'static Kind> = KINDS.iter().filter(|kind| kind.name == name || name == "mixed").collect();
    if kinds.is_empty() {
        return Err(usage.into());
    }
    let (mut writer, catalog) = Catalog::with_memory(7, huge_pages::MEMORY);
    fill(&mut writer)?;
    let (workers, events) = workers_by_hand(workers, &catalog)?;
    let share = count.div_ceil(workers.len());
    thread::scope(|scope| {
        let kinds = &kinds;
        let running: Vec<_> =
            workers.into_iter().map(|worker| scope.spawn(move || answer(worker, kinds, share))).collect();
        running.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a worker has failed")?)
    })?;
    let mut drained = 0usize;
    events.drain(|_| drained += 1);
    eprintln!("{name}: {count} questions answered, {drained} events in the rings at the end");
    Ok(())
}

fn workers_by_hand(workers: usize, catalog: &Arc<Catalog>) -> Result<(Vec<ByHand>, Arc<Events>), Failure> {
    let options = Options {
        listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        workers: 1,
        cookie_secrets: vec![Secret::new([1; 16])],
        rate_limit: rate_limit::Options { per_second: rate_limit::PER_SECOND_MAX, ..rate_limit::Options::default() },
        ..Options::default()
    };
    let bound = (0..workers.max(1)).map(|_| Server::bind(&options)).collect::<Result<Vec<_>, _>>()?;
    let surroundings = Surroundings { clock: Arc::new(SystemClock::new()), seed: [3; 16], supplier: None };
    Ok(Server::by_hand(bound, catalog, &surroundings))
}

/// Asks and answers so many questions, of each kind in turn, in zones that lie far apart.
fn answer(mut worker: ByHand, kinds: &[&Kind], count: usize) -> Result<(), Failure> {
    let client = UdpSocket::bind("127.0.0.1:0")?;
    client.connect(worker.address())?;
    let mut reply = [0; 4096];
    let mut asked = 0usize;
    while asked < count {
        let burst = BURST.min(count - asked);
        for number in asked..asked + burst {
            let kind = kinds[number % kinds.len()];
            client.send(&question(number as u16, kind, number as u64 * 389 % ZONES))?;
        }
        let mut answered = 0;
        while answered < burst {
            answered += worker.turn();
        }
        for _ in 0..burst {
            let length = client.recv(&mut reply)?;
            let number = usize::from(u16::from_be_bytes([reply[0], reply[1]]));
            // The id tells the kind, as bursts are far shorter than its range.
            let number = (asked..asked + burst).find(|asked| asked & 0xffff == number).ok_or("a strange id")?;
            let kind = kinds[number % kinds.len()];
            let seen = (reply[3] & 15, reply[2] & 2 != 0, reply[7]);
            if seen != (kind.rcode, kind.truncated, kind.answers) {
                return Err(format!("{}: rcode, TC and answers are {seen:?} in {length} octets", kind.name).into());
            }
        }
        asked += burst;
    }
    Ok(())
}

fn question(id: u16, kind: &Kind, zone: u64) -> Vec<u8> {
    let name = format!("{}z{zone}.test", kind.prefix);
    let mut message = [&id.to_be_bytes()[..], &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0]].concat();
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend_from_slice(label.as_bytes());
    }
    message.push(0);
    message.extend_from_slice(&kind.record_type.0.to_be_bytes());
    message.extend_from_slice(&[0, 1]);
    message
}

fn fill(writer: &mut Writer) -> Result<(), Failure> {
    for number in 0..ZONES {
        let apex: Name = format!("z{number}.test").parse()?;
        let long = format!("\"{}\" \"{}\" \"{}\"", "x".repeat(200), "y".repeat(200), "z".repeat(200));
        let rrsets = [
            ("", RecordType::A, "192.0.2.1"),
            ("www.", RecordType::A, "192.0.2.2"),
            ("alias.", RecordType::CNAME, &format!("www.{apex}")),
            ("*.wild.", RecordType::A, "192.0.2.3"),
            ("sub.", RecordType::NS, &format!("ns.sub.{apex}")),
            ("ns.sub.", RecordType::A, "192.0.2.4"),
            ("large.", RecordType::TXT, &long),
        ];
        let rrsets = rrsets.into_iter().map(|(prefix, record_type, data)| {
            let data = vec![Rdata::from_text(record_type, data, &Name::root())?];
            Ok(RRset { owner: format!("{prefix}{apex}").parse()?, record_type, ttl: 300, data })
        });
        let rrsets = rrsets.collect::<Result<Vec<RRset>, Failure>>()?;
        writer.stage_zone(ZoneNumber(number + 1), Version(1), Serial::new(1), header(apex)?);
        writer.stage_rrsets(ZoneNumber(number + 1), &rrsets);
    }
    writer.publish_staged(Incarnation::default(), Position(1), &[]);
    Ok(())
}

fn header(apex: Name) -> Result<ZoneHeader, Failure> {
    let nameservers: Vec<Name> = vec!["ada.ns.waymark.test".parse()?, "bob.ns.waymark.test".parse()?];
    let soa = Soa {
        mname: nameservers[0].clone(),
        rname: "dns.waymark.test".parse()?,
        refresh: 10_000,
        retry: 2_400,
        expire: 604_800,
        minimum: 1_800,
        ttl: 3_600,
    };
    let scopes = vec![ScopeId::ACTIVE, ScopeId::ALL];
    let (account, status) = (AccountNumber(1), ZoneStatus::Active);
    Ok(ZoneHeader { apex, account, status, proven: true, scopes, soa, nameservers, ns_ttl: 86_400, signed: false })
}
