//! Importing zone files: many into an account, or one into a zone.
//!
//! ```text
//!  ImportFiles --bounded--> job: parse, rules, sort --pieces of about 15 ms--> the writer --> ImportEvents
//! ```
//!
//! A file of up to [`RECORDS_PER_WRITE_MAX`] records is one write, and comes whole or not at all. A larger one comes in
//! pieces: a zone that is new is `initializing` until its last piece, and answers nowhere; one that a crash has left so
//! is completed by importing the file again. Into a zone that was there the pieces appear one after another.
//!
//! What a file says of SOA and NS at the apex, and of signatures, is the platform's own business and is passed over.
//! Records that are there already stay as they are.

mod job;
mod parse;
mod problems;
mod rows;
mod write;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{Semaphore, mpsc};
use waymark_wire::Name;
use waymark_wire::zone_file::ReaderOptions;

use crate::error::{Invalid, Refusal, Unavailable};
use crate::identity::{Grant, Permission};
use crate::store::{KeyedRow, Store, ZoneRow};
use crate::{Action, Control, PublicId, zones};

use job::Waiting;
use parse::parse;
use problems::Problems;
use rows::Rules;
use write::{Importer, Outcome};

/// Files that wait at most.
const FILES_WAITING: usize = 1_024;
/// Octets of files that wait or are being imported at most; a larger file waits until it is alone.
const OCTETS_WAITING: usize = 64 << 20;
/// What the room of a file is counted in, in octets.
const ROOM_UNIT: usize = 256;
/// Events that wait to be taken.
const EVENTS_WAITING: usize = 1_024;

/// Records that `$GENERATE` makes in one import into a zone at most: it is one write.
const GENERATED_MAX: u64 = RECORDS_PER_WRITE_MAX as u64;

/// New records of a file that are written in one write at most.
pub const RECORDS_PER_WRITE_MAX: usize = 10_000;

/// A zone file to be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneFile {
    /// What problems call it.
    pub name: String,
    /// The apex, if the name of the file or the caller says it; a SOA record in the file comes before it.
    pub origin: Option<Name>,
    /// What it says.
    pub text: Vec<u8>,
}

/// How to import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// Whether records are proxied that can be and do not say.
    pub proxied: bool,
    /// Nothing is written of the first file in which a line is refused, and the import ends there.
    pub stop_at_problem: bool,
}

/// What an import says while it goes on. Of each file its problems come first, then the zone.
#[derive(Clone, Debug, PartialEq)]
pub enum ImportEvent {
    /// Something about a line, or about a whole file.
    Problem(ImportProblem),
    /// So many records have been dealt with since the start.
    Progress {
        /// Records written or found to be there.
        records: u64,
    },
    /// A file is done, and on disk.
    Zone(ImportedZone),
    /// The import has ended early; the last event. What no [`Self::Zone`] has told of is not written, or, of a large
    /// file, not completed.
    Ended(Refusal),
}

/// What became of a line that is not simply imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImportProblemKind {
    /// It is left out because it is wrong, or breaks a rule.
    Refused,
    /// It is imported with a change.
    Adjusted,
    /// It is left out because it is not the owner's to say.
    Skipped,
}

/// Something about a line.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportProblem {
    /// The file, as its giver has called it.
    pub file: String,
    /// The line, from 1; 0 if it is about the whole file.
    pub line: u32,
    /// What became of it.
    pub kind: ImportProblemKind,
    /// What is wrong and what would be right.
    pub text: String,
    /// The rule that refused it, if it was one of the rules for records, and not the syntax of zone files.
    pub refusal: Option<Refusal>,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedZone {
    /// The file.
    pub file: String,
    /// The zone.
    pub id: PublicId,
    /// Its apex.
    pub apex: Name,
    /// Whether it is new.
    pub created: bool,
    /// Records that the file has, those that are passed over among them.
    pub parsed: u64,
    /// Records that are new.
    pub added: u64,
    /// Records that were there already.
    pub unchanged: u64,
    /// Problems of the file, also those that were too many to be told.
    pub problems: u64,
}

/// What an import into one zone came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordsImported {
    /// Records that the text has, those that are passed over among them.
    pub parsed: u64,
    /// Records that are new.
    pub added: u64,
    /// What was left out or changed, in the order of lines.
    pub problems: Vec<ImportProblem>,
}

/// The import has ended; its events say why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the import has ended")]
pub struct ImportEnded;

/// Where the files of an import go in. Dropped: there are no more.
pub struct ImportFiles {
    files: mpsc::Sender<Waiting>,
    /// Of the octets that may wait, in units of [`ROOM_UNIT`].
    room: Arc<Semaphore>,
}

/// Where the events of an import come out. Dropped: the import ends after what is being written.
pub struct ImportEvents {
    events: mpsc::Receiver<ImportEvent>,
}

