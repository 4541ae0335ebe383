//! EDNS: what an OPT record says (RFC 6891), and the options that Waymark knows.
//!
//! A request's options are checked once, when the request is read, and then looked up without copying. A response's
//! OPT record is described by [`ResponseOpt`] and written by [`crate::MessageWriter`].

/// The octets of an OPT record without options.
pub const OPT_OCTETS: usize = 11;
/// A client cookie (RFC 7873 section 4).
pub const CLIENT_COOKIE_OCTETS: usize = 8;
/// A client cookie and the server cookie that we make (RFC 9018 section 4).
pub const COOKIE_OCTETS: usize = 24;

/// The code of an option (IANA "DNS EDNS0 Option Codes").
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OptionCode(pub u16);

impl OptionCode {
    /// Which server of a set this is (RFC 5001).
    pub const NSID: Self = Self(3);
    /// DNS cookies (RFC 7873).
    pub const COOKIE: Self = Self(10);
    /// How long a TCP connection may stay open (RFC 7828).
    pub const TCP_KEEPALIVE: Self = Self(11);
    /// Why an answer is what it is (RFC 8914).
    pub const EXTENDED_ERROR: Self = Self(15);
}

/// Why an answer is what it is, beyond its response code (RFC 8914 section 4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ExtendedError(pub u16);

impl ExtendedError {
    /// Something that has no code of its own.
    pub const OTHER: Self = Self(0);
    /// What was asked is not done for this asker.
    pub const PROHIBITED: Self = Self(18);
    /// The name is in no zone that is served here.
    pub const NOT_AUTHORITATIVE: Self = Self(20);
    /// The server does not do this.
    pub const NOT_SUPPORTED: Self = Self(21);
}

/// What a request's OPT record says (RFC 6891 section 6.1).
#[derive(Clone, Copy, Debug)]
pub struct Edns<'a> {
    /// The largest response over UDP that the asker can take, in octets; at least 512.
    pub udp_size: u16,
    /// The EDNS version; 0 is the only one there is.
    pub version: u8,
    /// DO (RFC 3225).
    pub dnssec_ok: bool,
    /// The options, well formed.
    options: &'a [u8],
}

impl<'a> Edns<'a> {
    /// Reads the class, TTL and data of an OPT record. The error: the options are malformed, or the cookie is of a
    /// length that no cookie has (RFC 7873 section 5.2.2); it holds the record without options, because such a request
    /// gets an OPT record too (RFC 6891 section 7).
    pub(crate) fn read(class: [u8; 2], ttl: [u8; 4], data: &'a [u8]) -> Result<Self, Self> {
        let bare = Self {
            // RFC 6891 section 6.2.3: less than 512 means 512.
            udp_size: u16::from_be_bytes(class).max(512),
            version: ttl[1],
            dnssec_ok: ttl[2] & 0x80 != 0,
            options: &[],
        };
        if bare.version != 0 {
            // What the data of another version looks like is not known here (RFC 6891 section 6.1.3).
            return Ok(bare);
        }
        let mut options = Options { rest: data };
        let mut cookie = None;
        for (_, value) in (&mut options).filter(|(code, _)| *code == OptionCode::COOKIE) {
            // RFC 7873 section 5.2: of several cookies the first one counts.
            cookie = cookie.or(Some(value));
        }
        let readable = cookie.is_none_or(|cookie| matches!(cookie.len(), CLIENT_COOKIE_OCTETS | 16..=40));
        if options.rest.is_empty() && readable { Ok(Self { options: data, ..bare }) } else { Err(bare) }
    }

    /// The options in their order.
    pub fn options(&self) -> Options<'a> {
        Options { rest: self.options }
    }

    /// The value of the first option with this code.
    pub fn option(&self, code: OptionCode) -> Option<&'a [u8]> {
        self.options().find_map(|(found, value)| (found == code).then_some(value))
    }
}

/// Options one by one; ends where they are malformed.
pub struct Options<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Options<'a> {
    type Item = (OptionCode, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, after) = self.rest.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let (value, rest) = after.split_at_checked(length)?;
        self.rest = rest;
        Some((OptionCode(u16::from_be_bytes([head[0], head[1]])), value))
    }
}

