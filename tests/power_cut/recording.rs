//! A recording, as shim.c writes it: every change of the directory's files in one order, with the data.
//!
//! The recorded program maps the log; this side reads the same file. [`Log::count`] is how far the recording has come,
//! which is how a client notes between which two events it was answered.

use std::ffi::OsStr;
use std::fs::File;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The most that a recording may take, in octets; the file is sparse.
const LOG_OCTETS: u64 = 4 << 30;
/// Where events begin in the log (`LOG_START` in shim.c).
const LOG_START: usize = 4096;
const EVENT_OCTETS: usize = 24;

/// Something that happened to the files. Events are numbered from 1 in the order in which they took effect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Event {
    /// A file was made, with this number.
    Create { file: u64, path: PathBuf },
    /// Octets of the log were written at an offset of the file.
    Write { file: u64, offset: u64, data: Range<usize> },
    /// The file was made this long.
    Size { file: u64, size: u64 },
    /// A sync of the file began.
    SyncBegin { file: u64 },
    /// The sync that began with event `begin` was done.
    SyncEnd { file: u64, begin: u64 },
    /// A sync of a directory began.
    DirectoryBegin,
    /// The sync of the directory that began with event `begin` was done.
    DirectoryEnd { path: PathBuf, begin: u64 },
    /// A file got another name.
    Rename { from: PathBuf, to: PathBuf },
    /// A name was taken away.
    Unlink { path: PathBuf },
    /// Something that a recording cannot express.
    Unknown { call: String },
}

/// The log while the program runs.
pub(super) struct Log {
    file: File,
    path: PathBuf,
}

/// The whole recording.
pub(super) struct Recording {
    pub(super) events: Vec<Event>,
    octets: Vec<u8>,
}

impl Log {
    pub(super) fn new(path: &Path) -> Self {
        let file = File::options().read(true).write(true).create_new(true).open(path).unwrap();
        file.set_len(LOG_OCTETS).unwrap();
        Self { file, path: path.to_owned() }
    }

    /// Makes `command` record what it does below `directory`.
    pub(super) fn record(&self, mut command: Command, shim: &Path, directory: &Path) -> Command {
        command.env("LD_PRELOAD", shim).env("POWER_CUT_LOG", &self.path);
        command.env("POWER_CUT_DIRECTORY", std::fs::canonicalize(directory).unwrap());
        command
    }

    /// How many events there are.
    pub(super) fn count(&self) -> u64 {
        self.counter(0)
    }

    /// Reads the recording; the program has ended.
    pub(super) fn read(&self) -> Recording {
        assert_eq!(self.counter(2), 0, "the recording is longer than {LOG_OCTETS} octets");
        assert_ne!(self.count(), 0, "nothing was recorded: was the shim loaded?");
        let mut octets = vec![0; usize::try_from(self.counter(1)).unwrap()];
        self.file.read_exact_at(&mut octets, 0).unwrap();
        Recording::parse(octets, self.count())
    }

    fn counter(&self, index: u64) -> u64 {
        let mut octets = [0; 8];
        self.file.read_exact_at(&mut octets, index * 8).unwrap();
        u64::from_ne_bytes(octets)
    }
}

impl Recording {
    fn parse(octets: Vec<u8>, count: u64) -> Self {
        let mut at = LOG_START;
        let events = (0..count).map(|_| event(&octets, &mut at)).collect();
        assert_eq!(at, octets.len(), "the log ends with an event");
        Self { events, octets }
    }

    /// The data of a write.
    pub(super) fn data(&self, range: &Range<usize>) -> &[u8] {
        &self.octets[range.clone()]
    }

    /// A recording of these events, whose writes point into `octets`.
    #[cfg(test)]
    pub(super) fn of(events: Vec<Event>, octets: &[u8]) -> Self {
        Self { events, octets: octets.to_vec() }
    }
}

fn event(octets: &[u8], at: &mut usize) -> Event {
    let number = |from: usize, length: usize| {
        let mut wide = [0; 8];
        wide[..length].copy_from_slice(&octets[*at + from..*at + from + length]);
        u64::from_le_bytes(wide)
    };
    let (kind, length) = (number(0, 4), usize::try_from(number(4, 4)).unwrap());
    let (file, offset) = (number(8, 8), number(16, 8));
    let data = *at + EVENT_OCTETS..*at + EVENT_OCTETS + length;
    let path = |range: Range<usize>| PathBuf::from(OsStr::from_bytes(&octets[range]));
    *at = data.start + length.next_multiple_of(8);
    match kind {
        1 => Event::Create { file, path: path(data) },
        2 => Event::Write { file, offset, data },
        3 => Event::Size { file, size: offset },
        4 => Event::SyncBegin { file },
        5 => Event::SyncEnd { file, begin: offset },
        6 => Event::DirectoryBegin,
        7 => Event::DirectoryEnd { path: path(data), begin: offset },
        8 => {
            let zero = data.start + octets[data.clone()].iter().position(|octet| *octet == 0).unwrap();
            Event::Rename { from: path(data.start..zero), to: path(zero + 1..data.end) }
        }
        9 => Event::Unlink { path: path(data) },
        10 => Event::Unknown { call: String::from_utf8_lossy(&octets[data]).into_owned() },
        _ => panic!("the log has an event of kind {kind}"),
    }
}

/// Compiles the shim into `directory`.
pub(super) fn compile_shim(directory: &Path) -> PathBuf {
    let (source, library) = (directory.join("shim.c"), directory.join("shim.so"));
    std::fs::write(&source, include_str!("shim.c")).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"]).arg(&library).arg(&source);
    let status = compiler.args(["-ldl", "-lpthread"]).status().expect("cc runs (the package gcc)");
    assert!(status.success(), "the shim does not compile");
    library
}

#[test]
fn the_shim_records_what_a_program_does() {
    let scratch = crate::harness::scratch::Scratch::new();
    let directory = scratch.path().join("data");
    std::fs::create_dir(&directory).unwrap();
    let log = Log::new(&scratch.path().join("log"));
    std::fs::write(scratch.join("input"), "abcde").unwrap();
    let mut copy = Command::new("dd");
    copy.current_dir(&directory).args(["if=../input", "of=a", "bs=3", "conv=fsync", "status=none"]);
    let mut copy = log.record(copy, &compile_shim(scratch.path()), &directory);
    assert!(copy.status().unwrap().success());

    let recording = log.read();
    let directory = std::fs::canonicalize(directory).unwrap();
    let writes: Vec<(u64, &[u8])> = recording
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Write { offset, data, .. } => Some((*offset, recording.data(data))),
            _ => None,
        })
        .collect();
    assert_eq!(writes, [(0, &b"abc"[..]), (3, b"de")]);
    assert!(recording.events.contains(&Event::Create { file: 1, path: directory.join("a") }));
    let sync = recording.events.iter().position(|event| *event == Event::SyncBegin { file: 1 }).unwrap() as u64;
    assert!(recording.events.contains(&Event::SyncEnd { file: 1, begin: sync + 1 }));
}
