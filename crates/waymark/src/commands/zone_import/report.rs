//! What an import shows while it goes on, and what it says at its end.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar};
use serde_json::json;

use super::Failure;
use super::sources::Source;
use crate::commands::progress;
use crate::operator::exchange::{Imported, Problem, ProblemKind};

/// What is said of a directive that is not carried out, and what to do instead.
const INCLUDE: &str = "$INCLUDE directive not allowed";
const INCLUDE_HELP: &str =
    ": put the lines of that file here, or make one file of all: named-compilezone -o FLAT ZONE FILE";

/// What is shown, by both threads of the command.
pub(super) struct Report {
    bar: ProgressBar,
    quiet: bool,
    began: Instant,
    files: u64,
    octets: u64,
    so_far: Mutex<SoFar>,
}

#[derive(Default)]
struct SoFar {
    counts: Counts,
    octets_sent: u64,
    lines_sent: u64,
    /// Records that the server has dealt with.
    records: u64,
    interrupted: bool,
    /// Every file was sent, and that there are no more.
    all_sent: bool,
    /// Why the server is not heard any more.
    lost: Option<String>,
    failed: Option<String>,
}

/// What has been done.
#[derive(Clone, Copy, Default)]
struct Counts {
    files: u64,
    made: u64,
    merged: u64,
    parsed: u64,
    added: u64,
    unchanged: u64,
    adjusted: u64,
    skipped: u64,
    refused: u64,
}

/// What an import has come to.
pub(super) struct Summary {
    counts: Counts,
    took: Duration,
    /// Why it has ended early.
    failed: Option<String>,
    /// The server has gone away, so that the counts are what it had reported.
    lost: bool,
    /// It was interrupted when all was done.
    too_late: bool,
}

impl Report {
    pub(super) fn new(sources: &[Source], quiet: bool) -> Self {
        let bar = progress::bar(quiet);
        let octets = sources.iter().map(|source| source.octets).sum();
        bar.set_length(octets);
        let (files, so_far) = (sources.len() as u64, Mutex::default());
        Self { bar, quiet, began: Instant::now(), files, octets, so_far }
    }

    /// A piece of a file was sent.
    pub(super) fn sent(&self, piece: &[u8]) {
        let mut so_far = self.so_far();
        so_far.octets_sent += piece.len() as u64;
        so_far.lines_sent += piece.iter().filter(|octet| **octet == b'\n').count() as u64;
    }

    pub(super) fn problem(&self, problem: &Problem) {
        let mut so_far = self.so_far();
        let (count, shown) = match problem.kind {
            ProblemKind::Refused => (&mut so_far.counts.refused, true),
            ProblemKind::Adjusted => (&mut so_far.counts.adjusted, !self.quiet),
            // Every file has SOA and NS records; of many files that would be many lines that say nothing.
            ProblemKind::Skipped => (&mut so_far.counts.skipped, !self.quiet && self.files == 1),
        };
        *count += 1;
        drop(so_far);
        if shown {
            let Problem { file, line, text, .. } = problem;
            let help = if text.contains(INCLUDE) { INCLUDE_HELP } else { "" };
            self.bar.suspend(|| match line {
                0 => eprintln!("{file}: {text}{help}"),
                line => eprintln!("{file}:{line}: {text}{help}"),
            });
        }
    }

    /// Another import has its turn.
    pub(super) fn waiting(&self) {
        if !self.quiet {
            self.bar.suspend(|| eprintln!("waiting for another import to end"));
        }
    }

    pub(super) fn progress(&self, records: u64) {
        let mut so_far = self.so_far();
        so_far.records = records;
        self.draw(&so_far);
    }

    pub(super) fn imported(&self, imported: &Imported) {
        let mut so_far = self.so_far();
        let counts = &mut so_far.counts;
        counts.files += 1;
        *(if imported.created { &mut counts.made } else { &mut counts.merged }) += 1;
        counts.parsed += imported.parsed;
        counts.added += imported.added;
        counts.unchanged += imported.unchanged;
        self.draw(&so_far);
    }

    /// Whether a line was refused.
    pub(super) fn has_refused(&self) -> bool {
        self.so_far().counts.refused > 0
    }

    /// The operator wants it to end.
    pub(super) fn interrupted(&self) {
        self.so_far().interrupted = true;
        self.bar.suspend(|| eprintln!("ending after what is being written; again to end at once"));
    }

    /// There is nothing more to send.
    pub(super) fn all_sent(&self) {
        self.so_far().all_sent = true;
    }

    /// The server has gone away.
    pub(super) fn lost(&self, why: String) {
        self.so_far().lost.get_or_insert(why);
    }

