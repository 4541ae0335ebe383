//! What can be said about backups.

use std::path::PathBuf;

use clap::Args;

/// What is shown behind the help.
pub(super) const EXAMPLES: &str = "\
The copy is the store as it is at one moment: no change is half in it. It is a data directory of its own. To go back
to it, stop the server, put it in the place of the data directory, and say that what came later is lost:

  waymark --data-dir /var/lib/waymark backup /var/backups/waymark-2030-01-01
  waymark --data-dir /var/backups/waymark-2030-01-01 recover";

/// Flags of `backup`.
#[derive(Args, Debug)]
pub struct Backup {
    /// The directory to make. There must be none of that name.
    pub to: PathBuf,
}
