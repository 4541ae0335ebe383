use std::collections::HashMap;
use std::thread;

use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000_000;

fn limiter(options: Options) -> RateLimiter {
    RateLimiter::new(&options, [7; 16]).unwrap()
}

fn per_second(per_second: u32) -> RateLimiter {
    limiter(Options { per_second, ..Options::default() })
}

fn at(micros: u64) -> Now {
    Now { unix_micros: 0, monotonic_micros: micros }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The address of one of many networks.
fn network(number: u32) -> IpAddr {
    IpAddr::from((0x0a00_0000 | number << 8).to_be_bytes())
}

/// How many of `count` answers at one moment are sent.
fn sent(limiter: &RateLimiter, client: &str, class: Class, subject: u64, now: u64, count: usize) -> usize {
    (0..count).filter(|_| limiter.allow(ip(client), class, subject, at(now)) == Verdict::Send).count()
}

#[test]
fn the_limit_is_reached_and_comes_back_with_time() {
    let limiter = per_second(5);
    let sent = |now, count| sent(&limiter, "192.0.2.1", Class::Positive, 1, now, count);
    assert_eq!(sent(0, 20), 5, "a bucket's worth at once");
    assert_eq!(sent(SECOND / 5 - 1, 20), 0);
    assert_eq!(sent(SECOND / 5, 20), 1);
    assert_eq!(sent(SECOND, 20), 4);
    assert_eq!(sent(100 * SECOND, 20), 5, "a bucket does not overflow");
}

#[test]
fn who_stays_below_the_limit_is_never_suppressed() {
    let limiter = per_second(5);
    for number in 0..100_000 {
        let now = at(number * SECOND / 5);
        assert_eq!(limiter.allow(ip("192.0.2.1"), Class::Positive, 1, now), Verdict::Send, "answer {number}");
    }
}

#[test]
fn a_rate_that_does_not_divide_a_second_is_rounded_down() {
    let limiter = per_second(900_001);
    let sent = |now, count| sent(&limiter, "192.0.2.1", Class::Positive, 1, now, count);
    assert_eq!(sent(0, 1_000_000), 900_001);
    let after_a_millisecond = sent(SECOND / 1000, 1000);
    assert!((850..=900).contains(&after_a_millisecond), "{after_a_millisecond}");
}

#[test]
fn zero_lifts_the_limit() {
    assert!(RateLimiter::new(&Options::default(), [7; 16]).is_none());
}

#[test]
fn a_network_shares_its_bucket_and_others_have_their_own() {
    let limiter = limiter(Options { per_second: 1, ..Options::default() });
    let sent = |client: &str| sent(&limiter, client, Class::Positive, 1, 0, 1);
    assert_eq!((sent("192.0.2.1"), sent("192.0.2.254"), sent("::ffff:192.0.2.7")), (1, 0, 0));
    assert_eq!(sent("192.0.3.1"), 1);
    assert_eq!((sent("2001:db8:0:100::1"), sent("2001:db8:0:1ff:ffff::1")), (1, 0));
    assert_eq!(sent("2001:db8:0:200::1"), 1);
}

#[test]
fn prefixes_are_set() {
    for (v4, v6, clients) in [(32, 128, 256), (0, 0, 1), (25, 127, 4)] {
        let limiter = limiter(Options { per_second: 1, ipv4_prefix: v4, ipv6_prefix: v6, ..Options::default() });
        let clients_sent = |clients: [&str; 4]| -> usize {
            clients.iter().map(|client| sent(&limiter, client, Class::Error, 0, 0, 1)).sum()
        };
        let v4_sent = clients_sent(["192.0.2.1", "192.0.2.2", "192.0.2.129", "192.0.2.130"]);
        let v6_sent = clients_sent(["2001:db8::2", "2001:db8::3", "2001:db8::4", "2001:db8::5"]);
        let expected = match clients {
            256 => (4, 4),
            1 => (1, 1),
            _ => (2, 2),
        };
        assert_eq!((v4_sent, v6_sent), expected, "/{v4} /{v6}");
    }
}

#[test]
fn classes_and_subjects_are_counted_apart() {
    let limiter = per_second(1);
    let classes = [Class::Positive, Class::NoData, Class::NxDomain, Class::Referral, Class::Error];
    for class in classes {
        for subject in [0, 1, u64::MAX] {
            assert_eq!(sent(&limiter, "192.0.2.1", class, subject, 0, 9), 1, "{class:?} {subject}");
        }
    }
}

#[test]
fn every_nth_suppressed_answer_is_truncated() {
    for (slip, expected) in [(0, "DDDDDDDD"), (1, "TTTTTTTT"), (2, "DTDTDTDT"), (3, "DDTDDTDD"), (200, "DDDDDDDD")] {
        let limiter = limiter(Options { per_second: 1, slip, ..Options::default() });
        assert_eq!(sent(&limiter, "192.0.2.1", Class::Error, 0, 0, 1), 1);
        let verdicts = (0..8).map(|_| match limiter.allow(ip("192.0.2.1"), Class::Error, 0, at(0)) {
            Verdict::Send => 'S',
            Verdict::Drop => 'D',
            Verdict::Truncate => 'T',
        });
        assert_eq!(verdicts.collect::<String>(), expected, "slip {slip}");
    }
}

#[test]
fn the_largest_slip_truncates_too() {
    let limiter = limiter(Options { per_second: 1, slip: SLIP_MAX, ..Options::default() });
    let verdicts: Vec<Verdict> =
        (0..=SLIP_MAX).map(|_| limiter.allow(ip("192.0.2.1"), Class::Error, 0, at(0))).collect();
    assert_eq!(verdicts.iter().position(|verdict| *verdict == Verdict::Truncate), Some(usize::from(SLIP_MAX)));
}

#[test]
fn the_table_takes_what_it_was_given_whoever_asks() {
    for (entries, octets) in [(0, 64), (1, 64), (8, 64), (9, 128), (65_536, 524_288)] {
        let limiter = limiter(Options { per_second: 10, entries, ..Options::default() });
        assert_eq!(limiter.octets(), octets);
        for number in 0..10_000 {
            limiter.allow(network(number), Class::Positive, u64::from(number), at(0));
        }
        assert_eq!(limiter.octets(), octets);
    }
}

#[test]
fn a_flood_from_one_network_suppresses_no_other() {
    let limiter = per_second(10);
    for round in 0..1000 {
        let now = round * SECOND / 100;
        sent(&limiter, "203.0.113.1", Class::Positive, 1, now, 100);
        let other = sent(&limiter, "192.0.2.1", Class::Positive, 1, now, usize::from(round % 10 == 0));
        assert_eq!(other, usize::from(round % 10 == 0), "round {round}");
    }
}

#[test]
fn forged_networks_suppress_nobody_else_and_do_not_make_a_limited_one_forgotten() {
    let limiter = limiter(Options { per_second: 10, entries: 64, ..Options::default() });
    assert_eq!(sent(&limiter, "192.0.2.1", Class::Positive, 1, 0, 100), 10);
    // A hundred times what the table holds, each of them once: every bucket is in use.
    for number in 0..6400 {
        assert_eq!(limiter.allow(network(number), Class::Positive, 1, at(0)), Verdict::Send, "network {number}");
    }
    assert_eq!(sent(&limiter, "192.0.2.1", Class::Positive, 1, 0, 100), 0, "who is pressed the hardest stays known");
    // What pushes a limited network out is being pressed as hard: then it gets a bucket's worth again, and no more.
    for number in 0..6400 {
        for _ in 0..20 {
            limiter.allow(network(number), Class::Positive, 1, at(0));
        }
    }
    assert!(sent(&limiter, "192.0.2.1", Class::Positive, 1, 0, 100) <= 10);
}

#[test]
fn another_seed_is_another_table() {
    let keys = |seed| {
        let limiter = RateLimiter::new(&Options { per_second: 1, ..Options::default() }, seed).unwrap();
        (0..4u64).map(|subject| limiter.key(ip("192.0.2.1"), Class::Positive, subject)).collect::<Vec<_>>()
    };
    assert_eq!(keys([1; 16]), keys([1; 16]));
    assert!(keys([1; 16]).iter().zip(keys([2; 16])).all(|(one, two)| *one != two));
}

#[test]
fn workers_together_keep_to_the_limit() {
    const WORKERS: usize = 4;
    for round in 0..20 {
        let limiter = per_second(100);
        let sent: usize = thread::scope(|scope| {
            let worker = || scope.spawn(|| sent(&limiter, "192.0.2.1", Class::Positive, round, 0, 10_000));
            let workers: Vec<_> = (0..WORKERS).map(|_| worker()).collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).sum()
        });
        assert!((100..=100 + WORKERS).contains(&sent), "{sent} were sent");
    }
}

