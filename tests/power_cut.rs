//! A power cut, at each sync of a recorded run: what was acknowledged before it is there after it.
//!
//! ```text
//!  the program, with a shim before the C library (power_cut/shim.c) --> recording: every write, size, name, sync
//!  its clients                                                      --> ledger: when was what acknowledged
//!  recording --disk, at each sync--> a directory as the cut leaves it --> the program, started on it
//!                                                                         == ledger, journal, API, DNS
//! ```
//!
//! The cut comes at the last moment before a sync is done, when most depends on the syncs before it. All cuts are
//! checked with names kept as they were made; those where it makes a difference also with names that only a sync of
//! their directory keeps; and some with a cache of which a part had reached the disk (`disk` has the models).
//!
//! The same run with a store that does not sync must fail the same check: that is the proof that it can fail.

mod disk;
mod recording;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use crate::harness::program::Server;
use crate::harness::random::Random;
use crate::harness::scratch::Scratch;
use crate::kept::ledger::{Finding, Ledger};
use crate::kept::site::Site;
use crate::kept::writer::{Signals, Writer};
use crate::kept::{Seen, make_shared_zones, random, read_journal, verify};
use disk::{Disk, Files, Names};
use recording::{Event, Log, Recording, compile_shim};

/// Writers of the recorded run, and how much each writes.
const WRITERS: usize = 4;
const WRITES_PER_WRITER: usize = 150;
/// More cuts than this are not checked one by one, but evenly picked.
const CUTS_MAX: usize = 2000;
/// Cuts that are also checked with a cache that was being emptied.
const CUTS_TORN: usize = 40;
/// Cuts of the run without syncs that are checked.
const CUTS_UNSYNCED: usize = 12;
/// Programs that are started on cut disks at the same time.
const CHECKERS: usize = 2;

/// A recorded run.
struct Recorded {
    scratch: Scratch,
    recording: Recording,
    ledger: Ledger,
    /// When the program had said that it is ready, and when all that the writers need was there.
    ready: u64,
    given: u64,
    /// When the last write was acknowledged.
    written: u64,
}

/// A disk after a cut, and the moments at which the cut may have come.
struct Case {
    /// The first of these cuts.
    number: usize,
    nows: Vec<u64>,
    is_wanted: bool,
}

/// A disk that is not as it must be.
#[derive(Debug)]
struct Failed {
    #[expect(dead_code, reason = "shown by Debug")]
    cut: usize,
    #[expect(dead_code, reason = "shown by Debug")]
    model: Names,
    findings: Vec<Finding>,
}

fn record(more: &[&str]) -> Recorded {
    let (scratch, memory) = (Scratch::new(), Scratch::in_memory());
    let data = scratch.join("data");
    std::fs::create_dir(&data).unwrap();
    let log = Log::new(&memory.join("log"));
    let shim = compile_shim(scratch.path());
    let server = Server::start_by(scratch.path(), more, |command| log.record(command, &shim, &data));
    let ready = log.count();
    let site = Site::of(&server);
    let mut ledger = Ledger::new(WRITERS, make_shared_zones(&site));
    let given = log.count();
    let (world, numbers, clock) = (site.world(), AtomicU64::new(0), || log.count());
    let mut random = random();
    let runs: Vec<_> = thread::scope(|scope| {
        let start = |number| {
            let mut writer = Writer::new(number, &site, &world, &clock, &numbers, Random::new(random.next()));
            scope.spawn(move || writer.run(WRITES_PER_WRITER, &Signals::default(), None))
        };
        let threads: Vec<_> = (0..WRITERS).map(start).collect();
        threads.into_iter().map(|thread| thread.join().expect("a writer")).collect()
    });
    let written = log.count();
    for (history, run) in ledger.writers.iter_mut().zip(runs) {
        assert_eq!(run.complaints, [] as [String; 0]);
        run.steps.into_iter().for_each(|step| history.push(step));
    }
    let (status, _, said) = server.end("TERM");
    assert!(status.success(), "the recorded program ended with {status}: {said}");
    let recorded = Recorded { scratch, recording: log.read(), ledger, ready, given, written };
    recorded.is_complete(&data);
    recorded
}

