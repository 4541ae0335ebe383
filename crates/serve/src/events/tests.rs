use std::thread;

use proptest::prelude::*;
use waymark_wire::event::{Flags, Origin, Transport};
use waymark_wire::{Opcode, Rcode, RecordType};

use super::*;

/// The event of one answer; its time is its number.
fn event(number: u64, name: &[u8]) -> Event<'_> {
    Event {
        at_micros: number,
        sample_interval: 1,
        name,
        record_type: RecordType::A,
        class: 1,
        opcode: Opcode::QUERY,
        rcode: Rcode::NOERROR,
        flags: Flags::default(),
        transport: Transport::Udp,
        origin: Origin::Zone,
        scope: None,
        zone: Some(number % 3),
        client: [192, 0, 2, 1].into(),
        client_port: 53,
        request_octets: 30,
        response_octets: 60,
        duration_micros: 7,
    }
}

/// A name whose length goes with the number.
fn name(number: u64) -> Vec<u8> {
    let label = [&[(number % 60 + 1) as u8][..], &vec![b'a'; (number % 60 + 1) as usize]].concat();
    [&label[..], &[0]].concat()
}

fn events(sample_interval: u32, ring_octets: usize) -> Arc<Events> {
    Events::new(Options { sample_interval, ring_octets })
}

fn drained(events: &Events) -> Vec<u64> {
    let mut numbers = Vec::new();
    events.drain(|event| {
        assert_eq!(event.name, name(event.at_micros), "an event is whole");
        numbers.push(event.at_micros);
    });
    numbers
}

fn record(recorder: &mut Recorder, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        let name = name(number);
        recorder.record(|| event(number, &name));
    }
}

#[test]
fn what_is_recorded_is_drained_once_and_in_order() {
    let events = events(1, 1 << 16);
    let mut recorders = [events.recorder(), events.recorder()];
    record(&mut recorders[0], 0..100);
    record(&mut recorders[1], 1000..1050);
    assert_eq!(drained(&events), (0..100).chain(1000..1050).collect::<Vec<_>>());
    assert!(drained(&events).is_empty());
    let counts = events.counts();
    assert_eq!((counts.recorded, counts.dropped, counts.drained), (150, 0, 150));
    assert!(counts.drained_octets > 150 * 30);
}

#[test]
fn one_of_every_so_many_is_recorded_and_says_so() {
    let events = events(7, 1 << 16);
    let mut recorder = events.recorder();
    record(&mut recorder, 0..100);
    let mut intervals = Vec::new();
    events.drain(|event| intervals.push((event.at_micros, event.sample_interval)));
    assert_eq!(intervals, (0..100).step_by(7).map(|number| (number, 7)).collect::<Vec<_>>());
}

#[test]
fn an_event_that_is_not_recorded_is_not_made() {
    for (interval, expected) in [(0, 0), (1, 100), (10, 10)] {
        let events = events(interval, 1 << 16);
        let mut recorder = events.recorder();
        let mut made = 0;
        for number in 0..100 {
            recorder.record(|| {
                made += 1;
                event(number, b"\0")
            });
        }
        assert_eq!((made, events.counts().recorded), (expected, expected), "1 of {interval}");
    }
}

#[test]
fn a_full_ring_loses_the_newest_and_counts_them() {
    // The least there can be: one event of any length, and several short ones.
    let events = events(1, 0);
    let mut recorder = events.recorder();
    record(&mut recorder, 0..1000);
    let counts = events.counts();
    assert!(counts.recorded > 0 && counts.dropped > 0 && counts.recorded + counts.dropped == 1000);
    let first = drained(&events);
    assert_eq!((first.len() as u64, first[0]), (counts.recorded, 0));
    record(&mut recorder, 5000..5001);
    assert_eq!(drained(&events), [5000], "a ring that was full is used again");
}

#[test]
fn a_full_ring_is_no_other_recorders_loss() {
    let events = events(1, 0);
    let mut recorders = [events.recorder(), events.recorder()];
    record(&mut recorders[0], 0..1000);
    let before = events.counts().dropped;
    record(&mut recorders[1], [1]);
    assert_eq!(events.counts().dropped, before);
    assert!(drained(&events).ends_with(&[1]));
}

#[test]
fn what_a_recorder_leaves_behind_is_drained() {
    let events = events(1, 1 << 12);
    record(&mut events.recorder(), 0..3);
    assert_eq!(drained(&events), [0, 1, 2]);
}

#[test]
fn the_thread_drains_all_before_it_ends() {
    let events = events(1, 1 << 16);
    let mut recorder = events.recorder();
    let drain = Drain::start(Arc::clone(&events)).unwrap();
    record(&mut recorder, 0..500);
    drain.stop();
    let counts = events.counts();
    assert_eq!((counts.recorded, counts.drained), (500, 500));
}

#[test]
fn workers_and_drain_run_at_the_same_time() {
    const EACH: u64 = 100_000;
    let events = events(1, 1 << 14);
    let mut seen: [Vec<u64>; 2] = [Vec::new(), Vec::new()];
    thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|worker| {
                let mut recorder = events.recorder();
                scope.spawn(move || record(&mut recorder, worker * EACH..(worker + 1) * EACH))
            })
            .collect();
        let mut take = || drained(&events).into_iter().for_each(|number| seen[(number / EACH) as usize].push(number));
        while !workers.iter().all(|worker| worker.is_finished()) {
            take();
        }
        take();
    });
    let counts = events.counts();
    assert_eq!(counts.recorded + counts.dropped, 2 * EACH);
    assert_eq!(seen.iter().map(|seen| seen.len() as u64).sum::<u64>(), counts.recorded);
    assert!(seen.iter().all(|seen| seen.is_sorted_by(|one, next| one < next) && !seen.is_empty()));
}

#[derive(Clone, Debug)]
enum Step {
    Record(usize, u8),
    Drain,
}

proptest! {
    #[test]
    fn what_is_drained_is_what_was_recorded_less_what_was_dropped(
        ring_octets in 0usize..2000,
        sample_interval in 1u32..5,
        steps in prop::collection::vec(
            prop_oneof![
                4 => (0usize..3, 1u8..60).prop_map(|(of, count)| Step::Record(of, count)),
                1 => Just(Step::Drain),
            ],
            0..60,
        ),
    ) {
        let events = events(sample_interval, ring_octets);
        let mut recorders = [events.recorder(), events.recorder(), events.recorder()];
        // Of each recorder: how many answers there were, which of them were let in, and which came out.
        let mut answers = [0u64; 3];
        let (mut accepted, mut out) = (vec![Vec::new(); 3], vec![Vec::new(); 3]);
        for step in steps.into_iter().chain([Step::Drain]) {
            match step {
                Step::Record(of, count) => {
                    for _ in 0..count {
                        let (number, before) = (of as u64 * 1_000_000 + answers[of], events.counts());
                        record(&mut recorders[of], [number]);
                        let (sampled, after) = (answers[of].is_multiple_of(sample_interval.into()), events.counts());
                        let (recorded, dropped) = (after.recorded - before.recorded, after.dropped - before.dropped);
                        prop_assert_eq!(recorded + dropped, u64::from(sampled));
                        if recorded == 1 {
                            accepted[of].push(number);
                        }
                        answers[of] += 1;
                    }
                }
                Step::Drain => {
                    drained(&events).into_iter().for_each(|number| out[(number / 1_000_000) as usize].push(number));
                }
            }
        }
        let counts = events.counts();
        prop_assert_eq!(counts.drained, counts.recorded);
        prop_assert_eq!(out, accepted);
    }
}
