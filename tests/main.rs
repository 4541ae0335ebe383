//! The behaviour tests: the program as a whole, in one binary.
//!
//! ```text
//!  harness   starts a node in this process, or the real program, and asks it over HTTP and DNS
//!  a file    one promise of the product each
//! ```
//!
//! Every test starts what it needs on free ports and in a directory of its own, so that all of them run at the same
//! time. Nothing waits by sleeping, and nothing depends on the clock.

// What goes wrong in a test is to end it, also in the functions that tests are made of.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod address;
mod allocations;
mod answers;
mod api;
mod catalog;
mod config;
mod docs;
mod edge;
mod full_disk;
mod fuzz;
mod harness;
mod interop;
mod kept;
mod manual;
mod metrics;
mod nameserver;
mod operator;
mod power_cut;
mod scopes;
mod start;
mod tidy;
mod tls;
mod visible;
mod whole;
mod zone_files;
