//! The inside of an import's writes: zones that are new, and records that go beside others.
//!
//! A zone that is refused is a value, so that it does not take back the others of its write: everything is looked at
//! before anything of the zone is written.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::params;
use waymark_wire::{Name, Serial};
use waymark_zone::published::{AccountNumber, ScopeId, Version};

use super::rows::{AtName, Verdict};
use crate::accounts::{self, AccountRow};
use crate::error::{Conflict, Quota, Refusal, Unavailable};
use crate::identity::{Grant, Permission};
use crate::store::{Fresh, FullZone, KeyedRow, RecordRow, SoaOverrides, Tx, ZoneRow, name_at};
use crate::zones::{self, Kind, NewZoneRow, Status};
use crate::{Action, PublicId, nameservers};

/// For whom an import writes, and how.
#[derive(Clone)]
pub(super) struct Importer {
    pub(super) grant: Grant,
    pub(super) account: PublicId,
    /// Nothing is written of a file that has a line that is refused.
    pub(super) stop: bool,
}

/// What is to be written of one file.
pub(super) enum Load {
    /// A zone that is new, whole.
    New { apex: Name, fresh: Fresh },
    /// A zone that is new and will be filled in pieces.
    Begin { apex: Name },
    /// Rows for a zone that only this import has touched, as long as its version is this one.
    Piece { zone: PublicId, version: Arc<AtomicU64>, fresh: Fresh },
    /// Rows that go beside those that are there. `first`: nothing of this file was written before; `last`: nothing
    /// follows, and a zone that was being filled is complete.
    Beside { zone: PublicId, rows: Vec<KeyedRow>, first: bool, last: bool },
    /// The zone is complete.
    Complete { zone: PublicId },
}

/// What became of a load.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is written.
    Done(Done),
    /// Nothing of it is, for a reason that concerns the whole of it.
    Refused(Refusal),
    /// Nothing of it is, because these lines are refused.
    Stopped(Vec<(u32, Refusal)>),
}

/// What was written.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) zone: PublicId,
    pub(super) version: u64,
    pub(super) created: bool,
    pub(super) added: u64,
    pub(super) unchanged: u64,
    /// Lines that break a rule beside what is there.
    pub(super) refused: Vec<(u32, Refusal)>,
}

