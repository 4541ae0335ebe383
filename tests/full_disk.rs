//! A full disk: a clear refusal, nothing half-done, DNS goes on answering, and service resumes when there is room.
//!
//! The data directory is a small file system in memory, of which a file leaves so many pages free. Page by page, the
//! disk becomes full at another write inside a write. Each time: write until a write is refused; look at everything;
//! make room; the next write is carried out, without a restart.
//!
//! The file system is mounted in a namespace of its own, so that nothing is left behind however the test ends: the test
//! starts itself again under `unshare`, as root or, if the system allows that, as anybody.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicU64;

use crate::harness::http::Response;
use crate::harness::program::Server;
use crate::harness::random::Random;
use crate::harness::scratch::Scratch;
use crate::kept::ledger::Ledger;
use crate::kept::site::Site;
use crate::kept::writer::{Run, Signals, Writer};
use crate::kept::{Seen, copy_directory, make_shared_zones, random, read_journal, verify};

/// The disk.
const DISK_OCTETS: u64 = 48 << 20;
/// What it gives and takes room in.
const PAGE_OCTETS: u64 = 4096;
/// Pages left free, one after the other.
const PAGES_FREE: std::ops::Range<u64> = 0..40;
/// Writes that must meet the end of the disk: what the log of the store can take before it grows is less.
const WRITES_MAX: usize = 5000;
/// Strings that make a TXT record longer, so that the disk fills sooner; the longest content has 2048 characters.
const PADDING: usize = 6;
/// Says that the test runs in its namespace, and in which directory.
const INSIDE: &str = "WAYMARK_FULL_DISK_INSIDE";
const TEST: &str = "full_disk::a_full_disk_refuses_writes_and_nothing_else";

#[test]
fn a_full_disk_refuses_writes_and_nothing_else() {
    if let Some(directory) = std::env::var_os(INSIDE) {
        return fill_and_free(Path::new(&directory));
    }
    // Made and removed out here: in there it has something mounted in it to the end.
    let scratch = Scratch::new();
    let program = std::env::current_exe().expect("the test binary");
    let flags = namespace_flags();
    let mut again = Command::new("unshare");
    again.args(flags).arg("--").arg(program).args(["--exact", TEST, "--nocapture"]).env(INSIDE, scratch.path());
    let status = again.status().expect("unshare runs (the package util-linux)");
    assert!(status.success(), "the test inside the namespace failed");
}