    /// It cannot go on.
    pub(super) fn failed(&self, sentence: String) {
        self.so_far().failed.get_or_insert(sentence);
    }

    /// Ends what is shown. `heard` is the server's last word.
    pub(super) fn finish(&self, heard: Result<(), Failure>) -> Summary {
        self.bar.finish_and_clear();
        let mut so_far = self.so_far();
        let too_late = so_far.interrupted && so_far.all_sent && heard.is_ok();
        let interrupted = (so_far.interrupted && !too_late).then(|| "interrupted".to_owned());
        let lost = so_far.lost.as_ref().map(|why| {
            format!(
                "the connection to the server was lost ({why}): what was reported is kept, and the same command \
                 completes the import"
            )
        });
        let is_lost = lost.is_some();
        let failed = so_far.failed.take().or(lost).or(interrupted).or(heard.err());
        Summary { counts: so_far.counts, took: self.began.elapsed(), failed, lost: is_lost, too_late }
    }

    /// How far it is: octets of the lines that the server has dealt with, as far as that can be told.
    fn draw(&self, so_far: &SoFar) {
        if self.bar.is_hidden() {
            return;
        }
        let octets_per_line = so_far.octets_sent as f64 / so_far.lines_sent.max(1) as f64;
        let octets = (so_far.records.max(so_far.counts.parsed) as f64 * octets_per_line) as u64;
        self.bar.set_position(octets.min(self.octets));
        let counts = &so_far.counts;
        self.bar.set_message(format!(
            "{} records, {} zones, {}/{} files, {}/s",
            HumanCount(so_far.records),
            HumanCount(counts.made + counts.merged),
            HumanCount(counts.files),
            HumanCount(self.files),
            HumanCount(rate(so_far.records, self.began.elapsed()))
        ));
    }

    fn so_far(&self) -> MutexGuard<'_, SoFar> {
        // Counts have no invariant that a panic could have broken.
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn rate(records: u64, took: Duration) -> u64 {
    (records as f64 / took.as_secs_f64().max(0.001)) as u64
}

impl Summary {
    /// Whether it is a success: nothing was refused, and it came to its end.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        match (&self.failed, self.counts.refused) {
            (Some(why), _) => Err(format!("the import has ended early: {why}")),
            (None, 0) => Ok(()),
            (None, 1) => Err("1 line was refused".to_owned()),
            (None, refused) => Err(format!("{refused} lines were refused")),
        }
    }

    pub(super) fn to_json(&self) -> String {
        let counts = &self.counts;
        let import = json!({
            "files": counts.files,
            "zones_made": counts.made,
            "zones_merged": counts.merged,
            "records_parsed": counts.parsed,
            "records_added": counts.added,
            "records_unchanged": counts.unchanged,
            "lines_adjusted": counts.adjusted,
            "lines_skipped": counts.skipped,
            "lines_refused": counts.refused,
            "seconds": self.took.as_secs_f64(),
            "records_per_second": self.rate(),
            "ended_early": self.failed,
            "connection_lost": self.lost,
        });
        format!("{}\n", json!({ "import": import }))
    }

    fn rate(&self) -> u64 {
        rate(self.counts.parsed, self.took)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { made, merged, added, unchanged, adjusted, skipped, refused, .. } = self.counts;
        if self.lost && made + merged == 0 {
            writeln!(f, "zones    none reported before the connection to the server was lost")?;
        } else {
            let reported = if self.lost { " as far as reported" } else { "" };
            writeln!(f, "zones    {made} made, {merged} merged{reported}")?;
            writeln!(f, "records  {added} added, {unchanged} unchanged{reported}")?;
        }
        writeln!(f, "lines    {adjusted} adjusted, {skipped} skipped, {refused} refused")?;
        writeln!(f, "time     {:.1} s, {} records/s", self.took.as_secs_f64(), self.rate())?;
        if self.too_late {
            writeln!(f, "the interruption came when all was done: nothing is missing")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interruption_when_all_was_done_is_no_failure() {
        for (all_sent, is_success) in [(true, true), (false, false)] {
            let report = Report::new(&[], true);
            if all_sent {
                report.all_sent();
            }
            report.interrupted();
            let summary = report.finish(Ok(()));
            assert_eq!(summary.verdict().is_ok(), is_success);
            assert_eq!(summary.to_string().contains("nothing is missing"), is_success);
        }
    }

    #[test]
    fn what_was_not_reported_is_not_said_to_be_nothing() {
        let report = Report::new(&[], true);
        report.lost("it ended".to_owned());
        let summary = report.finish(Err("it ended".to_owned()));
        assert!(!summary.to_string().contains("0 made") && !summary.to_string().contains("0 added"), "{summary}");
        assert!(summary.verdict().unwrap_err().contains("the same command completes"));
    }
}
