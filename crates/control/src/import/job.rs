//! The job of an import: a thread that makes files ready while the writer writes what was made ready before.
//!
//! ```text
//!  file --parse, rules--> loads --gathered to about 15 ms--> writer, two pieces at most --> applied --> events
//! ```
//!
//! One job is at work at a time. A piece is handed over when the one before the last is on disk and answered from, so
//! that the writer is never idle; small writes go before a piece that waits, and so wait for one at most. How much a
//! piece holds follows how long the last ones took.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::{Connection, params};
use tokio::runtime::Runtime;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use waymark_wire::Name;
use waymark_wire::zone_file::ReaderOptions;

use super::parse::{Line, parse};
use super::problems::Problems;
use super::rows::{Rules, candidates, settle, survey};
use super::write::{self, Done, Importer, Load, Outcome};
use super::{ImportEvent, ImportOptions, ImportedZone, RECORDS_PER_WRITE_MAX, ZoneFile};
use crate::accounts;
use crate::error::{Invalid, Quota, Refusal, Unavailable};
use crate::identity::Permission;
use crate::plans::Plan;
use crate::store::{Fresh, KeyedRow, Sql, Store, Tx, Written, lock, word_at};
use crate::zones::{self, Status};
use crate::{Action, PublicId};

/// How long a piece should take the writer, in microseconds.
const PIECE_MICROS: u64 = 15_000;
/// What a zone costs beside its records, in records.
const ZONE_COST: usize = 12;
/// Bounds of a piece, in records.
const PIECE_MIN: usize = 100;
const PIECE_MAX: usize = 6_000;
/// What a piece of one zone publishes at most, in octets; the rest of what may be said inline is for the header.
const PIECE_OCTETS: usize = waymark_zone::published::INLINE_OCTETS_MAX - 8_192;
/// Pieces in the writer's queue.
const PIECES_AHEAD: usize = 2;
/// Octets of a file in which a NUL says that it is no text.
const LOOKED_AT_FOR_NUL: usize = 4_096;
/// Records whose rules are looked at in one go where nothing is written yet.
const SURVEYED_AT_ONCE: usize = 4_096;

/// A file that waits, and the room that it takes.
pub(super) struct Waiting {
    pub(super) file: ZoneFile,
    pub(super) room: OwnedSemaphorePermit,
}

/// Why the job ends before its files do.
enum End {
    /// Nobody listens any more.
    Cancelled,
    Refused(Refusal),
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What is known of a file while its load is being written.
struct Report {
    apex: Name,
    /// Whether the file has a SOA record: then it is a zone's, whatever else is in it.
    of_zone: bool,
    parsed: u64,
    unchanged: u64,
    problems: Problems,
    room: OwnedSemaphorePermit,
}

/// Loads that were handed to the writer.
struct Flight {
    written: Written<Vec<Outcome>>,
    /// Of loads that are whole files; none for pieces of one.
    reports: Vec<Report>,
    cost: usize,
}

/// Loads that come together to a piece.
#[derive(Default)]
struct Batch {
    loads: Vec<Load>,
    reports: Vec<Report>,
    cost: usize,
}

/// A zone that is there.
struct Present {
    id: PublicId,
    plan: Plan,
    status: Status,
}

/// An import at work.
pub(super) struct Job {
    store: Arc<Store>,
    importer: Importer,
    options: ImportOptions,
    events: mpsc::Sender<ImportEvent>,
    runtime: Runtime,
    reader: Connection,
    account: i64,
    batch: Batch,
    flights: VecDeque<Flight>,
    /// Zones of the batch and of the flights.
    apexes: HashSet<Name>,
    /// Outcomes of the pieces of a large file.
    pieces: Vec<Outcome>,
    /// The cost of the next piece.
    piece: usize,
    records: u64,
}

/// Runs an import to its end, which its last event tells if it is an early one. Blocks.
pub(super) fn run(
    store: Arc<Store>,
    importer: Importer,
    options: ImportOptions,
    mut files: mpsc::Receiver<Waiting>,
    events: mpsc::Sender<ImportEvent>,
) {
    let turn = store.clone();
    let _turn = lock(&turn.importing);
    let ended = match Job::new(store, importer, options, events.clone()) {
        Ok(mut job) => job.take_all(&mut files),
        Err(refusal) => Err(refusal.into()),
    };
    if let Err(End::Refused(refusal)) = ended {
        // Nobody may be listening any more.
        let _ = events.blocking_send(ImportEvent::Ended(refusal));
    }
}

impl Job {
    fn new(
        store: Arc<Store>,
        importer: Importer,
        options: ImportOptions,
        events: mpsc::Sender<ImportEvent>,
    ) -> Result<Self, Refusal> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(|error| Unavailable::Store(error.to_string()))?;
        let reader = store.reader()?;
        let account = accounts::open(Sql(&reader), &importer.grant, importer.account, Permission::DnsEdit)?.number;
        Ok(Self {
            store,
            importer,
            options,
            events,
            runtime,
            reader,
            account,
            batch: Batch::default(),
            flights: VecDeque::new(),
            apexes: HashSet::new(),
            pieces: Vec::new(),
            piece: PIECE_MIN * 4,
            records: 0,
        })
    }

