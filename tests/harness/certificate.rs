//! A certificate for a test: its own issuer, and the pair for `localhost`, in files.

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// See the module.
pub(crate) struct Certificate {
    /// The issuer's certificate, which clients are to trust.
    pub(crate) authority: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Certificate {
    /// Makes one in `directory`, in place of the one that is there. Its time is over at this Unix time.
    pub(crate) fn make(directory: &Path, expires: u64) -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "tests");
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let mut own = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        own.not_after = (UNIX_EPOCH + Duration::from_secs(expires)).into();
        let key = KeyPair::generate().unwrap();
        let certificate = own.signed_by(&key, &authority).unwrap();
        let write = |name: &str, text: String| {
            let path = directory.join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        Self {
            authority: write("authority.pem", authority.pem()),
            certificate: write("certificate.pem", certificate.pem()),
            key: write("key.pem", key.serialize_pem()),
        }
    }

    /// The settings that name its files.
    pub(crate) fn settings(&self) -> [String; 2] {
        [format!("api.tls_certificate={}", self.certificate.display()), format!("api.tls_key={}", self.key.display())]
    }
}
