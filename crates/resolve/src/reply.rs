//! Reading a response: header, question and sections, every name in full.
//!
//! A response comes from a stranger. Compressed names (RFC 1035 section 4.1.4) may only point backwards and only so
//! often; counts are believed only as far as there are octets. Data of types that the record-type table does not have
//! stays opaque, as it came (RFC 3597).

use waymark_wire::name::NAME_OCTETS_MAX;
use waymark_wire::query::HEADER_OCTETS;
use waymark_wire::records::{self, Field};
use waymark_wire::{Name, NameError, Opcode, Rcode, Rdata, RecordError, RecordType};

use crate::question::{CLASS_IN, Question};

/// Pointers followed within one name. A name has at most 127 labels, so no honest one needs more.
const POINTERS_MAX: usize = 127;

/// Why a message is not a response that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// The message ends before what its header announces.
    #[error("the message is cut off")]
    Cut,
    /// QR is not set: a query.
    #[error("the message is not a response")]
    NotAResponse,
    /// More than one question, or none beside answers.
    #[error("the message does not have exactly one question")]
    Questions,
    /// A compression pointer that does not point backwards, or too many of them.
    #[error("a compressed name points nowhere")]
    Pointer,
    /// A name that is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Data that does not fit its type.
    #[error("a record has bad data: {0}")]
    Data(#[from] RecordError),
    /// A record of another class than IN, the only one that is ever asked for.
    #[error("a record has class {0}")]
    Class(u16),
}

/// One record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// The owner name, in lower case.
    pub owner: Name,
    /// The type.
    pub record_type: RecordType,
    /// Seconds it may be kept.
    pub ttl: u32,
    /// The data, names in full.
    pub rdata: Rdata,
}

/// A response, read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// The id, as the query had it.
    pub id: u16,
    /// The opcode.
    pub opcode: Opcode,
    /// The response code, with the upper bits that an OPT record carries (RFC 6891 section 6.1.3).
    pub rcode: Rcode,
    /// AA: the server is responsible for the name.
    pub authoritative: bool,
    /// TC: the response had to leave something out.
    pub truncated: bool,
    /// RA: the server asks others for its clients.
    pub recursion_available: bool,
    /// The question it answers; none in an error of header alone.
    pub question: Option<Question>,
    /// The asked name in wire form, in the case in which the server gave it back; empty without a question.
    pub question_name: Vec<u8>,
    /// The answer section.
    pub answers: Vec<Record>,
    /// The authority section.
    pub authority: Vec<Record>,
    /// The additional section, without the OPT record.
    pub additional: Vec<Record>,
    /// The UDP payload size of the OPT record, if there is one.
    pub udp_octets: Option<u16>,
    /// The length of the message in octets.
    pub octets: usize,
}

impl Reply {
    /// Reads a response.
    pub fn parse(message: &[u8]) -> Result<Self, ReplyError> {
        let header = message.first_chunk::<HEADER_OCTETS>().ok_or(ReplyError::Cut)?;
        if header[2] & 0x80 == 0 {
            return Err(ReplyError::NotAResponse);
        }
        let count = |at: usize| usize::from(u16::from_be_bytes([header[at], header[at + 1]]));
        let mut reply = Self {
            id: u16::from_be_bytes([header[0], header[1]]),
            opcode: Opcode(header[2] >> 3 & 0x0f),
            rcode: Rcode(u16::from(header[3] & 0x0f)),
            authoritative: header[2] & 0x04 != 0,
            truncated: header[2] & 0x02 != 0,
            recursion_available: header[3] & 0x80 != 0,
            question: None,
            question_name: Vec::new(),
            answers: Vec::new(),
            authority: Vec::new(),
            additional: Vec::new(),
            udp_octets: None,
            octets: message.len(),
        };
        let mut cursor = Cursor { message, at: HEADER_OCTETS };
        // An error may come without its question, and with an OPT record all the same.
        match (count(4), count(6) + count(8)) {
            (1, _) => {
                let (question, name) = cursor.question()?;
                reply.question = Some(question);
                reply.question_name = name;
            }
            (0, 0) => {}
            _ => return Err(ReplyError::Questions),
        }
        reply.answers = cursor.records(count(6))?.records;
        reply.authority = cursor.records(count(8))?.records;
        let additional = cursor.records(count(10))?;
        reply.additional = additional.records;
        if let Some(opt) = additional.opt {
            reply.udp_octets = Some(opt.udp_octets);
            reply.rcode.0 |= u16::from(opt.rcode_high) << 4;
        }
        Ok(reply)
    }

