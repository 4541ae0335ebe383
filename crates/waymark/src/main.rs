//! The program: reads the command line, carries it out, and turns a failure into one sentence and an exit code.

use std::process::ExitCode;

use clap::Parser;
use waymark::cli::{Cli, Command};
use waymark::commands;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match &cli.command {
        Command::Serve(serve) => commands::serve(&cli, serve),
        Command::Config(command) => commands::config(&cli, command),
        Command::Account(command) => commands::account(&cli, command),
        Command::Token(command) => commands::token(&cli, command),
        Command::Zone(command) => commands::zone(&cli, command),
        Command::Address(command) => commands::address(&cli, command),
        Command::Status(output) => commands::status(&cli, *output),
        Command::Recover => commands::recover(&cli),
        Command::Ask(ask) => commands::ask(&cli, ask),
        Command::Backup(backup) => commands::backup(&cli, backup),
        Command::Completions(completions) => commands::completions(completions),
        Command::Man(man) => commands::man(man),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("waymark: {sentence}");
            ExitCode::FAILURE
        }
    }
}