#[test]
fn a_bucket_is_known_again_after_the_circle_of_its_clock() {
    let limiter = per_second(10);
    let start = (1u64 << 32) - SECOND / 2;
    assert_eq!(sent(&limiter, "192.0.2.1", Class::Positive, 1, start, 100), 10);
    assert_eq!(sent(&limiter, "192.0.2.1", Class::Positive, 1, start + SECOND / 2, 100), 5, "round the circle");
    assert_eq!(sent(&limiter, "192.0.2.1", Class::Positive, 1, start + 1800 * SECOND, 100), 10, "half an hour later");
}

/// The obviously right bucket: how many answers it holds, in parts of an answer, and since when.
struct Model {
    per_second: u64,
    /// For each key: millionths of an answer, and when that was so.
    buckets: HashMap<u8, (u64, u64)>,
}

impl Model {
    fn allow(&mut self, key: u8, now: u64) -> bool {
        let full = self.per_second * SECOND;
        let (level, since) = self.buckets.entry(key).or_insert((full, now));
        *level = full.min(*level + (now - *since) * self.per_second);
        *since = now;
        let allowed = *level >= SECOND;
        if allowed {
            *level -= SECOND;
        }
        allowed
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn answers_are_those_of_a_plain_token_bucket(
        // These divide a second into whole ticks, so that nothing is rounded.
        rate in prop::sample::select(vec![1u32, 2, 5, 10, 100, 1000]),
        start in 0u64..1 << 40,
        steps in prop::collection::vec((0u8..6, prop_oneof![Just(0), 0u64..2000, 0..SECOND]), 1..600),
    ) {
        let limiter = per_second(rate);
        let mut model = Model { per_second: u64::from(rate), buckets: HashMap::new() };
        let mut now = start;
        for (key, pause) in steps {
            now += pause;
            let verdict = limiter.allow(network(u32::from(key)), Class::Positive, 1, at(now));
            prop_assert_eq!(verdict == Verdict::Send, model.allow(key, now));
        }
    }

    #[test]
    fn over_any_window_no_more_is_sent_than_the_rate_and_one_bucket(
        rate in 1u32..3000,
        pauses in prop::collection::vec(prop_oneof![Just(0), 0u64..2000, 0..SECOND], 1..600),
    ) {
        let limiter = per_second(rate);
        let (mut now, mut sent) = (0, Vec::new());
        for pause in pauses {
            now += pause;
            if limiter.allow(ip("192.0.2.1"), Class::NxDomain, 1, at(now)) == Verdict::Send {
                sent.push(now);
            }
        }
        for (first, from) in sent.iter().enumerate() {
            for (last, to) in sent.iter().enumerate().skip(first) {
                let answers = (last - first + 1) as u64;
                prop_assert!(answers * SECOND <= u64::from(rate) * (to - from + SECOND));
            }
        }
    }

    #[test]
    fn moments_out_of_order_do_not_raise_the_limit(late in prop::collection::vec(0u64..50_000, 1..600)) {
        // Workers hold the moment of their batch; one may be behind another.
        let limiter = per_second(50);
        let start = 10 * SECOND;
        let sent = late.iter().enumerate().filter(|(number, late)| {
            let now = start + *number as u64 * 1000 - *late;
            limiter.allow(ip("192.0.2.1"), Class::Positive, 1, at(now)) == Verdict::Send
        });
        prop_assert!(sent.count() as u64 <= 50 + (late.len() as u64 * 1000 + 50_000) * 50 / SECOND + 1);
    }
}
