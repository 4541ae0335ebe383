//! The certificate and key of the API's TLS, from two PEM files.
//!
//! [`Certificates::load`] reads them for the start, where every mistake is one sentence. While the server runs,
//! [`Certificates::look_again`] reads them once more when they look different: a good pair serves all connections from
//! then on, a bad one is told and changes nothing. Whoever renews a certificate writes two files one after the other, so
//! a pair that does not fit for a moment is no accident.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, InconsistentKeys, ServerConfig};
use waymark_control::{Clock, Time};
use x509_cert::der::Decode;

/// What can be spoken over TLS, the most wanted first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// The right of everybody to read or write (chmod(1)).
const OTHERS: u32 = 0o006;

/// Where certificate and key are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Files {
    /// The certificate, with those that lead to its issuer.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Why the files cannot be used. Each is one sentence, with what to do.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("cannot read the file {} of {key}: {}: {}", path.display(), cause(why), "name a PEM file that this user may read")]
    Unreadable {
        /// The configuration key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// A file has nothing of what is looked for, or it is garbled.
    #[error("{} ({key}) has {found}: it must be a PEM file with {wanted}", path.display())]
    Nothing {
        /// The configuration key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What it should have.
        wanted: &'static str,
        /// What is wrong with what it has.
        found: String,
    },
    /// The two do not belong together.
    #[error("the key in {} does not belong to the certificate in {}: name the two files of one pair in api.tls_certificate and api.tls_key", files.key.display(), files.certificate.display())]
    Mismatch {
        /// The files.
        files: Files,
    },
    /// TLS cannot use them.
    #[error("TLS cannot use the certificate in {} with the key in {}: {why}: keys of RSA (2048 bits or more), ECDSA (P-256, P-384) and Ed25519 can be used", files.certificate.display(), files.key.display())]
    Unusable {
        /// The files.
        files: Files,
        /// What the library said.
        why: String,
    },
}

fn cause(why: &io::Error) -> String {
    match why.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
        _ => why.to_string(),
    }
}

/// What came of looking again.
#[derive(Debug)]
pub enum Looked {
    /// The files are as they were.
    Unchanged,
    /// They have changed, and are in use.
    Loaded,
    /// They have changed, and cannot be used; what was in use still is.
    Kept(CertificateError),
}

/// A certificate in use.
pub struct Certificates {
    files: Files,
    clock: Arc<dyn Clock>,
    current: RwLock<Current>,
    /// How the files looked when they were last read, whatever came of that.
    seen: Mutex<Looks>,
    loaded: AtomicU64,
    refused: AtomicU64,
}

struct Current {
    config: Arc<ServerConfig>,
    /// Unix seconds.
    expires: u64,
}

impl Certificates {
    /// Reads the files. Logs what is doubtful about them: that the certificate is over, that anybody may read the key.
    pub fn load(files: Files, clock: Arc<dyn Clock>) -> Result<Self, CertificateError> {
        let seen = Looks::of(&files);
        let current = read(&files)?;
        warn_of_doubts(&files, &current, clock.now());
        Ok(Self {
            files,
            clock,
            current: RwLock::new(current),
            seen: Mutex::new(seen),
            loaded: AtomicU64::new(1),
            refused: AtomicU64::new(0),
        })
    }

    /// Reads the files again if they look different. Blocks for as long as two small files take.
    pub fn look_again(&self) -> Looked {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Before they are read: a change in between shows the next time.
        let looks = Looks::of(&self.files);
        if *seen == looks {
            return Looked::Unchanged;
        }
        *seen = looks;
        match read(&self.files) {
            Ok(current) => {
                warn_of_doubts(&self.files, &current, self.clock.now());
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = current;
                self.loaded.fetch_add(1, Ordering::Relaxed);
                tracing::info!(certificate = %self.files.certificate.display(), "the certificate of the API is renewed");
                Looked::Loaded
            }
            Err(error) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%error, "the API keeps the certificate that it has");
                Looked::Kept(error)
            }
        }
    }

    /// Looks again from time to time, for ever.
    pub async fn watch(self: Arc<Self>, every: Duration) {
        loop {
            tokio::time::sleep(every).await;
            let certificates = Arc::clone(&self);
            let _ = tokio::task::spawn_blocking(move || certificates.look_again()).await;
        }
    }

    /// What new connections are accepted with.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).config)
    }

    /// When the certificate in use is over, in Unix seconds.
    pub fn expires(&self) -> u64 {
        self.current.read().unwrap_or_else(PoisonError::into_inner).expires
    }

    /// How often the files were read: in use since, refused.
    pub fn reads(&self) -> [u64; 2] {
        [&self.loaded, &self.refused].map(|count| count.load(Ordering::Relaxed))
    }
}

