//! The program: configuration, command line, and the node that runs every plane in one process.
//!
//! This is the only crate that sees both control and edge. They meet as journal entries, which [`follow`] carries:
//!
//! ```text
//!  config --> node --> api (HTTP) --> control --commit--> journal --follow--> catalog --> serve (DNS)
//!                                                                     `-----> edge file
//! ```
//!
//! - [`config`]: one table of keys; TOML, environment, flags.
//! - [`cli`], [`commands`]: the command line and what it does; `main` only joins them.
//! - [`node`]: everything, started and stopped in order; tests run it in-process.
//! - [`follow`]: the journal into the catalog and the edge's file.
//! - [`directory`], [`control_socket`], [`operator`]: one process owns the data directory, others speak to it.
//! - [`addresses`]: whether the addresses of nameservers lead to this machine.
//! - [`observe`]: logs, `/healthz`, `/metrics`.

pub mod addresses;
pub mod api_server;
pub mod cli;
pub mod commands;
pub mod config;
pub mod control_socket;
mod descriptors;
pub mod directory;
pub mod first_run;
pub mod follow;
pub mod node;
pub mod observe;
pub mod operator;
pub mod signals;

#[cfg(test)]
mod scratch;

pub use config::Config;
pub use node::{Node, NodeOptions, StartError};
