//! What a disk holds after a power cut: the model by which a recording becomes directories.
//!
//! A disk has a write cache, and a cut empties it. So, file by file, what was written or cut off since the file's last
//! finished sync is gone; sizes follow the data. Two models of names, between which real file systems lie:
//!
//! - [`Names::Kept`]: a file that was made, renamed or removed stays so, whatever was synced (a journal of metadata that
//!   reached the disk at once).
//! - [`Names::Synced`]: only a sync of its directory keeps a name or a removal; a new file is kept by its own sync too.
//!
//! Beside these, [`Disk::torn`] keeps some of the waiting writes, sector by sector and in no order, as a cache does that
//! was being emptied when the power went.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::recording::{Event, Recording};
use crate::harness::random::Random;

/// What a disk writes whole or not at all.
const SECTOR_OCTETS: usize = 512;

/// What a directory holds: names and contents.
pub(super) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// When names are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Names {
    Kept,
    Synced,
}

/// A moment at which the power goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cut {
    /// Events that have happened.
    pub(super) now: u64,
    /// Whether the disk is another than at the cut before.
    pub(super) fresh: bool,
}

/// The disk of a recording, up to some event.
pub(super) struct Disk<'r> {
    recording: &'r Recording,
    model: Names,
    fresh: bool,
    /// Events that have happened.
    done: u64,
    files: BTreeMap<u64, File>,
    /// Names as the program sees them, and as they are after a cut.
    seen: BTreeMap<PathBuf, u64>,
    kept: BTreeMap<PathBuf, u64>,
    /// Changes of names that no sync has kept.
    waiting: Vec<(u64, NameChange)>,
}

#[derive(Default)]
struct File {
    /// What is there after a cut.
    kept: Vec<u8>,
    /// Numbers of the events that no sync has kept.
    waiting: Vec<u64>,
}

#[derive(Clone)]
enum NameChange {
    Add(PathBuf, u64),
    Remove(PathBuf),
}

impl NameChange {
    fn path(&self) -> &Path {
        match self {
            Self::Add(path, _) | Self::Remove(path) => path,
        }
    }
}

impl<'r> Disk<'r> {
    pub(super) fn new(recording: &'r Recording, model: Names) -> Self {
        let (files, seen, kept) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { recording, model, fresh: false, done: 0, files, seen, kept, waiting: Vec::new() }
    }

    /// Goes on to the next moment for a cut: the last one before a sync is done, or the end of the recording. None:
    /// there is no more.
    pub(super) fn next_cut(&mut self) -> Option<Cut> {
        let mut next = self.recording.events.get(self.done as usize)?;
        self.fresh = false;
        loop {
            self.done += 1;
            self.happen(next);
            match self.recording.events.get(self.done as usize) {
                Some(event) if !matches!(event, Event::SyncEnd { .. } | Event::DirectoryEnd { .. }) => next = event,
                _ => return Some(Cut { now: self.done, fresh: self.fresh }),
            }
        }
    }

    /// The directory after a cut.
    pub(super) fn after_cut(&self) -> Files {
        self.directory(&self.kept, |file| file.kept.clone())
    }

    /// The directory after a cut that came while the cache was being emptied: of what waits, each sector is there with
    /// the given chance in 256.
    pub(super) fn torn(&self, random: &mut Random, chance: usize) -> Files {
        self.directory(&self.kept, |file| {
            let mut content = file.kept.clone();
            for event in &file.waiting {
                match &self.recording.events[*event as usize - 1] {
                    Event::Write { offset, data, .. } => {
                        for (at, sector) in sectors(*offset as usize, self.recording.data(data)) {
                            if random.below(256) < chance {
                                put(&mut content, at, sector);
                            }
                        }
                    }
                    Event::Size { size, .. } if random.below(256) < chance => content.resize(*size as usize, 0),
                    _ => {}
                }
            }
            content
        })
    }

    /// The names after a cut, of files that hold something.
    pub(super) fn names(&self) -> BTreeMap<&Path, u64> {
        let names = self.kept.iter().filter(|(_, file)| !self.files[file].kept.is_empty());
        names.map(|(path, file)| (path.as_path(), *file)).collect()
    }

    /// Whether there is something that a cut would drop.
    pub(super) fn has_waiting(&self) -> bool {
        self.kept.values().any(|file| !self.files[file].waiting.is_empty())
    }

    /// The directory as the program sees it.
    pub(super) fn as_seen(&self) -> Files {
        self.directory(&self.seen, |file| {
            let mut content = file.kept.clone();
            file.waiting.iter().for_each(|event| self.write(&mut content, *event));
            content
        })
    }