    fn take_all(&mut self, files: &mut mpsc::Receiver<Waiting>) -> Result<(), End> {
        loop {
            let waiting = match files.try_recv() {
                Ok(waiting) => waiting,
                Err(mpsc::error::TryRecvError::Disconnected) => break,
                // Files come slower than they are written: what there is goes on, and the rest is waited for.
                Err(mpsc::error::TryRecvError::Empty) if !self.flights.is_empty() => {
                    self.land_one()?;
                    continue;
                }
                Err(mpsc::error::TryRecvError::Empty) if !self.batch.loads.is_empty() => {
                    self.flush()?;
                    continue;
                }
                Err(mpsc::error::TryRecvError::Empty) => match files.blocking_recv() {
                    Some(waiting) => waiting,
                    None => break,
                },
            };
            if self.events.is_closed() {
                return Err(End::Cancelled);
            }
            self.file(waiting)?;
        }
        self.land_all()
    }

    fn file(&mut self, Waiting { file, room }: Waiting) -> Result<(), End> {
        let mut problems = Problems::new(file.name);
        if file.text.iter().take(LOOKED_AT_FOR_NUL).any(|octet| *octet == 0) {
            return self.refuse(problems, of_file("not a text file"));
        }
        let parsed = parse(&file.text, file.origin, ReaderOptions::default(), &mut problems);
        drop(file.text);
        let apex = parsed
            .apex
            .ok_or_else(|| of_file("the file has no SOA record and its name is not a zone's: say which zone it is"));
        let apex = apex.and_then(|apex| zones::name_of_new(&self.store.shared.brand, &apex.to_string()));
        let apex = match apex {
            Ok(apex) => apex,
            Err(refusal) => return self.refuse(problems, refusal),
        };
        if self.apexes.contains(&apex) {
            self.land_all()?;
        }
        let present = self.find(&apex)?;
        let report =
            Report { apex, of_zone: parsed.soa_line.is_some(), parsed: parsed.parsed, unchanged: 0, problems, room };
        match parsed.lines.len() {
            0..=RECORDS_PER_WRITE_MAX => self.small(report, parsed.lines, present),
            _ => self.large(report, parsed.lines, present),
        }
    }

    fn find(&self, apex: &Name) -> Result<Option<Present>, Refusal> {
        let text =
            "SELECT public_id, plan, status FROM zones WHERE account_id = ?1 AND name = ?2 AND deleted_at IS NULL";
        Sql(&self.reader).one(text, params![self.account, apex.sort_key()], |row| {
            Ok(Present {
                id: row.get(0)?,
                plan: word_at(row, 1, Plan::from_word)?,
                status: word_at(row, 2, Status::from_word)?,
            })
        })
    }

