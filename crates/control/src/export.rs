//! Exporting a zone as a zone file, of the state of one moment, while writes go on.
//!
//! ```text
//!  records in the order of their names --a name at a time--> lines --at full speed--> spool --pieces--> Export::next
//! ```
//!
//! The whole text is written aside, in memory or in a file without a name in the data directory, before its reader gets
//! the first piece: the read transaction lasts as long as that takes and not as long as the reader does, for the store's
//! WAL grows for as long as a transaction keeps an old state. How many texts wait for their readers is limited.
//!
//! The file says nothing of when it was made, and its SOA has serial 1: what is imported again into an empty zone with
//! the same nameservers is exported as the same octets.

mod spool;

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use waymark_wire::zone_file::{Attributes, write_record};
use waymark_wire::{Rdata, RecordType, Serial};

use self::spool::{PIECE_OCTETS, Spool, Spooled};
use crate::error::{Refusal, Unavailable};
use crate::identity::{Grant, Permission};
use crate::store::{FullZone, RECORD_COLUMNS, RecordRow, Sql, Store};
use crate::{Control, PublicId, publish, zones};

/// A zone file, of the state of one moment. It has memory or room on the disk, and one of [`crate::Limits::exports`],
/// until its last piece is taken or it is dropped.
pub struct Export(State);

enum State {
    /// There is more.
    Left(Spooled),
    /// All is read.
    Read,
    /// Reading failed, or was given up in the middle of a piece.
    BrokenOff,
}

impl Control {
    /// A zone as a zone file that can be imported again: SOA and nameservers as they are now (with serial 1), then the
    /// owner's records in canonical order, with their comments, tags and proxies. Refused if as many exports as may be
    /// are being read.
    pub async fn record_export(&self, grant: &Grant, zone: PublicId) -> Result<Export, Refusal> {
        let store = self.store.clone();
        let place = store.exports.clone().try_acquire_owned().map_err(|_| Unavailable::Exports)?;
        // It may be long: it does not take the connection of a short read.
        let permit = store.exporting.clone().acquire_owned().await.map_err(|_| Unavailable::Closed)?;
        let grant = grant.clone();
        let (reply, written) = oneshot::channel();
        tokio::task::spawn_blocking(move || {
            let abandoned = || reply.is_closed();
            let text = write(&store, &grant, zone, place, &abandoned);
            drop(permit);
            // Nobody may be waiting any more.
            let _ = reply.send(text);
        });
        let text = written.await.unwrap_or(Err(Unavailable::Internal.into()))?;
        Ok(Export(State::Left(text)))
    }
}

impl Export {
    /// The next piece of text, of whole lines; none at the end. After an error, and where a call was dropped before it
    /// was done, the rest is lost: every further call is an error.
    pub async fn next(&mut self) -> Result<Option<String>, Refusal> {
        match std::mem::replace(&mut self.0, State::BrokenOff) {
            State::Left(text) => {
                let read = tokio::task::spawn_blocking(move || text.piece()).await;
                let (piece, left) = read.unwrap_or(Err(Unavailable::Internal))?;
                self.0 = left.map_or(State::Read, State::Left);
                Ok(Some(piece))
            }
            State::Read => {
                self.0 = State::Read;
                Ok(None)
            }
            State::BrokenOff => Err(Unavailable::Internal.into()),
        }
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

/// Writes the whole file aside, inside one read transaction; ends early when it is `abandoned`.
fn write(
    store: &Store,
    grant: &Grant,
    zone: PublicId,
    place: OwnedSemaphorePermit,
    abandoned: &dyn Fn() -> bool,
) -> Result<Spooled, Refusal> {
    let mut spool = Spool::new(store.directory(), place);
    store.read_blocking(|sql| {
        let row = zones::find(sql, grant, zone, &[Permission::DnsRead])?;
        let zone = FullZone::by_number(sql, row.number)?.ok_or(Unavailable::Internal)?;
        let heading = heading(&zone, &store.shared.mailbox)?;
        write_records(sql, &zone, heading, &mut spool, abandoned)
    })?;
    Ok(spool.finish()?)
}

/// Writes the records behind the heading.
fn write_records(
    sql: Sql<'_>,
    zone: &FullZone,
    heading: String,
    spool: &mut Spool,
    abandoned: &dyn Fn() -> bool,
) -> Result<(), Refusal> {
    let text = format!("SELECT {RECORD_COLUMNS} FROM records WHERE zone_id = ?1 ORDER BY name");
    let mut statement = sql.0.prepare_cached(&text)?;
    let mut rows = statement.query([zone.row.number.0])?;
    let mut out = heading;
    out.push_str("\n;; Records\n");
    let mut name: Vec<RecordRow> = Vec::new();
    while let Some(row) = rows.next()? {
        let row = RecordRow::read(row)?;
        if name.first().is_some_and(|first| first.name != row.name) {
            write_name(&mut out, zone, &mut name);
            if out.len() >= PIECE_OCTETS {
                if abandoned() {
                    return Err(Unavailable::Closed.into());
                }
                spool.push(&out)?;
                out.clear();
            }
        }
        name.push(row);
    }
    write_name(&mut out, zone, &mut name);
    Ok(spool.push(&out)?)
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