impl Recorded {
    /// A recording is complete if it gives the directory as it is.
    fn is_complete(&self, data: &Path) {
        let mut disk = Disk::new(&self.recording, Names::Kept);
        while disk.next_cut().is_some() {}
        let canonical = std::fs::canonicalize(data).unwrap();
        let mut found = Files::new();
        for entry in std::fs::read_dir(&canonical).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() && !entry.path().to_string_lossy().ends_with("-shm") {
                found.insert(entry.path(), std::fs::read(entry.path()).unwrap());
            }
        }
        let seen = disk.as_seen();
        assert_eq!(seen.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>(), "names");
        for (path, content) in &found {
            assert!(seen[path] == *content, "{}: the recording does not give what is there", path.display());
        }
    }

    /// Syncs of the store's main file while the writers wrote: each ends a checkpoint of its log.
    fn checkpoints(&self) -> usize {
        let events = &self.recording.events;
        let store = events.iter().find_map(|event| match event {
            Event::Create { file, path } if path.ends_with("waymark.sqlite") => Some(*file),
            _ => None,
        });
        let written = &events[self.given as usize..self.written as usize];
        written.iter().filter(|event| matches!(event, Event::SyncEnd { file, .. } if Some(*file) == store)).count()
    }

    /// Every moment for a cut, those with the same disk together. `is_wanted` is asked at each.
    fn cuts(&self, model: Names, mut is_wanted: impl FnMut(&Disk<'_>) -> bool) -> Vec<Case> {
        let mut disk = Disk::new(&self.recording, model);
        let mut cases: Vec<Case> = Vec::new();
        let mut number = 0;
        while let Some(cut) = disk.next_cut() {
            number += 1;
            let is_wanted = is_wanted(&disk);
            match cases.last_mut() {
                Some(case) if !cut.fresh => {
                    case.nows.push(cut.now);
                    case.is_wanted |= is_wanted;
                }
                _ => cases.push(Case { number, nows: vec![cut.now], is_wanted }),
            }
        }
        cases.retain(|case| case.is_wanted);
        cases
    }

    /// Cuts at which it matters whether names are kept at once.
    fn cuts_with_other_names(&self) -> Vec<Case> {
        let mut kept = Disk::new(&self.recording, Names::Kept);
        self.cuts(Names::Synced, |synced| {
            kept.next_cut();
            kept.names() != synced.names()
        })
    }

    /// Checks disks, as `image` makes them of the model's state at each cut. Gives every case that failed.
    fn check(&self, model: Names, cases: &[Case], image: impl Fn(&Disk<'_>, &Case) -> Files + Sync) -> Vec<Failed> {
        let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let work = || {
            let mut disk = Disk::new(&self.recording, model);
            let mut number = 0;
            while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                while number < case.number {
                    disk.next_cut();
                    number += 1;
                }
                let findings = self.findings(&image(&disk, case), &case.nows);
                if !findings.is_empty() {
                    failed.lock().unwrap().push(Failed { cut: case.number, model, findings });
                }
            }
        };
        thread::scope(|scope| (0..CHECKERS).for_each(|_| drop(scope.spawn(work))));
        failed.into_inner().unwrap()
    }

    /// What is wrong with a disk after a cut that came at any of these moments.
    fn findings(&self, files: &Files, nows: &[u64]) -> Vec<Finding> {
        let scratch = Scratch::in_memory();
        let copy = scratch.join("copy");
        write(files, &copy);
        write(files, &scratch.join("data"));
        std::fs::copy(self.scratch.join("bootstrap.json"), scratch.join("bootstrap.json")).unwrap();
        guarded(|| self.compare(scratch.path(), &copy, nows)).unwrap_or_else(|words| vec![Finding::Wrong(words)])
    }

    fn compare(&self, directory: &Path, copy: &Path, nows: &[u64]) -> Vec<Finding> {
        let journal = match read_journal(copy) {
            Ok(journal) => journal,
            Err(why) => return vec![Finding::Wrong(why)],
        };
        let lost = nows.iter().map(|now| journal.lost(&self.ledger, *now)).max().unwrap_or(0);
        if lost > 0 {
            return vec![Finding::Lost { writer: None, writes: lost }];
        }
        if nows.iter().all(|now| *now < self.ready) {
            // Before the first start has said that it is ready nothing was promised, but that it can be made again.
            drop(Server::start(directory));
            return Vec::new();
        }
        let server = Server::start(directory);
        let site = Site::of(&server);
        let compared = guarded(|| {
            let world = site.world();
            let answers = site.answers(&world, &self.ledger.mentioned());
            let seen = Seen { world: &world, answers: &answers, journal: &journal };
            let given = nows.iter().filter(|now| **now >= self.given);
            given.filter_map(|now| verify(&self.ledger, *now, &seen).err()).flatten().collect()
        });
        compared.unwrap_or_else(|words| {
            let (status, _, said) = server.end("KILL");
            vec![Finding::Wrong(format!("{words}; the program ended with {status} and had said:\n{said}"))]
        })
    }
}

