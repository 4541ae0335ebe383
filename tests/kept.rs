//! *Kept*: nothing acknowledged is lost, nothing refused is kept, nothing is there in part.
//!
//! ```text
//!  writers --HTTP--> the program        each notes what it sent and what the reply was (ledger)
//!                       | kill -9
//!  ledger == API == journal == DNS      after every restart, on one directory that is used on and on
//! ```
//!
//! This file kills the program; `power_cut` takes the power from its disk, and `full_disk` the room. All three write
//! with the same writers and compare in the same way.

mod client;
pub(crate) mod facts;
pub(crate) mod journal;
pub(crate) mod ledger;
pub(crate) mod site;
pub(crate) mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use serde_json::json;
use waymark::config::Config;
use waymark::node::{NodeOptions, control_options};
use waymark_control::Control;
use waymark_wire::Serial;

use crate::harness::program::{Program, Server, command};
use crate::harness::random::Random;
use crate::harness::scratch::Scratch;
use facts::{Fact, Facts, difference, published};
use ledger::{Finding, Ledger};
use site::{Answers, BRAND, Site, World};
use writer::{Alarm, Run, Signals, Writer, shared_zone};

/// Writers that have a request on the way at any time.
const WRITERS: usize = 8;
/// Kills in a run of all tests; `WAYMARK_KILLS` says otherwise.
const KILLS: u64 = 5;
/// Zones that all writers write to.
pub(crate) const SHARED_ZONES: usize = 2;
/// A kill comes after this many writes of all writers, at random.
const WRITES_PER_KILL: std::ops::Range<usize> = 40..400;
/// And then after so many turns of an empty loop, so that it falls anywhere within a write: a few milliseconds.
const TURNS_MAX: usize = 2_000_000;
/// Every second kill is followed by one of the next start, after so many turns at most.
const STARTING_TURNS_MAX: usize = 20_000_000;

/// Everything that the three proofs compare, of one state of a data directory.
pub(crate) struct Seen<'a> {
    pub(crate) world: &'a World,
    pub(crate) answers: &'a Answers,
    pub(crate) journal: &'a journal::View,
}

/// Compares what the clients know with API, journal and DNS, when the ledger's clock showed `now`. Gives how many steps
/// of each writer were carried out; or everything that is wrong.
pub(crate) fn verify(ledger: &Ledger, now: u64, seen: &Seen<'_>) -> Result<Vec<usize>, Vec<Finding>> {
    let shown = ledger.check(&seen.world.facts, now)?;
    let mut wrong = seen.journal.complaints.clone();
    let world = published(&seen.world.facts);
    for (what, facts) in [("journal", &seen.journal.facts), ("DNS", &seen.answers.facts)] {
        wrong.extend(difference(&world, facts).map(|found| format!("API and {what} differ: {found}")));
    }
    wrong.extend(seen.journal.tells(ledger, &shown).err());
    let (answers, journal) = (&seen.answers.serials, &seen.journal.serials);
    for zone in answers.keys().chain(journal.keys()).collect::<BTreeSet<_>>() {
        let (answered, entered) = (answers.get(zone), journal.get(zone));
        if answered != entered {
            wrong.push(format!("{zone}: DNS shows serial {answered:?}, the journal {entered:?}"));
        }
    }
    if wrong.is_empty() { Ok(shown) } else { Err(wrong.into_iter().map(Finding::Wrong).collect()) }
}

/// Reads the journal of a data directory that no process uses.
pub(crate) fn read_journal(data: &Path) -> Result<journal::View, String> {
    let options = control_options(&Config::default(), &NodeOptions::default());
    let control = Control::open(data, options).map_err(|why| why.to_string())?;
    let view = journal::View::of(control.journal(), BRAND);
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|why| why.to_string())?;
    runtime.block_on(control.close());
    Ok(view)
}

/// Makes the zones that all writers share, and gives them as facts.
pub(crate) fn make_shared_zones(site: &Site) -> Facts {
    let mut client = site.client();
    let mut make = |number| {
        let name = shared_zone(number);
        client.post("/zones", &json!({"name": name, "account": {"id": site.account}})).ok();
        Fact::Zone(name)
    };
    (0..SHARED_ZONES).map(&mut make).collect()
}

/// The seed of a run: `WAYMARK_SEED`, or always the same.
pub(crate) fn random() -> Random {
    let seed = std::env::var("WAYMARK_SEED").map_or(1982, |seed| seed.parse().expect("WAYMARK_SEED is a number"));
    Random::new(seed)
}

