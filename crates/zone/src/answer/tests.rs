//! What answers must hold, by theme. Each section of an RFC that is obeyed has a test here or below `serve` and `wire`
//! (docs/rfc.md).
//!
//! A zone is written in lines (`www.example A 192.0.2.1`, TTL 300), a question as `www.example A`, and a reply reads as
//! response code, AA, TC and the lines of its sections. `Server::ask` asks over a stream, so that nothing is cut.

mod additional;
mod aliases;
mod delegation;
mod edns;
mod identity;
mod malformed;
mod names;
mod redirections;
mod scopes;
mod signatures;
mod sizes;
mod subjects;
mod wildcards;

use std::sync::Arc;

use domain::base::Message;
use domain::base::iana::Rtype;
use domain::rdata::AllRecordData;

use super::*;
use crate::ZoneHeader;
use crate::catalog::Catalog;
use crate::published::{Commit, Entry, ScopeChange};
use crate::testing::*;

struct Server {
    catalog: Arc<Catalog>,
    settings: Settings,
}

/// What the tests compare: response code, AA, TC, and the lines of the three sections, OPT records aside.
#[derive(Debug, PartialEq)]
struct Reply {
    rcode: u16,
    authoritative: bool,
    truncated: bool,
    answer: Vec<String>,
    authority: Vec<String>,
    additional: Vec<String>,
}

/// The OPT record of a response.
#[derive(Debug, PartialEq)]
struct Opt {
    udp_size: u16,
    version: u8,
    flags: u16,
    options: Vec<u8>,
}

impl Server {
    fn new(entries: Vec<Entry>, scopes: Vec<ScopeChange>) -> Self {
        let (mut writer, catalog) = Catalog::new(7);
        writer.apply(&[Commit { scopes, ..commit(1, entries) }]).unwrap();
        Self { catalog, settings: Settings { rrset_order: RRsetOrder::Stable, ..Settings::default() } }
    }

    /// One zone at every address.
    fn zone(header: ZoneHeader, lines: &[&str]) -> Self {
        Self::new(vec![delta(1, 1, Some(header), &[], lines)], vec![])
    }

    /// One zone, `example`, at every address.
    fn with(lines: &[&str]) -> Self {
        Self::zone(header("example", 1, &[1]), lines)
    }

    fn ask(&self, question: &str) -> Reply {
        self.ask_at(question, "192.0.2.53", Transport::Tcp)
    }

    /// Asks over UDP, with this size in the OPT record.
    fn ask_udp(&self, question: &str, udp_size: u16) -> Reply {
        let request = request(question, &opt(udp_size, 0, 0, b""));
        Reply::read(&self.exchange(&request, Transport::Udp).unwrap())
    }

    fn ask_at(&self, question: &str, address: &str, transport: Transport) -> Reply {
        let circumstances = Circumstances { asked: address.parse().unwrap(), ..from_stranger(transport) };
        Reply::read(&self.answer(&request(question, OPT), &circumstances).unwrap())
    }

    /// The response in octets to a request in octets; none: silence.
    fn exchange(&self, request: &[u8], transport: Transport) -> Option<Vec<u8>> {
        self.answer(request, &from_stranger(transport))
    }

    fn answer(&self, request: &[u8], circumstances: &Circumstances) -> Option<Vec<u8>> {
        let mut out = vec![0; 65_535];
        let (request, mut needs) = (Request::parse(request), Needs::new());
        let mut reader = self.catalog.reader();
        let outcome =
            answer(&reader.view(), &request, circumstances, &self.settings, &NoSupplies, &mut needs, &mut out);
        let answered = outcome.answered()?;
        out.truncate(answered.length);
        assert_eq!(out[2] & 0x02 != 0, answered.truncated);
        Some(out)
    }
}

fn from_stranger(transport: Transport) -> Circumstances {
    Circumstances { asked: "192.0.2.53".parse().unwrap(), transport, cookie: Cookie::None, keepalive: None }
}

impl Reply {
    fn read(message: &[u8]) -> Self {
        let message = Message::from_octets(message).unwrap();
        assert_eq!(message.header().id(), 0x1234);
        let section = |section: &str| -> Vec<String> {
            let records = match section {
                "answer" => message.answer(),
                "authority" => message.authority(),
                _ => message.additional(),
            };
            records
                .unwrap()
                .map(Result::unwrap)
                .filter(|record| record.rtype() != Rtype::OPT)
                .map(|record| {
                    let owner = record.owner().to_string();
                    let record = record.to_record::<AllRecordData<_, _>>().unwrap().unwrap();
                    format!("{owner} {} {} {}", record.ttl().as_secs(), record.rtype(), record.data())
                })
                .collect()
        };
        let extended = message.opt().map(|opt| opt.rcode(message.header()).to_int());
        Self {
            rcode: extended.unwrap_or(u16::from(message.header().rcode().to_int())),
            authoritative: message.header().aa(),
            truncated: message.header().tc(),
            answer: section("answer"),
            authority: section("authority"),
            additional: section("additional"),
        }
    }
}

impl Opt {
    /// The OPT record at the end of a response, if there is one.
    fn read(message: &[u8]) -> Option<Self> {
        let parsed = Message::from_octets(message).unwrap();
        let record = parsed.additional().unwrap().map(Result::unwrap).find(|record| record.rtype() == Rtype::OPT)?;
        let [_, version, high, low] = record.ttl().as_secs().to_be_bytes();
        let options = message[message.len() - usize::from(record.rdlen())..].to_vec();
        Some(Self { udp_size: record.class().to_int(), version, flags: u16::from_be_bytes([high, low]), options })
    }
}

/// An OPT record without options, as dig sends it.
const OPT: &[u8] = b"\0\0\x29\x04\xd0\0\0\0\0\0\0";

fn opt(udp_size: u16, version: u8, flags: u16, options: &[u8]) -> Vec<u8> {
    let mut record = vec![0, 0, 41];
    record.extend(udp_size.to_be_bytes());
    record.extend([0, version]);
    record.extend(flags.to_be_bytes());
    record.extend((options.len() as u16).to_be_bytes());
    record.extend(options);
    record
}

/// A request such as `WwW.example A`; `opt` is its OPT record, or nothing.
fn request(question: &str, opt: &[u8]) -> Vec<u8> {
    let (owner, kind) = question.split_once(' ').unwrap();
    let mut wire = Vec::new();
    for label in owner.split('.').filter(|label| !label.is_empty()) {
        wire.push(label.len() as u8);
        wire.extend_from_slice(label.as_bytes());
    }
    wire.push(0);
    request_in_octets(&wire, record_type(kind), opt)
}

fn request_in_octets(owner: &[u8], record_type: RecordType, opt: &[u8]) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(!opt.is_empty())];
    message.extend_from_slice(owner);
    message.extend(record_type.0.to_be_bytes());
    message.extend([0, 1]);
    message.extend_from_slice(opt);
    message
}

const SOA: &str = "example 1800 SOA a.ns.test. dns.test. 1 10000 2400 604800 1800";

/// An empty section.
const NOTHING: [&str; 0] = [];

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| line.to_string()).collect()
}

fn positive(answer: &[&str]) -> Reply {
    Reply {
        rcode: 0,
        authoritative: true,
        truncated: false,
        answer: lines(answer),
        authority: vec![],
        additional: vec![],
    }
}

fn negative(rcode: u16) -> Reply {
    Reply { rcode, authority: vec![SOA.into()], ..positive(&[]) }
}
