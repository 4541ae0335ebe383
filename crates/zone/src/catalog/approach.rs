//! The way from a question to its records, gone for a whole batch at a time.
//!
//! ```text
//!  name -> slots of its apexes -> claims there -> the zone's record -> its facts, and the name's slot -> its RRsets
//! ```
//!
//! Each arrow is a place in memory that only the one before it tells, and in a catalog of any size none of them is in
//! the cache. Questions answered one after the other wait for each; here all questions take the same step, and have the
//! next one's memory fetched, so that they wait for their fetches together. Nothing is decided here but the zone: an
//! answer searches as it always does, and finds what it reads nearby.
#![allow(unsafe_code)]

use std::sync::atomic::Ordering;

use super::table::{self, prefetch};
use super::{Content, SearchName, View, Zone, ZoneRecord};
use crate::published::ScopeId;

/// Apexes of a name that are looked for beforehand. The others are found without.
const APEXES_MAX: usize = 4;
/// Lines of cache that a zone's facts lie on.
const FACTS_LINES: usize = 3;
/// Names between apex and name that are looked for beforehand, where there may be cuts.
const ABOVE_MAX: usize = 2;

/// How far a question has come.
#[derive(Clone, Copy, Default)]
pub struct Approach<'v> {
    scope: Option<ScopeId>,
    record: Option<&'v ZoneRecord>,
    /// How many labels of the name stand before the zone's apex.
    apex_at: usize,
}

impl<'v> Approach<'v> {
    /// The scope that the question was asked in.
    pub(crate) fn scope(&self) -> Option<ScopeId> {
        self.scope
    }

    /// The zone of its name, by the longest match.
    pub(crate) fn zone(&self, view: &'v View<'_>) -> Option<Zone<'v>> {
        view.zone(self.record?)
    }
}

impl View<'_> {
    /// The first step of a question for `name` in `scope`.
    pub fn begin<'v>(&'v self, scope: Option<ScopeId>, name: &SearchName) -> Approach<'v> {
        for cut in self.apex_cuts(name, 0).take(APEXES_MAX) {
            // SAFETY: the view holds its generation.
            unsafe { self.table().prefetch_slot(table::APEXES, name.hash(cut)) };
        }
        Approach { scope, record: None, apex_at: 0 }
    }

    /// All further steps, for the questions that have begun; `None` stands for what is no question.
    pub fn approach<'v>(&'v self, names: &[SearchName], questions: &mut [Option<Approach<'v>>]) {
        let each = |questions: &mut [Option<Approach<'v>>], step: &dyn Fn(&SearchName, &mut Approach<'v>)| {
            let begun = names.iter().zip(questions).filter_map(|(name, question)| Some((name, question.as_mut()?)));
            begun.for_each(|(name, question)| step(name, question));
        };
        each(questions, &|name, _| self.fetch_claims(name));
        each(questions, &|name, question| {
            if let Some((record, apex_at)) = self.record_of(question.scope, name, 0) {
                (question.record, question.apex_at) = (Some(record), apex_at);
                prefetch::line((&raw const *record).cast());
            }
        });
        each(questions, &|name, question| self.fetch_zone(name, question));
        each(questions, &|name, question| self.fetch_owner(name, question));
    }

    fn fetch_claims(&self, name: &SearchName) {
        for cut in self.apex_cuts(name, 0).take(APEXES_MAX) {
            // SAFETY: the view holds its generation.
            unsafe { self.table().prefetch_version(table::APEXES, name.hash(cut)) };
        }
    }

    fn fetch_zone(&self, name: &SearchName, question: &Approach<'_>) {
        let Some(record) = question.record else { return };
        for cut in question.owners(record) {
            // SAFETY: the view holds its generation.
            unsafe { self.table().prefetch_slot(record.space, name.hash(cut)) };
        }
        // Last, as they are needed last.
        prefetch::lines(record.newest.load(Ordering::Acquire).cast_const().cast(), FACTS_LINES);
    }

    fn fetch_owner(&self, name: &SearchName, question: &Approach<'_>) {
        let Some(record) = question.record else { return };
        for cut in question.owners(record) {
            // SAFETY: the view holds its generation.
            let found = unsafe { self.table().prefetch_version(record.space, name.hash(cut)) };
            if !found && cut == 0 && question.apex_at > 0 && record.may_have(Content::Wildcards) {
                let hash = self.wildcard_hash(name, 1);
                // SAFETY: as above.
                unsafe { self.table().prefetch_slot(record.space, hash) };
            }
        }
    }
}

impl Approach<'_> {
    /// The owner names that the answer looks at, as cuts: the name, and what may be a cut above it.
    fn owners(&self, record: &ZoneRecord) -> std::ops::Range<usize> {
        let above = if record.may_have(Content::Cuts) { self.apex_at.saturating_sub(1).min(ABOVE_MAX) } else { 0 };
        0..1 + above
    }
}
