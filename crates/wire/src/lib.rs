//! DNS as bytes and as text.
//!
//! Pure: no sockets, no clocks, no async. What the rest of Waymark knows about the wire goes through here, and the
//! `domain` crate is named nowhere else, so that a change of its API touches this crate alone.
//!
//! Data passes through in two directions:
//!
//! ```text
//!  API / zone-file text --records--> Rdata (canonical wire form) --message--> answer
//!  datagram --query--> Query (borrowed, checked)                 --message--> answer
//! ```
//!
//! - [`name`]: owner names, always absolute and lower case.
//! - [`record_type`]: type, class, opcode and response-code numbers.
//! - [`records`]: the record-type table from which parsing, text, JSON and wire are derived.
//! - [`serial`]: serial numbers (RFC 1982).
//! - [`edns`]: OPT records and their options.
//! - [`query`]: reading a request without allocating.
//! - [`message`]: writing a response into the caller's buffer.
//! - [`event`]: what is kept of an answer, in its byte form.
//! - [`zone_file`]: master files, and the attributes that comments in them carry.

pub mod edns;
pub mod event;
pub mod message;
pub mod name;
pub mod query;
pub mod record_type;
pub mod records;
pub mod serial;
pub mod zone_file;

pub use edns::ExtendedError;
pub use event::Event;
pub use message::MessageWriter;
pub use name::{Name, NameError};
pub use query::{Query, Reject, Request};
pub use record_type::{Class, Opcode, Rcode, RecordType};
pub use records::{Rdata, RecordError};
pub use serial::Serial;
