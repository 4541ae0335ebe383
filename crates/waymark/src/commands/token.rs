//! `waymark token`: tokens for the API, made by an operator.

use super::{Failure, operate};
use crate::cli::{Cli, TokenCommand};
use crate::operator::Operation;

/// `waymark token create`.
pub fn token(cli: &Cli, command: &TokenCommand) -> Result<(), Failure> {
    let TokenCommand::Create { user, name, account, output } = command;
    let operation = Operation::TokenCreate { user: user.clone(), name: name.clone(), account: account.clone() };
    operate(cli, operation, *output)
}