    /// A file that is one write, together with others if it is small.
    fn small(&mut self, mut report: Report, lines: Vec<Line>, present: Option<Present>) -> Result<(), End> {
        let rows = self.candidates(&report.apex, present.as_ref(), lines.into_iter(), &mut report.problems);
        let load = match present {
            None => {
                let (apex, problems) = (&report.apex, &mut report.problems);
                let (fresh, unchanged) = self.fresh(apex, rows, problems)?;
                report.unchanged = unchanged;
                Load::New { apex: report.apex.clone(), fresh }
            }
            Some(zone) => Load::Beside { zone: zone.id, rows, first: true, last: true },
        };
        if self.stops(&report.problems) {
            return self.stop(report);
        }
        if !report.of_zone && matches!(&load, Load::New { fresh, .. } if fresh.len() == 0) {
            return self.refuse(report.problems, of_file("nothing in the file is a record of a zone"));
        }
        let cost = load.cost();
        if !self.batch.loads.is_empty() && self.batch.cost + cost > self.piece {
            self.flush()?;
        }
        self.apexes.insert(report.apex.clone());
        self.batch.loads.push(load);
        self.batch.reports.push(report);
        self.batch.cost += cost;
        match self.batch.cost >= self.piece {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// A file in pieces.
    fn large(&mut self, mut report: Report, lines: Vec<Line>, present: Option<Present>) -> Result<(), End> {
        self.land_all()?;
        if let Some(refusal) = self.survey(&mut report, &lines, present.as_ref())? {
            return self.refuse(report.problems, refusal);
        }
        if self.stops(&report.problems) {
            return self.stop(report);
        }
        let mut sum = Sum { unchanged: 0, added: 0, created: present.is_none() };
        let (zone, version) = match &present {
            Some(zone) => (zone.id, None),
            None => {
                self.hand_over(vec![Load::Begin { apex: report.apex.clone() }], Vec::new(), 0)?;
                self.land_all()?;
                match self.pieces.pop() {
                    Some(Outcome::Done(done)) => (done.zone, Some(Arc::new(AtomicU64::new(done.version)))),
                    Some(Outcome::Refused(refusal)) => return self.refuse(report.problems, refusal),
                    _ => return Err(Refusal::from(Unavailable::Internal).into()),
                }
            }
        };
        let (mut lines, mut first) = (lines.into_iter(), true);
        while lines.len() > 0 {
            let count = count_of_piece(lines.as_slice(), self.piece);
            let rows =
                self.candidates(&report.apex, present.as_ref(), lines.by_ref().take(count), &mut report.problems);
            let load = match &version {
                None => Load::Beside { zone, rows, first: std::mem::take(&mut first), last: false },
                Some(version) => {
                    let (fresh, unchanged) = self.fresh(&report.apex, rows, &mut report.problems)?;
                    sum.unchanged += unchanged;
                    Load::Piece { zone, version: version.clone(), fresh }
                }
            };
            let cost = load.cost();
            self.hand_over(vec![load], Vec::new(), cost)?;
            self.records += count as u64;
            sum.gather(&mut self.pieces, &mut report.problems)?;
            self.tell_progress(&mut report.problems)?;
        }
        self.land_all()?;
        if present.is_none_or(|zone| zone.status == Status::Initializing) {
            self.hand_over(vec![Load::Complete { zone }], Vec::new(), 0)?;
            self.land_all()?;
        }
        sum.gather(&mut self.pieces, &mut report.problems)?;
        report.unchanged = sum.unchanged;
        let done = Done { zone, version: 0, created: sum.created, added: sum.added, unchanged: 0, refused: Vec::new() };
        self.tell_zone(report, done)
    }

    /// The rows of lines, each checked by itself.
    fn candidates(
        &self,
        apex: &Name,
        present: Option<&Present>,
        lines: impl ExactSizeIterator<Item = Line>,
        problems: &mut Problems,
    ) -> Vec<KeyedRow> {
        candidates(&self.rules(apex, present), &*self.store.shared.random, lines, problems)
    }

    fn rules<'z>(&self, apex: &'z Name, present: Option<&Present>) -> Rules<'z> {
        let shared = &self.store.shared;
        Rules {
            apex,
            plan: present.map_or(zones::PLAN_OF_NEW, |zone| zone.plan),
            proxied: self.options.proxied,
            any_type: true,
            rrset_octets_max: shared.limits.rrset_octets_max(),
            now: shared.clock.now(),
        }
    }

    /// Rows for a zone that has no records at their names; gives how many say the same as another, too.
    fn fresh(&self, apex: &Name, rows: Vec<KeyedRow>, problems: &mut Problems) -> Result<(Fresh, u64), Refusal> {
        let rules = self.rules(apex, None);
        let (rows, unchanged) = settle(&rules, rows, problems);
        Ok((Fresh::new(apex, rows, rules.now)?, unchanged))
    }

