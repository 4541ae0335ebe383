//! The `CF-RAY` header: one identifier per answer, which SDK users log and operators find again in the log.
//!
//! It only has to be unique: a number that is random at start and moves by an odd step never repeats within 2^64
//! requests of a process.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderName, HeaderValue};

/// The header's name.
pub(crate) const CF_RAY: HeaderName = HeaderName::from_static("cf-ray");

/// An odd number with its bits well mixed (2^64 divided by the golden ratio), so that rays of a minute look unlike.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The source of rays of one process.
#[derive(Debug)]
pub(crate) struct Rays {
    next: AtomicU64,
    site: String,
}

impl Rays {
    /// `seed` is random; `site` is what stands behind the hyphen, and keeps only its letters and digits.
    pub(crate) fn new(seed: u64, site: &str) -> Self {
        let site = site.chars().filter(char::is_ascii_alphanumeric).collect();
        Self { next: AtomicU64::new(seed), site }
    }

    /// The next ray: 16 hex digits, a hyphen, the site.
    pub(crate) fn next(&self) -> String {
        let number = self.next.fetch_add(STEP, Ordering::Relaxed);
        format!("{number:016x}-{}", self.site)
    }
}

/// A ray as a header's value.
pub(crate) fn header(ray: &str) -> HeaderValue {
    HeaderValue::from_str(ray).unwrap_or(HeaderValue::from_static("0000000000000000"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn rays_have_their_form_and_differ() {
        let rays = Rays::new(u64::MAX - 3, "way\nmark");
        let drawn: HashSet<String> = (0..1000).map(|_| rays.next()).collect();
        assert_eq!(drawn.len(), 1000);
        for ray in &drawn {
            let (number, site) = ray.split_once('-').unwrap();
            assert!(number.len() == 16 && number.bytes().all(|octet| octet.is_ascii_hexdigit()));
            assert_eq!(site, "waymark");
            assert_eq!(header(ray), ray.as_str());
        }
    }
}
