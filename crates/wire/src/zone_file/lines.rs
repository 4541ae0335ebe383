//! The lines of a master file: where an entry ends, what of it is comment, and what stands in parentheses.
//!
//! An entry without parentheses is not copied. One with them is put together in one line, with a blank for each of them
//! and for each line end.

use super::problem::{Problem, ZoneFileError};

/// How many octets may be read again behind parentheses that nothing closes.
const AGAIN_OCTETS_MAX: usize = 64 << 20;

/// One entry as one line. Has a text that is not empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'l> {
    /// Where it begins, from 1.
    pub(super) number: u32,
    /// Whether it begins with a blank.
    pub(super) owner_is_omitted: bool,
    octets: &'l [u8],
    comment: &'l [u8],
}

impl Line<'_> {
    /// The entry without comments and without blanks around it.
    pub(super) fn text(&self) -> Result<&str, ZoneFileError> {
        std::str::from_utf8(self.octets).map_err(|_| ZoneFileError::NotUtf8)
    }

    /// The comment at its end.
    pub(super) fn comment(&self) -> Option<String> {
        if self.comment.is_empty() {
            return None;
        }
        let text = String::from_utf8_lossy(self.comment);
        Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
    }
}

/// The entries of a text, one after another.
#[derive(Debug)]
pub(super) struct Lines<'t> {
    text: &'t [u8],
    at: usize,
    /// The number of the line that begins at `at`.
    number: u32,
    entry_octets_max: usize,
    again_octets_left: usize,
    /// Kept between entries for what it has allocated.
    room: Vec<u8>,
}

/// Octets that mean something outside of words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Octet {
    Plain,
    LineEnd,
    Semicolon,
    Quote,
    Backslash,
    Open,
    Close,
    Zero,
}

static OCTETS: [Octet; 256] = {
    let mut octets = [Octet::Plain; 256];
    octets[b'\n' as usize] = Octet::LineEnd;
    octets[b'\r' as usize] = Octet::LineEnd;
    octets[b';' as usize] = Octet::Semicolon;
    octets[b'"' as usize] = Octet::Quote;
    octets[b'\\' as usize] = Octet::Backslash;
    octets[b'(' as usize] = Octet::Open;
    octets[b')' as usize] = Octet::Close;
    octets[0] = Octet::Zero;
    octets
};

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t [u8], entry_octets_max: usize) -> Self {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        Self { text, at: 0, number: 1, entry_octets_max, again_octets_left: AGAIN_OCTETS_MAX, room: Vec::new() }
    }

    /// Room for [`next_line`](Self::next_line).
    pub(super) fn take_room(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.room)
    }

    /// Gives the room back.
    pub(super) fn give_back(&mut self, room: Vec<u8>) {
        self.room = room;
    }

    /// The next entry that is not empty; none at the end of the text.
    pub(super) fn next_line<'l>(&mut self, room: &'l mut Vec<u8>) -> Option<Result<Line<'l>, Problem>>
    where
        't: 'l,
    {
        while self.at < self.text.len() {
            let (text, start, number) = (self.text, self.at, self.number);
            let owner_is_omitted = is_blank(text[start]);
            let end = end_of_simple(text, start);
            let comment = match text.get(end).map(|octet| OCTETS[usize::from(*octet)]) {
                None | Some(Octet::LineEnd | Octet::Semicolon) => {
                    let comment = self.end_line(end);
                    let octets = trimmed(&text[start..end]);
                    match () {
                        () if octets.is_empty() => continue,
                        () if octets.len() > self.entry_octets_max => return Some(Err(self.too_long(number))),
                        () => return Some(Ok(Line { number, owner_is_omitted, octets, comment })),
                    }
                }
                Some(_) => match self.join(room) {
                    Ok(comment) => comment,
                    Err(problem) => return Some(Err(problem)),
                },
            };
            if !trimmed(room).is_empty() {
                return Some(Ok(Line { number, owner_is_omitted, octets: trimmed(room), comment }));
            }
        }
        None
    }

    /// Reads an entry with parentheses, or with what is no text, into `room`; gives the comment at its end.
    fn join(&mut self, room: &mut Vec<u8>) -> Result<&'t [u8], Problem> {
        let (text, start, number) = (self.text, self.at, self.number);
        let mut problem = None;
        let mut found = |line, what| {
            problem.get_or_insert(Problem { line, what });
        };
        // How many parentheses are open, and the line of the first.
        let (mut open, mut opened) = (0usize, number);
        room.clear();
        let comment = loop {
            let end = end_of_simple(text, self.at);
            room.extend_from_slice(&text[self.at..end]);
            self.at = end;
            match text.get(end).map(|octet| OCTETS[usize::from(*octet)]) {
                None => break &text[end..],
                Some(Octet::LineEnd | Octet::Semicolon) => {
                    let comment = self.end_line(end);
                    if open == 0 {
                        break comment;
                    }
                    room.push(b' ');
                    if self.at - start > self.entry_octets_max {
                        break comment;
                    }
                    continue;
                }
                Some(Octet::Open) => {
                    opened = if open == 0 { self.number } else { opened };
                    open += 1;
                }
                Some(Octet::Close) if open > 0 => open -= 1,
                Some(Octet::Close) => found(self.number, ZoneFileError::ClosingParenthesis),
                // A quotation mark without another one on its line.
                Some(Octet::Quote) => {
                    found(self.number, ZoneFileError::Quote);
                    self.at = end_of_line(text, end);
                    continue;
                }
                Some(_) => found(self.number, ZoneFileError::Zero),
            }
            room.push(b' ');
            self.at += 1;
        };
        if open > 0 {
            found(opened, ZoneFileError::OpenParenthesis);
            self.go_back(start, number);
        } else if room.len() > self.entry_octets_max {
            let limit = self.entry_octets_max;
            found(number, ZoneFileError::TooLong { limit });
        }
        problem.map_or(Ok(comment), Err)
    }

    /// Goes on behind the line at which an entry begins that does not end, unless that was done too often: each time
    /// may cost as much as an entry can be long.
    fn go_back(&mut self, start: usize, number: u32) {
        let octets = self.at - start;
        if octets <= self.again_octets_left {
            self.again_octets_left -= octets;
            (self.at, self.number) = (end_of_line(self.text, start), number);
            self.end_line(self.at);
        }
    }

    /// Goes on behind the line that has its end, or its comment, at `end`; gives the comment.
    fn end_line(&mut self, end: usize) -> &'t [u8] {
        let text = self.text;
        let line_end = if text.get(end) == Some(&b';') { end_of_line(text, end) } else { end };
        self.at = match text.get(line_end..) {
            Some([b'\r', b'\n', ..]) => line_end + 2,
            _ => (line_end + 1).min(text.len()),
        };
        self.number = self.number.saturating_add(1);
        text.get(end + 1..line_end).unwrap_or_default()
    }

    fn too_long(&self, line: u32) -> Problem {
        Problem { line, what: ZoneFileError::TooLong { limit: self.entry_octets_max } }
    }
}