    /// The records of this owner and type in the answer section.
    pub fn answers_of(&self, owner: &Name, record_type: RecordType) -> impl Iterator<Item = &Record> {
        self.answers.iter().filter(move |record| record.record_type == record_type && record.owner == *owner)
    }
}

/// What of an OPT record matters here (RFC 6891 section 6.1.2).
struct Opt {
    udp_octets: u16,
    rcode_high: u8,
}

struct Records {
    records: Vec<Record>,
    opt: Option<Opt>,
}

struct Cursor<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], ReplyError> {
        let end = self.at.checked_add(length).ok_or(ReplyError::Cut)?;
        let taken = self.message.get(self.at..end).ok_or(ReplyError::Cut)?;
        self.at = end;
        Ok(taken)
    }

    fn u16(&mut self) -> Result<u16, ReplyError> {
        self.take(2).map(|octets| u16::from_be_bytes([octets[0], octets[1]]))
    }

    fn question(&mut self) -> Result<(Question, Vec<u8>), ReplyError> {
        let wire = self.name()?;
        let question = Question { name: Name::from_wire(&wire)?, record_type: RecordType(self.u16()?) };
        match self.u16()? {
            CLASS_IN => Ok((question, wire)),
            class => Err(ReplyError::Class(class)),
        }
    }

    fn records(&mut self, count: usize) -> Result<Records, ReplyError> {
        // `count` is the server's claim: memory is taken as records come.
        let mut section = Records { records: Vec::new(), opt: None };
        for _ in 0..count {
            let owner = Name::from_wire(&self.name()?)?;
            let record_type = RecordType(self.u16()?);
            let class = self.u16()?;
            let ttl = self.take(4)?;
            let ttl = u32::from_be_bytes([ttl[0], ttl[1], ttl[2], ttl[3]]);
            let length = usize::from(self.u16()?);
            if record_type == RecordType::OPT {
                self.take(length)?;
                section.opt = Some(Opt { udp_octets: class, rcode_high: (ttl >> 24) as u8 });
                continue;
            }
            if class != CLASS_IN {
                return Err(ReplyError::Class(class));
            }
            let rdata = self.rdata(record_type, length)?;
            section.records.push(Record { owner, record_type, ttl, rdata });
        }
        Ok(section)
    }

    /// Reads `length` octets of data, in which names of the types in the table may be compressed.
    fn rdata(&mut self, record_type: RecordType, length: usize) -> Result<Rdata, ReplyError> {
        let start = self.at;
        let data = self.take(length)?;
        let Some(row) = records::row(record_type) else { return Ok(Rdata::from_wire(record_type, data)?) };
        let mut inside = Cursor { message: &self.message[..start + length], at: start };
        let mut wire = Vec::with_capacity(length);
        for (_, field) in row.fields {
            match field {
                Field::Name { .. } => wire.extend(inside.name()?),
                _ => {
                    let value = field.wire_len(&inside.message[inside.at..]).ok_or(RecordError::Wire)?;
                    wire.extend_from_slice(inside.take(value)?);
                }
            }
        }
        match inside.at == start + length {
            true => Ok(Rdata::from_wire(record_type, &wire)?),
            false => Err(RecordError::Wire.into()),
        }
    }

    /// Reads a name that may be compressed; gives its wire form in full, in the case in which it came.
    fn name(&mut self) -> Result<Vec<u8>, ReplyError> {
        let mut wire = Vec::with_capacity(32);
        let mut at = self.at;
        let mut after = None;
        let mut pointers = 0;
        loop {
            let length = *self.message.get(at).ok_or(ReplyError::Cut)?;
            match length >> 6 {
                0 => {
                    let end = at + 1 + usize::from(length);
                    wire.extend_from_slice(self.message.get(at..end).ok_or(ReplyError::Cut)?);
                    at = end;
                    if wire.len() > NAME_OCTETS_MAX {
                        return Err(NameError::NameLength.into());
                    }
                    if length == 0 {
                        self.at = after.unwrap_or(at);
                        return Ok(wire);
                    }
                }
                3 => {
                    let low = *self.message.get(at + 1).ok_or(ReplyError::Cut)?;
                    let target = usize::from(u16::from_be_bytes([length & 0x3f, low]));
                    pointers += 1;
                    if target >= at || pointers > POINTERS_MAX {
                        return Err(ReplyError::Pointer);
                    }
                    after.get_or_insert(at + 2);
                    at = target;
                }
                _ => return Err(NameError::LabelLength.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests;
