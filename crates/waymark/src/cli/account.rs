//! What can be said about accounts.

use clap::Subcommand;

use super::Output;

/// Commands about accounts.
#[derive(Subcommand, Debug)]
pub enum AccountCommand {
    /// List all accounts.
    List(Output),
    /// Make an account.
    Create {
        /// Its name, 1 to 100 characters.
        name: String,
        /// The email address of the user who becomes its member [default: the user of the first start].
        #[arg(long, value_name = "EMAIL")]
        member: Option<String>,
        /// How the result is printed.
        #[command(flatten)]
        output: Output,
    },
}
