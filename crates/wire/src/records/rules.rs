//! What the fields of a type must satisfy together, each field being well formed already.

/// Says what is wrong with the data of a record.
pub(super) type Rule = fn(&[u8]) -> Result<(), &'static str>;

/// Digest types of DS and the octets of their digests (RFC 4509, RFC 5933, RFC 6605).
const DIGESTS: &[(u8, usize)] = &[(1, 20), (2, 32), (3, 32), (4, 48)];
/// Fingerprint types of SSHFP and the octets of their fingerprints (RFC 4255, RFC 6594).
const FINGERPRINTS: &[(u8, usize)] = &[(1, 20), (2, 32)];

/// A digest has the length of its type; type 0 is reserved (RFC 4034 section 5.1, RFC 3658 section 5).
pub(super) fn ds(wire: &[u8]) -> Result<(), &'static str> {
    match wire {
        [_, _, _, 0, ..] => Err("digest type 0 is reserved"),
        [_, _, _, kind, digest @ ..] if length_is_wrong(DIGESTS, *kind, digest) => {
            Err("the digest does not have the length of its type")
        }
        _ => Ok(()),
    }
}

/// As DS, or the one form that asks for the parent's DS to be deleted (RFC 8078 section 4).
pub(super) fn cds(wire: &[u8]) -> Result<(), &'static str> {
    match wire {
        [0, 0, 0, 0, 0] => Ok(()),
        [_, _, 0, _, ..] => Err("algorithm 0 stands only in the form that deletes, 0 0 0 00"),
        _ => ds(wire),
    }
}

/// Any key, or the one form that asks for the parent's DS to be deleted (RFC 8078 section 4).
pub(super) fn cdnskey(wire: &[u8]) -> Result<(), &'static str> {
    match wire {
        [0, 0, 3, 0, 0] => Ok(()),
        [_, _, _, 0, ..] => Err("algorithm 0 stands only in the form that deletes, 0 3 0 AA=="),
        _ => Ok(()),
    }
}

/// A fingerprint has the length of its type (RFC 4255 section 3.1.2, RFC 6594 section 3).
pub(super) fn sshfp(wire: &[u8]) -> Result<(), &'static str> {
    match wire {
        [_, kind, fingerprint @ ..] if length_is_wrong(FINGERPRINTS, *kind, fingerprint) => {
            Err("the fingerprint does not have the length of its type")
        }
        _ => Ok(()),
    }
}

/// A name that exists has types (RFC 4034 section 4.1.2), unlike the empty non-terminals of NSEC3.
pub(super) fn nsec(wire: &[u8]) -> Result<(), &'static str> {
    match crate::name::wire_len(wire) {
        Ok(length) if length == wire.len() => Err("the list of types is empty"),
        _ => Ok(()),
    }
}

/// A URI is never empty (RFC 7553 section 4.4).
pub(super) fn uri(wire: &[u8]) -> Result<(), &'static str> {
    match wire.len() {
        4 => Err("the URI is empty"),
        _ => Ok(()),
    }
}

fn length_is_wrong(lengths: &[(u8, usize)], kind: u8, value: &[u8]) -> bool {
    lengths.iter().any(|(known, octets)| *known == kind && *octets != value.len())
}
