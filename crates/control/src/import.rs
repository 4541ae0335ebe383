//! Importing zone files: many into an account, or one into a zone.
//!
//! ```text
//!  ImportFiles --bounded--> job: parse, rules, sort --pieces of about 20 ms--> the writer --> ImportEvents
//! ```
//!
//! A file of up to [`RECORDS_PER_WRITE_MAX`] records is one write, and comes whole or not at all. A larger one comes in
//! pieces: a zone that is new is `initializing` until its last piece, and answers nowhere; one that a crash has left so
//! is completed by importing the file again. Into a zone that was there the pieces appear one after another.
//!
//! What a file says of SOA and NS at the apex, and of signatures, is the platform's own business and is passed over.
//! Records that are there already stay as they are.

use waymark_wire::Name;

use crate::error::Refusal;
use crate::identity::Grant;
use crate::{Control, PublicId};

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
    files: tokio::sync::mpsc::Sender<ZoneFile>,
}

/// Where the events of an import come out. Dropped: the import ends after what is being written.
pub struct ImportEvents {
    events: tokio::sync::mpsc::Receiver<ImportEvent>,
}

impl Control {
    /// Begins to import zone files into an account: each into the zone of its apex, which is made, pending, if the
    /// account has none of that name. A bounded amount is under way at any time.
    pub fn import_start(&self, grant: Grant, account: PublicId, options: ImportOptions) -> (ImportFiles, ImportEvents) {
        let _ = (grant, account, options);
        let (files, _) = tokio::sync::mpsc::channel(1);
        let (_, events) = tokio::sync::mpsc::channel(1);
        (ImportFiles { files }, ImportEvents { events })
    }

    /// Imports a zone file into a zone, in one write. Errors of syntax refuse all of it ([`Refusal::Invalid`] with the
    /// line); records that break a rule, and those of types that the API does not write, are left out and reported.
    pub async fn record_import(
        &self,
        grant: &Grant,
        zone: PublicId,
        text: Vec<u8>,
        proxied: bool,
    ) -> Result<RecordsImported, Refusal> {
        let _ = (grant, zone, text, proxied);
        Err(Refusal::NotAvailable("zone files cannot be imported yet".to_owned()))
    }
}

impl ImportFiles {
    /// Hands over a file; waits while much is under way.
    pub async fn push(&self, file: ZoneFile) -> Result<(), ImportEnded> {
        self.files.send(file).await.map_err(|_| ImportEnded)
    }
}

impl ImportEvents {
    /// The next event; none: all is done, and what was written is on disk.
    pub async fn next(&mut self) -> Option<ImportEvent> {
        self.events.recv().await
    }
}
