//! Answers for master files, until its standard input ends: Waymark as `interop/references` compares it with others.
//!
//! ```text
//! zone_server --listen ADDRESS:PORT APEX=FILE...
//! ```
//!
//! A file has one record per line: owner, TTL, class, type, data; names are absolute, nothing is abbreviated. All zones
//! are of one account, active and proven, and answered for at every address.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;

use waymark_serve::clock::SystemClock;
use waymark_serve::{Options, Server, Surroundings};
use waymark_wire::{Name, Rdata, RecordType, Serial};
use waymark_zone::catalog::{Catalog, Writer};
use waymark_zone::published::{
    AccountNumber, Incarnation, Position, RRset, ScopeId, Soa, Version, ZoneHeader, ZoneNumber, ZoneStatus,
};

type Failure = Box<dyn Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some("--listen"), Some(listen)) = (arguments.next().as_deref(), arguments.next()) else {
        return Err("usage: zone_server --listen ADDRESS:PORT APEX=FILE...".into());
    };
    let (mut writer, catalog) = Catalog::new(0);
    for (number, argument) in (1..).zip(arguments) {
        let (apex, file) = argument.rsplit_once('=').ok_or("a zone is APEX=FILE")?;
        let lines = std::fs::read_to_string(file)?;
        stage(&mut writer, ZoneNumber(number), Name::from_text(apex)?, &lines)
            .map_err(|why| format!("{file}: {why}"))?;
    }
    writer.publish_staged(Incarnation::default(), Position(1), &[]);
    let listen: SocketAddr = listen.parse()?;
    let bound = Server::bind(&Options { listen: vec![listen], workers: 1, ..Options::default() })?;
    let surroundings = Surroundings { clock: Arc::new(SystemClock::new()), seed: [0; 16], supplier: None };
    let server = Server::start(bound, catalog, tokio::runtime::Handle::current(), surroundings)?;
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    server.shutdown().await;
    Ok(())
}

/// Puts a zone into the catalog's next state.
fn stage(writer: &mut Writer, number: ZoneNumber, apex: Name, lines: &str) -> Result<(), Failure> {
    let mut rrsets = BTreeMap::new();
    for line in lines.lines() {
        read(line, &mut rrsets).map_err(|why| format!("{line}: {why}"))?;
    }
    let soa = rrsets.remove(&(apex.clone(), RecordType::SOA)).ok_or("the zone has no SOA")?;
    let ns = rrsets.remove(&(apex.clone(), RecordType::NS)).ok_or("the zone has no NS")?;
    let text = soa.data.first().ok_or("the SOA is empty")?.to_string();
    let [mname, rname, serial, refresh, retry, expire, minimum] = text.split(' ').collect::<Vec<_>>()[..] else {
        return Err("the SOA has seven fields".into());
    };
    let header = ZoneHeader {
        apex,
        soa: Soa {
            mname: mname.parse()?,
            rname: rname.parse()?,
            refresh: refresh.parse()?,
            retry: retry.parse()?,
            expire: expire.parse()?,
            minimum: minimum.parse()?,
            ttl: soa.ttl,
        },
        nameservers: ns.data.iter().map(|rdata| Name::from_wire(rdata.wire())).collect::<Result<_, _>>()?,
        ns_ttl: ns.ttl,
        account: AccountNumber(1),
        status: ZoneStatus::Active,
        proven: true,
        scopes: vec![ScopeId::ACTIVE, ScopeId::ALL],
        signed: false,
    };
    writer.stage_zone(number, Version(1), Serial::new(serial.parse()?), header);
    writer.stage_rrsets(number, &rrsets.into_values().collect::<Vec<_>>());
    Ok(())
}

/// Adds the record of a line.
fn read(line: &str, rrsets: &mut BTreeMap<(Name, RecordType), RRset>) -> Result<(), Failure> {
    let mut fields = line.splitn(5, ' ');
    let mut field = || fields.next().ok_or("a line has five fields");
    let (owner, ttl, _class, mnemonic, data) = (field()?, field()?, field()?, field()?, field()?);
    let owner: Name = owner.parse()?;
    let record_type = RecordType::from_mnemonic(mnemonic).ok_or("the type is unknown")?;
    let data = Rdata::from_text(record_type, data, &Name::root())?;
    let rrset = rrsets.entry((owner.clone(), record_type)).or_insert_with(|| RRset {
        owner,
        record_type,
        ttl: 0,
        data: Vec::new(),
    });
    rrset.ttl = ttl.parse()?;
    if let Err(at) = rrset.data.binary_search(&data) {
        rrset.data.insert(at, data);
    }
    Ok(())
}
