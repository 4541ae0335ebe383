//! Carrying out what the command line says. Every failure is one sentence for standard error.

use std::io::{self, Write};
use std::time::Duration;

use waymark_control::{Actor, Control, Durability};
use waymark_resolve::{Question, Reply, Transport};
use waymark_wire::record_type::RecordType;

use crate::cli::{AccountCommand, Ask, Cli, ConfigCommand, Output, Serve, TokenCommand, ZoneCommand, ZoneState};
use crate::config::{self, Config};
use crate::control_socket::{self, RequestError};
use crate::directory::{self, Directory};
use crate::node::{Node, NodeOptions, control_options};
use crate::operator::{Operation, Outcome, Status, carry_out};
use crate::signals::Signals;
use crate::{first_run, observe};

/// A sentence for the operator.
pub type Failure = String;

/// `waymark serve`.
pub fn serve(cli: &Cli, serve: &Serve) -> Result<(), Failure> {
    let config = load(cli)?;
    observe::log::start(&config.log);
    let signals = Signals::take_over().map_err(|why| format!("cannot take over signals: {why}"))?;
    let durability = if serve.durability_off { Durability::Off } else { Durability::Full };
    let options = NodeOptions { bootstrap_file: serve.bootstrap_file.clone(), durability, ..NodeOptions::default() };
    let node = Node::start(config, options).map_err(|error| error.to_string())?;
    let mut text = first_run::ready(node.api_base(), node.dns_addresses());
    if let Some(bootstrap) = node.bootstrap() {
        text += &first_run::welcome(bootstrap, node.api_base(), node.dns_address());
    }
    // Whoever started us may have closed standard output; that is no reason not to serve.
    let _ = print(&text);
    tracing::info!(api = node.api_base(), dns = ?node.dns_addresses(), "ready");
    signals.wait();
    tracing::info!("ending");
    node.stop();
    Ok(())
}

/// `waymark config show|check`.
pub fn config(cli: &Cli, command: &ConfigCommand) -> Result<(), Failure> {
    let config = load(cli)?;
    match command {
        ConfigCommand::Show => print(&config::show(&config)),
        ConfigCommand::Check => print("the configuration is valid\n"),
    }
}

/// `waymark account list|create`.
pub fn account(cli: &Cli, command: &AccountCommand) -> Result<(), Failure> {
    match command {
        AccountCommand::List(output) => operate(cli, Operation::AccountList, *output),
        AccountCommand::Create { name, member, output } => {
            operate(cli, Operation::AccountCreate { name: name.clone(), member: member.clone() }, *output)
        }
    }
}

/// `waymark token create`.
pub fn token(cli: &Cli, command: &TokenCommand) -> Result<(), Failure> {
    let TokenCommand::Create { user, name, account, output } = command;
    let operation = Operation::TokenCreate { user: user.clone(), name: name.clone(), account: account.clone() };
    operate(cli, operation, *output)
}

