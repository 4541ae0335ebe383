//! The zones that are shown, by number: the writer's list, in which others look up how large a zone is.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ZoneRecord;
use crate::published::ZoneNumber;

/// See the module's description. Locked for single look-ups and changes.
#[derive(Default)]
pub(super) struct Zones(Mutex<BTreeMap<ZoneNumber, RecordAt>>);

/// The place of a record that the list, or the writer, keeps alive.
#[derive(Clone, Copy)]
struct RecordAt(NonNull<ZoneRecord>);

// SAFETY: what changes in a record is atomic, and it is freed only after it has left the list.
unsafe impl Send for RecordAt {}

impl Zones {
    pub(super) fn get(&self, zone: ZoneNumber) -> Option<NonNull<ZoneRecord>> {
        self.list().get(&zone).map(|record| record.0)
    }

    /// Puts a zone in, and gives the one whose place it takes.
    pub(super) fn insert(&self, zone: ZoneNumber, record: NonNull<ZoneRecord>) -> Option<NonNull<ZoneRecord>> {
        self.list().insert(zone, RecordAt(record)).map(|record| record.0)
    }

    pub(super) fn remove(&self, zone: ZoneNumber) -> Option<NonNull<ZoneRecord>> {
        self.list().remove(&zone).map(|record| record.0)
    }

    pub(super) fn numbers(&self) -> Vec<ZoneNumber> {
        self.list().keys().copied().collect()
    }

    /// The octets of a zone's names.
    pub(super) fn octets_of(&self, zone: ZoneNumber) -> Option<u64> {
        let list = self.list();
        // SAFETY: a record is freed only after it has left the list, which is locked.
        list.get(&zone).map(|record| unsafe { record.0.as_ref() }.octets.load(Ordering::Relaxed))
    }

    fn list(&self) -> MutexGuard<'_, BTreeMap<ZoneNumber, RecordAt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
