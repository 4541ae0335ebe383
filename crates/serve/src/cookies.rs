//! DNS cookies (RFC 7873) with interoperable server cookies (RFC 9018): who has shown that his address is his own.
//!
//! ```text
//!  COOKIE option, client's address, time --Cookies::check--> Checked: how good it is, and the option for the answer
//! ```
//!
//! A server cookie is a version, three reserved octets, the time at which it was made and a SipHash-2-4 of all that,
//! the client's own cookie and its address. So nothing is kept per client, and every server that has the secret can
//! check what another has made. Checking allocates nothing, and takes the same time wherever two hashes differ.
//!
//! Not here: reading the option out of a request and writing it into an answer (`wire`), and what a good cookie is
//! good for (the handler: no rate limit).

use std::fmt;
use std::net::IpAddr;

use siphasher::sip::SipHasher24;
use waymark_wire::edns::{CLIENT_COOKIE_OCTETS, COOKIE_OCTETS};

/// The length of a secret, in octets (RFC 9018 section 4.4).
pub const SECRET_OCTETS: usize = 16;

/// An option of more is malformed (RFC 7873 section 4: server cookies have 8 to 32 octets).
const OPTION_OCTETS: std::ops::RangeInclusive<usize> = 16..=40;
/// The only version of server cookies (RFC 9018 section 4.1).
const VERSION: u8 = 1;

/// How long a server cookie is good, in seconds (RFC 9018 section 4.3).
const PAST_SECONDS: i32 = 3600;
/// How far another server's clock may be ahead, in seconds (RFC 9018 section 4.3).
const FUTURE_SECONDS: i32 = 300;
/// A server cookie that is older gets a fresh one in return, in seconds (RFC 9018 section 4.3).
const RENEWED_AFTER_SECONDS: i32 = 1800;

/// What server cookies are made with. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; SECRET_OCTETS]);

impl Secret {
    /// The secret of these octets, which must be random.
    pub const fn new(octets: [u8; SECRET_OCTETS]) -> Self {
        Self(octets)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The secrets of this server, ready for use.
#[derive(Clone)]
pub struct Cookies {
    maker: SipHasher24,
    /// Secrets that only check: the next one before a rollover, the last one after it.
    others: Box<[SipHasher24]>,
}

/// What a COOKIE option is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Checked {
    /// There is none: the client does not know cookies (RFC 7873 section 5.2.1).
    Absent,
    /// Its length is wrong: FORMERR (RFC 7873 section 5.2.2).
    Malformed,
    /// A client cookie alone: a first contact (RFC 7873 section 5.2.3). Holds the option of the answer.
    ClientOnly([u8; COOKIE_OCTETS]),
    /// A server cookie that is not ours, too old, or from too far in the future (RFC 7873 section 5.2.4). Holds the
    /// option of the answer, with a server cookie that is good.
    Bad([u8; COOKIE_OCTETS]),
    /// A server cookie that this client got from a server with one of the secrets (RFC 7873 section 5.2.5). Holds the
    /// option of the answer.
    Good([u8; COOKIE_OCTETS]),
}

impl Checked {
    /// The COOKIE option of the answer, if it has one.
    pub fn reply(&self) -> Option<&[u8; COOKIE_OCTETS]> {
        match self {
            Self::Absent | Self::Malformed => None,
            Self::ClientOnly(reply) | Self::Bad(reply) | Self::Good(reply) => Some(reply),
        }
    }

    /// Whether the client has shown that its address is its own.
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Good(_))
    }
}

impl Cookies {
    /// Cookies made with `first`, and accepted if they were made with `first` or one of `others`: secrets are changed
    /// in three steps, each at every server before the next (RFC 9018 section 5).
    pub fn new(first: &Secret, others: &[Secret]) -> Self {
        let hasher = |secret: &Secret| SipHasher24::new_with_key(&secret.0);
        Self { maker: hasher(first), others: others.iter().map(hasher).collect() }
    }

