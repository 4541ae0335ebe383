//! The table of error codes (`data/errors.toml`).

use serde::Deserialize;

/// The table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Codes {
    error: Vec<Code>,
}

/// A row: one text of a code. A code that has several texts has several rows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// The number.
    pub code: u32,
    /// The statuses it comes with; empty if it is never the first of a reply's errors.
    pub status: Vec<u16>,
    /// The text; `*` stands for anything. Empty if the contract knows none.
    #[serde(default)]
    pub text: String,
    /// When it is given.
    pub when: String,
    /// How sure the contract is of it.
    pub confidence: Confidence,
    /// Further statuses that we give it with, by our own ruling.
    #[serde(default)]
    pub also: Vec<u16>,
    /// Why no request of the tour gets it, though the API has it.
    pub unreached: Option<String>,
}

/// How sure the contract is of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// A real client looks at it.
    Client,
    /// It was seen in public.
    Seen,
    /// Plausible.
    Guess,
}

impl Codes {
    /// Every row, in the order of the data.
    pub fn rows(&self) -> &[Code] {
        &self.error
    }

    /// What is wrong with an error of a reply. No status: it is not the first error, or in a chain.
    pub fn mistake(&self, code: u64, status: Option<u16>, text: &str) -> Option<String> {
        let rows: Vec<&Code> = self.error.iter().filter(|row| u64::from(row.code) == code).collect();
        if rows.is_empty() {
            return Some(format!("{code} is in no table"));
        }
        let of_status =
            |row: &&&Code| status.is_none_or(|status| row.status.contains(&status) || row.also.contains(&status));
        if !rows.iter().any(|row| of_status(&row)) {
            return Some(format!("{code} does not come with status {}", status.unwrap_or_default()));
        }
        let fits = rows.iter().filter(of_status).any(|row| row.text.is_empty() || is_like(&row.text, text));
        (!fits).then(|| format!("{code} has another text than {text:?}"))
    }
}

impl Confidence {
    /// The word of the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "a client needs it",
            Self::Seen => "seen",
            Self::Guess => "a guess",
        }
    }
}

/// Whether a text is like a pattern in which `*` stands for anything.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut last = None;
    for part in parts {
        last = Some(part);
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    match last {
        // The last part must be the end, not its first occurrence.
        Some(last) => text.ends_with(last),
        None => rest.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn patterns() {
        assert!(is_like("Authentication error", "Authentication error"));
        assert!(!is_like("Authentication error", "Authentication error."));
        assert!(is_like("* already exists", "example.com already exists"));
        assert!(is_like(
            "Invalid TTL. Must be between * and * seconds*",
            "Invalid TTL. Must be between 1 and 2 seconds, so"
        ));
        assert!(!is_like("* is an invalid value.", "x is an invalid value. y"));
        assert!(is_like("a*b", "a b b"));
        assert!(!is_like("a*b", "ba b c"));
    }
}