/// What a check gives, or the words with which it was broken off.
fn guarded<T>(check: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(check))
        .map_err(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "it was broken off".to_owned()))
}

fn write(files: &Files, directory: &Path) {
    std::fs::create_dir(directory).unwrap();
    for (path, content) in files {
        std::fs::write(directory.join(path.file_name().expect("a file has a name")), content).unwrap();
    }
}

/// So many of the cases, evenly.
fn evenly(cases: Vec<Case>, count: usize) -> Vec<Case> {
    let step = cases.len().div_ceil(count).max(1);
    cases.into_iter().step_by(step).collect()
}

fn moments(cases: &[Case]) -> usize {
    cases.iter().map(|case| case.nows.len()).sum()
}

#[test]
fn nothing_acknowledged_is_lost_when_the_power_goes() {
    let recorded = record(&[]);
    let all = recorded.cuts(Names::Kept, |_| true);
    let (cuts, disks) = (moments(&all), all.len());
    let checked = evenly(all, CUTS_MAX);
    let checkpoints = recorded.checkpoints();
    assert!(cuts > 100 && checkpoints > 0, "the run has only {cuts} cuts and {checkpoints} checkpoints");
    let mut failed = recorded.check(Names::Kept, &checked, |disk, _| disk.after_cut());

    let other_names = recorded.cuts_with_other_names();
    failed.extend(recorded.check(Names::Synced, &other_names, |disk, _| disk.after_cut()));

    let torn = evenly(recorded.cuts(Names::Kept, |disk| disk.has_waiting()), CUTS_TORN);
    let seed = random().next();
    failed.extend(recorded.check(Names::Kept, &torn, |disk, case| {
        let mut random = Random::new(seed ^ case.number as u64);
        disk.torn(&mut random, 128)
    }));
    eprintln!(
        "{} events, {} writes acknowledged, {} refused; {cuts} cuts ({disks} different disks, {} checked), {} with other \
         names, {} with a torn cache; {checkpoints} checkpoints",
        recorded.recording.events.len(),
        recorded.ledger.steps(),
        recorded.ledger.refused(),
        checked.len(),
        other_names.len(),
        torn.len(),
    );
    assert!(failed.is_empty(), "{} disks are not as they must be; the first: {:#?}", failed.len(), failed.first());
}

#[test]
fn a_store_that_does_not_sync_fails_the_power_cut() {
    let recorded = record(&["--durability-off"]);
    let mut cases = recorded.cuts(Names::Kept, |_| true);
    cases.retain(|case| case.nows.iter().any(|now| *now >= recorded.given));
    let cases = evenly(cases, CUTS_UNSYNCED);
    let failed = recorded.check(Names::Kept, &cases, |disk, _| disk.after_cut());
    let lost = |failed: &Failed| {
        let writes = failed.findings.iter().map(|finding| match finding {
            Finding::Lost { writes, .. } => *writes,
            Finding::Wrong(_) => 0,
        });
        writes.sum::<usize>()
    };
    let most = failed.iter().map(lost).max().unwrap_or(0);
    eprintln!(
        "without syncs: {} of {} cuts failed; at the worst {most} of {} acknowledged writes were lost",
        failed.len(),
        cases.len(),
        recorded.ledger.steps(),
    );
    assert_eq!(failed.len(), cases.len(), "every cut after the first acknowledged write must fail");
    assert!(most > 0, "the check has found no acknowledged write that is lost: {failed:#?}");
}
