//! What can be said about zone files.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Output;

/// Flags of `zone import`.
#[derive(Args, Debug)]
#[command(after_help = IMPORT_HELP)]
pub struct ZoneImport {
    /// Zone files, and directories of them; - is standard input.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The account that the zones belong to (its name or id) [default: the only one there is].
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// The zone's name, for one file that does not say it.
    #[arg(long, value_name = "NAME")]
    pub origin: Option<String>,
    /// What to do about a line that is wrong, or breaks a rule.
    #[arg(long, value_enum, default_value_t = OnProblem::GoOn, value_name = "WHAT")]
    pub on_problem: OnProblem,
    /// Make records proxied that can be and do not say.
    #[arg(long)]
    pub proxied: bool,
    /// Make the zones active: they answer everywhere at once, as if their delegation had been seen.
    #[arg(long)]
    pub activate: bool,
    /// Take files in directories below directories, too.
    #[arg(long)]
    pub recursive: bool,
    /// Show no progress, and of lines only those that are refused.
    #[arg(long)]
    pub quiet: bool,
    /// How the result is printed.
    #[command(flatten)]
    pub output: Output,
}

/// What to do about a line that is wrong.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnProblem {
    /// Leave the line out and import the rest.
    GoOn,
    /// Import nothing of its file and end there; files before it stay imported.
    Stop,
}

const IMPORT_HELP: &str = "\
A file belongs to the zone that its SOA record names; without one, to the zone of the file's name: example.com, \
db.example.com, example.com.zone (or .db, .txt, .hosts). A zone that the account does not have is made, pending; into \
one that it has, the records are added, and those that are there already stay as they are. Of a directory every regular \
file is taken in order of names; hidden ones are not.

SOA and NS records of the zone itself and DNSSEC signatures are passed over: they are the platform's. TTLs outside the \
range are adjusted.

Works while a server runs, and without one. Lines that are not simply imported are told on standard error as \
FILE:LINE: TEXT (those passed over only where one file is imported), the sum on standard output. Ctrl-C ends the import \
after the files that are being written, and says what was done; import again to complete it.

Exit code: 0 if nothing was refused; 1 if something was, or the import ended early; 2 if the command line is wrong.";

/// Flags of `zone export`.
#[derive(Args, Debug)]
#[command(after_help = "\
With --all each zone becomes DIR/NAME.zone; of zones that share a name in several accounts the further ones become \
DIR/NAME.ID.zone. Files that are there are replaced when the new ones are whole.")]
pub struct ZoneExport {
    /// Its name or id.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub zone: Option<String>,
    /// Export all zones, the platform's own aside, to the directory --output.
    #[arg(long, requires = "output")]
    pub all: bool,
    /// Where to [default: standard output].
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Show no progress.
    #[arg(long)]
    pub quiet: bool,
}

/// Flags of `zone dump`.
#[derive(Args, Debug)]
pub struct ZoneDump {
    /// Its name or id.
    pub zone: String,
    /// Where to [default: standard output].
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
