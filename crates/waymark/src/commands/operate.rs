//! Operations: carried out by the running server, or here when none runs.

use std::thread;
use std::time::{Duration, Instant};

use waymark_control::Control;

use super::{Failure, load, print, runtime};
use crate::cli::{Cli, Output};
use crate::config::{Config, Roles};
use crate::control_socket::{self, RequestError};
use crate::directory::{self, Directory, DirectoryError, LOCK_POLL, LOCK_WAIT};
use crate::node::{NodeOptions, control_options};
use crate::operator::{Operation, Outcome, Status, carry_out};

/// Has the running server carry out an operation; without one, opens the data directory and does it here.
pub(super) fn operate(cli: &Cli, operation: Operation, output: Output) -> Result<(), Failure> {
    let outcome = outcome(&load(cli)?, operation)?;
    match output.json {
        true => print(&format!("{}\n", serde_json::to_string_pretty(&outcome).map_err(|why| why.to_string())?)),
        false => print(&outcome.to_string()),
    }
}

/// The same without printing.
pub(super) fn outcome(config: &Config, operation: Operation) -> Result<Outcome, Failure> {
    match reach(config, || outcome_of_the_running(config, &operation))? {
        Reached::Running(outcome) => Ok(outcome),
        Reached::Alone(directory, control) => operate_alone(&directory, &control, operation),
    }
}

/// What the running server makes of an operation; none if no server runs.
pub(super) fn outcome_of_the_running(config: &Config, operation: &Operation) -> Result<Option<Outcome>, Failure> {
    match control_socket::request(&directory::control_socket(&config.data.dir), operation) {
        Err(RequestError::NobodyThere) => Ok(None),
        answered => answered.map(Some).map_err(|error| error.to_string()),
    }
}

/// Who carries something out.
pub(super) enum Reached<T> {
    /// The running server, and what it says.
    Running(T),
    /// This process, which has the directory and its store.
    Alone(Directory, Control),
}

/// Asks the running server; without one, opens the data directory. Another command may have that for a moment, or a
/// server that is about to listen: both are waited for.
pub(super) fn reach<T>(
    config: &Config,
    mut ask: impl FnMut() -> Result<Option<T>, Failure>,
) -> Result<Reached<T>, Failure> {
    let began = Instant::now();
    let (directory, place) = (&config.data.dir, config.data.dir.display());
    loop {
        if let Some(said) = ask()? {
            return Ok(Reached::Running(said));
        }
        let with_store = config.node.roles == Roles::Both && Directory::holds_an_installation(directory);
        if !with_store && !Directory::holds_an_edge(directory) {
            return Err(format!(
                "there is no installation in {place}: `waymark serve` makes one, --data-dir names another"
            ));
        }
        match Directory::open(directory, Duration::ZERO) {
            Ok(_) if !with_store => {
                return Err(format!(
                    "no server runs on {place}, and an edge alone has no store to open: start it with \
                     `waymark serve --roles edge`, or give the command to the server with the role control"
                ));
            }
            Ok(directory) => {
                let options = control_options(config, &NodeOptions::default());
                let control = Control::open(directory.path(), options).map_err(|error| error.to_string())?;
                return Ok(Reached::Alone(directory, control));
            }
            Err(DirectoryError::InUse { .. }) if began.elapsed() < LOCK_WAIT => thread::sleep(LOCK_POLL),
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// The directory is held to the end of it.
fn operate_alone(_directory: &Directory, control: &Control, operation: Operation) -> Result<Outcome, Failure> {
    runtime()?.block_on(async {
        let outcome = carry_out(control, None, operation, || status(control)).await;
        control.close().await;
        outcome
    })
}

/// How things are when no server runs.
pub(super) fn status(control: &Control) -> Status {
    let committed = Some(control.journal().position().0);
    Status { version: env!("CARGO_PKG_VERSION").to_owned(), committed, ..Status::default() }
}
