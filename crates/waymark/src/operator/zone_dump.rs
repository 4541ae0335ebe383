//! A zone as the world sees it: out of the edge's file, as it is served.

use tokio::io::AsyncWrite;
use tokio::sync::mpsc;
use waymark_control::Grant;
use waymark_serve::edge_file::{EdgeFileError, Snapshot, StoredZone};
use waymark_wire::{Rdata, RecordType};
use waymark_zone::ZoneNumber;
use waymark_zone::published::RRset;

use super::exchange::{Parcel, Told, Trouble};
use super::zones;
use crate::control_socket::Target;

/// Octets of text that are made at a time.
const PIECE_OCTETS: usize = 64 * 1024;
/// Pieces that wait to be sent.
const PIECES_WAITING: usize = 2;

pub(super) async fn dump<W: AsyncWrite + Unpin + Send>(
    target: &impl Target,
    zone: &str,
    to: &mut Parcel<'_, W>,
) -> Result<(), Trouble> {
    let id = zones::find(target.control()?, zone).await?;
    let zone = target.control()?.zone_get(&Grant::operator(), id).await?;
    let unreadable = |error: EdgeFileError| Trouble::Told(error.to_string());
    let nothing =
        || Trouble::Told(format!("the edge's file does not have {} yet: `waymark serve` fills it", zone.name));
    let snapshot = target.edge_file().await.map_err(unreadable)?.ok_or_else(nothing)?;
    let number = ZoneNumber(zone.number);
    let stored = snapshot.zone(number).map_err(unreadable)?.ok_or_else(nothing)?;
    to.say(&Told::File { name: zone.name.to_string(), id: id.to_string() }).await?;
    let (pieces, mut made) = mpsc::channel(PIECES_WAITING);
    // The file is read by a thread that may block.
    let reading = tokio::task::spawn_blocking(move || write(&snapshot, &stored, number, &pieces));
    while let Some(piece) = made.recv().await {
        to.text(&piece).await?;
    }
    match reading.await {
        Ok(read) => read.map_err(unreadable),
        Err(_) => Err(Trouble::Told("the edge's file could not be read to its end".to_owned())),
    }
}

/// Writes a zone in canonical order (RFC 4034 section 6.1), its types by number, SOA and NS of the apex first.
fn write(
    snapshot: &Snapshot,
    stored: &StoredZone,
    number: ZoneNumber,
    pieces: &mpsc::Sender<String>,
) -> Result<(), EdgeFileError> {
    let mut piece = String::new();
    for rrset in apex(stored) {
        write_rrset(&mut piece, &rrset);
    }
    for name in snapshot.names(number)? {
        let (_, mut rrsets) = name?;
        rrsets.sort_by_key(|rrset| rrset.record_type.0);
        for rrset in &rrsets {
            write_rrset(&mut piece, rrset);
        }
        // Whoever wanted it may have gone away.
        if piece.len() >= PIECE_OCTETS && pieces.blocking_send(std::mem::take(&mut piece)).is_err() {
            return Ok(());
        }
    }
    let _ = pieces.blocking_send(piece);
    Ok(())
}

/// What a zone's header gives: the SOA record, with the serial that is served, and the NS RRset.
fn apex(stored: &StoredZone) -> Vec<RRset> {
    let header = &stored.header;
    let rrset = |record_type: RecordType, ttl: u32, wires: Vec<Vec<u8>>| RRset {
        owner: header.apex.clone(),
        record_type,
        ttl,
        // Made of names and numbers, so that they cannot fail.
        data: wires.iter().filter_map(|wire| Rdata::from_wire(record_type, wire).ok()).collect(),
    };
    let mut servers: Vec<Vec<u8>> = header.nameservers.iter().map(|name| name.as_wire().to_vec()).collect();
    servers.sort();
    vec![
        rrset(RecordType::SOA, header.soa.ttl, vec![header.soa.rdata(stored.serial)]),
        rrset(RecordType::NS, header.ns_ttl, servers),
    ]
}

fn write_rrset(text: &mut String, rrset: &RRset) {
    for rdata in &rrset.data {
        let dot = if rrset.owner.is_root() { "" } else { "." };
        *text += &format!("{}{dot}\t{}\tIN\t{}\t{rdata}\n", rrset.owner, rrset.ttl, rrset.record_type);
    }
}
