//! `waymark zone import`: files found, sent, and what becomes of them shown.
//!
//! ```text
//!  standard input, to its end
//!  paths --sources--> a thread reads and sends files ----> server
//!                     this thread hears and shows    <----
//! ```

mod report;
mod sources;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use super::exchange::begin;
use super::{Failure, load, print};
use crate::cli::{Cli, OnProblem, ZoneImport};
use crate::control_socket::conversation::{Hearing, Saying};
use crate::control_socket::frames::Frame;
use crate::operator::Exchange;
use crate::operator::exchange::{self, Problem, ProblemKind, Said, Told};
use crate::signals::Signals;

use report::Report;
use sources::{Found, Source};

/// Octets of a file that are read at a time.
const PIECE_OCTETS: usize = 64 * 1024;

pub(super) fn import(cli: &Cli, import: &ZoneImport) -> Result<(), Failure> {
    let config = load(cli)?;
    let Found { mut sources, passed_over } = sources::find(import)?;
    // Before the server is asked: an import that waits for somebody to type would hold up all others.
    sources::read_standard_input(&mut sources, &mut io::stdin().lock(), config.limits.import_file_octets)?;
    if passed_over > 0 && !import.quiet {
        eprintln!("{passed_over} files are configuration, keys or journals by their names, and passed over");
    }
    let request = exchange::ZoneImport {
        account: import.account.clone(),
        proxied: import.proxied,
        stop_at_problem: import.on_problem == OnProblem::Stop,
        activate: import.activate,
    };
    let stop = request.stop_at_problem;
    let signals = Signals::take_over().map_err(|why| format!("cannot take over signals: {why}"))?;
    let mut begun = begin(&config, &Exchange::ZoneImport(request))?;
    let report = Arc::new(Report::new(&sources, import.quiet));
    let unusable = |why: io::Error| format!("the system does not give what is needed: {why}");
    let (interrupter, told) = (begun.saying.interrupter().map_err(unusable)?, Arc::clone(&report));
    // Both threads end with the process, if not before.
    thread::spawn(move || {
        signals.wait();
        told.interrupted();
        interrupter.interrupt();
    });
    let (saying, told) = (begun.saying, Arc::clone(&report));
    thread::spawn(move || send(sources, saying, &told, stop));
    let heard = hear(&mut begun.hearing, &report).map_err(|why| match report.has_refused() && stop {
        true => "it stopped at the first line that was refused; nothing of its file was imported".to_owned(),
        false => why,
    });
    drop(begun.hearing);
    begun.alone.into_iter().for_each(|alone| alone.end());
    let summary = report.finish(heard);
    print(&if import.output.json { summary.to_json() } else { summary.to_string() })?;
    summary.verdict()
}

/// Sends every file. What the server does not want any more is not sent.
fn send(sources: Vec<Source>, mut saying: Saying, report: &Report, stop: bool) {
    for source in sources {
        match send_file(&source, &mut saying, report) {
            Ok(()) => {}
            Err(SendError::Unreadable(why)) => {
                let text = format!("the file cannot be read: {why}");
                report.problem(&Problem { file: source.name, line: 0, kind: ProblemKind::Refused, text });
                if stop {
                    return;
                }
            }
            Err(SendError::Broken(why)) => {
                report.failed(format!("{} cannot be read to its end: {why}", source.name));
                return;
            }
            // Why that is so, the server says.
            Err(SendError::NotWanted) => return,
        }
    }
    if saying.say(&Said::End).and_then(|()| saying.send()).is_ok() {
        report.all_sent();
    }
}

enum SendError {
    /// Nothing of it was sent.
    Unreadable(io::Error),
    /// Some of it was sent.
    Broken(io::Error),
    /// The server does not listen any more.
    NotWanted,
}

fn send_file(source: &Source, saying: &mut Saying, report: &Report) -> Result<(), SendError> {
    let mut file: Box<dyn Read> = match &source.path {
        Some(path) => Box::new(File::open(path).map_err(SendError::Unreadable)?),
        None => Box::new(&source.text[..]),
    };
    let mut piece = vec![0; PIECE_OCTETS];
    // The first piece before a word is said: what cannot be read at all has never been begun.
    let mut length = read(&mut file, &mut piece).map_err(SendError::Unreadable)?;
    let not_wanted = |_| SendError::NotWanted;
    saying.say(&Said::File { name: source.name.clone(), origin: source.origin.clone() }).map_err(not_wanted)?;
    while length > 0 {
        saying.data(&piece[..length]).map_err(not_wanted)?;
        report.sent(&piece[..length]);
        length = read(&mut file, &mut piece).map_err(SendError::Broken)?;
    }
    saying.say(&Said::FileEnd).map_err(not_wanted)?;
    // The next file may be slow to come to its end, and a small one must not wait for it.
    saying.send().map_err(not_wanted)
}

fn read(file: &mut impl Read, piece: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(piece) {
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// Shows what the server says, to its last word.
fn hear(hearing: &mut Hearing, report: &Report) -> Result<(), Failure> {
    loop {
        let frame = hearing.frame().map_err(|error| {
            report.lost(error.to_string());
            error.to_string()
        })?;
        match frame {
            Frame::Message(Told::Problem(problem)) => report.problem(&problem),
            Frame::Message(Told::Waiting) => report.waiting(),
            Frame::Message(Told::Progress(records)) => report.progress(records),
            Frame::Message(Told::Imported(imported)) => report.imported(&imported),
            Frame::Message(Told::Done) => return Ok(()),
            Frame::Message(Told::Failed(sentence)) => return Err(sentence),
            _ => {}
        }
    }
}

/// What a path is called in messages.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
