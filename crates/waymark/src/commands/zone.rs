//! `waymark zone`: zones, looked after by an operator.

use super::{Failure, operate, zone_export, zone_import, zone_list};
use crate::cli::{Cli, ZoneCommand, ZoneState};
use crate::operator::Operation;

/// `waymark zone list|create|show|delete|import|export|dump|status`.
pub fn zone(cli: &Cli, command: &ZoneCommand) -> Result<(), Failure> {
    match command {
        ZoneCommand::List(list) => zone_list::list(cli, list),
        ZoneCommand::Create { name, account, activate, output } => {
            let (name, account) = (name.clone(), account.clone());
            operate(cli, Operation::ZoneCreate { name, account, activate: *activate }, *output)
        }
        ZoneCommand::Show { zone, output } => operate(cli, Operation::ZoneShow { zone: zone.clone() }, *output),
        ZoneCommand::Delete { zone, output } => operate(cli, Operation::ZoneDelete { zone: zone.clone() }, *output),
        ZoneCommand::Import(import) => zone_import::import(cli, import),
        ZoneCommand::Export(export) => zone_export::export(cli, export),
        ZoneCommand::Dump(dump) => zone_export::dump(cli, dump),
        ZoneCommand::Status { zone, status, output } => {
            let active = matches!(status, ZoneState::Active);
            operate(cli, Operation::ZoneStatus { zone: zone.clone(), active }, *output)
        }
    }
}
