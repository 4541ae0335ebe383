//! `waymark zone`.

use super::{Failure, operate};
use crate::cli::{Cli, ZoneCommand, ZoneState};
use crate::operator::Operation;

/// `waymark zone list|status`.
pub fn zone(cli: &Cli, command: &ZoneCommand) -> Result<(), Failure> {
    match command {
        ZoneCommand::List(output) => operate(cli, Operation::ZoneList, *output),
        ZoneCommand::Status { zone, status, output } => {
            let active = matches!(status, ZoneState::Active);
            operate(cli, Operation::ZoneStatus { zone: zone.clone(), active }, *output)
        }
    }
}