    /// What a large file would come to, if that may be a reason not to begin: its records are over the zone's quota, or
    /// a line of it is refused. Only then its problems are those of the survey, which is of everything.
    fn survey(
        &self,
        report: &mut Report,
        lines: &[Line],
        present: Option<&Present>,
    ) -> Result<Option<Refusal>, Refusal> {
        let limit = self.store.shared.limits.records_per_zone;
        if limit == 0 && !self.options.stop_at_problem {
            return Ok(None);
        }
        let sql = Sql(&self.reader);
        let zone = match present {
            Some(zone) => Some(zones::find(sql, &self.importer.grant, zone.id, &[Permission::DnsEdit])?),
            None => None,
        };
        let mut problems = Problems::new(report.problems.file().to_owned());
        let (mut rest, mut added) = (lines, 0);
        while !rest.is_empty() {
            let (some, others) = rest.split_at(count_of_piece(rest, SURVEYED_AT_ONCE));
            let rows = self.candidates(&report.apex, present, some.iter().cloned(), &mut problems);
            added += survey(sql, &self.rules(&report.apex, present), zone.as_ref(), rows, &mut problems)?;
            rest = others;
        }
        let there = zone.map_or(0, |zone| zone.record_count);
        if limit > 0 && there + added > limit {
            return Ok(Some(Quota::RecordsOfFile { limit, present: there, added }.into()));
        }
        if self.stops(&problems) {
            report.problems.absorb(problems);
        }
        Ok(None)
    }

    fn stops(&self, problems: &Problems) -> bool {
        self.options.stop_at_problem && problems.first_refused.is_some()
    }

    /// Tells of a file that nothing is written of, and ends the import.
    fn stop(&mut self, mut report: Report) -> Result<(), End> {
        self.land_all()?;
        let (line, why) = report.problems.first_refused.clone().unwrap_or_default();
        self.tell_problems(report.problems.finish())?;
        Err(End::Refused(Invalid::ZoneFile { line, why }.into()))
    }

    /// Tells of a file that is refused as a whole.
    fn refuse(&mut self, mut problems: Problems, refusal: Refusal) -> Result<(), End> {
        problems.refused(0, refusal);
        if self.options.stop_at_problem {
            self.land_all()?;
            let (line, why) = problems.first_refused.clone().unwrap_or_default();
            self.tell_problems(problems.finish())?;
            return Err(End::Refused(Invalid::ZoneFile { line, why }.into()));
        }
        self.tell_problems(problems.finish())
    }

    fn flush(&mut self) -> Result<(), End> {
        let Batch { loads, reports, cost } = std::mem::take(&mut self.batch);
        match loads.is_empty() {
            true => Ok(()),
            false => self.hand_over(loads, reports, cost),
        }
    }

    /// Hands loads to the writer, when there is room before it.
    fn hand_over(&mut self, loads: Vec<Load>, reports: Vec<Report>, cost: usize) -> Result<(), End> {
        while self.flights.len() >= PIECES_AHEAD {
            self.land_one()?;
        }
        let importer = self.importer.clone();
        let actor = importer.grant.actor();
        let work = move |tx: &mut Tx<'_>| write::write(tx, &importer, loads);
        let written = self.store.write_piece(actor, Action::ZoneImport, work)?;
        self.flights.push_back(Flight { written, reports, cost });
        Ok(())
    }

    fn land_all(&mut self) -> Result<(), End> {
        self.flush()?;
        while !self.flights.is_empty() {
            self.land_one()?;
        }
        Ok(())
    }

    /// Waits until the oldest piece is on disk and answered from, and tells of it.
    fn land_one(&mut self) -> Result<(), End> {
        let Some(Flight { written, reports, cost }) = self.flights.pop_front() else { return Ok(()) };
        let shared = self.store.shared.clone();
        let outcomes = self.runtime.block_on(async {
            let (outcomes, position) = written.await.unwrap_or(Err(Unavailable::Closed.into()))?;
            if let Some(position) = position {
                let limit = Duration::from_millis(shared.limits.reply_wait_ms);
                shared.journal.wait_applied(position, limit).await;
            }
            Ok::<_, Refusal>(outcomes)
        })?;
        self.adapt(cost);
        let counters = &self.store.shared.counters;
        for outcome in &outcomes {
            if let Outcome::Done(done) = outcome {
                counters.records_imported.fetch_add(done.added, Ordering::Relaxed);
            }
        }
        if reports.is_empty() {
            self.pieces.extend(outcomes);
            return Ok(());
        }
        for (mut report, outcome) in reports.into_iter().zip(outcomes) {
            self.apexes.remove(&report.apex);
            self.records += report.parsed;
            match outcome {
                Outcome::Done(done) => self.tell_zone(report, done)?,
                Outcome::Refused(refusal) => self.refuse(report.problems, refusal)?,
                Outcome::Stopped(lines) => {
                    lines.into_iter().for_each(|(line, refusal)| report.problems.refused(line, refusal));
                    return self.stop(report);
                }
            }
        }
        self.tell(ImportEvent::Progress { records: self.records })
    }