/// What gives a namespace in which a file system may be mounted.
fn namespace_flags() -> &'static [&'static str] {
    let ways: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
    let works = |flags: &&&[&str]| {
        let mut attempt = Command::new("unshare");
        attempt.args(**flags).args(["--", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"]);
        attempt.output().is_ok_and(|output| output.status.success())
    };
    ways.iter().find(works).expect(
        "this test mounts a small file system: run it as root, or allow user namespaces \
         (sysctl kernel.unprivileged_userns_clone=1), and install the packages mount and util-linux",
    )
}

/// A file that takes up all room but some.
struct Filler(File);

impl Filler {
    fn new(disk: &Path) -> Self {
        Self(File::options().create(true).append(true).open(disk.join("filler")).expect("a file"))
    }

    /// Leaves this much room.
    fn leave(&mut self, pages: u64) {
        let page = [1; PAGE_OCTETS as usize];
        let why = loop {
            if let Err(why) = self.0.write_all(&page) {
                break why;
            }
        };
        assert_eq!(why.kind(), std::io::ErrorKind::StorageFull);
        let length = self.0.metadata().expect("a file").len() / PAGE_OCTETS * PAGE_OCTETS;
        self.0.set_len(length.saturating_sub(pages * PAGE_OCTETS)).expect("a file can be cut");
    }

    /// Gives all room back.
    fn free(&mut self) {
        self.0.set_len(0).expect("a file can be cut");
    }
}

/// What goes on through all fillings.
struct Trial {
    ledger: Ledger,
    numbers: AtomicU64,
    clock: AtomicU64,
    random: Random,
    base: u64,
    refusals: BTreeSet<String>,
    edge_file_problems: u64,
}

impl Trial {
    /// One writer's writes, noted.
    fn write(&mut self, site: &Site, count: usize) -> Run {
        let clock = || self.clock.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let (world, seed) = (site.world(), self.random.next());
        let mut writer = Writer::new(0, site, &world, &clock, &self.numbers, Random::new(seed)).padded(PADDING);
        let mut run = writer.run(count, &Signals::default(), None);
        run.steps.drain(..).for_each(|step| self.ledger.writers[0].push(step));
        run
    }

    /// Writes until the disk refuses one, and looks at what that leaves.
    fn refuse(&mut self, site: &Site) {
        let run = self.write(site, WRITES_MAX);
        let refusal = run.failure.unwrap_or_else(|| panic!("no write met the end of the disk: {:?}", run.complaints));
        self.refusals.insert(clear_refusal(&refusal));
        let (status, health) = site.health();
        assert_eq!((status, &health["store"]["writable"]), (503, &false.into()), "{health}");
        self.edge_file_problems += u64::from(!health["edge_file"]["problem"].is_null());
        self.compare(site);
    }

    /// API and DNS show what was acknowledged, and there is a position for each write that was carried out.
    fn compare(&self, site: &Site) {
        let world = site.world();
        let answers = site.answers(&world, &self.ledger.mentioned());
        let shown = self.ledger.check(&world.facts, u64::MAX).unwrap_or_else(|findings| panic!("{findings:#?}"));
        assert_eq!(shown, [self.ledger.writers[0].steps().len()]);
        let published = crate::kept::facts::published(&world.facts);
        assert_eq!(crate::kept::facts::difference(&published, &answers.facts), None, "API and DNS differ");
        assert_eq!(site.position() - self.base, self.ledger.steps() as u64, "one position per write");
    }
}

/// A refusal says in the envelope what is wrong.
fn clear_refusal(refusal: &Response) -> String {
    let body = refusal.json();
    let message = body["errors"][0]["message"].as_str().unwrap_or_default();
    assert!(matches!(refusal.status, 500 | 503 | 507), "{} {body}", refusal.status);
    assert_eq!((&body["success"], &body["result"]), (&false.into(), &serde_json::Value::Null), "{body}");
    assert!(body["errors"][0]["code"].as_u64().is_some_and(|code| code > 0), "{body}");
    assert!(message.contains("full") || message.contains("room"), "{body}");
    format!("{} {message}", refusal.status)
}

fn fill_and_free(directory: &Path) {
    let data = directory.join("data");
    std::fs::create_dir(&data).unwrap();
    let size = format!("size={DISK_OCTETS},mode=0700");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&data).status();
    assert!(mounted.expect("mount runs (the package mount)").success());
    let mut server = Server::start(directory);
    let mut site = Site::of(&server);
    let given = make_shared_zones(&site);
    let mut trial = Trial {
        ledger: Ledger::new(1, given),
        numbers: AtomicU64::new(0),
        clock: AtomicU64::new(0),
        random: random(),
        base: site.position(),
        refusals: BTreeSet::new(),
        edge_file_problems: 0,
    };
    assert_eq!(trial.write(&site, 30).complaints, [] as [String; 0]);
    let mut filler = Filler::new(&data);
    for pages in PAGES_FREE {
        filler.leave(pages);
        trial.refuse(&site);
        filler.free();
        assert_eq!(trial.write(&site, 3).complaints, [] as [String; 0], "there is room again");
        let (status, health) = site.health();
        assert_eq!(status, 200, "{health}");
        trial.compare(&site);
        if pages % 10 == 9 {
            // What the full disk left is what the next process starts from: half the time after a kill.
            if pages % 20 == 9 {
                drop(server);
            } else {
                let (status, _, said) = server.end("TERM");
                assert!(status.success(), "{said}");
            }
            let copy = directory.join("copy");
            copy_directory(&data, &copy);
            server = Server::start(directory);
            site = Site::of(&server);
            let (journal, world) = (read_journal(&copy).expect("the store can be opened"), site.world());
            let answers = site.answers(&world, &trial.ledger.mentioned());
            let seen = Seen { world: &world, answers: &answers, journal: &journal };
            verify(&trial.ledger, u64::MAX, &seen).unwrap_or_else(|findings| panic!("{findings:#?}"));
            std::fs::remove_dir_all(copy).unwrap();
        }
    }
    let Trial { ledger, refusals, edge_file_problems, .. } = &trial;
    eprintln!(
        "{} fillings, {} writes kept; refusals: {refusals:?}; the edge file had trouble {edge_file_problems} times",
        PAGES_FREE.count(),
        ledger.steps(),
    );
}
