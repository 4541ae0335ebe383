//! Questions about the server itself, in class CH (RFC 4892): answered only if the operator said with what.

use waymark_wire::message::Section;
use waymark_wire::{Class, MessageWriter, Query, Rcode, RecordType};

use super::Settings;

/// Names by which servers are asked for their release.
const VERSION: [&[u8]; 2] = [b"\x07version\x04bind\0", b"\x07version\x06server\0"];
/// Names by which servers are asked which one of several they are.
const SERVER: [&[u8]; 2] = [b"\x02id\x06server\0", b"\x08hostname\x04bind\0"];

/// Writes the answer to a question of class CH; gives the response code.
pub(super) fn answer(query: &Query<'_>, settings: &Settings, writer: &mut MessageWriter<'_>) -> Rcode {
    let is_one_of = |names: [&[u8]; 2]| names.iter().any(|name| query.name.eq_ignore_ascii_case(name));
    let text = match () {
        () if is_one_of(VERSION) => &settings.version,
        () if is_one_of(SERVER) => &settings.server_id,
        () => return Rcode::REFUSED,
    };
    let asked = matches!(query.record_type, RecordType::TXT | RecordType::ANY);
    let Some(text) = text.as_ref().filter(|_| asked) else { return Rcode::REFUSED };
    let mut data = [0; 256];
    let length = text.len().min(255);
    data[0] = length as u8;
    data[1..=length].copy_from_slice(&text.as_bytes()[..length]);
    writer.set_authoritative();
    match writer.put_class(Section::Answer, query.name, RecordType::TXT, Class::CH, 0, &data[..=length]) {
        Ok(()) => Rcode::NOERROR,
        Err(_) => Rcode::SERVFAIL,
    }
}
