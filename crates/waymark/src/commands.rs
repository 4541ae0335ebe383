//! Carrying out what the command line says. Every failure is one sentence for standard error.
//!
//! What is about the server as a whole is here; the commands about one noun are in the file of that noun.

mod account;
mod address;
mod ask;
mod backup;
mod exchange;
mod manual;
mod operate;
mod progress;
mod token;
mod zone;
mod zone_export;
mod zone_import;
mod zone_list;

use std::io::{self, Write};

use waymark_control::{Actor, Control, Durability};

use crate::cli::{Cli, ConfigCommand, Output, Serve};
use crate::config::{self, Config, Roles};
use crate::directory::{Directory, LOCK_WAIT};
use crate::node::{Edge, Node, NodeOptions, control_options};
use crate::operator::{Operation, Status};
use crate::signals::Signals;
use crate::{first_run, observe};

pub use account::account;
pub use address::address;
pub use ask::ask;
pub use backup::backup;
pub use manual::{completions, man};
use operate::operate;
pub use token::token;
pub use zone::zone;

/// A sentence for the operator.
pub type Failure = String;

/// `waymark serve`.
pub fn serve(cli: &Cli, serve: &Serve) -> Result<(), Failure> {
    let config = load(cli)?;
    observe::log::start(&config.log);
    let signals = Signals::take_over().map_err(|why| format!("cannot take over signals: {why}"))?;
    let durability = if serve.durability_off { Durability::Off } else { Durability::Full };
    let (bootstrap_file, record_replies) = (serve.bootstrap_file.clone(), serve.record_replies.clone());
    let options = NodeOptions { bootstrap_file, durability, record_replies, ..NodeOptions::default() };
    match config.node.roles {
        Roles::Both => {
            let node = Node::start(config, options).map_err(|error| error.to_string())?;
            let mut text = first_run::ready(node.api_base(), node.api_tls_base(), node.dns_addresses());
            if let Some(bootstrap) = node.bootstrap() {
                text += &first_run::welcome(bootstrap, node.api_base(), node.dns_address());
            }
            until_ended(&text, &node.status(), &signals);
            node.stop();
        }
        Roles::Edge => {
            let edge = Edge::start(&config, &options).map_err(|error| error.to_string())?;
            let status = edge.status();
            until_ended(&first_run::ready_alone(&status), &status, &signals);
            edge.stop();
        }
    }
    Ok(())
}

/// Says that everything answers, and waits until somebody wants it to end.
fn until_ended(text: &str, status: &Status, signals: &Signals) {
    // Whoever started us may have closed standard output; that is no reason not to serve.
    let _ = print(text);
    tracing::info!(roles = ?status.roles, api = status.api_base, dns = ?status.dns, "ready");
    // systemd waits for this where it has started us with Type=notify; elsewhere nobody is told.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    signals.wait();
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    tracing::info!("ending");
}

/// `waymark config show|check`.
pub fn config(cli: &Cli, command: &ConfigCommand) -> Result<(), Failure> {
    let config = load(cli)?;
    match command {
        ConfigCommand::Show => print(&config::show(&config)),
        ConfigCommand::Check => {
            let clock = NodeOptions::default().clock;
            crate::node::certificates(&config, clock).map_err(|error| error.to_string())?;
            print("the configuration is valid\n")
        }
    }
}

/// `waymark status`.
pub fn status(cli: &Cli, output: Output) -> Result<(), Failure> {
    operate(cli, Operation::Status, output)
}

/// `waymark recover`.
pub fn recover(cli: &Cli) -> Result<(), Failure> {
    let config = load(cli)?;
    let directory = Directory::open(&config.data.dir, LOCK_WAIT).map_err(|error| error.to_string())?;
    let control = Control::open(directory.path(), control_options(&config, &NodeOptions::default()))
        .map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Runtime::new().map_err(|why| format!("cannot start: {why}"))?;
    let renewed = runtime.block_on(control.journal_renew(Actor::Operator));
    runtime.block_on(control.close());
    renewed.map_err(|refusal| refusal.to_string())?;
    print("the journal has a new life; the next start serves what the store has\n")
}

fn load(cli: &Cli) -> Result<Config, Failure> {
    Config::load(&cli.sources()?).map_err(|error| error.to_string())
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    built.map_err(|why| format!("the system does not give what is needed: {why}"))
}

/// Writes to standard output. A reader that has seen enough is no failure.
fn print(text: &str) -> Result<(), Failure> {
    written(io::stdout().lock().write_all(text.as_bytes()))
}

/// The same for what was written elsewhere.
fn written(done: io::Result<()>) -> Result<(), Failure> {
    match done {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("cannot write the result: {error}")),
        _ => Ok(()),
    }
}
