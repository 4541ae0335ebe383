//! What can be said about API tokens.

use clap::{Args, Subcommand};

use super::Output;
use crate::operator::permission_words;

/// What is shown behind the help of the group.
pub(super) const EXAMPLES: &str = "\
A token is what a client of the API shows: Authorization: Bearer TOKEN. It is printed once, when it is made or rolled.

Examples:
  waymark token create --name terraform
  waymark token create --name audit --read-only --expires 2030-01-01
  waymark token create --name certbot --permission zone-read --permission dns-edit
  waymark token list
  waymark token revoke 0123456789abcdef0123456789abcdef";

/// Commands about tokens.
#[derive(Subcommand, Debug)]
pub enum TokenCommand {
    /// Make a token and print it once. Without flags it may do everything that its user may.
    Create(TokenCreate),
    /// List all tokens: id, status, end, user, name, permissions. Their secrets are not known any more.
    List(Output),
    /// Delete a token: whoever has it has nothing from then on.
    Revoke {
        /// Its id.
        id: String,
    },
    /// Give a token a new secret and print it once. The old one is good for nothing from then on.
    Roll {
        /// Its id.
        id: String,
        /// How the result is printed.
        #[command(flatten)]
        output: Output,
    },
}

/// Flags of `token create`.
#[derive(Args, Debug)]
pub struct TokenCreate {
    /// The email address of its user [default: the user of the first start].
    #[arg(long, value_name = "EMAIL")]
    pub user: Option<String>,
    /// What it is called.
    #[arg(long, default_value = "made on the command line")]
    pub name: String,
    /// Allow one account and its zones only (its name or id).
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// Allow only this. May be given again; an edit permission includes its read.
    #[arg(long, value_name = "PERMISSION", value_parser = permission_words(), conflicts_with = "read_only")]
    pub permission: Vec<String>,
    /// Allow reading only.
    #[arg(long)]
    pub read_only: bool,
    /// When it ends: a date, or a time like 2030-01-01T12:00:00Z [default: never].
    #[arg(long, value_name = "TIME")]
    pub expires: Option<String>,
    /// How the result is printed.
    #[command(flatten)]
    pub output: Output,
}