/// Where, from `at` on, a comment, the line, or the text ends, or something stands that needs a closer look: a
/// parenthesis, a zero octet, a quotation mark without another one on its line.
fn end_of_simple(text: &[u8], mut at: usize) -> usize {
    while let Some(&octet) = text.get(at) {
        match OCTETS[usize::from(octet)] {
            Octet::Plain => at += 1,
            Octet::Backslash => at = behind_escaped(text, at),
            Octet::Quote => match closing_quote(text, at) {
                Some(close) => at = close + 1,
                None => break,
            },
            _ => break,
        }
    }
    at
}

/// Where the quoted string that begins at `open` ends on the same line.
fn closing_quote(text: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        match OCTETS[usize::from(*text.get(at)?)] {
            Octet::Quote => return Some(at),
            Octet::LineEnd | Octet::Zero => return None,
            Octet::Backslash => at = behind_escaped(text, at),
            _ => at += 1,
        }
    }
}

/// Behind the backslash at `at` and what it escapes, which no line end is.
fn behind_escaped(text: &[u8], at: usize) -> usize {
    match text.get(at + 1).map(|octet| OCTETS[usize::from(*octet)]) {
        None | Some(Octet::LineEnd | Octet::Zero) => at + 1,
        Some(_) => at + 2,
    }
}

fn end_of_line(text: &[u8], at: usize) -> usize {
    let end = text[at..].iter().position(|octet| OCTETS[usize::from(*octet)] == Octet::LineEnd);
    end.map_or(text.len(), |length| at + length)
}

fn trimmed(mut octets: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = octets
        && is_blank(*first)
    {
        octets = rest;
    }
    while let [rest @ .., last] = octets
        && is_blank(*last)
    {
        octets = rest;
    }
    octets
}

fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}
