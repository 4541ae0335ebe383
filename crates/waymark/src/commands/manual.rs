//! `waymark completions` and `waymark man`: both from the words of the command line itself.

use clap::CommandFactory;
use clap_complete::aot;

use super::{Failure, print};
use crate::cli::{Cli, Completions, Man, Shell};

/// `waymark completions`.
pub fn completions(completions: &Completions) -> Result<(), Failure> {
    let mut command = Cli::command();
    let mut text = Vec::new();
    let shell = match completions.shell {
        Shell::Bash => aot::Shell::Bash,
        Shell::Zsh => aot::Shell::Zsh,
        Shell::Fish => aot::Shell::Fish,
    };
    aot::generate(shell, &mut command, "waymark", &mut text);
    print(&String::from_utf8_lossy(&text))
}

/// `waymark man`.
pub fn man(man: &Man) -> Result<(), Failure> {
    match &man.directory {
        None => {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
            rendered.map_err(|why| format!("cannot make the manual page: {why}"))?;
            print(&String::from_utf8_lossy(&page))
        }
        Some(directory) => {
            let failed = |why| format!("cannot write manual pages to {}: {why}", directory.display());
            std::fs::create_dir_all(directory).map_err(failed)?;
            clap_mangen::generate_to(Cli::command(), directory).map_err(failed)
        }
    }
}
