//! A write in progress: what a write function is given.
//!
//! Before it changes records of a name, or a zone's row, the code touches them: that keeps what was there before.
//! Records are changed through this type alone, which keeps what is there now as well, so that the end of the write
//! (`finish`) needs to read nothing but headers.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::rc::Rc;

use waymark_wire::Name;
use waymark_zone::published::{Position, ScopeChange, ScopeId, ZoneNumber};

use super::finish::ZoneChange;
use super::{FullZone, RecordRow, Shared, Sql, ZoneRow};
use crate::error::{Refusal, Unavailable};
use crate::identity::Actor;
use crate::random::Random;
use crate::{Action, PublicId, Time};

/// A write in progress. Everything it does is kept together or not at all.
pub struct Tx<'w> {
    pub(crate) shared: &'w Shared,
    pub(super) sql: Sql<'w>,
    pub(super) now: Time,
    pub(super) actor: Actor,
    pub(super) action: Action,
    /// The position that the write will take if it needs one.
    pub(super) position: Position,
    pub(super) touched: BTreeMap<ZoneNumber, Touched>,
    pub(super) scopes: BTreeMap<ScopeId, ScopeChange>,
    pub(super) object: Option<(Option<u64>, PublicId)>,
    pub(super) changed: bool,
    /// Zones that were changed without being touched (`bulk`).
    pub(super) fresh: Vec<ZoneChange>,
    /// Rows of the audit trail, if it is not the one row of the write.
    pub(super) audits: Option<Vec<(Action, u64, PublicId)>>,
}

/// What a write has touched of one zone.
pub(super) struct Touched {
    /// The row as it was before the write; of a zone made in it, as it was inserted.
    pub(super) row: ZoneRow,
    pub(super) header: HeaderTouch,
    /// By sort key.
    pub(super) names: BTreeMap<Vec<u8>, TouchedName>,
    /// Records more (or fewer) than before the write.
    pub(super) records_added: i64,
}

/// What a write has touched of a zone's header.
pub(super) enum HeaderTouch {
    No,
    /// The zone is made in this write.
    Created,
    /// As it was before the write.
    Before(Box<FullZone>),
}

/// What a write has touched of one owner name.
pub(super) struct TouchedName {
    pub(super) name: Name,
    pub(super) before: Vec<Rc<RecordRow>>,
    pub(super) now: Vec<Rc<RecordRow>>,
}

impl<'w> Tx<'w> {
    pub(super) fn new(shared: &'w Shared, sql: Sql<'w>, actor: Actor, action: Action, position: Position) -> Self {
        Self {
            shared,
            sql,
            now: shared.clock.now(),
            actor,
            action,
            position,
            touched: BTreeMap::new(),
            scopes: BTreeMap::new(),
            object: None,
            changed: false,
            fresh: Vec::new(),
            audits: None,
        }
    }

    /// The time of this write.
    pub fn now(&self) -> Time {
        self.now
    }