pub(crate) fn copy_directory(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// What stays over all kills.
struct Trial {
    ledger: Ledger,
    random: Random,
    numbers: AtomicU64,
    clock: AtomicU64,
    /// The last serials that DNS has shown.
    serials: BTreeMap<String, Serial>,
    /// The position before the first write of a writer.
    base: u64,
    caught: u64,
    in_flight: u64,
}

impl Trial {
    /// Lets the writers write, and kills the program in the midst of it.
    fn write_and_kill(&mut self, server: Server, site: &Site) {
        let world = site.world();
        let signals: Vec<Signals> = (0..WRITERS).map(|_| Signals::default()).collect();
        let writes = WRITES_PER_KILL.start + self.random.below(WRITES_PER_KILL.len());
        let (alarm, reached) = Alarm::after(writes as u64);
        let clock = || self.clock.fetch_add(1, Ordering::SeqCst);
        let turns = self.random.below(TURNS_MAX);
        let seeds: Vec<u64> = (0..WRITERS).map(|_| self.random.next()).collect();
        let numbers = &self.numbers;
        let serials = &mut self.serials;
        let (runs, before) = thread::scope(|scope| {
            let (alarm, world, clock) = (&alarm, &world, &clock);
            let threads: Vec<_> = signals
                .iter()
                .enumerate()
                .map(|(number, signals)| {
                    let random = Random::new(seeds[number]);
                    scope.spawn(move || {
                        let mut writer = Writer::new(number, site, world, clock, numbers, random);
                        writer.run(usize::MAX, signals, Some(alarm))
                    })
                })
                .collect();
            // Sent by the alarm; an error means that it cannot come any more, which the runs explain.
            let _ = reached.recv();
            let shown =
                (0..SHARED_ZONES).filter_map(|zone| Some((shared_zone(zone), site.serial(&shared_zone(zone))?)));
            serials.extend(shown);
            (0..turns).for_each(|_| std::hint::spin_loop());
            let before: Vec<(bool, u64)> = signals.iter().map(Signals::read).collect();
            drop(server);
            let runs: Vec<Run> = threads.into_iter().map(|thread| thread.join().expect("a writer")).collect();
            (runs, before)
        });
        self.note(runs, &before, &signals);
    }

    /// Takes the writers' notes, and counts whose request the kill has caught.
    fn note(&mut self, runs: Vec<Run>, before: &[(bool, u64)], signals: &[Signals]) {
        // Caught for sure: sent before the kill, and the reply to that very request has not come.
        let caught = before.iter().zip(signals).filter(|(before, now)| before.0 && now.read() == **before).count();
        self.in_flight += caught as u64;
        self.caught += u64::from(caught > 0);
        for (history, run) in self.ledger.writers.iter_mut().zip(runs) {
            assert_eq!(run.complaints, [] as [String; 0]);
            run.steps.into_iter().for_each(|step| history.push(step));
        }
    }

    /// Starts the program and kills it while it starts, more or less far on its way.
    fn kill_a_start(&mut self, directory: &Path) {
        let arguments = ["serve", "--data-dir", "data", "--api-listen", "127.0.0.1:0", "--dns-listen", "0.0.0.0:0"];
        let program = Program::spawn(&mut command(directory, &arguments));
        let turns = self.random.below(STARTING_TURNS_MAX);
        (0..turns).for_each(|_| std::hint::spin_loop());
        drop(program);
    }

    /// Compares everything, of the directory as the kill has left it and of the program that was started on it again.
    fn verify(&mut self, data: &Path, copy: &Path, site: &Site) {
        let journal = read_journal(copy).expect("the store can be opened");
        let world = site.world();
        let answers = site.answers(&world, &self.ledger.mentioned());
        let seen = Seen { world: &world, answers: &answers, journal: &journal };
        let shown = verify(&self.ledger, u64::MAX, &seen).unwrap_or_else(|findings| {
            panic!("in {}: {findings:#?}", data.display());
        });
        self.ledger.settle(&shown);
        // A position for each write that was carried out, and for nothing else.
        assert_eq!(journal.position.0 - self.base, self.ledger.steps() as u64, "one position per write");
        for (zone, serial) in answers.serials {
            let last = self.serials.insert(zone.clone(), serial).unwrap_or(serial);
            assert!(serial >= last, "{zone}: DNS showed serial {last} before the kill, and {serial} after it");
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let kills = std::env::var("WAYMARK_KILLS").map_or(KILLS, |kills| kills.parse().expect("WAYMARK_KILLS is a number"));
    let scratch = Scratch::new();
    let data = scratch.join("data");
    let mut server = Server::start(scratch.path());
    let mut site = Site::of(&server);
    let given = make_shared_zones(&site);
    let base = site.position();
    let mut trial = Trial {
        ledger: Ledger::new(WRITERS, given),
        random: random(),
        numbers: AtomicU64::new(0),
        clock: AtomicU64::new(0),
        serials: BTreeMap::new(),
        base,
        caught: 0,
        in_flight: 0,
    };
    for kill in 0..kills {
        trial.write_and_kill(server, &site);
        let copy = scratch.join(&format!("copy-{kill}"));
        copy_directory(&data, &copy);
        if kill % 2 == 1 {
            trial.kill_a_start(scratch.path());
        }
        server = Server::start(scratch.path());
        site = Site::of(&server);
        trial.verify(&data, &copy, &site);
        std::fs::remove_dir_all(copy).unwrap();
    }
    let Trial { ledger, caught, in_flight, .. } = trial;
    let (kept, refused) = (ledger.steps(), ledger.refused());
    eprintln!(
        "{kills} kills, {caught} with requests in flight ({in_flight} of them); {kept} writes kept, {refused} refused"
    );
    assert!(caught * 5 >= kills, "only {caught} of {kills} kills caught a request in flight");
    assert!(refused > 0, "some writes were to be refused");
}
