//! Writing a response into the caller's buffer.
//!
//! The writer never allocates and never writes a record in part: a record that does not fit leaves the message as it
//! was. Names are compressed against those already written (RFC 1035 section 4.1.4), owner names always, names inside
//! data only for the types that RFC 3597 section 4 allows.

use crate::edns::{ExtendedError, OPT_OCTETS, OptionCode, ResponseOpt};
use crate::query::{HEADER_OCTETS, Head};
use crate::record_type::{Class, Rcode, RecordType};
use crate::records::{self, Field, Row};

/// Names remembered for compression; a message with more just compresses less.
const NAMES_MAX: usize = 24;
/// Labels of remembered names that are read for one message. An answer of 1232 octets reads up to eight thousand; without an
/// end, whoever owns a zone of names with a hundred labels could make one question cost milliseconds.
const LABELS_READ_MAX: usize = 16_384;
/// A name with so many pointers is not pointed to: readers follow 16 of them, some no more.
const POINTERS_MAX: usize = 12;
/// A shorter name (the root's) is not pointed to: it takes no more than a pointer.
const POINTER_OCTETS_SAVED: usize = 3;
/// A compression pointer reaches offsets below 2^14.
const POINTER_REACH: usize = 0x4000;

/// The record does not fit into what is left of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message is full")]
pub struct Full;

/// A section of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// What was asked for.
    Answer,
    /// Who is responsible, or that there is nothing.
    Authority,
    /// What the asker would ask next.
    Additional,
}

/// A place in the message to go back to.
#[derive(Clone, Copy)]
pub struct Mark {
    length: usize,
    names: usize,
    counts: [u8; 6],
}

/// A response under construction.
pub struct MessageWriter<'b> {
    buffer: &'b mut [u8],
    length: usize,
    limit: usize,
    names: [u16; NAMES_MAX],
    names_length: usize,
    /// The length of the asked name, which begins at [`HEADER_OCTETS`]; 0: there is no question.
    question_name: usize,
    /// How many labels may still be read for the sake of compression.
    labels_left: usize,
    opt: Option<ResponseOpt<'b>>,
}

impl<'b> MessageWriter<'b> {
    /// Starts a response: the header and the question section (as it came, or empty) are written, room for the OPT
    /// record is kept. The response will have at most `limit` octets. None if not even that fits.
    pub fn respond(
        buffer: &'b mut [u8],
        limit: usize,
        head: &Head,
        question: &[u8],
        opt: Option<ResponseOpt<'b>>,
    ) -> Option<Self> {
        let question_end = HEADER_OCTETS + question.len();
        let limit = limit.min(buffer.len()).checked_sub(opt.map_or(0, |opt| opt.octets()))?;
        if limit < question_end {
            return None;
        }
        let header = &mut buffer[..HEADER_OCTETS];
        header.fill(0);
        header[..2].copy_from_slice(&head.id.to_be_bytes());
        header[2] = 0x80 | head.opcode.0 << 3 | u8::from(head.recursion_desired);
        // RFC 4035 section 3.1.6: CD and AD are clear in what has authority.
        header[5] = u8::from(!question.is_empty());
        buffer[HEADER_OCTETS..question_end].copy_from_slice(question);
        let mut writer = Self {
            buffer,
            length: question_end,
            limit,
            names: [0; NAMES_MAX],
            names_length: 0,
            question_name: question.len().saturating_sub(4),
            labels_left: LABELS_READ_MAX,
            opt,
        };
        if !question.is_empty() {
            writer.remember(HEADER_OCTETS);
        }
        Some(writer)
    }

    /// Sets AA: the answer comes from a zone that is served here.
    pub fn set_authoritative(&mut self) {
        self.buffer[2] |= 0x04;
    }

    /// Sets TC: something that had to be there did not fit (RFC 2181 section 9).
    pub fn set_truncated(&mut self) {
        self.buffer[2] |= 0x02;
    }

    /// Appends one record of class IN, or leaves the message as it was. `owner` and the names in `data` are in
    /// uncompressed wire form.
    pub fn put(&mut self, section: Section, owner: &[u8], kind: RecordType, ttl: u32, data: &[u8]) -> Result<(), Full> {
        self.put_class(section, owner, kind, Class::IN, ttl, data)
    }

