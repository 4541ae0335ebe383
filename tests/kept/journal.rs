//! What the journal says: read from its beginning, checked for holes, and folded into facts.

use std::collections::BTreeMap;

use waymark_control::Journal;
use waymark_wire::{Name, RecordType, Serial};
use waymark_zone::published::{Change as Published, Commit, Entry, Incarnation, Position, RRset, Soa, ZoneStatus};

use super::facts::{Change, Fact, Facts, RecordFact, text};
use super::ledger::{History, Ledger};

/// Commits read at a time.
const COMMITS_PER_READ: usize = 512;

/// A journal that was read to its end.
#[derive(Default)]
pub(crate) struct View {
    pub(crate) position: Position,
    pub(crate) facts: Facts,
    /// Per zone that exists: its serial.
    pub(crate) serials: BTreeMap<String, Serial>,
    /// What each position has changed, if it has changed facts.
    pub(crate) changes: Vec<Change>,
    /// What is wrong.
    pub(crate) complaints: Vec<String>,
    incarnation: Option<Incarnation>,
    zones: BTreeMap<u64, Zone>,
    /// Per name, through all zones that ever had it.
    last_serials: BTreeMap<String, Serial>,
}

struct Zone {
    apex: String,
    version: u64,
    /// What a transfer carries of the header; none before the first entry.
    carried: Option<(Soa, Vec<Name>, u32)>,
    rrsets: BTreeMap<(String, u16), Vec<Fact>>,
    exists: bool,
}

impl View {
    /// Reads everything. Zones below `brand` are the platform's own and are not facts.
    pub(crate) fn of(journal: &Journal, brand: &str) -> Self {
        let mut view = Self { incarnation: Some(journal.incarnation()), ..Self::default() };
        loop {
            match journal.read_from(view.position, COMMITS_PER_READ) {
                Ok(commits) if commits.is_empty() => break,
                Ok(commits) => commits.iter().for_each(|commit| view.take(commit, brand)),
                Err(why) => {
                    view.complaints.push(format!("the journal cannot be read behind {}: {why}", view.position.0));
                    break;
                }
            }
        }
        view.serials.retain(|zone, _| !zone.ends_with(brand));
        if view.position != journal.position() {
            let (read, says) = (view.position.0, journal.position().0);
            view.complaints.push(format!("the journal says position {says}, and its entries end at {read}"));
        }
        view
    }

    /// Whether it tells, writer by writer, the steps that the facts show: each once, in order, nothing else.
    pub(crate) fn tells(&self, ledger: &Ledger, shown: &[usize]) -> Result<(), String> {
        let mut told = vec![Vec::new(); shown.len()];
        for change in &self.changes {
            if change.removed.is_empty() && change.added.iter().all(|fact| ledger.given.contains(fact)) {
                continue;
            }
            let writer = change.removed.iter().chain(&change.added).find_map(Fact::writer);
            match writer.and_then(|writer| told.get_mut(writer)) {
                Some(changes) => changes.push(change.clone()),
                None => return Err(format!("nobody wrote {change:?}")),
            }
        }
        for (number, (told, shown)) in told.iter().zip(shown).enumerate() {
            let steps = &ledger.writers[number].steps()[..*shown];
            let expected: Vec<Change> = steps.iter().filter_map(|step| step.change.published()).collect();
            if let Some(at) = (0..expected.len().max(told.len())).find(|at| expected.get(*at) != told.get(*at)) {
                let (expected, told) = (expected.get(at), told.get(at));
                return Err(format!("writer {number}, change {at}: wrote {expected:?}, the journal tells {told:?}"));
            }
        }
        Ok(())
    }

    /// Changes that were acknowledged when the ledger's clock showed `now`, and that it does not tell.
    pub(crate) fn lost(&self, ledger: &Ledger, now: u64) -> usize {
        let mut told = vec![0; ledger.writers.len()];
        let writers =
            self.changes.iter().filter_map(|change| change.removed.iter().chain(&change.added).find_map(Fact::writer));
        writers.for_each(|writer| told[writer] += 1);
        let lost = |(writer, told): (&History, usize)| writer.acknowledged_changes(now).saturating_sub(told);
        ledger.writers.iter().zip(told).map(lost).sum()
    }