    fn directory(&self, names: &BTreeMap<PathBuf, u64>, content: impl FnMut(&File) -> Vec<u8>) -> Files {
        let mut content = content;
        names.iter().map(|(path, file)| (path.clone(), content(&self.files[file]))).collect()
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::Create { file, path } => {
                self.files.insert(*file, File::default());
                self.name(NameChange::Add(path.clone(), *file));
            }
            Event::Write { file, .. } | Event::Size { file, .. } => {
                let done = self.done;
                self.file(*file).waiting.push(done);
            }
            Event::SyncBegin { .. } | Event::DirectoryBegin => {}
            Event::SyncEnd { file, begin } => self.sync(*file, *begin),
            Event::DirectoryEnd { path, begin } => {
                self.keep_names(|event, change| event < *begin && change.path().parent() == Some(path));
            }
            Event::Rename { from, to } => {
                if let Some(file) = self.seen.get(from).copied() {
                    self.name(NameChange::Remove(from.clone()));
                    self.name(NameChange::Add(to.clone(), file));
                }
            }
            Event::Unlink { path } => {
                if self.seen.contains_key(path) {
                    self.name(NameChange::Remove(path.clone()));
                }
            }
            Event::Unknown { call } => panic!("the recording has {call}, which this model does not know"),
        }
    }

    fn file(&mut self, number: u64) -> &mut File {
        self.files.get_mut(&number).expect("a file is made before it is used")
    }

    fn sync(&mut self, number: u64, begin: u64) {
        let mut file = std::mem::take(self.file(number));
        let covered = file.waiting.partition_point(|event| *event < begin);
        self.fresh |= covered > 0;
        for event in file.waiting.drain(..covered) {
            self.write(&mut file.kept, event);
        }
        *self.file(number) = file;
        self.keep_names(|event, change| event < begin && matches!(change, NameChange::Add(_, file) if *file == number));
    }

    fn write(&self, content: &mut Vec<u8>, event: u64) {
        match &self.recording.events[event as usize - 1] {
            Event::Write { offset, data, .. } => put(content, *offset as usize, self.recording.data(data)),
            Event::Size { size, .. } => content.resize(*size as usize, 0),
            _ => {}
        }
    }

    fn name(&mut self, change: NameChange) {
        apply(&mut self.seen, &change);
        match self.model {
            Names::Kept => {
                self.fresh = true;
                apply(&mut self.kept, &change);
            }
            Names::Synced => self.waiting.push((self.done, change)),
        }
    }

    fn keep_names(&mut self, is_kept: impl Fn(u64, &NameChange) -> bool) {
        let changes = std::mem::take(&mut self.waiting);
        let (kept, waiting): (Vec<_>, Vec<_>) =
            changes.into_iter().partition(|(event, change)| is_kept(*event, change));
        self.waiting = waiting;
        self.fresh |= !kept.is_empty();
        kept.iter().for_each(|(_, change)| apply(&mut self.kept, change));
    }
}

fn apply(names: &mut BTreeMap<PathBuf, u64>, change: &NameChange) {
    match change {
        NameChange::Add(path, file) => names.insert(path.clone(), *file),
        NameChange::Remove(path) => names.remove(path),
    };
}

fn put(content: &mut Vec<u8>, at: usize, data: &[u8]) {
    if content.len() < at + data.len() {
        content.resize(at + data.len(), 0);
    }
    content[at..at + data.len()].copy_from_slice(data);
}