    /// As [`Self::put`], for any class.
    pub fn put_class(
        &mut self,
        section: Section,
        owner: &[u8],
        kind: RecordType,
        class: Class,
        ttl: u32,
        data: &[u8],
    ) -> Result<(), Full> {
        self.put_records(section, owner, Fixed { kind, class, ttl }, std::iter::once(data))
    }

    /// Appends records of one owner name and type, of class IN, or leaves the message as it was. The owner name is
    /// searched for once.
    pub fn put_all<'d>(
        &mut self,
        section: Section,
        owner: &[u8],
        kind: RecordType,
        ttl: u32,
        data: impl IntoIterator<Item = &'d [u8]>,
    ) -> Result<(), Full> {
        self.put_records(section, owner, Fixed { kind, class: Class::IN, ttl }, data)
    }

    /// The present state, to come back to with [`Self::rewind`].
    pub fn mark(&self) -> Mark {
        let mut counts = [0; 6];
        counts.copy_from_slice(&self.buffer[6..12]);
        Mark { length: self.length, names: self.names_length, counts }
    }

    /// Takes back everything written since `mark`.
    pub fn rewind(&mut self, mark: Mark) {
        self.length = mark.length;
        self.names_length = mark.names;
        self.buffer[6..12].copy_from_slice(&mark.counts);
    }

    /// Takes back everything since `start`, AA and TC included.
    pub fn clear(&mut self, start: Mark) {
        self.rewind(start);
        self.buffer[2] &= !0x06;
    }

    /// Ends the message, with an OPT record if it was begun with one, and gives its length in octets. `rcode` above 15
    /// is carried by the OPT record (RFC 6891 section 6.1.3). An extended error goes in if there is room for it, its
    /// text likewise.
    pub fn finish(&mut self, rcode: Rcode, error: Option<(ExtendedError, &str)>) -> usize {
        self.buffer[3] = self.buffer[3] & 0xf0 | (rcode.0 & 0x0f) as u8;
        let Some(opt) = self.opt else { return self.length };
        self.limit += opt.octets();
        let [size_high, size_low] = opt.udp_size.to_be_bytes();
        let dnssec_ok = if opt.dnssec_ok { 0x80 } else { 0 };
        let record = [0, 0, 41, size_high, size_low, (rcode.0 >> 4) as u8, 0, dnssec_ok, 0, 0, 0];
        // Room for all of this was kept when the message was begun.
        let fixed_end = self.length + OPT_OCTETS;
        let _room_was_kept = self.bytes(&record);
        for (code, value) in opt.options() {
            let _room_was_kept = self.option(code, &[value.octets()]);
        }
        if let Some((code, text)) = error {
            let code = code.0.to_be_bytes();
            let _helpful_only = self
                .option(OptionCode::EXTENDED_ERROR, &[&code, text.as_bytes()])
                .or_else(|Full| self.option(OptionCode::EXTENDED_ERROR, &[&code]));
        }
        let data_length = (self.length - fixed_end) as u16;
        self.buffer[fixed_end - 2..fixed_end].copy_from_slice(&data_length.to_be_bytes());
        self.count(Section::Additional, 1);
        self.length
    }

    /// Appends an option to the OPT record, whole or not at all.
    fn option(&mut self, code: OptionCode, value: &[&[u8]]) -> Result<(), Full> {
        let octets: usize = value.iter().map(|part| part.len()).sum();
        if self.length + 4 + octets > self.limit {
            return Err(Full);
        }
        self.bytes(&code.0.to_be_bytes())?;
        self.bytes(&(octets as u16).to_be_bytes())?;
        value.iter().try_for_each(|part| self.bytes(part))
    }

    fn put_records<'d>(
        &mut self,
        section: Section,
        owner: &[u8],
        fixed: Fixed,
        data: impl IntoIterator<Item = &'d [u8]>,
    ) -> Result<(), Full> {
        let mark = self.mark();
        let written = self.write_records(owner, fixed, data);
        match written {
            Ok(records) => {
                self.count(section, records);
                Ok(())
            }
            Err(Full) => {
                self.rewind(mark);
                Err(Full)
            }
        }
    }

    /// Writes records, and gives how many there are.
    fn write_records<'d>(
        &mut self,
        owner: &[u8],
        fixed: Fixed,
        data: impl IntoIterator<Item = &'d [u8]>,
    ) -> Result<u16, Full> {
        let compressible = records::row(fixed.kind).filter(|row| row.has_compressible_name());
        let mut pointer = self.in_question(owner);
        let mut records = 0;
        for data in data {
            let start = self.length;
            match pointer {
                Some(at) => self.bytes(&(0xc000 | at).to_be_bytes())?,
                None => {
                    self.name(owner)?;
                    pointer = self.pointer_to(start, owner);
                }
            }
            self.bytes(&fixed.with_length(data.len()))?;
            match compressible {
                None => self.bytes(data)?,
                Some(row) => {
                    let data_at = self.length;
                    self.data(row, data)?;
                    let length = (self.length - data_at) as u16;
                    self.buffer[data_at - 2..data_at].copy_from_slice(&length.to_be_bytes());
                }
            }
            records += 1;
        }
        Ok(records)
    }

    fn data(&mut self, row: &Row, data: &[u8]) -> Result<(), Full> {
        let mut rest = data;
        for (_, field) in row.compressible_fields() {
            let Some(length) = field.wire_len(rest) else { return self.bytes(rest) };
            let (value, after) = rest.split_at(length);
            match field {
                Field::Name { compress: true } => self.name(value)?,
                _ => self.bytes(value)?,
            }
            rest = after;
        }
        self.bytes(rest)
    }

    /// Where in the question a name is: the asked name, or an end of it. The owner of most records is.
    fn in_question(&self, name: &[u8]) -> Option<u16> {
        let asked = &self.buffer[HEADER_OCTETS..HEADER_OCTETS + self.question_name];
        let start = asked.len().checked_sub(name.len())?;
        let end = &asked[start..];
        // Most names are asked as they are written: that is the shorter comparison.
        if name.len() < POINTER_OCTETS_SAVED || (end != name && !end.eq_ignore_ascii_case(name)) {
            return None;
        }
        let mut at = 0;
        while at < start {
            at += usize::from(asked[at]) + 1;
        }
        (at == start).then_some((HEADER_OCTETS + start) as u16)
    }

    /// What leads to a name that was written at `start`, if a pointer can.
    fn pointer_to(&self, start: usize, name: &[u8]) -> Option<u16> {
        let at = match self.buffer[start..self.length] {
            [high, low] if high >= 0xc0 => usize::from(u16::from_be_bytes([high & 0x3f, low])),
            _ => start,
        };
        (at < POINTER_REACH && name.len() >= POINTER_OCTETS_SAVED).then_some(at as u16)
    }

    fn name(&mut self, name: &[u8]) -> Result<(), Full> {
        let start = self.length;
        let Some((at, offset)) = self.longest_end(name) else {
            self.bytes(name)?;
            self.remember(start);
            return Ok(());
        };
        self.bytes(&name[..at])?;
        self.bytes(&(0xc000 | offset).to_be_bytes())?;
        if at > 0 {
            self.remember(start);
        }
        Ok(())
    }

    /// The longest end of `name` that is in the message already: where in `name` it begins, and where in the message.
    ///
    /// Names are compared from the right, so that the work is one pass over each name that is remembered, whatever
    /// the names are; and it ends for the whole message at [`LABELS_READ_MAX`], from where on nothing is searched for.
    fn longest_end(&mut self, name: &[u8]) -> Option<(usize, u16)> {
        if self.labels_left == 0 {
            return None;
        }
        // Nearly all names have few labels, and places for many take as long to clear as names to compare.
        match self.longest_end_of::<LABELS_FEW>(name) {
            Ok(end) => end,
            Err(TooManyLabels) => self.longest_end_of::<LABELS_MAX>(name).unwrap_or_default(),
        }
    }

    fn longest_end_of<const LABELS: usize>(&mut self, name: &[u8]) -> Result<Option<(usize, u16)>, TooManyLabels> {
        let (mut wanted, mut written) = (LabelsAt::<LABELS>::none(), LabelsAt::<LABELS>::none());
        wanted.read(name, 0)?;
        let mut best = (0, 0);
        for &start in &self.names[..self.names_length] {
            let pointers = written.read(self.buffer, usize::from(start))?;
            self.labels_left = self.labels_left.saturating_sub(written.count);
            if pointers >= POINTERS_MAX {
                continue;
            }
            let pairs = wanted.rightmost_first().zip(written.rightmost_first());
            let mut shared = 0;
            for (mine, theirs) in pairs {
                if !is_same_label(label(name, mine), label(self.buffer, theirs)) {
                    break;
                }
                shared += 1;
                if shared > best.0 && theirs < POINTER_REACH {
                    best = (shared, theirs as u16);
                }
            }
            if best.0 == wanted.count {
                break;
            }
        }
        let (shared, offset) = best;
        Ok((shared > 0).then(|| (usize::from(wanted.starts[wanted.count - shared]), offset)))
    }

    fn remember(&mut self, at: usize) {
        if self.names_length < NAMES_MAX && at < POINTER_REACH && self.buffer[at] != 0 {
            self.names[self.names_length] = at as u16;
            self.names_length += 1;
        }
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let end = self.length + bytes.len();
        if end > self.limit {
            return Err(Full);
        }
        self.buffer[self.length..end].copy_from_slice(bytes);
        self.length = end;
        Ok(())
    }

    fn count(&mut self, section: Section, records: u16) {
        let at = match section {
            Section::Answer => 6,
            Section::Authority => 8,
            Section::Additional => 10,
        };
        let count = u16::from_be_bytes([self.buffer[at], self.buffer[at + 1]]) + records;
        self.buffer[at..at + 2].copy_from_slice(&count.to_be_bytes());
    }
}

