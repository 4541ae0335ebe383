//! The problems of one file: counted all, told up to a bound.

use crate::error::{Conflict, Invalid, Quota, Refusal};

use super::{ImportProblem, ImportProblemKind};

/// Problems of one file that are told; the rest is counted.
pub(super) const TOLD_MAX: usize = 1000;

/// The problems of one file.
#[derive(Debug)]
pub(super) struct Problems {
    file: String,
    waiting: Vec<ImportProblem>,
    /// How many have been told or wait to be.
    told: usize,
    /// Lines that are refused or adjusted; what is skipped is no problem.
    pub(super) count: u64,
    /// The line of the first that was refused, and why.
    pub(super) first_refused: Option<(u32, String)>,
    /// The same, if the syntax was at fault.
    pub(super) first_unreadable: Option<(u32, String)>,
}

impl Problems {
    pub(super) fn new(file: String) -> Self {
        Self { file, waiting: Vec::new(), told: 0, count: 0, first_refused: None, first_unreadable: None }
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// Takes over those of the same file.
    pub(super) fn absorb(&mut self, others: Self) {
        self.count += others.count;
        let room = TOLD_MAX - self.told;
        self.waiting.extend(others.waiting.into_iter().take(room));
        self.told = TOLD_MAX.min(self.told + others.told);
        self.first_refused = self.first_refused.take().or(others.first_refused);
    }

    /// A line that is no record.
    pub(super) fn unreadable(&mut self, line: u32, text: String) {
        self.first_unreadable.get_or_insert_with(|| (line, text.clone()));
        self.add(line, ImportProblemKind::Refused, text, None);
    }

    /// A record that breaks a rule, or a file that does (line 0).
    pub(super) fn refused(&mut self, line: u32, refusal: Refusal) {
        let text = match advice(&refusal) {
            Some(advice) => format!("{refusal}: {advice}"),
            None => refusal.to_string(),
        };
        self.add(line, ImportProblemKind::Refused, text, Some(refusal));
    }

    pub(super) fn adjusted(&mut self, line: u32, text: String) {
        self.add(line, ImportProblemKind::Adjusted, text, None);
    }

    pub(super) fn skipped(&mut self, line: u32, text: String) {
        self.add(line, ImportProblemKind::Skipped, text, None);
    }

    fn add(&mut self, line: u32, kind: ImportProblemKind, text: String, refusal: Option<Refusal>) {
        if kind != ImportProblemKind::Skipped {
            self.count += 1;
        }
        if kind == ImportProblemKind::Refused {
            self.first_refused.get_or_insert_with(|| (line, text.clone()));
        }
        if self.told < TOLD_MAX {
            self.told += 1;
            self.waiting.push(ImportProblem { file: self.file.clone(), line, kind, text, refusal });
        }
    }

    /// What has come together and is to be told, by line.
    pub(super) fn take(&mut self) -> Vec<ImportProblem> {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_by_key(|problem| problem.line);
        waiting
    }

    /// The same at the end of the file: says how many were not told.
    pub(super) fn finish(&mut self) -> Vec<ImportProblem> {
        let mut waiting = self.take();
        if self.count > TOLD_MAX as u64 {
            let text = format!("{} problems in all, of which {TOLD_MAX} are shown", self.count);
            let (file, kind) = (self.file.clone(), ImportProblemKind::Skipped);
            waiting.push(ImportProblem { file, line: 0, kind, text, refusal: None });
        }
        waiting
    }
}

/// What would be right, where the refusal itself does not say.
fn advice(refusal: &Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::Conflict(Conflict::AddressOrAliasExists | Conflict::AliasExists) => {
            Some("a name has either one CNAME record or A and AAAA records; leave one of them out")
        }
        Refusal::Conflict(Conflict::DelegationBesideAddress | Conflict::DelegationExists) => {
            Some("a name that is delegated has no addresses of its own; put them below it, or leave the NS records out")
        }
        Refusal::Conflict(Conflict::ZoneExists { .. }) => {
            Some("it was made while the file was read; import the file again")
        }
        Refusal::Invalid(Invalid::RecordType(word)) if word == "SOA" => {
            Some("a zone has one SOA record, which is the platform's own")
        }
        Refusal::Invalid(Invalid::RecordType(_)) => Some("further types are imported with `waymark zone import`"),
        Refusal::Invalid(Invalid::TextTooLong { .. } | Invalid::TextsTooLong { .. }) => {
            Some("shorten the text, or spread it over several names")
        }
        Refusal::Quota(Quota::RRset { .. }) => Some("spread the records over several names"),
        _ => None,
    }
}
