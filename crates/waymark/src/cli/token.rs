//! What can be said about API tokens.

use clap::Subcommand;

use super::Output;

/// Commands about tokens.
#[derive(Subcommand, Debug)]
pub enum TokenCommand {
    /// Make a token that may do everything its user may, and print it once.
    Create {
        /// The email address of its user [default: the user of the first start].
        #[arg(long, value_name = "EMAIL")]
        user: Option<String>,
        /// What it is called.
        #[arg(long, default_value = "made on the command line")]
        name: String,
        /// Allow one account and its zones only (its id).
        #[arg(long, value_name = "ID")]
        account: Option<String>,
        /// How the result is printed.
        #[command(flatten)]
        output: Output,
    },
}
