//! The command line: what can be said, and which configuration keys it sets.
//!
//! `--help` is the manual, so every command and flag says here what it does; what is about one noun is in the file of
//! that noun. Carrying it out is in [`crate::commands`].

mod account;
mod address;
mod ask;
mod backup;
mod manual;
mod token;
mod zone;
mod zone_files;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::Sources;

pub use account::AccountCommand;
pub use address::AddressCommand;
pub use ask::Ask;
pub use backup::Backup;
pub use manual::{Completions, Man, Shell};
pub use token::{TokenCommand, TokenCreate};
pub use zone::{ZoneCommand, ZoneList, ZoneState};
pub use zone_files::{OnProblem, ZoneDump, ZoneExport, ZoneImport};

/// Waymark: a self-hosted managed-DNS platform. One process serves the v4 API and answers DNS.
#[derive(Parser, Debug)]
#[command(name = "waymark", version, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Configuration: a TOML file (--config, else waymark.toml in the working directory if it is there), then environment \
variables (WAYMARK_<SECTION>__<KEY>), then flags, each overriding the one before. `waymark config show` prints every \
key with its meaning, its default and its present value.

A first run:  waymark serve
It makes ./waymark-data, prints an API token and three commands to try, and answers DNS on port 1053.

Commands about accounts, tokens and zones speak to the running server through its data directory; when none runs, they \
open the data directory themselves.";

const SERVE_EXAMPLES: &str = "\
Examples:
  waymark serve
  waymark serve --data-dir /var/lib/waymark --dns-listen 0.0.0.0:53 --dns-listen '[::]:53'
  waymark serve --api-tls-listen 0.0.0.0:8443 --set api.tls_certificate=chain.pem --set api.tls_key=key.pem
  waymark serve --roles edge --data-dir /var/lib/waymark-edge

Ctrl-C or SIGTERM ends it in order; a second one ends it at once.";

const CONFIG_EXAMPLES: &str = "\
Examples:
  waymark config show > waymark.toml
  waymark --config waymark.toml config check";

/// Flags that every command takes.
#[derive(Args, Debug, Default, Clone)]
pub struct Common {
    /// The configuration file (TOML).
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The data directory (key data.dir).
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Sets any configuration key, like --set log.format=json. May be given again.
    #[arg(long, global = true, value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run the server: API, nameserver, everything; or the nameserver alone, as an edge.
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(Serve),
    /// Show or check the configuration.
    #[command(subcommand, after_help = CONFIG_EXAMPLES)]
    Config(ConfigCommand),
    /// List, make, show or rename accounts.
    #[command(subcommand, after_help = account::EXAMPLES)]
    Account(AccountCommand),
    /// Make, list, revoke or roll API tokens.
    #[command(subcommand, after_help = token::EXAMPLES)]
    Token(TokenCommand),
    /// List zones, import and export zone files, or set a zone's status.
    #[command(subcommand, after_help = zone::EXAMPLES)]
    Zone(ZoneCommand),
    /// Lead the nameservers' addresses to this machine: the IPv6 pool, and others that are not loopback.
    #[command(subcommand, after_help = address::EXAMPLES)]
    Address(AddressCommand),
    /// Show how the server is: addresses, positions, sizes.
    Status(Output),
    /// Accept that the store has lost its latest changes, for example because an older copy was put back.
    ///
    /// Begins a new life of the journal, so that everything that follows it takes the store's present state, and
    /// nothing that was lost is mistaken for what is made anew. For a server that does not run.
    Recover,
    /// Ask a DNS server one question and show the reply.
    #[command(after_help = ask::EXAMPLES)]
    Ask(Ask),
    /// Copy the data directory into a new one, also while a server runs.
    #[command(after_help = backup::EXAMPLES)]
    Backup(Backup),
    /// Print what makes a shell complete commands.
    #[command(after_help = manual::COMPLETIONS_EXAMPLES)]
    Completions(Completions),
    /// Print the manual page, or write the pages of all commands into a directory.
    #[command(after_help = manual::MAN_EXAMPLES)]
    Man(Man),
}

/// Flags of `serve`.
#[derive(Args, Debug, Default)]
pub struct Serve {
    /// What this process does (key node.roles): control,edge or, from the edge's file alone, edge.
    #[arg(long, value_name = "ROLES")]
    pub roles: Option<String>,
    /// Where the API listens (key api.listen).
    #[arg(long, value_name = "ADDR:PORT")]
    pub api_listen: Option<String>,
    /// Where the API listens with TLS (key api.tls_listen); api.tls_certificate and api.tls_key name its files.
    #[arg(long, value_name = "ADDR:PORT")]
    pub api_tls_listen: Option<String>,
    /// Where the nameserver listens, over UDP and TCP (key dns.listen). May be given again.
    #[arg(long, value_name = "ADDR:PORT")]
    pub dns_listen: Vec<String>,
    /// On the first start, write API base URL, token, key and ids to this new file (JSON, mode 0600).
    #[arg(long, value_name = "FILE")]
    pub bootstrap_file: Option<PathBuf>,
    /// Commits without syncing the disk: a power cut loses them. Only to show that the test of it can fail.
    #[arg(long, hide = true)]
    pub durability_off: bool,
    /// Appends every reply of the API to this file, a JSON object a line. Only for tests: replies can hold secrets.
    #[arg(long, hide = true, value_name = "FILE")]
    pub record_replies: Option<PathBuf>,
}

/// Commands about the configuration.
#[derive(Subcommand, Debug)]
pub enum ConfigCommand {
    /// Print the effective configuration as TOML, every key documented.
    Show,
    /// Say whether the configuration is valid; if not, list every mistake and fail.
    Check,
}

/// How results are printed.
#[derive(Args, Debug, Default, Clone, Copy)]
pub struct Output {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

impl Cli {
    /// Where this command line's configuration comes from: the process's file and environment, and these flags.
    pub fn sources(&self) -> Result<Sources, String> {
        let mut flags = Vec::new();
        for setting in &self.common.set {
            let (key, value) = setting
                .split_once('=')
                .ok_or_else(|| format!("--set {setting}: SECTION.KEY=VALUE is needed, like log.format=json"))?;
            flags.push((key.to_owned(), value.to_owned()));
        }
        let mut flag = |key: &str, value: Option<String>| {
            flags.extend(value.map(|value| (key.to_owned(), value)));
        };
        flag("data.dir", self.common.data_dir.as_ref().map(|path| path.to_string_lossy().into_owned()));
        if let Command::Serve(serve) = &self.command {
            flag("node.roles", serve.roles.clone());
            flag("api.listen", serve.api_listen.clone());
            flag("api.tls_listen", serve.api_tls_listen.clone());
            flag("dns.listen", (!serve.dns_listen.is_empty()).then(|| serve.dns_listen.join(",")));
        }
        Ok(Sources::of_process(self.common.config.clone(), flags))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_become_keys() {
        let line = "waymark serve --data-dir /d --api-listen 127.0.0.1:1 --dns-listen 127.0.0.1:2 --dns-listen [::1]:3 \
                    --set log.format=json --roles edge";
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        let pairs = [
            ("log.format", "json"),
            ("data.dir", "/d"),
            ("node.roles", "edge"),
            ("api.listen", "127.0.0.1:1"),
            ("dns.listen", "127.0.0.1:2,[::1]:3"),
        ];
        let expected: Vec<_> = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        assert_eq!(cli.sources().unwrap().flags, expected);
    }
}
