//! What the tests are written with: a node in this process, the real program, and clients for both.
//!
//! ```text
//!  Node     waymark::Node in this process, an account with zones in it     most tests
//!  Program  the binary as a user starts it                                 start, stop, command line, interop
//!  http, dns                                                               ask either
//!  allocator                                                               what is allocated, by whom
//! ```

pub(crate) mod allocator;
pub(crate) mod certificate;
pub(crate) mod dns;
pub(crate) mod http;
pub(crate) mod metrics;
pub(crate) mod namespace;
pub(crate) mod node;
pub(crate) mod program;
pub(crate) mod random;
pub(crate) mod scratch;

pub(crate) use certificate::Certificate;
pub(crate) use http::{Client, Credentials};
pub(crate) use namespace::Namespace;
pub(crate) use node::{Node, Zone};
pub(crate) use scratch::Scratch;
