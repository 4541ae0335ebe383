//! What an operator does with zones that is too much for one line each way: lists, zone files in and out, dumps.
//!
//! ```text
//!  command                          server, or the command itself when none runs
//!   request, one line       ----->
//!                           <-----  "go", or why not
//!   frames: Said, data      ----->  import: files
//!                           <-----  frames: Told, data;  the last is Done or Failed
//! ```
//!
//! The request line and the answer to it are the control socket's own; what follows is here. Nothing is gathered:
//! whoever writes waits for whoever reads, and a file that is imported is the only thing that is ever whole in memory.

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::Semaphore;

use super::{ZoneLine, zone_dump, zone_export, zone_import, zone_list};
use crate::control_socket::{Target, frames};

/// Octets that are gathered before they are sent.
const PARCEL_OCTETS: usize = 64 * 1024;

/// Something that an operator asks for.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub enum Exchange {
    /// Zones, one [`Told::Zone`] each.
    ZoneList(ZoneQuery),
    /// Zone files go in ([`Said`]), what becomes of them comes out.
    ZoneImport(ZoneImport),
    /// Zones as zone files: a [`Told::File`] each, then its text.
    ZoneExport {
        /// The zone's name or id; none: all zones, the platform's own aside.
        zone: Option<String>,
    },
    /// A zone as the world sees it: a [`Told::File`], then its text.
    ZoneDump {
        /// Its name or id.
        zone: String,
    },
}

/// Which zones to list. What is not set filters nothing.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq, Default)]
pub struct ZoneQuery {
    /// A pattern for names; `*` stands for anything.
    pub name: Option<String>,
    /// The id of an account.
    pub account: Option<String>,
    /// A status, as the API writes it.
    pub status: Option<String>,
}

/// How to import.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq, Default)]
pub struct ZoneImport {
    /// The id of the account; none: the only one there is.
    pub account: Option<String>,
    /// Whether records are proxied that can be and do not say.
    pub proxied: bool,
    /// Whether to end at the first line that is refused.
    pub stop_at_problem: bool,
    /// Whether the zones become active.
    pub activate: bool,
}

/// What the command says. An end of the stream before [`Said::End`] is the same as it, and an interruption.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// A file begins; its text follows as data.
    File {
        /// What problems call it.
        name: String,
        /// The apex, where the name of the file or the operator says it.
        origin: Option<String>,
    },
    /// The file is whole.
    FileEnd,
    /// There are no more.
    End,
}

/// What the server says.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// A zone of a list.
    Zone(ZoneLine),
    /// So many files will come.
    Files(u64),
    /// A file begins; its text follows as data.
    File {
        /// The zone's name.
        name: String,
        /// The zone's id.
        id: String,
    },
    /// Something about a line that is imported.
    Problem(Problem),
    /// So many records of the import have been dealt with.
    Progress(u64),
    /// A file of the import is done, and on disk.
    Imported(Imported),
    /// Another import has its turn; this one waits until it has ended.
    Waiting,
    /// All is done.
    Done,
    /// It has ended early: why, as a sentence.
    Failed(String),
}

/// Something about a line of an imported file.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line, from 1; 0 if it is about the whole file.
    pub line: u32,
    /// What became of the line.
    pub kind: ProblemKind,
    /// What is wrong and what would be right.
    pub text: String,
}

/// What became of a line that was not simply imported.
#[derive(Clone, Copy, Serialize, Deserialize, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// It was left out because it is wrong, or breaks a rule.
    Refused,
    /// It was imported with a change.
    Adjusted,
    /// It was left out because it is not the owner's to say.
    Skipped,
}

/// What became of an imported file.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq)]
pub struct Imported {
    /// The file.
    pub file: String,
    /// The zone's id.
    pub id: String,
    /// The zone's name.
    pub zone: String,
    /// Whether the zone is new.
    pub created: bool,
    /// Records in the file.
    pub parsed: u64,
    /// Records that are new.
    pub added: u64,
    /// Records that were there.
    pub unchanged: u64,
    /// Problems of the file, told or not.
    pub problems: u64,
}

/// What exchanges share, so that many of them cost no more than one.
pub struct Desk {
    /// One import at a time; others wait for their turn.
    pub(super) imports: Semaphore,
    /// Octets of an imported file at most; 0: any number.
    pub(super) file_octets_max: u64,
    /// How long commands may be silent.
    pub(crate) patience: Patience,
}

/// How long a command may be silent where others wait for what it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Before its request, while it holds one of few places.
    pub(crate) request: Duration,
    /// Between the frames of an import, while it has the turn.
    pub(crate) import: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { request: Duration::from_secs(10), import: Duration::from_secs(60) }
    }
}

impl Desk {
    /// A desk that takes files of up to so many octets; 0 lifts the limit.
    pub fn new(file_octets_max: u64) -> Self {
        Self { imports: Semaphore::new(1), file_octets_max, patience: Patience::default() }
    }
}

/// Why an exchange has ended early.
pub(super) enum Trouble {
    /// The other side does not listen any more.
    Gone(io::Error),
    /// A sentence for the operator.
    Told(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Gone(error)
    }
}

impl From<waymark_control::Refusal> for Trouble {
    fn from(refusal: waymark_control::Refusal) -> Self {
        Self::Told(refusal.to_string())
    }
}

impl From<String> for Trouble {
    fn from(sentence: String) -> Self {
        Self::Told(sentence)
    }
}

/// Carries out an exchange that was agreed to. An error: the other side is gone, or does not keep to the form.
pub async fn carry_out(
    target: &impl Target,
    desk: &Desk,
    exchange: Exchange,
    from: &mut (impl AsyncRead + Unpin + Send),
    to: &mut (impl AsyncWrite + Unpin + Send),
) -> io::Result<()> {
    let mut parcel = Parcel { to, octets: Vec::new() };
    let done = match exchange {
        Exchange::ZoneList(query) => zone_list::list(target, query, &mut parcel).await,
        Exchange::ZoneImport(request) => zone_import::import(target, desk, request, from, &mut parcel).await,
        Exchange::ZoneExport { zone } => zone_export::export(target, zone, &mut parcel).await,
        Exchange::ZoneDump { zone } => zone_dump::dump(target, &zone, &mut parcel).await,
    };
    match done {
        Ok(()) => parcel.say(&Told::Done).await?,
        Err(Trouble::Told(sentence)) => parcel.say(&Told::Failed(sentence)).await?,
        Err(Trouble::Gone(error)) => return Err(error),
    }
    parcel.send().await
}

/// Frames on their way out, several at a time.
pub(super) struct Parcel<'w, W> {
    to: &'w mut W,
    octets: Vec<u8>,
}

impl<W: AsyncWrite + Unpin + Send> Parcel<'_, W> {
    /// Adds a message.
    pub(super) async fn say(&mut self, told: &Told) -> io::Result<()> {
        frames::message(&mut self.octets, told)?;
        self.send_if_full().await
    }

    /// Adds text.
    pub(super) async fn text(&mut self, text: &str) -> io::Result<()> {
        frames::data(&mut self.octets, text.as_bytes())?;
        self.send_if_full().await
    }

    /// Sends what is there.
    pub(super) async fn send(&mut self) -> io::Result<()> {
        self.to.write_all(&self.octets).await?;
        self.octets.clear();
        Ok(())
    }

    async fn send_if_full(&mut self) -> io::Result<()> {
        if self.octets.len() >= PARCEL_OCTETS { self.send().await } else { Ok(()) }
    }
}
