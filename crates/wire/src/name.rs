//! Domain names: absolute, checked, lower case.
//!
//! A [`Name`] is a parsed name and never a string: its labels are 1 to 63 octets, the whole at most 255 (RFC 1035
//! section 2.3.4). It is folded to lower case when it is made (the API returns names so; answers echo the case of the
//! question, RFC 4343). Its sort key is the form in which stores keep names: comparing keys byte by byte gives
//! canonical order (RFC 4034 section 6.1).

use std::fmt;
use std::str::FromStr;

/// The longest name in wire form, its root label included (RFC 1035 section 2.3.4).
pub const NAME_OCTETS_MAX: usize = 255;
/// Labels of a name at most, its root label included: those of one octet take two.
const LABELS_MAX: usize = NAME_OCTETS_MAX / 2 + 1;
/// The longest label (RFC 1035 section 2.3.4).
pub const LABEL_OCTETS_MAX: usize = 63;

/// Why a text or a run of bytes is not a domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not a name in presentation form: an empty or long label, a long name, a bad escape or character.
    #[error("{0}")]
    Text(#[from] domain::base::name::FromStrError),
    /// A blank, or Unicode that IDNA does not map.
    #[error("a character that a name cannot have")]
    Character,
    /// A label has no octets, or more than 63.
    #[error("a label must have 1 to 63 octets")]
    LabelLength,
    /// The name is longer than 255 octets.
    #[error("a name must have at most 255 octets")]
    NameLength,
    /// A relative name in a zone file that has not said what it is relative to.
    #[error("it is relative to an origin, and there is none: end it in a dot, or write $ORIGIN before it")]
    NoOrigin,
    /// The bytes end inside the name, or hold a compression pointer.
    #[error("the name's wire form is cut or compressed")]
    BadWire,
}

/// An absolute domain name in lower case, held in uncompressed wire form.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name(Box<[u8]>);

impl Name {
    /// The root.
    pub fn root() -> Self {
        Self(Box::new([0]))
    }

    /// Reads a name in presentation form (RFC 1035 section 5.1: `\.`, `\DDD`); a dot at the end changes nothing.
    /// Unicode labels become A-labels (IDNA 2008 as browsers apply it, UTS 46).
    pub fn from_text(text: &str) -> Result<Self, NameError> {
        Self::from_checked(text_to_wire(text)?)
    }

    /// Reads a whole uncompressed name from wire form.
    pub fn from_wire(wire: &[u8]) -> Result<Self, NameError> {
        match wire_len(wire)? {
            length if length == wire.len() => Self::from_checked(wire.to_vec()),
            _ => Err(NameError::BadWire),
        }
    }

    /// The uncompressed wire form, lower case, root label included.
    pub fn as_wire(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// The labels from the left, without the root.
    pub fn labels(&self) -> Labels<'_> {
        Labels { rest: &self.0 }
    }

    /// How many labels the name has, the root not counted.
    pub fn label_count(&self) -> usize {
        self.labels().count()
    }

    /// The name without its leftmost label; none for the root.
    pub fn parent(&self) -> Option<Self> {
        let first = usize::from(self.0[0]);
        (first > 0).then(|| Self(self.0[first + 1..].into()))
    }

    /// Whether the name is `other` or below it.
    pub fn is_at_or_below(&self, other: &Self) -> bool {
        is_at_or_below(&self.0, &other.0)
    }

    /// `label` (escapes allowed, more than one label allowed) put before this name.
    pub fn prepend(&self, text: &str) -> Result<Self, NameError> {
        let relative = Self::from_text(text)?;
        let mut wire = relative.0[..relative.0.len() - 1].to_vec();
        wire.extend_from_slice(&self.0);
        Self::from_checked(wire)
    }

    /// Whether the leftmost label is the wildcard `*` (RFC 4592 section 2.1.1).
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with(&[1, b'*'])
    }

    /// The form in which stores keep names: its byte order is canonical order (RFC 4034 section 6.1).
    ///
    /// Labels from the right, each ended by a zero octet; octets 0 and 1 inside a label are escaped so that a label
    /// sorts before every longer one.
    pub fn sort_key(&self) -> Vec<u8> {
        let labels: Vec<&[u8]> = self.labels().collect();
        let mut key = Vec::with_capacity(self.0.len() + 4);
        for label in labels.iter().rev() {
            for &octet in *label {
                match octet {
                    0 => key.extend_from_slice(&[1, 1]),
                    1 => key.extend_from_slice(&[1, 2]),
                    _ => key.push(octet),
                }
            }
            key.push(0);
        }
        key
    }

    /// The name with this sort key.
    pub fn from_sort_key(key: &[u8]) -> Result<Self, NameError> {
        let mut labels: Vec<Vec<u8>> = Vec::new();
        let mut label = Vec::new();
        let mut octets = key.iter();
        while let Some(&octet) = octets.next() {
            match octet {
                0 => labels.push(std::mem::take(&mut label)),
                1 => label.push(match octets.next() {
                    Some(1) => 0,
                    Some(2) => 1,
                    _ => return Err(NameError::BadWire),
                }),
                _ => label.push(octet),
            }
        }
        if !label.is_empty() {
            return Err(NameError::BadWire);
        }
        let mut wire = Vec::with_capacity(key.len() + 2);
        for label in labels.iter().rev() {
            match label.len() {
                1..=LABEL_OCTETS_MAX => wire.push(label.len() as u8),
                _ => return Err(NameError::LabelLength),
            }
            wire.extend_from_slice(label);
        }
        wire.push(0);
        Self::from_checked(wire)
    }

    /// `wire` is well formed but for its length, and may be in any case.
    fn from_checked(mut wire: Vec<u8>) -> Result<Self, NameError> {
        if wire.len() > NAME_OCTETS_MAX {
            return Err(NameError::NameLength);
        }
        // Length octets are at most 63 and so are never letters.
        wire.make_ascii_lowercase();
        Ok(Self(wire.into_boxed_slice()))
    }
}

