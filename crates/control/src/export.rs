//! Exporting a zone as a zone file: in pieces, out of one read transaction, while writes go on.
//!
//! ```text
//!  records in the order of their names --a name at a time--> lines --pieces, two ahead--> Export::next
//! ```
//!
//! The file says nothing of when it was made, and its SOA has serial 1: what is imported again into an empty zone with
//! the same nameservers is exported as the same octets.

use rusqlite::Connection;
use tokio::sync::mpsc;
use waymark_wire::zone_file::{Attributes, write_record};
use waymark_wire::{Rdata, RecordType, Serial};

use crate::error::{Refusal, Unavailable};
use crate::identity::{Grant, Permission};
use crate::store::{FullZone, RECORD_COLUMNS, RecordRow, Sql};
use crate::{Control, PublicId, publish, zones};

/// Octets of a piece, more or less.
const PIECE_OCTETS: usize = 64 << 10;
/// Pieces that wait to be taken.
const PIECES_WAITING: usize = 2;

/// A zone file that is being written, of the state of one moment. While it lives the store keeps that state: read it
/// out and drop it.
pub struct Export {
    pieces: mpsc::Receiver<Result<String, Refusal>>,
}

impl Control {
    /// A zone as a zone file that can be imported again: SOA and nameservers as they are now (with serial 1), then the
    /// owner's records in canonical order, with their comments, tags and proxies.
    pub async fn record_export(&self, grant: &Grant, zone: PublicId) -> Result<Export, Refusal> {
        let store = self.store.clone();
        // An export lasts as long as its reader takes: it has a connection of its own, and others may read meanwhile.
        let permit = store.exporting.clone().acquire_owned().await.map_err(|_| Unavailable::Closed)?;
        let grant = grant.clone();
        let begin = move || -> Result<_, Refusal> {
            let connection = store.reader()?;
            connection.execute_batch("BEGIN")?;
            let row = zones::find(Sql(&connection), &grant, zone, &[Permission::DnsRead])?;
            let zone = FullZone::by_number(Sql(&connection), row.number)?.ok_or(Unavailable::Internal)?;
            let heading = heading(&zone, &store.shared.mailbox)?;
            Ok((connection, zone, heading))
        };
        let begun = tokio::task::spawn_blocking(begin).await;
        let (connection, zone, heading) = begun.unwrap_or(Err(Unavailable::Internal.into()))?;
        let (sender, pieces) = mpsc::channel(PIECES_WAITING);
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            if let Err(Some(refusal)) = write(&connection, &zone, heading, &sender) {
                // Nobody may be listening any more.
                let _ = sender.blocking_send(Err(refusal));
            }
        });
        Ok(Export { pieces })
    }
}

impl Export {
    /// The next piece of text, of whole lines; none at the end.
    pub async fn next(&mut self) -> Result<Option<String>, Refusal> {
        self.pieces.recv().await.transpose()
    }
}

/// What stands before the owner's records.
fn heading(zone: &FullZone, mailbox: &waymark_wire::Name) -> Result<String, Refusal> {
    let header = publish::header(zone, mailbox);
    let apex = &header.apex;
    let unreadable = |_| Refusal::from(Unavailable::Internal);
    let mut out = format!(
        ";;\n;; Domain:     {apex}.\n;;\n;; A copy of the zone's records, to be kept, changed or imported elsewhere. The \
         zone itself is\n;; answered by the nameservers below; its SOA record has its own serial there.\n;;\n\n\
         ;; SOA Record\n"
    );
    let soa = Rdata::from_wire(RecordType::SOA, &header.soa.rdata(Serial::new(1))).map_err(unreadable)?;
    write_record(&mut out, apex, header.soa.ttl, &soa, None);
    out.push_str("\n;; NS Records\n");
    for nameserver in &header.nameservers {
        let ns = Rdata::from_wire(RecordType::NS, nameserver.as_wire()).map_err(unreadable)?;
        write_record(&mut out, apex, header.ns_ttl, &ns, None);
    }
    Ok(out)
}

/// Writes the records, piece by piece. An error without a refusal: nobody listens any more.
fn write(
    connection: &Connection,
    zone: &FullZone,
    heading: String,
    pieces: &mpsc::Sender<Result<String, Refusal>>,
) -> Result<(), Option<Refusal>> {
    let fault = |error: rusqlite::Error| Some(Refusal::from(error));
    let text = format!("SELECT {RECORD_COLUMNS} FROM records WHERE zone_id = ?1 ORDER BY name");
    let mut statement = connection.prepare_cached(&text).map_err(fault)?;
    let mut rows = statement.query([zone.row.number.0]).map_err(fault)?;
    let mut out = heading;
    out.push_str("\n;; Records\n");
    let mut name: Vec<RecordRow> = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        let row = RecordRow::read(row).map_err(fault)?;
        if name.first().is_some_and(|first| first.name != row.name) {
            write_name(&mut out, zone, &mut name);
            if out.len() >= PIECE_OCTETS {
                pieces.blocking_send(Ok(std::mem::take(&mut out))).map_err(|_| None)?;
            }
        }
        name.push(row);
    }
    write_name(&mut out, zone, &mut name);
    pieces.blocking_send(Ok(out)).map_err(|_| None)
}

/// Writes the records of a name by type and data, and empties the list.
fn write_name(out: &mut String, zone: &FullZone, rows: &mut Vec<RecordRow>) {
    rows.sort_by(|one, other| (one.record_type, &one.rdata).cmp(&(other.record_type, &other.rdata)));
    for row in rows.drain(..) {
        // NS records at the apex are kept and not served; an import passes them over.
        if row.record_type == RecordType::NS && row.name == zone.row.apex {
            continue;
        }
        write_record(out, &row.name, row.ttl, &row.rdata, attributes(&row).to_comment().as_deref());
    }
}

fn attributes(row: &RecordRow) -> Attributes {
    let proxiable =
        waymark_wire::records::row(row.record_type).and_then(|row| row.api.as_ref()).is_some_and(|api| api.proxiable);
    Attributes {
        comment: row.comment.clone(),
        tags: row.tags.clone(),
        proxied: proxiable.then_some(row.proxied),
        flatten_cname: row.settings.get("flatten_cname").is_some_and(|value| value == true),
    }
}

#[cfg(test)]
mod tests;