/// How both files look from outside; none: a file is not there.
#[derive(PartialEq, Eq)]
struct Looks([Option<Look>; 2]);

/// By what a change of a file shows without reading it.
#[derive(PartialEq, Eq)]
struct Look {
    file: (u64, u64),
    written: (i64, i64),
    octets: u64,
}

impl Looks {
    fn of(files: &Files) -> Self {
        let look = |metadata: Metadata| Look {
            file: (metadata.dev(), metadata.ino()),
            written: (metadata.mtime(), metadata.mtime_nsec()),
            octets: metadata.size(),
        };
        Self([&files.certificate, &files.key].map(|path| std::fs::metadata(path).ok().map(look)))
    }
}

fn read(files: &Files) -> Result<Current, CertificateError> {
    let chain = read_chain(&files.certificate)?;
    let expires = expiry(&chain[0]).map_err(|why| CertificateError::Unusable { files: files.clone(), why })?;
    let key = read_key(&files.key)?;
    let refused = |why: rustls::Error| match why {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            CertificateError::Mismatch { files: files.clone() }
        }
        other => CertificateError::Unusable { files: files.clone(), why: other.to_string() },
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(refused)?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(Current { config: Arc::new(config), expires })
}

/// At least one certificate.
fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    const KEY: &str = "api.tls_certificate";
    let text = read_file(KEY, path)?;
    let nothing = |found| CertificateError::Nothing {
        key: KEY,
        path: path.to_owned(),
        wanted: "the server's certificate and those that lead to its issuer (BEGIN CERTIFICATE)",
        found,
    };
    let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&text).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err(nothing("no certificate in it".to_owned())),
        Ok(chain) => Ok(chain),
        Err(why) => Err(nothing(format!("a mistake in it ({why})"))),
    }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, CertificateError> {
    const KEY: &str = "api.tls_key";
    let text = read_file(KEY, path)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|why| {
        let found = match why {
            pem::Error::NoItemsFound => "no private key in it".to_owned(),
            other => format!("a mistake in it ({other})"),
        };
        CertificateError::Nothing {
            key: KEY,
            path: path.to_owned(),
            wanted: "the private key, without a passphrase (BEGIN PRIVATE KEY)",
            found,
        }
    })
}

fn read_file(key: &'static str, path: &Path) -> Result<Vec<u8>, CertificateError> {
    std::fs::read(path).map_err(|why| CertificateError::Unreadable { key, path: path.to_owned(), why })
}

/// When a certificate is over, in Unix seconds.
fn expiry(certificate: &CertificateDer<'_>) -> Result<u64, String> {
    let parsed =
        x509_cert::Certificate::from_der(certificate).map_err(|why| format!("no X.509 certificate ({why})"))?;
    Ok(parsed.tbs_certificate().validity().not_after.to_unix_duration().as_secs())
}

fn warn_of_doubts(files: &Files, current: &Current, now: Time) {
    if current.expires <= now.unix_seconds() {
        let since = i64::try_from(current.expires).map_or(now, |seconds| Time(seconds.saturating_mul(1_000_000)));
        let certificate = files.certificate.display();
        tracing::warn!(%certificate, %since, "the certificate of the API is over: clients will refuse it");
    }
    if is_open_to_others(&files.key) {
        let key = files.key.display();
        tracing::warn!(%key, "every user of this machine may read or change the private key of the API: chmod o= ends that");
    }
}

fn is_open_to_others(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.mode() & OTHERS != 0)
}

#[cfg(test)]
mod tests;
