//! Zones, catalogs and requests for the tests of this crate.

use std::net::IpAddr;
use std::sync::Arc;

use waymark_wire::{Name, Rdata, RecordType, Serial};
use waymark_zone::answer::Settings;
use waymark_zone::catalog::{Catalog, Writer};
use waymark_zone::published::{
    AccountNumber, Incarnation, Position, RRset, ScopeChange, ScopeId, Soa, Version, ZoneHeader, ZoneNumber, ZoneStatus,
};

use crate::clock::SystemClock;
use crate::events::{self, Events};
use crate::handler::Handler;
use crate::parked::{self, Slab};
use crate::tcp::Readers;

pub(crate) fn name(text: &str) -> Name {
    Name::from_text(text).unwrap()
}

pub(crate) fn header(apex: &str, scopes: &[u32]) -> ZoneHeader {
    let soa = Soa {
        mname: name("ns1.test"),
        rname: name("hostmaster.test"),
        refresh: 10000,
        retry: 2400,
        expire: 604_800,
        minimum: 1800,
        ttl: 3600,
    };
    ZoneHeader {
        apex: name(apex),
        account: AccountNumber(1),
        status: ZoneStatus::Active,
        proven: true,
        scopes: scopes.iter().map(|scope| ScopeId(*scope)).collect(),
        soa,
        nameservers: vec![name("ns1.test"), name("ns2.test")],
        ns_ttl: 86400,
        signed: false,
    }
}

pub(crate) fn rrset(owner: &str, record_type: RecordType, ttl: u32, data: &[&[u8]]) -> RRset {
    let data = data.iter().map(|data| Rdata::from_wire(record_type, data).unwrap()).collect();
    RRset { owner: name(owner), record_type, ttl, data }
}

pub(crate) fn address(owner: &str, address: [u8; 4]) -> RRset {
    rrset(owner, RecordType::A, 300, &[&address])
}

/// A catalog in which `www.example.test` is the address given with each asked address; elsewhere nothing is served.
pub(crate) fn catalog(asked: &[(&str, [u8; 4])]) -> (Writer, Arc<Catalog>) {
    let (mut writer, catalog) = Catalog::new(7);
    let mut scopes = Vec::new();
    for (number, (asked, answer)) in asked.iter().enumerate() {
        let (zone, scope) = (ZoneNumber(number as u64 + 1), number as u32 + ScopeId::FIRST_OF_NAMESERVERS.0);
        let mut zone_header = header("example.test", &[scope]);
        zone_header.status = ZoneStatus::Pending;
        writer.stage_zone(zone, Version(1), Serial::new(1), zone_header);
        writer.stage_rrsets(zone, &[address("www.example.test", *answer)]);
        let text: Vec<Vec<u8>> =
            (0..40u8).map(|number| [&[60][..], &[b'a' + number % 26; 59], &[number]].concat()).collect();
        let text: Vec<&[u8]> = text.iter().map(Vec::as_slice).collect();
        writer.stage_rrsets(zone, &[rrset("big.example.test", RecordType::TXT, 300, &text)]);
        scopes.push(ScopeChange { scope: ScopeId(scope), addresses: vec![asked.parse().unwrap()] });
    }
    writer.publish_staged(Incarnation([1; 16]), Position(1), &scopes);
    (writer, catalog)
}

/// Readers for connections, with nothing but the catalog behind them.
pub(crate) fn readers_of(catalog: &Arc<Catalog>) -> Readers {
    let handler = Arc::new(Handler::new(Settings::default(), None, None));
    let slab = Arc::new(Slab::new(&parked::Options::default(), 1));
    Readers::new(catalog, handler, slab, Arc::new(SystemClock::new()), &Events::new(events::Options::default()))
}

/// A request for one name and type.
pub(crate) fn query(id: u16, owner: &str, record_type: RecordType) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    message.extend_from_slice(name(owner).as_wire());
    message.extend_from_slice(&record_type.0.to_be_bytes());
    message.extend_from_slice(&[0, 1]);
    message
}

/// Whether `response` answers request `id` with this address as its last record.
pub(crate) fn is_address(response: &[u8], id: u16, address: [u8; 4]) -> bool {
    response.starts_with(&id.to_be_bytes()) && response[3] & 15 == 0 && response.ends_with(&address)
}

/// The response code of a message.
pub(crate) fn rcode(response: &[u8]) -> u8 {
    response[3] & 15
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}