/// Writes loads; one outcome for each.
pub(super) fn write(tx: &mut Tx<'_>, importer: &Importer, loads: Vec<Load>) -> Result<Vec<Outcome>, Refusal> {
    // One row of the trail per zone.
    tx.audited_already();
    let mut account = None;
    let mut outcomes = Vec::with_capacity(loads.len());
    for load in loads {
        let outcome = match write_one(tx, importer, &mut account, load) {
            Err(Refusal::Unavailable(error)) => return Err(error.into()),
            Err(refusal) => Outcome::Refused(refusal),
            Ok(outcome) => outcome,
        };
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

fn write_one(
    tx: &mut Tx<'_>,
    importer: &Importer,
    account: &mut Option<Account>,
    load: Load,
) -> Result<Outcome, Refusal> {
    match load {
        Load::New { apex, fresh } => {
            let account = Account::opened(account, tx, importer)?;
            account.make(tx, &apex, fresh).map(Outcome::Done)
        }
        Load::Begin { apex } => {
            let account = Account::opened(account, tx, importer)?;
            account.begin(tx, &apex).map(Outcome::Done)
        }
        Load::Piece { zone, version, fresh } => piece(tx, importer, zone, &version, fresh),
        Load::Beside { zone, rows, first, last } => {
            let zone = zones::open(tx, &importer.grant, zone, Permission::DnsEdit)?;
            let outcome = beside(tx, &zone, rows, importer.stop)?;
            if let Outcome::Done(done) = &outcome {
                if first && (done.added > 0 || zone.status == Status::Initializing) {
                    tx.audit_also(Action::ZoneImport, zone.account.0, zone.id);
                }
                if last {
                    zones::complete(tx, &zone)?;
                }
            }
            Ok(outcome)
        }
        Load::Complete { zone } => {
            let zone = zones::open(tx, &importer.grant, zone, Permission::DnsEdit)?;
            zones::complete(tx, &zone)?;
            Ok(Outcome::Done(Done::of(&zone, false)))
        }
    }
}

fn piece(
    tx: &mut Tx<'_>,
    importer: &Importer,
    zone: PublicId,
    version: &AtomicU64,
    fresh: Fresh,
) -> Result<Outcome, Refusal> {
    let zone = zones::open(tx, &importer.grant, zone, Permission::DnsEdit)?;
    if zone.version.0 != version.load(Ordering::Relaxed) {
        // Somebody else is changing the zone too: what is there has to be looked at.
        return beside(tx, &zone, fresh.into_rows(), importer.stop);
    }
    let added = fresh.len() as u64;
    tx.add_fresh(&zone, fresh)?;
    version.store(zone.version.0 + 1, Ordering::Relaxed);
    Ok(Outcome::Done(Done { added, ..Done::of(&zone, false) }))
}

/// Adds rows, sorted by name, to a zone that may have others at their names.
pub(super) fn beside(tx: &mut Tx<'_>, zone: &ZoneRow, rows: Vec<KeyedRow>, stop: bool) -> Result<Outcome, Refusal> {
    let octets_max = tx.shared.limits.rrset_octets_max();
    let (mut settled, mut done) = (Vec::with_capacity(rows.len()), Done::of(zone, false));
    let (mut there, mut at_name): (Vec<Rc<RecordRow>>, _) = (Vec::new(), AtName::default());
    let mut name: Option<Name> = None;
    for KeyedRow { line, row, .. } in rows {
        if name.as_ref() != Some(&row.name) {
            there = tx.touch_name(zone, &row.name)?.to_vec();
            at_name = AtName::of(&there);
            name = Some(row.name.clone());
        }
        match at_name.judge(&zone.apex, octets_max, &row, &there) {
            Verdict::Add => {
                let row = Rc::new(row);
                there.push(row.clone());
                at_name.added(&there);
                settled.push(row);
            }
            Verdict::Unchanged => done.unchanged += 1,
            Verdict::Refused(refusal) => done.refused.push((line, refusal)),
        }
    }
    if stop && !done.refused.is_empty() {
        return Ok(Outcome::Stopped(done.refused));
    }
    check_quota(tx, tx.record_count(zone), settled.len() as u64)?;
    done.added = settled.len() as u64;
    for row in settled {
        tx.add_record(zone, row)?;
    }
    Ok(Outcome::Done(done))
}

pub(super) fn check_quota(tx: &Tx<'_>, present: u64, added: u64) -> Result<(), Refusal> {
    match tx.shared.limits.records_per_zone {
        limit if limit > 0 && added > 0 && present + added > limit => {
            Err(Quota::RecordsOfFile { limit, present, added }.into())
        }
        _ => Ok(()),
    }
}

impl Done {
    fn of(zone: &ZoneRow, created: bool) -> Self {
        let (zone, version) = (zone.id, zone.version.0);
        Self { zone, version, created, added: 0, unchanged: 0, refused: Vec::new() }
    }
}

/// The account that new zones belong to, as it is in this write.
struct Account {
    row: AccountRow,
    /// Names and scopes of its default pair.
    nameservers: Vec<(Name, ScopeId)>,
    /// Whether a name, or one above it, is a zone of another account.
    foreign: HashMap<Name, bool>,
}

impl Account {
    fn opened<'a>(slot: &'a mut Option<Self>, tx: &Tx<'_>, importer: &Importer) -> Result<&'a mut Self, Refusal> {
        if slot.is_none() {
            let row = accounts::open(tx.sql(), &importer.grant, importer.account, Permission::ZoneEdit)?;
            importer.grant.require_on_account(importer.account, Permission::DnsEdit)?;
            let text = "SELECT name, scope_id FROM nameservers WHERE id = ?1";
            let mut nameservers = Vec::with_capacity(2);
            for id in [row.pair.0, row.pair.1] {
                let found = tx.sql().one(text, [id], |row| Ok((name_at(row, 0)?, ScopeId(row.get(1)?))))?;
                nameservers.push(found.ok_or(Unavailable::Internal)?);
            }
            *slot = Some(Self { row, nameservers, foreign: HashMap::new() });
        }
        slot.as_mut().ok_or(Unavailable::Internal.into())
    }

    /// A zone that is filled later.
    fn begin(&self, tx: &mut Tx<'_>, apex: &Name) -> Result<Done, Refusal> {
        let zone = self.insert(tx, apex, Status::Initializing)?;
        tx.audit_also(Action::ZoneImport, zone.account.0, zone.id);
        // The write ends with the zone's first version.
        Ok(Done { version: zone.version.0 + 1, ..Done::of(&zone, true) })
    }

    /// A zone with its records.
    fn make(&mut self, tx: &mut Tx<'_>, apex: &Name, fresh: Fresh) -> Result<Done, Refusal> {
        check_quota(tx, 0, fresh.len() as u64)?;
        let added = fresh.len() as u64;
        let (id, done) = match self.stands_alone(tx, apex)? {
            true => {
                let full = self.insert_alone(tx, apex, fresh.len())?;
                tx.add_new_zone(&full, fresh)?;
                (full.row.id, Done { added, ..Done::of(&full.row, true) })
            }
            false => {
                let zone = self.insert(tx, apex, Status::Pending)?;
                for row in fresh.into_rows() {
                    tx.add_record_at_new_name(&zone, Rc::new(row.row))?;
                }
                (zone.id, Done { added, ..Done::of(&zone, true) })
            }
        };
        tx.audit_also(Action::ZoneImport, self.row.number as u64, id);
        Ok(done)
    }

    /// Whether no zone has the name or one below it, and no other account has one above.
    fn stands_alone(&mut self, tx: &Tx<'_>, apex: &Name) -> Result<bool, Refusal> {
        let key = apex.sort_key();
        let end = [key.as_slice(), &[0xff]].concat();
        let text = "SELECT 1 FROM zones WHERE name >= ?1 AND name < ?2 LIMIT 1";
        if tx.sql().one(text, params![key, end], |_| Ok(()))?.is_some() {
            return Ok(false);
        }
        match apex.parent() {
            Some(parent) => Ok(!self.is_foreign(tx, &parent)?),
            None => Ok(true),
        }
    }

    fn is_foreign(&mut self, tx: &Tx<'_>, name: &Name) -> Result<bool, Refusal> {
        if let Some(known) = self.foreign.get(name) {
            return Ok(*known);
        }
        let text = "SELECT 1 FROM zones WHERE name = ?1 AND account_id <> ?2 AND deleted_at IS NULL LIMIT 1";
        let here = tx.sql().one(text, params![name.sort_key(), self.row.number], |_| Ok(()))?.is_some();
        let foreign = here
            || match name.parent() {
                Some(parent) => self.is_foreign(tx, &parent)?,
                None => false,
            };
        self.foreign.insert(name.clone(), foreign);
        Ok(foreign)
    }

    /// Inserts a zone as the API makes one, whatever other zones there are.
    fn insert(&self, tx: &mut Tx<'_>, apex: &Name, status: Status) -> Result<ZoneRow, Refusal> {
        let there = "SELECT 1 FROM zones WHERE account_id = ?1 AND name = ?2 AND deleted_at IS NULL";
        if tx.sql().one(there, params![self.row.number, apex.sort_key()], |_| Ok(()))?.is_some() {
            return Err(Conflict::ZoneExists { name: apex.to_string() }.into());
        }
        let pair = nameservers::pair_for_zone(tx, self.row.number, self.row.pair, apex)?;
        zones::insert(tx, &NewZoneRow { account: self.row.number, apex, pair, status, proven: false })
    }

    /// Inserts a zone for whose name there is no other: it has the account's nameservers, and all their scopes.
    fn insert_alone(&self, tx: &mut Tx<'_>, apex: &Name, record_count: usize) -> Result<FullZone, Refusal> {
        let (id, now) = (PublicId::neighbours(tx.random(), tx.now(), 1)[0], tx.now());
        let (version, serial) = (Version(1), Serial::default().after_change(now.unix_seconds()));
        let (account, pair, status) = (self.row.number, self.row.pair, Status::Pending);
        let new = NewZoneRow { account, apex, pair, status, proven: false };
        let number = zones::insert_row(tx, &new, id, (version, serial), record_count)?;
        let mut scopes = vec![ScopeId::ALL];
        scopes.extend(self.nameservers.iter().map(|(_, scope)| *scope));
        scopes.sort();
        scopes.dedup();
        let key = apex.sort_key();
        for scope in &scopes {
            tx.execute(
                "INSERT INTO claims (scope_id, name, zone_id) VALUES (?1, ?2, ?3)",
                params![scope.0, key, number.0],
            )?;
        }
        let row = ZoneRow {
            number,
            id,
            account: AccountNumber(self.row.number as u64),
            account_id: self.row.account.id,
            apex: apex.clone(),
            kind: Kind::Full,
            plan: zones::PLAN_OF_NEW,
            status,
            proven: false,
            version,
            serial,
            record_count: record_count as u64,
            soa: SoaOverrides::default(),
            ns_ttl: zones::NS_TTL,
            created: now,
            modified: now,
            activated: None,
            deleted: None,
        };
        Ok(FullZone { row, nameservers: self.nameservers.iter().map(|(name, _)| name.clone()).collect(), scopes })
    }
}
