//! Zone files that an operator imports: received one after another, handed to the importer, and what becomes of them
//! told.
//!
//! ```text
//!  frames --receive--> a whole file --> ImportFiles ... ImportEvents --tell--> frames
//! ```
//!
//! The two directions go on at the same time, and each holds up the other: a file is received when the importer has
//! taken the one before. Whoever goes away in the middle leaves behind what the importer had already taken, whole.

use std::io;
use std::pin::pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use waymark_control::{
    Actor, Control, Grant, ImportEvent, ImportEvents, ImportFiles, ImportOptions, ImportProblem, ImportProblemKind,
    ImportedZone, PublicId, Refusal, Status, ZoneFile,
};
use waymark_wire::Name;

use super::accounts;
use super::exchange::{Desk, Imported, Parcel, Problem, ProblemKind, Said, Told, Trouble, ZoneImport};
use crate::control_socket::{Target, frames};

/// Statuses that are given at the same time: they share commits.
const ACTIVATIONS_MAX: usize = 64;
/// What is said of a line at most, in characters: a message has to fit into a frame.
const TEXT_CHARACTERS_MAX: usize = 2000;

pub(super) async fn import<W: AsyncWrite + Unpin + Send>(
    target: &impl Target,
    desk: &Desk,
    request: ZoneImport,
    from: &mut (impl AsyncRead + Unpin + Send),
    to: &mut Parcel<'_, W>,
) -> Result<(), Trouble> {
    let control = target.control()?;
    let account = account(control, request.account.as_deref()).await?;
    let _turn = match desk.imports.try_acquire() {
        Ok(turn) => turn,
        Err(_) => {
            to.say(&Told::Waiting).await?;
            to.send().await?;
            desk.imports.acquire().await.map_err(|_| "the server is ending".to_owned())?
        }
    };
    let options = ImportOptions { proxied: request.proxied, stop_at_problem: request.stop_at_problem };
    let (files, events) = control.import_start(Grant::operator(), account, options);
    let (notes, noted) = mpsc::channel(1);
    let teller = Teller { control, activate: request.activate, changes: JoinSet::new() };
    let mut received = pin!(receive(from, files, desk, &request, notes));
    let mut told = pin!(teller.tell(events, noted, to));
    tokio::select! {
        // It has ended early: what still comes is not wanted.
        told = &mut told => told,
        received = &mut received => told.await.and(received),
    }
}

/// The account of this name or id; without one, the only account there is.
async fn account(control: &Control, text: Option<&str>) -> Result<PublicId, Trouble> {
    let found = match text {
        Some(text) => accounts::find(control, text).await,
        None => accounts::only(control).await,
    };
    found.map_err(Trouble::Told)
}

/// Receives files until there are no more, or the other side is gone, or the import has ended.
async fn receive(
    from: &mut (impl AsyncRead + Unpin + Send),
    files: ImportFiles,
    desk: &Desk,
    request: &ZoneImport,
    notes: mpsc::Sender<Problem>,
) -> Result<(), Trouble> {
    let octets_max = desk.file_octets_max;
    let mut file: Option<ZoneFile> = None;
    let mut too_large = false;
    while let Some(frame) = next(from, desk).await? {
        match (frame, &mut file) {
            (frames::Frame::Message(Said::File { name, origin }), None) => {
                let origin = origin.and_then(|text| Name::from_text(&text).ok());
                file = Some(ZoneFile { name, origin, text: Vec::new() });
                too_large = false;
            }
            (frames::Frame::Data(octets), Some(file)) => {
                too_large |= octets_max > 0 && (file.text.len() + octets.len()) as u64 > octets_max;
                match too_large {
                    true => file.text = Vec::new(),
                    false => file.text.extend_from_slice(&octets),
                }
            }
            (frames::Frame::Message(Said::FileEnd), whole @ Some(_)) => {
                let Some(whole) = whole.take() else { continue };
                if too_large {
                    let text = format!(
                        "the file has more than {octets_max} octets: divide it, or raise limits.import_file_octets"
                    );
                    // Nobody who listens is somebody who is gone, which is noticed elsewhere.
                    let _ = notes.send(Problem { file: whole.name, line: 0, kind: ProblemKind::Refused, text }).await;
                    if request.stop_at_problem {
                        return Ok(());
                    }
                } else if files.push(whole).await.is_err() {
                    return Ok(());
                }
            }
            (frames::Frame::Message(Said::End), None) => return Ok(()),
            _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is out of place").into()),
        }
    }
    Ok(())
}