    /// What `option`, the data of a request's COOKIE option, is worth. `client` is where the request came from, `now`
    /// the date in seconds since 1970 on a circle of 32 bits.
    pub fn check(&self, option: Option<&[u8]>, client: IpAddr, now: u32) -> Checked {
        let Some(option) = option else { return Checked::Absent };
        if option.len() != CLIENT_COOKIE_OCTETS && !OPTION_OCTETS.contains(&option.len()) {
            return Checked::Malformed;
        }
        let Some((client_cookie, server_cookie)) = option.split_first_chunk::<CLIENT_COOKIE_OCTETS>() else {
            return Checked::Malformed;
        };
        let fresh = || self.make(client_cookie, client, now);
        if server_cookie.is_empty() {
            return Checked::ClientOnly(fresh());
        }
        // What other software makes may have another length or version: well formed, and not ours.
        let Ok(cookie) = <&[u8; COOKIE_OCTETS]>::try_from(option) else { return Checked::Bad(fresh()) };
        let age = age_seconds(cookie, now);
        if cookie[CLIENT_COOKIE_OCTETS] != VERSION || !(-FUTURE_SECONDS..=PAST_SECONDS).contains(&age) {
            return Checked::Bad(fresh());
        }
        let hashed = Hashed::new(cookie, client);
        // The reserved octets count as they came (RFC 9018 section 4.2).
        if hashed.is_by(&self.maker) {
            return Checked::Good(if age > RENEWED_AFTER_SECONDS { fresh() } else { *cookie });
        }
        match self.others.iter().any(|other| hashed.is_by(other)) {
            true => Checked::Good(fresh()),
            false => Checked::Bad(fresh()),
        }
    }

    /// The option with a server cookie of now.
    fn make(&self, client_cookie: &[u8; CLIENT_COOKIE_OCTETS], client: IpAddr, now: u32) -> [u8; COOKIE_OCTETS] {
        let mut cookie = [0; COOKIE_OCTETS];
        cookie[..8].copy_from_slice(client_cookie);
        cookie[8] = VERSION;
        cookie[12..16].copy_from_slice(&now.to_be_bytes());
        let hash = Hashed::new(&cookie, client).by(&self.maker);
        cookie[16..].copy_from_slice(&hash.to_le_bytes());
        cookie
    }
}

impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookies").field("secrets", &(1 + self.others.len())).finish()
    }
}

/// How old the server cookie is, negative if it is from the future (RFC 1982 arithmetic; RFC 9018 section 4.3).
fn age_seconds(cookie: &[u8; COOKIE_OCTETS], now: u32) -> i32 {
    let made = u32::from_be_bytes([cookie[12], cookie[13], cookie[14], cookie[15]]);
    // Half the circle, which has no order, is the most negative number, and far outside every window.
    now.wrapping_sub(made) as i32
}

/// What the hash of a cookie is made of: all of it but the hash itself, and the client's address (RFC 9018 section
/// 4.4).
struct Hashed {
    octets: [u8; 32],
    length: usize,
    hash: u64,
}

impl Hashed {
    fn new(cookie: &[u8; COOKIE_OCTETS], client: IpAddr) -> Self {
        let mut octets = [0; 32];
        octets[..16].copy_from_slice(&cookie[..16]);
        // A socket that speaks both protocols shows IPv4 addresses as mapped ones; a cookie must not depend on it.
        let length = match client.to_canonical() {
            IpAddr::V4(address) => {
                octets[16..20].copy_from_slice(&address.octets());
                20
            }
            IpAddr::V6(address) => {
                octets[16..].copy_from_slice(&address.octets());
                32
            }
        };
        let mut hash = [0; 8];
        hash.copy_from_slice(&cookie[16..]);
        Self { octets, length, hash: u64::from_le_bytes(hash) }
    }

    fn by(&self, secret: &SipHasher24) -> u64 {
        secret.hash(&self.octets[..self.length])
    }

    /// Compared as one number, and so in a time that does not say how many octets of a guess were right.
    fn is_by(&self, secret: &SipHasher24) -> bool {
        self.by(secret) ^ self.hash == 0
    }
}

#[cfg(test)]
mod tests;
