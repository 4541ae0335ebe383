//! `waymark account`: accounts, looked after by an operator.

use super::{Failure, operate};
use crate::cli::{AccountCommand, Cli};
use crate::operator::Operation;

/// `waymark account list|create|show|rename`.
pub fn account(cli: &Cli, command: &AccountCommand) -> Result<(), Failure> {
    match command {
        AccountCommand::List(output) => operate(cli, Operation::AccountList, *output),
        AccountCommand::Create { name, member, output } => {
            operate(cli, Operation::AccountCreate { name: name.clone(), member: member.clone() }, *output)
        }
        AccountCommand::Show { account, output } => {
            operate(cli, Operation::AccountShow { account: account.clone() }, *output)
        }
        AccountCommand::Rename { account, name, output } => {
            operate(cli, Operation::AccountRename { account: account.clone(), name: name.clone() }, *output)
        }
    }
}