/// What the records of an RRset have in common beside their owner name.
#[derive(Clone, Copy)]
struct Fixed {
    kind: RecordType,
    class: Class,
    ttl: u32,
}

impl Fixed {
    /// Type, class, TTL and the length of the data, as they stand in a record.
    fn with_length(self, length: usize) -> [u8; 10] {
        let ([a, b], [c, d]) = (self.kind.0.to_be_bytes(), self.class.0.to_be_bytes());
        let ([e, f, g, h], [i, j]) = (self.ttl.to_be_bytes(), (length as u16).to_be_bytes());
        [a, b, c, d, e, f, g, h, i, j]
    }
}

/// The most labels of a name of 255 octets, the root not counted.
const LABELS_MAX: usize = 127;
/// Labels of an ordinary name.
const LABELS_FEW: usize = 8;

/// A name has more labels than there are places for them.
struct TooManyLabels;

/// Where the labels of a name begin, from the left, the root's aside.
struct LabelsAt<const LABELS: usize> {
    starts: [u16; LABELS],
    count: usize,
}

impl<const LABELS: usize> LabelsAt<LABELS> {
    fn none() -> Self {
        Self { starts: [0; LABELS], count: 0 }
    }

    /// Reads the (perhaps compressed) name at `at`; gives how many pointers it has.
    fn read(&mut self, octets: &[u8], mut at: usize) -> Result<usize, TooManyLabels> {
        self.count = 0;
        let mut pointers = 0;
        loop {
            match octets[at] {
                0 => return Ok(pointers),
                length if length >= 0xc0 => {
                    pointers += 1;
                    at = usize::from(u16::from_be_bytes([length & 0x3f, octets[at + 1]]));
                }
                length => {
                    *self.starts.get_mut(self.count).ok_or(TooManyLabels)? = at as u16;
                    self.count += 1;
                    at += usize::from(length) + 1;
                }
            }
        }
    }

    fn rightmost_first(&self) -> impl Iterator<Item = usize> {
        self.starts[..self.count].iter().rev().map(|&start| usize::from(start))
    }
}

fn is_same_label(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && (one == other || one.eq_ignore_ascii_case(other))
}

/// The label at `at`, its length in front.
fn label(octets: &[u8], at: usize) -> &[u8] {
    &octets[at..=at + usize::from(octets[at])]
}

#[cfg(test)]
mod tests;
