//! Whole: a change is seen as one, or not at all.
//!
//! ```text
//!  one transaction after the other: 1,000 names and two chains go from n to n + 1
//!  readers, without pause: every UDP worker and TCP in turn, many questions at a time
//! ```
//!
//! Everything that changes says its n: the TTL of every record is 60 + n, an address is 10.0.n, the names in the middle
//! of the chains end in n. So an answer that mixes two states shows it by itself; and whoever has seen n + 1 must never
//! be told n by a question asked later, whatever it asks, and whichever worker or connection answers.
//!
//! That the test can fail is shown with a node that publishes name by name.

mod chains;
mod reader;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use waymark::config::Limit;
use waymark::follow::Visibility;

use crate::harness::Node;
use crate::harness::node::WORKERS;
use chains::Flipping;
use reader::Reader;

/// Transactions, and names that each of them changes.
const FLIPS: u64 = 1_000;
const NAMES: usize = 1_000;
/// Answers that are checked while they happen.
const ANSWERS: u64 = 1_000_000;
/// Threads that ask; each goes round all workers and TCP.
const READERS: usize = 2;
/// Transactions after which a node that publishes name by name must have been caught.
const FLIPS_UNTIL_CAUGHT: u64 = 200;

/// What all who take part share.
#[derive(Default)]
struct Race {
    over: AtomicBool,
    answers: AtomicU64,
}

/// What came of it.
struct Outcome {
    flips: u64,
    answers: u64,
    violations: Vec<String>,
}

/// Flips until `flips` and `answers` are reached, at most `flips_max` times, or until somebody has seen what must not
/// be seen.
fn race(node: &Node, flips: u64, answers: u64, flips_max: u64) -> Outcome {
    let mut flipping = Flipping::prepare(node, NAMES);
    let race = &Race::default();
    thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|number| {
                let mut reader = Reader::new(&flipping, number as u64);
                scope.spawn(move || {
                    let violation = reader.run(race);
                    // Whoever has seen enough ends it for all.
                    race.over.fetch_or(violation.is_err(), Ordering::Relaxed);
                    violation.err()
                })
            })
            .collect();
        let answered = || race.answers.load(Ordering::Relaxed);
        let mut done = 0;
        while done < flips_max && (done < flips || answered() < answers) && !race.over.load(Ordering::Relaxed) {
            flipping.flip();
            done += 1;
        }
        race.over.store(true, Ordering::Relaxed);
        let violations = readers.into_iter().filter_map(|reader| reader.join().expect("a reader failed")).collect();
        Outcome { flips: done, answers: answered(), violations }
    })
}

#[test]
fn a_change_is_seen_whole_or_not_at_all() {
    let node = Node::start_with(|config, _| {
        // A thousand transactions of a thousand records are not kept: the disk is not what is tested.
        config.limits.journal_entries_kept = Limit(16);
        config.limits.undo_entries_kept = Limit(16);
    });
    let before = node.metrics();
    let outcome = race(&node, FLIPS, ANSWERS, 10 * FLIPS);
    assert_eq!(outcome.violations, Vec::<String>::new(), "after {} flips", outcome.flips);
    assert!(
        outcome.flips >= FLIPS && outcome.answers >= ANSWERS,
        "{} flips, {} answers",
        outcome.flips,
        outcome.answers
    );
    let after = node.metrics();
    let grown = |name: &str, labels: &[(&str, &str)]| after.sum(name, labels) - before.sum(name, labels);
    let enough = ANSWERS as f64 / 100.0;
    assert!(grown("waymark_dns_queries_total", &[("transport", "tcp")]) >= enough, "TCP was asked");
    for worker in 0..WORKERS {
        let asked = grown("waymark_dns_worker_queries_total", &[("worker", &worker.to_string())]);
        assert!(asked >= enough, "worker {worker} was asked {asked} times");
    }
    println!("{} flips of {NAMES} names, {} answers", outcome.flips, outcome.answers);
}

#[test]
fn a_build_that_publishes_name_by_name_is_caught() {
    let node = Node::start_with(|_, options| options.visibility = Visibility::NameByName);
    let outcome = race(&node, FLIPS_UNTIL_CAUGHT, 0, FLIPS_UNTIL_CAUGHT);
    assert!(
        !outcome.violations.is_empty(),
        "{} flips, name by name, and nobody noticed in {} answers",
        outcome.flips,
        outcome.answers
    );
}
