//! Asking other servers.
//!
//! ```text
//!  Question --to_wire--> UDP (TCP when the reply is truncated) --Reply::parse--> Reply
//! ```
//!
//! - [`question`]: what is asked, and the message that asks it.
//! - [`reply`]: reading a response: header, sections, names in full.
//! - [`ask()`]: one question to one server.
//!
//! Everything that comes back is foreign: it is checked here, and nothing that a server sends can make this crate
//! panic or loop. Recursion, forwarding, delegation checks, scans and transfers are not here yet: they come with the
//! capabilities that need them (activation, flattening, quick scan, zone transfers).

pub mod ask;
pub mod question;
pub mod reply;

pub use ask::{AskError, Options, Transport, ask};
pub use question::Question;
pub use reply::{Record, Reply, ReplyError};
