//! What can be said about the manual and completions, which are made from the same words as `--help`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What is shown behind the help of `completions`.
pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  waymark completions bash > /etc/bash_completion.d/waymark
  waymark completions zsh > /usr/local/share/zsh/site-functions/_waymark
  waymark completions fish > ~/.config/fish/completions/waymark.fish";

/// What is shown behind the help of `man`.
pub(super) const MAN_EXAMPLES: &str = "\
Examples:
  waymark man | man -l -
  waymark man /usr/local/share/man/man1";

/// Flags of `completions`.
#[derive(Args, Debug)]
pub struct Completions {
    /// The shell.
    pub shell: Shell,
}

/// A shell that completes commands.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// GNU Bash.
    Bash,
    /// The Z shell.
    Zsh,
    /// fish.
    Fish,
}

/// Flags of `man`.
#[derive(Args, Debug)]
pub struct Man {
    /// Where to write one page for every command; it is made if it is not there.
    pub directory: Option<PathBuf>,
}
