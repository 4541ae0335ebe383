//! `waymark token`: tokens for the API, made and ended by an operator.

use super::{Failure, operate};
use crate::cli::{Cli, Output, TokenCommand, TokenCreate};
use crate::operator::{Operation, TokenOrder, read_only_words};

/// `waymark token create|list|revoke|roll`.
pub fn token(cli: &Cli, command: &TokenCommand) -> Result<(), Failure> {
    match command {
        TokenCommand::Create(create) => operate(cli, Operation::TokenCreate(order(create)), create.output),
        TokenCommand::List(output) => operate(cli, Operation::TokenList, *output),
        TokenCommand::Revoke { id } => operate(cli, Operation::TokenRevoke { id: id.clone() }, Output::default()),
        TokenCommand::Roll { id, output } => operate(cli, Operation::TokenRoll { id: id.clone() }, *output),
    }
}

fn order(create: &TokenCreate) -> TokenOrder {
    TokenOrder {
        user: create.user.clone(),
        name: create.name.clone(),
        account: create.account.clone(),
        permissions: if create.read_only { read_only_words() } else { create.permission.clone() },
        expires: create.expires.clone(),
    }
}
