//! The oracle: what is served as plain maps, and the answers that the RFCs' text gives to them.
//!
//! ```text
//!  a history of worlds --difference--> commits --> catalog --answer()--> bytes --message--> records
//!           \--walked for every question (`world`)----------------------------------> the same records
//! ```
//!
//! Slow, and obviously right: it shares nothing with the code under test but names, types and published data.

mod message;
mod tests;
mod world;
