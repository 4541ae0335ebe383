//! What can be said about accounts.

use clap::Subcommand;

use super::Output;

/// What is shown behind the help of the group.
pub(super) const EXAMPLES: &str = "\
Examples:
  waymark account list
  waymark account create 'Example Ltd'
  waymark account show 'Example Ltd'
  waymark account rename 'Example Ltd' 'Example Inc'";

/// Commands about accounts.
#[derive(Subcommand, Debug)]
pub enum AccountCommand {
    /// List all accounts: id and name.
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
    /// Show one account: since when it is there, and how many zones it has.
    Show {
        /// Its name or id.
        account: String,
        /// How the result is printed.
        #[command(flatten)]
        output: Output,
    },
    /// Give an account another name. Its id stays.
    Rename {
        /// Its name or id.
        account: String,
        /// The new name, 1 to 100 characters.
        name: String,
        /// How the result is printed.
        #[command(flatten)]
        output: Output,
    },
}
