//! What the tests of this crate share: a clock that is set by hand, predictable randomness, and a store in a directory
//! that goes away with it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tempfile::TempDir;
use waymark_wire::records::row_by_mnemonic;
use waymark_wire::{Name, Rdata, RecordType, Serial};
use waymark_zone::published::{AccountNumber, Version, ZoneNumber};

use crate::store::{RecordRow, SoaOverrides, ZoneRow};
use crate::{
    Bootstrap, Brand, Clock, Control, Durability, Grant, Kind, Limits, NewRecord, NewZone, Options, Plan, Pools,
    PublicId, Random, Status, Time, Zone,
};

/// 2026-01-01T00:00:00Z.
pub(crate) const START: i64 = 1_767_225_600_000_000;

/// A clock that stands still until it is moved.
pub(crate) struct HandClock(AtomicI64);

impl HandClock {
    pub(crate) fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Time {
        Time(self.0.load(Ordering::SeqCst))
    }
}

/// Different octets every time, the same in every run (SplitMix64).
pub(crate) struct Predictable(AtomicU64);

impl Random for Predictable {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let mut state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(state ^ (state >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

/// A directory of one's own, removed when dropped. Its name is random: process ids come again, and what another test
/// has left behind must not be found.
pub(crate) struct Directory(TempDir);

impl Directory {
    pub(crate) fn new() -> Self {
        Self(tempfile::Builder::new().prefix("waymark-control-").tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// An open store with its first start made.
pub(crate) struct Node {
    pub(crate) control: Control,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) first: Bootstrap,
    pub(crate) directory: Directory,
}

static SEED: AtomicU64 = AtomicU64::new(1);

pub(crate) fn options(limits: Limits) -> (Options, Arc<HandClock>) {
    let clock = Arc::new(HandClock(AtomicI64::new(START)));
    let options = Options {
        clock: clock.clone(),
        random: Arc::new(Predictable(AtomicU64::new(SEED.fetch_add(1 << 32, Ordering::SeqCst)))),
        brand: Brand::new(name("waymark.test")),
        pools: Pools::default(),
        limits,
        durability: Durability::Off,
    };
    (options, clock)
}

impl Node {
    pub(crate) async fn start() -> Self {
        Self::with_limits(Limits::default()).await
    }

    pub(crate) async fn with_limits(limits: Limits) -> Self {
        let directory = Directory::new();
        let (options, clock) = options(limits);
        let control = Control::open(directory.path(), options).unwrap();
        let first = control.bootstrap("admin@example.com").await.unwrap().unwrap();
        Self { control, clock, first, directory }
    }

    /// What the first token grants.
    pub(crate) async fn grant(&self) -> Grant {
        self.control.authenticate_token(&self.first.token).await.unwrap()
    }

    /// A zone of the first account.
    pub(crate) async fn zone(&self, name: &str) -> Zone {
        self.zone_in(self.first.account_id, name).await
    }

    pub(crate) async fn zone_in(&self, account: PublicId, name: &str) -> Zone {
        let new = NewZone { account, name: name.to_owned(), kind: Kind::Full };
        self.control.zone_create(&Grant::operator(), new).await.unwrap()
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::from_text(text).unwrap()
}

/// A record with nothing but a type, a name and a content.
pub(crate) fn record(record_type: &str, name: &str, content: &str) -> NewRecord {
    NewRecord {
        name: name.to_owned(),
        record_type: record_type.to_owned(),
        content: content.to_owned(),
        priority: (record_type == "MX").then_some(10),
        ..NewRecord::default()
    }
}

/// The row of a zone.
pub(crate) fn zone_row(apex: &str) -> ZoneRow {
    ZoneRow {
        number: ZoneNumber(1),
        id: PublicId([1; 16]),
        account: AccountNumber(1),
        account_id: PublicId([2; 16]),
        apex: name(apex),
        kind: Kind::Full,
        plan: Plan::Enterprise,
        status: Status::Pending,
        proven: false,
        version: Version(1),
        serial: Serial::new(1),
        record_count: 0,
        soa: SoaOverrides::default(),
        ns_ttl: 86_400,
        created: Time(START),
        modified: Time(START),
        activated: None,
        deleted: None,
    }
}

/// The row of a record, with an id made of `number`; MX with priority 10.
pub(crate) fn record_row(number: u8, record_type: &str, owner: &str, content: &str) -> RecordRow {
    let record_type = row_by_mnemonic(record_type).unwrap().record_type;
    let priority = (record_type == RecordType::MX).then_some(10);
    let (rdata, content) = Rdata::from_api(record_type, content, priority, &name("example.com")).unwrap();
    RecordRow {
        id: PublicId([number; 16]),
        name: name(owner),
        record_type,
        content: content.content,
        priority: content.priority,
        rdata,
        ttl: 1,
        proxied: false,
        comment: None,
        tags: Vec::new(),
        settings: serde_json::Map::new(),
        created: Time(START),
        modified: Time(START),
        comment_modified: None,
        tags_modified: None,
    }
}

/// The row of an A record in a zone of any name, with an id of its own.
pub(crate) fn numbered_row(random: &dyn Random, owner: &str, address: &str) -> RecordRow {
    let row = record_row(0, "A", &format!("{owner}.big.example"), address);
    RecordRow { id: PublicId::new(random), ..row }
}
