//! The fuzz targets without a fuzzer: every target over its seeds and over changes of them, the same in every run.
//!
//! A fuzzer finds more, and needs hours (`fuzz/README.md`); this shows that the targets hold, and keep holding.

#[path = "../fuzz/targets.rs"]
mod targets;

use std::fs;
use std::time::{Duration, Instant};

use crate::harness::random::Random;
use crate::tidy::root;

/// Inputs per target, where no time is asked for.
const INPUTS: usize = 100_000;
/// The longest input made from nothing.
const OCTETS_MAX: usize = 600;

/// The seeds of a target, and some of our own where it has none.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let directory = root().join("fuzz/seeds").join(target);
    let files = fs::read_dir(&directory).unwrap_or_else(|why| panic!("{}: {why}", directory.display()));
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{target} has no seeds");
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// An input: a seed changed in a few places, two seeds joined, or octets from nothing.
fn input(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    if random.below(10) == 0 {
        let length = random.below(OCTETS_MAX);
        return (0..length).map(|_| random.next() as u8).collect();
    }
    let mut octets = seeds[random.below(seeds.len())].clone();
    for _ in 0..random.below(6) {
        change(random, &mut octets, seeds);
    }
    octets
}

fn change(random: &mut Random, octets: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    let at = random.below(octets.len() + 1);
    match random.below(7) {
        0 => octets.truncate(at),
        1 => octets.insert(at, random.next() as u8),
        2 if at < octets.len() => octets[at] = random.next() as u8,
        3 if at < octets.len() => octets[at] ^= 1 << random.below(8),
        // What lengths, counts and pointers look like at their edges.
        4 if at < octets.len() => octets[at] = [0, 1, 63, 64, 127, 128, 191, 192, 255][random.below(9)],
        5 if at < octets.len() => {
            octets.remove(at);
        }
        _ => {
            let other = &seeds[random.below(seeds.len())];
            let from = random.below(other.len() + 1);
            octets.truncate(at);
            octets.extend_from_slice(&other[from..]);
        }
    }
}

/// Runs one target, for as many inputs or seconds as are asked for. Which input comes at which number is the same in
/// every run; only how many there are depends on the time.
fn holds(name: &str) {
    let target = targets::TARGETS.iter().find(|(target, _)| *target == name).unwrap().1;
    let seconds = std::env::var("WAYMARK_FUZZ_SECONDS").ok().map(|text| text.parse().unwrap());
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let seeds = seeds(name);
    seeds.iter().for_each(|seed| target(seed));
    let mut random = Random::new(name.len() as u64);
    let mut inputs = 0;
    while end.map_or(inputs < INPUTS, |end| inputs % 1000 != 0 || Instant::now() < end) {
        let input = input(&mut random, &seeds);
        let held = std::panic::catch_unwind(|| target(&input));
        assert!(held.is_ok(), "{name} does not hold for {input:02x?}");
        inputs += 1;
    }
}

macro_rules! targets {
    ($($name:ident)+) => {
        $(#[test]
        fn $name() {
            holds(stringify!($name));
        })+

        #[test]
        fn every_target_is_run() {
            assert_eq!(targets::TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>(), [$(stringify!($name)),+]);
        }
    };
}

targets! { query answer published name_text record_text zone_file event cookies }

#[test]
fn every_target_has_its_fuzzer() {
    for (name, _) in targets::TARGETS {
        let path = root().join(format!("fuzz/fuzz_targets/{name}.rs"));
        assert!(path.exists(), "{} is missing", path.display());
    }
}