/// `waymark zone list|status`.
pub fn zone(cli: &Cli, command: &ZoneCommand) -> Result<(), Failure> {
    match command {
        ZoneCommand::List(output) => operate(cli, Operation::ZoneList, *output),
        ZoneCommand::Status { zone, status, output } => {
            let active = matches!(status, ZoneState::Active);
            operate(cli, Operation::ZoneStatus { zone: zone.clone(), active }, *output)
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
    let directory = Directory::open(&config.data.dir).map_err(|error| error.to_string())?;
    let control = Control::open(directory.path(), control_options(&config, &NodeOptions::default()))
        .map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Runtime::new().map_err(|why| format!("cannot start: {why}"))?;
    let renewed = runtime.block_on(control.journal_renew(Actor::Operator));
    runtime.block_on(control.close());
    renewed.map_err(|refusal| refusal.to_string())?;
    print("the journal has a new life; the next start serves what the store has\n")
}

/// `waymark ask`.
pub fn ask(cli: &Cli, ask: &Ask) -> Result<(), Failure> {
    let name = ask.name.parse().map_err(|why| format!("{:?} is not a domain name: {why}", ask.name))?;
    let record_type = RecordType::from_mnemonic(&ask.record_type)
        .ok_or_else(|| format!("{:?} is not a record type: give a mnemonic, or TYPE and a number", ask.record_type))?;
    let server = match ask.server {
        Some(server) => server,
        None => load(cli)?.dns.listen.first().copied().map(crate::node::reachable).ok_or("no server is configured")?,
    };
    let transport = if ask.tcp { Transport::Tcp } else { Transport::Udp };
    let wait = Duration::from_secs(ask.timeout);
    let options = waymark_resolve::Options {
        transport,
        recursion_desired: true,
        ..waymark_resolve::Options::authoritative(wait)
    };
    let question = Question { name, record_type };
    let asked = runtime()?.block_on(waymark_resolve::ask(server, &question, &options));
    let (reply, transport) = asked.map_err(|error| error.to_string())?;
    print(&reply_text(&reply, transport))
}

fn load(cli: &Cli) -> Result<Config, Failure> {
    Config::load(&cli.sources()?).map_err(|error| error.to_string())
}

/// Has the running server carry out an operation; without one, opens the data directory and does it here.
fn operate(cli: &Cli, operation: Operation, output: Output) -> Result<(), Failure> {
    let config = load(cli)?;
    let outcome = match control_socket::request(&directory::control_socket(&config.data.dir), &operation) {
        Err(RequestError::NobodyThere) => operate_alone(&config, operation)?,
        answered => answered.map_err(|error| error.to_string())?,
    };
    match output.json {
        true => print(&format!("{}\n", serde_json::to_string_pretty(&outcome).map_err(|why| why.to_string())?)),
        false => print(&outcome.to_string()),
    }
}

fn operate_alone(config: &Config, operation: Operation) -> Result<Outcome, Failure> {
    if !Directory::holds_an_installation(&config.data.dir) {
        let place = config.data.dir.display();
        return Err(format!(
            "there is no installation in {place}: `waymark serve` makes one, --data-dir names another"
        ));
    }
    let directory = Directory::open(&config.data.dir).map_err(|error| error.to_string())?;
    let options = control_options(config, &NodeOptions::default());
    let runtime = runtime()?;
    let control = Control::open(directory.path(), options).map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let committed = control.journal().position().0;
        let status = || Status { version: env!("CARGO_PKG_VERSION").to_owned(), committed, ..Status::default() };
        let outcome = carry_out(&control, None, operation, status).await;
        control.close().await;
        outcome
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    built.map_err(|why| format!("the system does not give what is needed: {why}"))
}

/// Writes to standard output. A reader that has seen enough is no failure.
fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("cannot write the result: {error}")),
        _ => Ok(()),
    }
}

/// A reply as a zone file would have it, its header in comments.
fn reply_text(reply: &Reply, transport: Transport) -> String {
    let flag = |set: bool, name: &'static str| if set { name } else { "" };
    let flags =
        [flag(reply.authoritative, " aa"), flag(reply.truncated, " tc"), flag(reply.recursion_available, " ra")];
    let over = match transport {
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
    };
    let rcode = observe::metrics::rcode_name(usize::from(reply.rcode.0));
    let mut text = format!("; {rcode}{}, {} octets over {over}\n", flags.concat(), reply.octets);
    for (section, records) in
        [("answer", &reply.answers), ("authority", &reply.authority), ("additional", &reply.additional)]
    {
        if !records.is_empty() {
            text += &format!("; {section}\n");
        }
        for record in records {
            let dot = if record.owner.is_root() { "" } else { "." };
            text += &format!("{}{dot}\t{}\tIN\t{}\t{}\n", record.owner, record.ttl, record.record_type, record.rdata);
        }
    }
    text
}
