//! `waymark backup`: a copy of the store, also while a server runs.

use super::{Failure, load, print};
use crate::cli::{Backup, Cli};
use crate::directory::Directory;

/// `waymark backup`.
pub fn backup(cli: &Cli, backup: &Backup) -> Result<(), Failure> {
    let from = load(cli)?.data.dir;
    if !Directory::holds_an_installation(&from) {
        return Err(format!("there is no installation in {}: --data-dir names another", from.display()));
    }
    waymark_control::back_up(&from, &backup.to).map_err(|error| error.to_string())?;
    print(&format!("{} has a copy of {}\n", backup.to.display(), from.display()))
}