    /// Makes the next piece so large that it takes as long as it should.
    fn adapt(&mut self, cost: usize) {
        let micros = self.store.shared.counters.piece_micros.load(Ordering::Relaxed).max(1);
        if cost < PIECE_MIN {
            return;
        }
        let fitting = (cost as u64 * PIECE_MICROS / micros) as usize;
        // Half way there: one slow sync says little.
        self.piece = ((self.piece + fitting.min(self.piece * 2)) / 2).clamp(PIECE_MIN, PIECE_MAX);
    }

    fn tell_zone(&mut self, mut report: Report, done: Done) -> Result<(), End> {
        done.refused.into_iter().for_each(|(line, refusal)| report.problems.refused(line, refusal));
        self.tell_problems(report.problems.finish())?;
        if done.created || done.added > 0 {
            self.store.shared.counters.zones_imported.fetch_add(1, Ordering::Relaxed);
        }
        drop(report.room);
        self.tell(ImportEvent::Zone(ImportedZone {
            file: report.problems.file().to_owned(),
            id: done.zone,
            apex: report.apex,
            created: done.created,
            parsed: report.parsed,
            added: done.added,
            unchanged: done.unchanged + report.unchanged,
            problems: report.problems.count,
        }))
    }

    fn tell_progress(&self, problems: &mut Problems) -> Result<(), End> {
        self.tell_problems(problems.take())?;
        self.tell(ImportEvent::Progress { records: self.records })
    }

    fn tell_problems(&self, problems: Vec<super::ImportProblem>) -> Result<(), End> {
        problems.into_iter().try_for_each(|problem| self.tell(ImportEvent::Problem(problem)))
    }

    fn tell(&self, event: ImportEvent) -> Result<(), End> {
        self.events.blocking_send(event).map_err(|_| End::Cancelled)
    }
}

/// Why a file is refused as a whole.
fn of_file(why: &str) -> Refusal {
    Invalid::ZoneFile { line: 0, why: why.to_owned() }.into()
}

/// What the pieces of a large file come to together.
struct Sum {
    added: u64,
    unchanged: u64,
    created: bool,
}

impl Sum {
    fn gather(&mut self, pieces: &mut Vec<Outcome>, problems: &mut Problems) -> Result<(), Refusal> {
        for outcome in pieces.drain(..) {
            let refused = match outcome {
                Outcome::Done(done) => {
                    self.added += done.added;
                    self.unchanged += done.unchanged;
                    done.refused
                }
                Outcome::Stopped(refused) => refused,
                Outcome::Refused(refusal) => return Err(refusal),
            };
            refused.into_iter().for_each(|(line, refusal)| problems.refused(line, refusal));
        }
        Ok(())
    }
}

impl Load {
    /// What it costs the writer, in records.
    fn cost(&self) -> usize {
        match self {
            Self::New { fresh, .. } => ZONE_COST + fresh.len(),
            Self::Piece { fresh, .. } => fresh.len(),
            Self::Beside { rows, .. } => ZONE_COST + rows.len() * 2,
            Self::Begin { .. } | Self::Complete { .. } => ZONE_COST,
        }
    }
}

/// How many of `lines` make a piece of whole names, of about `count` records, which published are not too much to be
/// said inline.
fn count_of_piece(lines: &[Line], count: usize) -> usize {
    let (mut taken, mut octets) = (0, 0);
    for name in lines.chunk_by(|one, other| one.key == other.key) {
        octets += name.iter().map(published_octets).sum::<usize>();
        if taken > 0 && (taken + name.len() > count || octets > PIECE_OCTETS) {
            break;
        }
        taken += name.len();
    }
    taken
}

/// At most what a record adds to a published delta: as an RRset of its own.
fn published_octets(line: &Line) -> usize {
    line.owner.as_wire().len() + line.rdata.wire().len() + 16
}