/// The next frame. A silence of the command ends the import: others wait for their turn.
async fn next(from: &mut (impl AsyncRead + Unpin + Send), desk: &Desk) -> Result<Option<frames::Frame<Said>>, Trouble> {
    let patience = desk.patience.import;
    match tokio::time::timeout(patience, frames::read(from)).await {
        Ok(frame) => Ok(frame?),
        Err(_) => Err(Trouble::Told(format!(
            "the command has sent nothing for {} s; what it had sent whole is imported, import the rest again",
            patience.as_secs_f64()
        ))),
    }
}

/// Tells what becomes of files.
struct Teller<'c> {
    control: &'c Control,
    activate: bool,
    /// Statuses that are being given.
    changes: JoinSet<Result<(), Problem>>,
}

impl Teller<'_> {
    /// Tells all there is to tell. If nobody listens any more the import goes on with what it has taken: a file that
    /// was received is imported, whoever is still there to hear of it.
    async fn tell<W: AsyncWrite + Unpin + Send>(
        mut self,
        mut events: ImportEvents,
        mut noted: mpsc::Receiver<Problem>,
        to: &mut Parcel<'_, W>,
    ) -> Result<(), Trouble> {
        let mut outcome: Result<(), Trouble> = Ok(());
        loop {
            let told = tokio::select! {
                event = events.next() => match event {
                    None => break,
                    Some(ImportEvent::Ended(refusal)) => {
                        outcome = outcome.and(Err(refusal.into()));
                        continue;
                    }
                    Some(event) => self.told(event).await,
                },
                Some(problem) = noted.recv() => vec![Told::Problem(problem)],
            };
            if outcome.is_ok() {
                outcome = say(to, &told).await;
            }
        }
        while let Ok(problem) = noted.try_recv() {
            outcome = outcome.and(say(to, &[Told::Problem(problem)]).await);
        }
        while let Some(given) = self.changes.join_next().await {
            if let Ok(Err(problem)) = given {
                outcome = outcome.and(say(to, &[Told::Problem(problem)]).await);
            }
        }
        outcome
    }

    async fn told(&mut self, event: ImportEvent) -> Vec<Told> {
        match event {
            ImportEvent::Problem(problem) => vec![Told::Problem(problem.into())],
            ImportEvent::Progress { records } => vec![Told::Progress(records)],
            ImportEvent::Zone(zone) => {
                let mut told = Vec::new();
                if self.activate {
                    told.extend(self.make_active(&zone).await.map(Told::Problem));
                }
                told.push(Told::Imported(zone.into()));
                told
            }
            ImportEvent::Ended(_) => Vec::new(),
        }
    }

    /// Begins to make a zone active; gives what one before it could not.
    async fn make_active(&mut self, zone: &ImportedZone) -> Option<Problem> {
        let mut problem = None;
        if self.changes.len() >= ACTIVATIONS_MAX {
            problem = self.changes.join_next().await.and_then(|given| given.ok()?.err());
        }
        let (control, id, file) = (self.control.clone(), zone.id, zone.file.clone());
        self.changes.spawn(async move {
            let changed = control.zone_set_status(Actor::Operator, id, Status::Active, false).await;
            changed.map(|_| ()).map_err(|refusal| not_active(file, &refusal))
        });
        problem
    }
}

fn not_active(file: String, refusal: &Refusal) -> Problem {
    Problem { file, line: 0, kind: ProblemKind::Refused, text: format!("the zone is not active: {refusal}") }
}

async fn say<W: AsyncWrite + Unpin + Send>(to: &mut Parcel<'_, W>, told: &[Told]) -> Result<(), Trouble> {
    for told in told {
        to.say(told).await?;
    }
    Ok(to.send().await?)
}

impl From<ImportProblem> for Problem {
    fn from(problem: ImportProblem) -> Self {
        let kind = match problem.kind {
            ImportProblemKind::Refused => ProblemKind::Refused,
            ImportProblemKind::Adjusted => ProblemKind::Adjusted,
            ImportProblemKind::Skipped => ProblemKind::Skipped,
        };
        // The line is said once, in front of all.
        let own = format!("line {}: ", problem.line);
        let text = problem.text.strip_prefix(&own).unwrap_or(&problem.text);
        let text = text.chars().take(TEXT_CHARACTERS_MAX).collect();
        Self { file: problem.file, line: problem.line, kind, text }
    }
}

impl From<ImportedZone> for Imported {
    fn from(zone: ImportedZone) -> Self {
        Self {
            file: zone.file,
            id: zone.id.to_string(),
            zone: zone.apex.to_string(),
            created: zone.created,
            parsed: zone.parsed,
            added: zone.added,
            unchanged: zone.unchanged,
            problems: zone.problems,
        }
    }
}
