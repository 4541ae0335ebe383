//! Records written for master files, in the way that the export of the API has it: one line each, all names in full.

use std::fmt::Write;

use crate::name::{self, Name};
use crate::records::Rdata;

/// Appends one record line: `owner.\tTTL\tIN\tTYPE\tDATA[ ; comment]\n`, names absolute with the dot at the end.
///
/// What is written is plain ASCII but for the comment, and is read by this crate's reader, BIND and dnspython. Line
/// ends in a comment become blanks.
pub fn write_record(out: &mut String, owner: &Name, ttl: u32, rdata: &Rdata, comment: Option<&str>) {
    // Writing to a string cannot fail.
    let _ = name::write_text(owner.as_wire(), out);
    let dot = if owner.is_root() { "" } else { "." };
    let _ = write!(out, "{dot}\t{ttl}\tIN\t{}\t{rdata}", rdata.record_type());
    if let Some(comment) = comment.filter(|comment| !comment.trim().is_empty()) {
        out.push_str(" ; ");
        out.extend(comment.trim().chars().map(|character| match character {
            '\n' | '\r' => ' ',
            other => other,
        }));
    }
    out.push('\n');
}
