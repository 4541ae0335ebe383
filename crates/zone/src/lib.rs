//! What the world is told: published zones, the catalog that holds them, and the answer to a question.
//!
//! Pure: no I/O, no clocks (`now` is handed in), no SQL, no async. Edges know neither plans nor accounts: an account
//! is an opaque number here.
//!
//! ```text
//!  journal --Commit--> catalog::Writer::apply --one generation--> catalog::View --answer()--> response bytes
//! ```
//!
//! - [`published`]: the journal's published part: zone headers, RRsets, commits, and their byte form.
//! - [`catalog`]: the table of everything that is answered, versioned by generation.
//! - [`answer()`]: RFC 1034 section 4.3.2, as one function of bytes.

pub mod answer;
pub mod catalog;
#[cfg(test)]
mod oracle;
pub mod published;
#[cfg(test)]
mod testing;

pub use answer::answer;
pub use catalog::{Catalog, View};
pub use published::{Commit, Entry, Position, RRset, ScopeId, Version, ZoneHeader, ZoneNumber};