/// The parts of a write that lie in different sectors.
fn sectors(mut at: usize, mut data: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    std::iter::from_fn(move || {
        let length = (SECTOR_OCTETS - at % SECTOR_OCTETS).min(data.len());
        let (sector, rest) = data.split_at_checked(length).filter(|_| length > 0)?;
        let found = (at, sector);
        (at, data) = (at + length, rest);
        Some(found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: &[u8] = b"abcdefgh";

    fn create(file: u64, path: &str) -> Event {
        Event::Create { file, path: PathBuf::from(path) }
    }

    fn write(file: u64, offset: u64, data: std::ops::Range<usize>) -> Event {
        Event::Write { file, offset, data }
    }

    fn cuts(model: Names, events: Vec<Event>) -> Vec<Files> {
        let recording = Recording::of(events, DATA);
        let mut disk = Disk::new(&recording, model);
        let mut cuts = Vec::new();
        while disk.next_cut().is_some() {
            cuts.push(disk.after_cut());
        }
        cuts
    }

    fn files(expected: &[(&str, &[u8])]) -> Files {
        expected.iter().map(|(path, content)| (PathBuf::from(path), content.to_vec())).collect()
    }

    #[test]
    fn what_was_not_synced_is_dropped() {
        let events = vec![
            create(1, "/d/a"),
            write(1, 0, 0..4),
            Event::SyncBegin { file: 1 },
            Event::SyncEnd { file: 1, begin: 3 },
            write(1, 2, 4..8),
        ];
        assert_eq!(cuts(Names::Kept, events), [files(&[("/d/a", b"")]), files(&[("/d/a", b"abcd")])]);
    }

    #[test]
    fn a_sync_covers_what_was_written_before_it_began() {
        let events = vec![
            create(1, "/d/a"),
            write(1, 0, 0..2),
            Event::SyncBegin { file: 1 },
            write(1, 2, 2..4),
            Event::SyncEnd { file: 1, begin: 3 },
            Event::SyncBegin { file: 1 },
            Event::SyncEnd { file: 1, begin: 6 },
        ];
        let cuts = cuts(Names::Kept, events);
        assert_eq!(cuts[1..], [files(&[("/d/a", b"ab")]), files(&[("/d/a", b"abcd")])]);
    }

    #[test]
    fn a_sync_is_of_one_file() {
        let events = vec![
            create(1, "/d/a"),
            create(2, "/d/b"),
            write(1, 0, 0..2),
            write(2, 0, 2..4),
            Event::SyncBegin { file: 2 },
            Event::SyncEnd { file: 2, begin: 5 },
        ];
        assert_eq!(cuts(Names::Kept, events)[1], files(&[("/d/a", b""), ("/d/b", b"cd")]));
    }

    #[test]
    fn sizes_follow_the_data() {
        let events = vec![
            create(1, "/d/a"),
            write(1, 0, 0..4),
            Event::SyncBegin { file: 1 },
            Event::SyncEnd { file: 1, begin: 3 },
            Event::Size { file: 1, size: 1 },
            create(2, "/d/b"),
            Event::SyncBegin { file: 2 },
            Event::SyncEnd { file: 2, begin: 7 },
            Event::SyncBegin { file: 1 },
            Event::SyncEnd { file: 1, begin: 9 },
        ];
        let cuts = cuts(Names::Kept, events);
        assert_eq!(cuts[2], files(&[("/d/a", b"abcd"), ("/d/b", b"")]));
        assert_eq!(cuts[3], files(&[("/d/a", b"a"), ("/d/b", b"")]));
    }

    #[test]
    fn names_are_kept_at_once_or_by_a_sync() {
        let events = || {
            vec![
                create(1, "/d/a"),
                create(2, "/d/b"),
                Event::SyncBegin { file: 2 },
                Event::SyncEnd { file: 2, begin: 3 },
                Event::Rename { from: PathBuf::from("/d/b"), to: PathBuf::from("/d/c") },
                Event::Unlink { path: PathBuf::from("/d/a") },
                Event::DirectoryBegin,
                Event::DirectoryEnd { path: PathBuf::from("/d"), begin: 7 },
            ]
        };
        let kept = cuts(Names::Kept, events());
        assert_eq!(kept, [files(&[("/d/a", b""), ("/d/b", b"")]), files(&[("/d/c", b"")]), files(&[("/d/c", b"")])]);
        let synced = cuts(Names::Synced, events());
        assert_eq!(synced, [files(&[]), files(&[("/d/b", b"")]), files(&[("/d/c", b"")])]);
    }

    #[test]
    fn a_torn_cache_keeps_all_or_nothing_at_the_ends_of_chance() {
        let recording = Recording::of(vec![create(1, "/d/a"), write(1, 510, 0..4)], DATA);
        let mut disk = Disk::new(&recording, Names::Kept);
        assert_eq!(disk.next_cut(), Some(Cut { now: 2, fresh: true }));
        assert_eq!(disk.next_cut(), None);
        let mut random = Random::new(1);
        assert_eq!(disk.torn(&mut random, 0), disk.after_cut());
        assert_eq!(disk.torn(&mut random, 256), disk.as_seen());
        assert_eq!(sectors(510, b"abcd").collect::<Vec<_>>(), [(510, &b"ab"[..]), (512, b"cd")]);
    }

    #[test]
    #[should_panic(expected = "mmap")]
    fn what_cannot_be_recorded_fails_the_replay() {
        cuts(Names::Kept, vec![Event::Unknown { call: "mmap".to_owned() }]);
    }
}
