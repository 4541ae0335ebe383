//! Answering: the sockets of the nameserver, and the edge's file.
//!
//! A datagram's path, all on one thread, without allocation, lock or `await`:
//!
//! ```text
//!  kernel --recvmmsg--> udp::batch        up to 64 datagrams, each with the address that was asked
//!                       udp::worker       the catalog's generation and the clock are read now, after the batch
//!                       handler           read, cookie, zone::answer, rate limit: bytes in, bytes out
//!                       statistics        counted in the worker's own block, one event into its ring
//!  kernel <--sendmmsg-- udp::batch        from the address that was asked
//! ```
//!
//! A TCP message's path is ordinary async code: [`tcp`] reads it, takes a catalog reader from a small pool, calls the
//! same `zone::answer`, and writes the answers of a connection as soon as they are ready.
//!
//! - [`server`]: binding, starting and stopping all of it.
//! - [`sockets`]: every socket is made here.
//! - [`udp`] and [`tcp`]: the transports.
//! - [`statistics`]: what the transports have counted.
//! - [`clock`]: the time, read once for a batch.
//! - [`cookies`] and [`rate_limit`]: who may be answered over UDP, and how often.
//! - [`events`]: one record per answer, for whoever counts or keeps them.
//! - [`parked`]: questions whose answers have to wait for something.
//! - [`edge_file`]: the file from which an edge starts without asking anybody.
//!
//! Not here: what the answer is (`zone`), where changes come from (the program carries journal entries to the catalog
//! and to the edge's file).

pub mod clock;
pub mod cookies;
pub mod edge_file;
pub mod events;
mod handler;
pub mod huge_pages;
pub mod parked;
pub mod rate_limit;
pub mod server;
pub mod sockets;
pub mod statistics;
pub mod tcp;
pub mod udp;

pub use edge_file::{EdgeFile, EdgeFileError};
pub use server::{Identity, Limits, Options, Server, Surroundings};
pub use sockets::{BindCause, BindError, Bound};
pub use statistics::Statistics;

/// The longest request that is read, in octets. Queries have at most a few hundred; a limit far below the 65,535 of
/// TCP bounds what a connection costs, and what a datagram's buffer costs.
pub const REQUEST_OCTETS_MAX: usize = 4096;

#[cfg(test)]
mod test_zone;
