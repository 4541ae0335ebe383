//! The query string: dotted keys (`name.contains`), repeated keys for arrays, `true` and `false`.
//!
//! Reading never fails: an absent filter filters nothing, and what cannot be understood counts as absent. Unknown keys
//! are kept and never asked for.

use axum::extract::Query as Decoded;
use axum::http::Uri;

/// The decoded query string of one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes a request's query string.
    pub(crate) fn of(uri: &Uri) -> Self {
        Decoded::<Vec<(String, String)>>::try_from_uri(uri)
            .map_or_else(|_| Self::default(), |Decoded(pairs)| Self(pairs))
    }

    /// The first value of a key that is not empty: `?name=` filters nothing.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        let given = self.0.iter().find(|(name, value)| name == key && !value.is_empty());
        given.map(|(_, value)| value.as_str())
    }

    /// Whether a key is there, with a value or without.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(name, _)| name == key)
    }

    /// Every value of a key that is not empty, in order.
    pub(crate) fn all<'q>(&'q self, key: &'q str) -> impl Iterator<Item = &'q str> {
        self.0.iter().filter(move |(name, value)| name == key && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// A truth value: `true` or `false` in any case, `1` or `0`.
    pub(crate) fn truth(&self, key: &str) -> Option<bool> {
        match self.text(key)?.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    /// A number. `2.0` is 2, because the API declares its numbers as JSON does; a negative number is 0 and one that is
    /// too large is the largest, so that a caller can clamp.
    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        let text = self.text(key)?.trim();
        // A cast from float to integer saturates, which is what is wanted at both ends.
        text.parse().ok().or_else(|| text.parse::<f64>().ok().filter(|number| !number.is_nan()).map(|n| n as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::of(&format!("/zones?{text}").parse().unwrap())
    }

    #[test]
    fn keys_are_dotted_values_are_decoded_and_empty_values_are_absent() {
        let query = query("name.exact=a%2Eexample&name=&comment.contains=two+words&name=b&bogus");
        assert_eq!(query.text("name.exact"), Some("a.example"));
        assert_eq!(query.text("comment.contains"), Some("two words"));
        assert_eq!(query.text("name"), Some("b"));
        assert_eq!((query.text("bogus"), query.has("bogus"), query.has("absent")), (None, true, false));
        assert_eq!(query.text("absent"), None);
    }

    #[test]
    fn arrays_are_repeated_keys() {
        assert_eq!(query("type=full&type=partial&x=1").all("type").collect::<Vec<_>>(), ["full", "partial"]);
    }

    #[test]
    fn truth_values() {
        let query = query("a=true&b=False&c=1&d=maybe");
        assert_eq!((query.truth("a"), query.truth("b"), query.truth("c")), (Some(true), Some(false), Some(true)));
        assert_eq!((query.truth("d"), query.truth("e")), (None, None));
    }

    #[test]
    fn numbers_saturate_and_garbage_is_absent() {
        let query = query("a=7&b=2.0&c=-3&d=99999999999999999999999&e=many&f=nan");
        let read: Vec<_> = ["a", "b", "c", "d", "e", "f"].iter().map(|key| query.number(key)).collect();
        assert_eq!(read, [Some(7), Some(2), Some(0), Some(u64::MAX), None, None]);
    }

    #[test]
    fn broken_escapes_do_not_fail() {
        assert_eq!(query("name=%zz").text("name"), Some("%zz"));
        assert!(query("name=%ff%fe").text("name").is_some());
    }
}
