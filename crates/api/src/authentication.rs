//! Who is asking: the two schemes, `Authorization: Bearer` and `X-Auth-Email` with `X-Auth-Key`.
//!
//! [`Credentials::read`] looks at the headers only and says what is wrong with their form; whether they are known is
//! asked of control. Where a bearer token is sent it counts, whatever else is sent with it: the SDKs send every
//! credential that their environment holds. Lengths are not checked, because old and new secrets differ in theirs.
//! No credential is kept, compared or logged here.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::errors::Failure;

const X_AUTH_EMAIL: HeaderName = HeaderName::from_static("x-auth-email");
const X_AUTH_KEY: HeaderName = HeaderName::from_static("x-auth-key");

/// Well-formed credentials.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credentials<'h> {
    /// A token of a user or an account.
    Token(&'h str),
    /// A user's global key.
    Key {
        /// The user's address.
        email: &'h str,
        /// The key.
        key: &'h str,
    },
}

impl<'h> Credentials<'h> {
    /// Reads the headers of a request (`errors.md`, "Authentication and permission").
    pub(crate) fn read(headers: &'h HeaderMap) -> Result<Self, Failure> {
        let (email, key) = (headers.get(X_AUTH_EMAIL), headers.get(X_AUTH_KEY));
        match (headers.get(AUTHORIZATION), email, key) {
            (Some(authorization), _, _) if is_bearer(authorization) => token(authorization),
            // A proxy in front may use `Authorization` for itself.
            (_, Some(email), Some(key)) => pair(email, key),
            (Some(_), _, _) => Err(Failure::MalformedToken),
            (None, Some(_), None) => Err(Failure::MissingHeader("X-Auth-Key")),
            (None, None, Some(_)) => Err(Failure::MissingHeader("X-Auth-Email")),
            (None, None, None) => Err(Failure::NoCredentials),
        }
    }
}

fn is_bearer(value: &HeaderValue) -> bool {
    let scheme = value.as_bytes().split(|octet| octet.is_ascii_whitespace()).next().unwrap_or_default();
    scheme.eq_ignore_ascii_case(b"Bearer")
}

fn token(value: &HeaderValue) -> Result<Credentials<'_>, Failure> {
    let text = value.to_str().map_err(|_| Failure::MalformedToken)?;
    match text["Bearer".len()..].trim() {
        token if is_secret(token) => Ok(Credentials::Token(token)),
        _ => Err(Failure::MalformedToken),
    }
}

fn pair<'h>(email: &'h HeaderValue, key: &'h HeaderValue) -> Result<Credentials<'h>, Failure> {
    let email = email.to_str().ok().filter(|text| is_address(text)).ok_or(Failure::MalformedEmail)?;
    let key = key.to_str().ok().filter(|text| is_secret(text)).ok_or(Failure::MalformedKey)?;
    Ok(Credentials::Key { email, key })
}

/// The characters of a bearer token (RFC 6750 section 2.1).
fn is_secret(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-._~+/=".contains(&octet))
}

fn is_address(text: &str) -> bool {
    let parts = text.rsplit_once('@');
    parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        && text.bytes().all(|octet| octet.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn each_form_has_its_failure() {
        type Case<'a> = (&'a [(&'static str, &'a str)], fn(&Failure) -> bool);
        let table: &[Case<'_>] = &[
            (&[], |failure| matches!(failure, Failure::NoCredentials)),
            (&[("authorization", "Bearer")], |failure| matches!(failure, Failure::MalformedToken)),
            (&[("authorization", "Bearer  ")], |failure| matches!(failure, Failure::MalformedToken)),
            (&[("authorization", "Bearer a b")], |failure| matches!(failure, Failure::MalformedToken)),
            (&[("authorization", "Bearer t\"k")], |failure| matches!(failure, Failure::MalformedToken)),
            (&[("authorization", "Bearertoken")], |failure| matches!(failure, Failure::MalformedToken)),
            (&[("authorization", "Basic dXNlcjpw")], |failure| matches!(failure, Failure::MalformedToken)),
            (&[("x-auth-email", "a@b.example")], |failure| matches!(failure, Failure::MissingHeader("X-Auth-Key"))),
            (&[("x-auth-key", "0123")], |failure| matches!(failure, Failure::MissingHeader("X-Auth-Email"))),
            (&[("x-auth-email", "nobody"), ("x-auth-key", "0")], |failure| matches!(failure, Failure::MalformedEmail)),
            (&[("x-auth-email", "a b@c"), ("x-auth-key", "0")], |failure| matches!(failure, Failure::MalformedEmail)),
            (&[("x-auth-email", "a@b"), ("x-auth-key", "0 1")], |failure| matches!(failure, Failure::MalformedKey)),
            (&[("x-auth-email", "a@b"), ("x-auth-key", "")], |failure| matches!(failure, Failure::MalformedKey)),
        ];
        for (pairs, expected) in table {
            let failure = Credentials::read(&headers(pairs)).err();
            assert!(failure.as_ref().is_some_and(expected), "{pairs:?} gave {failure:?}");
        }
    }

    #[test]
    fn a_bearer_token_wins_and_the_scheme_has_no_case() {
        let all = headers(&[("authorization", "bearer  abc_-9 "), ("x-auth-email", "a@b"), ("x-auth-key", "0")]);
        assert!(Credentials::read(&all).is_ok_and(|read| read == Credentials::Token("abc_-9")));
        let with_email = headers(&[("authorization", "Bearer t"), ("x-auth-email", "not an address")]);
        assert!(Credentials::read(&with_email).is_ok_and(|read| read == Credentials::Token("t")));
    }

    #[test]
    fn the_pair_counts_where_authorization_is_for_somebody_else() {
        let both = headers(&[("authorization", "Basic dXNlcjpw"), ("x-auth-email", "a@b"), ("x-auth-key", "0")]);
        assert!(Credentials::read(&both).is_ok_and(|read| read == Credentials::Key { email: "a@b", key: "0" }));
    }
}
