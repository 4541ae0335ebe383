//! The API against its contract, in process, over a real control plane in a directory of its own.

#![allow(clippy::unwrap_used, clippy::panic)]

mod authentication;
mod bodies;
mod clients;
mod compat;
mod harness;
mod limits;
mod lists;
mod plans;
mod record_data;
mod records;
mod routing;
mod zone_files;
mod zones;
