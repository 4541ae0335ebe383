//! What the tests of the API's server share: certificates made on the spot, and a clock that stands.

use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use waymark_control::{Clock, Time};

use super::certificates::Files;

/// A certificate for localhost with its key, in files.
pub(crate) struct Pair {
    pub(crate) files: Files,
    /// The certificate of its issuer, as PEM.
    pub(crate) authority: String,
}

/// A pair for the present.
pub(crate) fn pair(directory: &Path) -> Pair {
    pair_until(directory, 4_000_000_000)
}

/// A pair whose time is over at this Unix time.
pub(crate) fn pair_until(directory: &Path, expires: u64) -> Pair {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "tests");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let mut own = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let expires = std::time::UNIX_EPOCH + std::time::Duration::from_secs(expires);
    own.not_after = expires.into();
    let key = KeyPair::generate().unwrap();
    let certificate = own.signed_by(&key, &authority).unwrap();
    let files = Files { certificate: directory.join("certificate.pem"), key: directory.join("key.pem") };
    std::fs::write(&files.certificate, certificate.pem()).unwrap();
    std::fs::write(&files.key, key.serialize_pem()).unwrap();
    Pair { files, authority: authority.pem() }
}

struct Standing(Time);

impl Clock for Standing {
    fn now(&self) -> Time {
        self.0
    }
}

/// A clock that stands at this Unix time.
pub(crate) fn at(seconds: u64) -> Arc<dyn Clock> {
    Arc::new(Standing(Time(i64::try_from(seconds).unwrap() * 1_000_000)))
}
