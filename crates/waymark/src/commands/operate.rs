//! Operations: carried out by the running server, or here when none runs.

use waymark_control::Control;

use super::{Failure, load, print, runtime};
use crate::cli::{Cli, Output};
use crate::config::Config;
use crate::control_socket::{self, RequestError};
use crate::directory::{self, Directory};
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
    match outcome_of_the_running(config, &operation)? {
        Some(outcome) => Ok(outcome),
        None => operate_alone(config, operation),
    }
}

/// What the running server makes of an operation; none if no server runs.
pub(super) fn outcome_of_the_running(config: &Config, operation: &Operation) -> Result<Option<Outcome>, Failure> {
    match control_socket::request(&directory::control_socket(&config.data.dir), operation) {
        Err(RequestError::NobodyThere) => Ok(None),
        answered => answered.map(Some).map_err(|error| error.to_string()),
    }
}

fn operate_alone(config: &Config, operation: Operation) -> Result<Outcome, Failure> {
    let (_directory, control) = open(config)?;
    runtime()?.block_on(async {
        let outcome = carry_out(&control, None, operation, || status(&control)).await;
        control.close().await;
        outcome
    })
}

/// Opens the data directory and its store, as a server would.
pub(super) fn open(config: &Config) -> Result<(Directory, Control), Failure> {
    if !Directory::holds_an_installation(&config.data.dir) {
        let place = config.data.dir.display();
        return Err(format!(
            "there is no installation in {place}: `waymark serve` makes one, --data-dir names another"
        ));
    }
    let directory = Directory::open(&config.data.dir).map_err(|error| error.to_string())?;
    let options = control_options(config, &NodeOptions::default());
    let control = Control::open(directory.path(), options).map_err(|error| error.to_string())?;
    Ok((directory, control))
}

/// How things are when no server runs.
pub(super) fn status(control: &Control) -> Status {
    let committed = control.journal().position().0;
    Status { version: env!("CARGO_PKG_VERSION").to_owned(), committed, ..Status::default() }
}