    /// For reading.
    pub(crate) fn sql(&self) -> Sql<'w> {
        self.sql
    }

    pub(crate) fn random(&self) -> &'w dyn Random {
        &*self.shared.random
    }

    /// Names the one object that the write is about, and its account, for the audit trail.
    pub(crate) fn audit_object(&mut self, account: Option<u64>, object: PublicId) {
        self.object = Some((account, object));
    }

    /// Changes rows other than records; gives how many.
    pub(crate) fn execute(&mut self, text: &str, values: impl rusqlite::Params) -> Result<usize, Refusal> {
        self.changed = true;
        self.sql.execute(text, values)
    }

    /// Inserts a row other than a record with a text that ends in `RETURNING id`.
    pub(crate) fn insert(&mut self, text: &str, values: impl rusqlite::Params) -> Result<i64, Refusal> {
        self.changed = true;
        self.sql.insert(text, values)
    }

    /// Inserts a row other than a record, and gives its key. Where zones are made by the thousand: `RETURNING` makes
    /// SQLite keep a statement journal.
    pub(crate) fn insert_one(&mut self, text: &str, values: impl rusqlite::Params) -> Result<i64, Refusal> {
        self.execute(text, values)?;
        Ok(self.sql.0.last_insert_rowid())
    }

    /// To be called before a zone's row, nameservers or claims change: keeps them as they are.
    pub(crate) fn touch_header(&mut self, zone: ZoneNumber) -> Result<(), Refusal> {
        if self.touched.get(&zone).is_some_and(|touched| !matches!(touched.header, HeaderTouch::No)) {
            return Ok(());
        }
        let full = FullZone::by_number(self.sql, zone)?.ok_or(Unavailable::Internal)?;
        let row = full.row.clone();
        self.zone(&row).header = HeaderTouch::Before(Box::new(full));
        Ok(())
    }

    /// Says that the zone was made in this write.
    pub(crate) fn touch_created(&mut self, zone: &ZoneRow) {
        self.zone(zone).header = HeaderTouch::Created;
    }

    /// To be called before records of this owner name change: keeps them as they are. Gives those that are there now.
    pub(crate) fn touch_name(&mut self, zone: &ZoneRow, name: &Name) -> Result<&[Rc<RecordRow>], Refusal> {
        let sql = self.sql;
        match self.zone(zone).names.entry(name.sort_key()) {
            Entry::Occupied(touched) => Ok(&touched.into_mut().now),
            Entry::Vacant(vacant) => {
                let before: Vec<_> = RecordRow::at_name(sql, zone.number, name)?.into_iter().map(Rc::new).collect();
                Ok(&vacant.insert(TouchedName { name: name.clone(), now: before.clone(), before }).now)
            }
        }
    }

    /// How many records the zone has now.
    pub(crate) fn record_count(&self, zone: &ZoneRow) -> u64 {
        match self.touched.get(&zone.number) {
            Some(touched) => touched.row.record_count.saturating_add_signed(touched.records_added),
            None => zone.record_count,
        }
    }

    /// Makes a record; its owner name is touched first.
    pub(crate) fn insert_record(&mut self, zone: &ZoneRow, record: RecordRow) -> Result<Rc<RecordRow>, Refusal> {
        self.touch_name(zone, &record.name)?;
        record.insert(self.sql, zone.number)?;
        let record = Rc::new(record);
        self.rows(zone, &record.name)?.push(record.clone());
        self.zone(zone).records_added += 1;
        Ok(record)
    }

    /// Makes a record that is shared already; its owner name is touched.
    pub(crate) fn add_record(&mut self, zone: &ZoneRow, record: Rc<RecordRow>) -> Result<(), Refusal> {
        record.insert(self.sql, zone.number)?;
        self.rows(zone, &record.name)?.push(record);
        self.zone(zone).records_added += 1;
        Ok(())
    }

    /// The same at a name where nothing was before this write.
    pub(crate) fn add_record_at_new_name(&mut self, zone: &ZoneRow, record: Rc<RecordRow>) -> Result<(), Refusal> {
        let touched = || TouchedName { name: record.name.clone(), before: Vec::new(), now: Vec::new() };
        self.zone(zone).names.entry(record.name.sort_key()).or_insert_with(touched);
        self.add_record(zone, record)
    }

    /// Puts `new`, which has the id of `old`, in its place; it may have another owner name.
    pub(crate) fn update_record(
        &mut self,
        zone: &ZoneRow,
        old: &RecordRow,
        new: RecordRow,
    ) -> Result<Rc<RecordRow>, Refusal> {
        self.touch_name(zone, &old.name)?;
        self.touch_name(zone, &new.name)?;
        new.update(self.sql, zone.number)?;
        let new = Rc::new(new);
        self.rows(zone, &old.name)?.retain(|row| row.id != old.id);
        self.rows(zone, &new.name)?.push(new.clone());
        Ok(new)
    }

    /// Takes a record away.
    pub(crate) fn delete_record(&mut self, zone: &ZoneRow, record: &RecordRow) -> Result<(), Refusal> {
        self.touch_name(zone, &record.name)?;
        record.delete(self.sql, zone.number)?;
        self.rows(zone, &record.name)?.retain(|row| row.id != record.id);
        self.zone(zone).records_added -= 1;
        Ok(())
    }

    /// Says that a scope's addresses are these from now on.
    pub(crate) fn change_scope(&mut self, change: ScopeChange) {
        self.scopes.insert(change.scope, change);
    }

    fn zone(&mut self, row: &ZoneRow) -> &mut Touched {
        self.touched.entry(row.number).or_insert_with(|| Touched {
            row: row.clone(),
            header: HeaderTouch::No,
            names: BTreeMap::new(),
            records_added: 0,
        })
    }

    fn rows(&mut self, zone: &ZoneRow, name: &Name) -> Result<&mut Vec<Rc<RecordRow>>, Refusal> {
        let touched = self.zone(zone).names.get_mut(&name.sort_key()).ok_or(Unavailable::Internal)?;
        Ok(&mut touched.now)
    }
}