/// The OPT record of a response.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResponseOpt<'o> {
    /// The largest request over UDP that we take, in octets.
    pub udp_size: u16,
    /// DO, copied from the request (RFC 3225 section 3).
    pub dnssec_ok: bool,
    /// The client's cookie and ours (RFC 7873 section 5.2).
    pub cookie: Option<[u8; COOKIE_OCTETS]>,
    /// Which server this is (RFC 5001); at most 65,535 octets.
    pub nsid: Option<&'o [u8]>,
    /// How long the connection may stay idle, in units of 100 milliseconds (RFC 7828 section 3.1).
    pub keepalive: Option<u16>,
}

impl ResponseOpt<'_> {
    /// How many octets the record takes.
    pub fn octets(&self) -> usize {
        OPT_OCTETS + self.options().map(|(_, value)| 4 + value.len()).sum::<usize>()
    }

    /// The options in the order in which they are written.
    pub(crate) fn options(&self) -> impl Iterator<Item = (OptionCode, OptionValue<'_>)> {
        let cookie = self.cookie.as_ref().map(|cookie| (OptionCode::COOKIE, OptionValue::Octets(cookie)));
        let nsid = self.nsid.map(|nsid| (OptionCode::NSID, OptionValue::Octets(nsid)));
        let keepalive = self.keepalive.map(|time| (OptionCode::TCP_KEEPALIVE, OptionValue::Number(time.to_be_bytes())));
        cookie.into_iter().chain(nsid).chain(keepalive)
    }
}

/// The value of an option of ours.
pub(crate) enum OptionValue<'o> {
    Octets(&'o [u8]),
    Number([u8; 2]),
}

impl OptionValue<'_> {
    pub(crate) fn octets(&self) -> &[u8] {
        match self {
            Self::Octets(octets) => octets,
            Self::Number(number) => number,
        }
    }

    fn len(&self) -> usize {
        self.octets().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(data: &[u8]) -> Option<Edns<'_>> {
        Edns::read([4, 208], [0; 4], data).ok()
    }

    #[test]
    fn options_are_found_by_their_code() {
        let edns = read(b"\0\x03\0\0\0\x0a\0\x08abcdefgh\xff\xff\0\x01x").unwrap();
        assert_eq!(edns.option(OptionCode::NSID), Some(&b""[..]));
        assert_eq!(edns.option(OptionCode::COOKIE), Some(&b"abcdefgh"[..]));
        assert_eq!(edns.option(OptionCode(0xffff)), Some(&b"x"[..]));
        assert_eq!(edns.option(OptionCode::TCP_KEEPALIVE), None);
    }

    #[test]
    fn rfc6891_6_1_2_malformed_options_are_refused() {
        assert!(read(b"").is_some());
        for data in [&b"\0"[..], b"\0\x03\0", b"\0\x03\0\x01", b"\0\x03\0\0\0"] {
            assert!(read(data).is_none(), "{data:?}");
        }
    }

    #[test]
    fn rfc7873_5_2_2_cookies_of_wrong_length_are_refused() {
        for (length, good) in
            [(0, false), (7, false), (8, true), (9, false), (15, false), (16, true), (40, true), (41, false)]
        {
            let data = [&[0, 10, 0, length as u8][..], &vec![7; length]].concat();
            assert_eq!(read(&data).is_some(), good, "{length}");
        }
    }

    #[test]
    fn rfc7873_5_2_of_several_cookies_the_first_counts() {
        let edns = read(b"\0\x0a\0\x08abcdefgh\0\x0a\0\x01x").unwrap();
        assert_eq!(edns.option(OptionCode::COOKIE), Some(&b"abcdefgh"[..]));
        assert!(read(b"\0\x0a\0\x01x\0\x0a\0\x08abcdefgh").is_none());
    }

    #[test]
    fn rfc6891_6_1_3_the_options_of_another_version_are_not_looked_at() {
        let edns = Edns::read([4, 208], [0, 1, 0x80, 0], b"\0\x0a\0\x01").unwrap();
        assert_eq!((edns.version, edns.dnssec_ok, edns.options().count()), (1, true, 0));
    }

    #[test]
    fn the_size_of_a_response_opt_counts_its_options() {
        let mut opt = ResponseOpt::default();
        assert_eq!(opt.octets(), 11);
        opt.cookie = Some([0; 24]);
        opt.nsid = Some(b"ns1");
        opt.keepalive = Some(100);
        assert_eq!(opt.octets(), 11 + 28 + 7 + 6);
    }

    proptest! {
        #[test]
        fn any_data_is_options_or_refused(data: Vec<u8>) {
            let octets = read(&data).map(|edns| edns.options().map(|(_, value)| 4 + value.len()).sum::<usize>());
            prop_assert!(octets.is_none_or(|octets| octets == data.len()));
        }
    }
}
