//! `waymark account`.

use super::{Failure, operate};
use crate::cli::{AccountCommand, Cli};
use crate::operator::Operation;

/// `waymark account list|create`.
pub fn account(cli: &Cli, command: &AccountCommand) -> Result<(), Failure> {
    match command {
        AccountCommand::List(output) => operate(cli, Operation::AccountList, *output),
        AccountCommand::Create { name, member, output } => {
            operate(cli, Operation::AccountCreate { name: name.clone(), member: member.clone() }, *output)
        }
    }
}