impl Control {
    /// Begins to import zone files into an account: each into the zone of its apex, which is made, pending, if the
    /// account has none of that name. A bounded amount is under way at any time, and one import works at a time.
    pub fn import_start(&self, grant: Grant, account: PublicId, options: ImportOptions) -> (ImportFiles, ImportEvents) {
        let (files, waiting) = mpsc::channel(FILES_WAITING);
        let (tell, events) = mpsc::channel(EVENTS_WAITING);
        let importer = Importer { grant, account, stop: options.stop_at_problem };
        let (store, failed) = (self.store.clone(), tell.clone());
        let work = move || job::run(store, importer, options, waiting, tell);
        if let Err(error) = std::thread::Builder::new().name("import".to_owned()).spawn(work) {
            // The channel has room for its first event.
            let _ = failed.try_send(ImportEvent::Ended(Unavailable::Store(error.to_string()).into()));
        }
        (ImportFiles { files, room: Arc::new(Semaphore::new(OCTETS_WAITING / ROOM_UNIT)) }, ImportEvents { events })
    }

    /// Imports a zone file into a zone, in one write. Errors of syntax refuse all of it ([`Invalid::ZoneFile`] with the
    /// line); records that break a rule, and those of types that the API does not write, are left out and reported.
    pub async fn record_import(
        &self,
        grant: &Grant,
        zone: PublicId,
        text: Vec<u8>,
        proxied: bool,
    ) -> Result<RecordsImported, Refusal> {
        let (store, reader) = (self.store.clone(), grant.clone());
        let prepare = move || prepare(&store, &reader, zone, &text, proxied);
        let prepared = tokio::task::spawn_blocking(prepare).await;
        let (rows, mut imported, mut problems) = prepared.unwrap_or(Err(Unavailable::Internal.into()))?;
        let writer = grant.clone();
        let write = self.write(grant.actor(), Action::RecordImport, move |tx| {
            let zone = zones::open(tx, &writer, zone, Permission::DnsEdit)?;
            let outcome = write::beside(tx, &zone, rows, false)?;
            tx.audit_object(Some(zone.account.0), zone.id);
            Ok(outcome)
        });
        if let Outcome::Done(done) = write.await? {
            imported.added = done.added;
            done.refused.into_iter().for_each(|(line, refusal)| problems.refused(line, refusal));
        }
        let counters = &self.store.shared.counters;
        counters.zones_imported.fetch_add(u64::from(imported.added > 0), Ordering::Relaxed);
        counters.records_imported.fetch_add(imported.added, Ordering::Relaxed);
        imported.problems = problems.finish();
        Ok(imported)
    }
}

/// Reads a text for a zone: the rows that may be added to it, and what is known of the import by then. Blocks.
fn prepare(
    store: &Store,
    grant: &Grant,
    zone: PublicId,
    text: &[u8],
    proxied: bool,
) -> Result<(Vec<KeyedRow>, RecordsImported, Problems), Refusal> {
    let zone: ZoneRow = store.read_blocking(|sql| zones::find(sql, grant, zone, &[Permission::DnsEdit]))?;
    let mut problems = Problems::new(String::new());
    let options = ReaderOptions { generated_max: GENERATED_MAX, ..ReaderOptions::default() };
    let parsed = parse(text, Some(zone.apex.clone()), options, &mut problems);
    if let Some((line, why)) = problems.first_unreadable {
        return Err(Invalid::ZoneFile { line, why }.into());
    }
    if let (Some(other), Some(line)) = (parsed.apex.filter(|apex| *apex != zone.apex), parsed.soa_line) {
        let why = format!("the SOA record is of the zone {other}: a file of {} is needed", zone.apex);
        return Err(Invalid::ZoneFile { line, why }.into());
    }
    let shared = &store.shared;
    let rules = Rules {
        apex: &zone.apex,
        plan: zone.plan,
        proxied,
        any_type: false,
        rrset_octets_max: shared.limits.rrset_octets_max(),
        now: shared.clock.now(),
    };
    let rows = rows::candidates(&rules, &*shared.random, parsed.lines.into_iter(), &mut problems);
    let imported = RecordsImported { parsed: parsed.parsed, ..RecordsImported::default() };
    Ok((rows, imported, problems))
}

impl ImportFiles {
    /// Hands over a file; waits while much is under way.
    pub async fn push(&self, file: ZoneFile) -> Result<(), ImportEnded> {
        let needed = file.text.len().div_ceil(ROOM_UNIT).clamp(1, OCTETS_WAITING / ROOM_UNIT);
        let needed = u32::try_from(needed).map_err(|_| ImportEnded)?;
        let ended = self.files.closed();
        let room = tokio::select! {
            room = self.room.clone().acquire_many_owned(needed) => room.map_err(|_| ImportEnded)?,
            () = ended => return Err(ImportEnded),
        };
        self.files.send(Waiting { file, room }).await.map_err(|_| ImportEnded)
    }
}

impl ImportEvents {
    /// The next event; none: all is done, and what was written is on disk.
    pub async fn next(&mut self) -> Option<ImportEvent> {
        self.events.recv().await
    }
}

#[cfg(test)]
mod tests;