/// The labels of a name from the left; see [`Name::labels`].
pub struct Labels<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (&length, rest) = self.rest.split_first()?;
        if length == 0 {
            return None;
        }
        let (label, rest) = rest.split_at(usize::from(length));
        self.rest = rest;
        Some(label)
    }
}

/// The length in octets of the uncompressed name at the start of `wire`, root label included.
pub fn wire_len(wire: &[u8]) -> Result<usize, NameError> {
    let mut at = 0;
    loop {
        match wire.get(at) {
            None => return Err(NameError::BadWire),
            Some(0) if at + 1 > NAME_OCTETS_MAX => return Err(NameError::NameLength),
            Some(0) => return Ok(at + 1),
            Some(&length) if usize::from(length) <= LABEL_OCTETS_MAX => at += usize::from(length) + 1,
            Some(_) => return Err(NameError::BadWire),
        }
    }
}

/// Whether a name is another one or below it; both in lower-case wire form.
pub fn is_at_or_below(name: &[u8], other: &[u8]) -> bool {
    let start = name.len().checked_sub(other.len());
    name.ends_with(other) && label_starts(name).any(|at| Some(at) == start)
}

/// Where the labels of a well-formed name start, the root label included.
pub fn label_starts(wire: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let at = next?;
        let length = usize::from(*wire.get(at)?);
        next = (length > 0).then_some(at + length + 1);
        Some(at)
    })
}

/// A name in presentation form as uncompressed wire form, its case kept; see [`Name::from_text`].
pub(crate) fn text_to_wire(text: &str) -> Result<Vec<u8>, NameError> {
    if text == "." {
        return Ok(vec![0]);
    }
    let ascii;
    let text = if text.is_ascii() {
        text
    } else {
        ascii = idna_to_ascii(text)?;
        &ascii
    };
    if text.is_empty() {
        return Err(NameError::LabelLength);
    }
    if text.contains(|character: char| character.is_ascii_control() || character == ' ') {
        return Err(NameError::Character);
    }
    let parsed: domain::base::Name<Vec<u8>> = text.parse()?;
    Ok(parsed.into_octets())
}

/// The labels of a name of plain characters onto `wire`, in the case in which they are written, and the root if a dot
/// ends it; gives whether one does. None, and nothing onto `wire`, if the name is anything else, or not a good one:
/// [`text_to_wire`] judges it then.
pub(crate) fn push_plain(text: &str, wire: &mut Vec<u8>) -> Option<bool> {
    let start = wire.len();
    let mut label = start;
    wire.push(0);
    for &octet in text.as_bytes() {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'*' | b'/' => wire.push(octet),
            b'.' if end_label(wire, label) => {
                label = wire.len();
                wire.push(0);
            }
            _ => {
                wire.truncate(start);
                return None;
            }
        }
    }
    let absolute = wire.len() - label == 1;
    if absolute && label == start || !absolute && !end_label(wire, label) || wire.len() - start > NAME_OCTETS_MAX {
        wire.truncate(start);
        return None;
    }
    Some(absolute)
}

/// Sets the length of the label that began at `start` and ends here; whether it is one that a label may have.
fn end_label(wire: &mut [u8], start: usize) -> bool {
    let length = wire.len() - start - 1;
    wire[start] = length as u8;
    (1..=LABEL_OCTETS_MAX).contains(&length)
}

/// A name in uncompressed wire form as presentation form without the dot at the end, its case kept.
pub(crate) fn write_text(wire: &[u8], out: &mut impl fmt::Write) -> fmt::Result {
    if wire == [0] {
        return out.write_str(".");
    }
    for (index, label) in (Labels { rest: wire }).enumerate() {
        if index > 0 {
            out.write_char('.')?;
        }
        for &octet in label {
            match octet {
                b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'$' | b'@' => write!(out, "\\{}", octet as char)?,
                0x21..=0x7e => out.write_char(octet as char)?,
                _ => write!(out, "\\{octet:03}")?,
            }
        }
    }
    Ok(())
}

fn idna_to_ascii(text: &str) -> Result<String, NameError> {
    // Label by label, because IDNA knows neither `*` nor the underscores of service names.
    let labels: Result<Vec<String>, NameError> = text
        .split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'])
        .map(|label| match label.is_ascii() {
            true => Ok(label.to_owned()),
            false => idna::domain_to_ascii(label).map_err(|_| NameError::Character),
        })
        .collect();
    labels.map(|labels| labels.join("."))
}

/// The labels of a well-formed name from the right, without the root; `starts` is room to work in.
fn from_right<'n>(wire: &'n [u8], starts: &'n mut [u8; LABELS_MAX]) -> impl Iterator<Item = &'n [u8]> {
    let mut count = 0;
    for (start, room) in label_starts(wire).zip(starts.iter_mut()) {
        // A name has at most 255 octets.
        *room = start as u8;
        count += 1;
    }
    // The last is the root.
    starts[..count - 1].iter().rev().map(|&start| {
        let start = usize::from(start);
        &wire[start + 1..start + 1 + usize::from(wire[start])]
    })
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::from_text(text)
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    /// Canonical order (RFC 4034 section 6.1).
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let (mut mine, mut theirs) = ([0; LABELS_MAX], [0; LABELS_MAX]);
        from_right(&self.0, &mut mine).cmp(from_right(&other.0, &mut theirs))
    }
}

impl fmt::Display for Name {
    /// Presentation form without the dot at the end, as the API returns names; the root is `.`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_text(&self.0, f)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