    fn take(&mut self, commit: &Commit, brand: &str) {
        if commit.position != self.position.next() {
            self.complaints.push(format!("position {} follows {}", commit.position.0, self.position.0));
        }
        if Some(commit.incarnation) != self.incarnation {
            self.complaints.push(format!("position {} belongs to another life", commit.position.0));
        }
        self.position = commit.position;
        let mut whole = Change::default();
        for entry in &commit.entries {
            let change = self.enter(entry);
            whole.removed.extend(change.removed);
            whole.added.extend(change.added);
        }
        let is_own = |fact: &Fact| match fact {
            Fact::Zone(name) => name.ends_with(brand),
            Fact::Record(record) => record.zone.ends_with(brand),
        };
        whole.removed.retain(|fact| !is_own(fact));
        whole.added.retain(|fact| !is_own(fact));
        if let Some(change) = whole.published() {
            change.apply(&mut self.facts);
            self.changes.push(change);
        }
    }

    fn enter(&mut self, entry: &Entry) -> Change {
        let number = entry.zone.0;
        let Published::Delta { header, removed, added } = &entry.change else {
            self.complaints.push(format!("zone {number}: {:?} is not a delta", entry.change));
            return Change::default();
        };
        let mut zone = match (self.zones.remove(&number), header) {
            (Some(zone), _) => zone,
            (None, Some(header)) => {
                let apex = text(&header.apex);
                Zone { apex, version: 0, carried: None, rrsets: BTreeMap::new(), exists: false }
            }
            (None, None) => {
                self.complaints.push(format!("zone {number} begins without a header"));
                return Change::default();
            }
        };
        let carried = header.as_ref().map(|header| (header.soa.clone(), header.nameservers.clone(), header.ns_ttl));
        let is_carried = carried.is_some() && carried != zone.carried || !removed.is_empty() || !added.is_empty();
        self.stamp(entry, &zone, is_carried);
        zone.version = entry.version.0;
        zone.carried = carried.or(zone.carried);
        let before = if header.is_some() { zone.facts() } else { zone.facts_of(removed.iter().chain(added)) };
        for rrset in removed {
            if zone.rrsets.remove(&key(rrset)) != Some(lines(&zone.apex, rrset)) {
                self.complaints.push(format!("zone {number}: removed what was not there: {rrset:?}"));
            }
        }
        for rrset in added {
            if zone.rrsets.insert(key(rrset), lines(&zone.apex, rrset)).is_some() {
                self.complaints.push(format!("zone {number}: added what was there: {rrset:?}"));
            }
        }
        let existed = zone.exists;
        if let Some(header) = header {
            zone.exists = header.status != ZoneStatus::Deleted;
        }
        let after = if header.is_some() { zone.facts() } else { zone.facts_of(removed.iter().chain(added)) };
        if zone.exists {
            self.serials.insert(zone.apex.clone(), entry.serial);
        } else if existed {
            self.serials.remove(&zone.apex);
        }
        self.zones.insert(number, zone);
        let removed = before.difference(&after).cloned().collect();
        Change { removed, added: after.difference(&before).cloned().collect() }
    }

    /// Version and serial of an entry: the one without holes; the other forward when what a transfer carries has
    /// changed, and only then.
    fn stamp(&mut self, entry: &Entry, zone: &Zone, is_carried: bool) {
        if entry.version.0 != zone.version + 1 {
            let complaint = format!("{}: version {} follows {}", zone.apex, entry.version.0, zone.version);
            self.complaints.push(complaint);
        }
        if let Some(last) = self.last_serials.insert(zone.apex.clone(), entry.serial) {
            let is_right = if is_carried { entry.serial.is_after(last) } else { entry.serial == last };
            if !is_right {
                let what = if is_carried { "with" } else { "without" };
                self.complaints.push(format!("{}: serial {} follows {last} {what} a change", zone.apex, entry.serial));
            }
        }
    }
}

impl Zone {
    fn facts(&self) -> Facts {
        if !self.exists {
            return Facts::new();
        }
        let zone = [Fact::Zone(self.apex.clone())];
        zone.into_iter().chain(self.rrsets.values().flatten().cloned()).collect()
    }

    fn facts_of<'a>(&self, rrsets: impl Iterator<Item = &'a RRset>) -> Facts {
        if !self.exists {
            return Facts::new();
        }
        rrsets.filter_map(|rrset| self.rrsets.get(&key(rrset))).flatten().cloned().collect()
    }
}

fn key(rrset: &RRset) -> (String, u16) {
    (text(&rrset.owner), rrset.record_type.0)
}

fn lines(zone: &str, rrset: &RRset) -> Vec<Fact> {
    debug_assert_ne!(rrset.record_type, RecordType::SOA);
    let record = |rdata| Fact::Record(RecordFact::new(zone, &text(&rrset.owner), rrset.ttl, rdata));
    rrset.data.iter().map(record).collect()
}
