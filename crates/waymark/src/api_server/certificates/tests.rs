use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::api_server::testing::{Pair, at, pair, pair_until};
use crate::scratch::Scratch;

const NOW: u64 = 1_800_000_000;

fn load(pair: &Pair) -> Result<Certificates, CertificateError> {
    Certificates::load(pair.files.clone(), at(NOW))
}

/// The sentence of a start that is refused.
fn refusal(pair: &Pair) -> String {
    let sentence = load(pair).err().unwrap().to_string();
    assert_eq!(sentence.lines().count(), 1, "{sentence}");
    sentence
}

#[test]
fn a_pair_is_read_with_the_end_of_its_time() {
    let scratch = Scratch::new();
    let certificates = load(&pair_until(scratch.path(), NOW + 1000)).unwrap();
    assert_eq!((certificates.expires(), certificates.reads()), (NOW + 1000, [1, 0]));
    assert_eq!(certificates.server_config().alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
    assert!(matches!(certificates.look_again(), Looked::Unchanged));
}

#[test]
fn a_certificate_that_is_over_is_used_all_the_same() {
    let scratch = Scratch::new();
    assert_eq!(load(&pair_until(scratch.path(), NOW - 1)).unwrap().expires(), NOW - 1);
}

#[test]
fn every_mistake_is_a_sentence_with_the_file_and_its_key() {
    let scratch = Scratch::new();
    let good = pair(scratch.path());
    let with = |certificate: &str, key: &str| {
        let file = |name: &str, otherwise: &Path| match name {
            "" => otherwise.to_owned(),
            name => scratch.path().join(name),
        };
        let files = Files { certificate: file(certificate, &good.files.certificate), key: file(key, &good.files.key) };
        refusal(&Pair { files, authority: String::new() })
    };
    std::fs::write(scratch.path().join("empty"), "").unwrap();
    std::fs::write(scratch.path().join("cut"), "-----BEGIN CERTIFICATE-----\nAAAA\n").unwrap();
    let key = std::fs::read_to_string(&good.files.key).unwrap();
    std::fs::write(scratch.path().join("encrypted"), key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")).unwrap();
    let garbled = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(scratch.path().join("garbled"), garbled).unwrap();
    let other = Scratch::new();
    std::fs::copy(&pair(other.path()).files.key, scratch.path().join("other")).unwrap();
    for (certificate, key, parts) in [
        ("missing", "", ["missing", "api.tls_certificate", "there is no such file"]),
        ("", "missing", ["missing", "api.tls_key", "there is no such file"]),
        ("empty", "", ["empty", "api.tls_certificate", "no certificate in it"]),
        ("", "empty", ["empty", "api.tls_key", "no private key in it"]),
        ("", "encrypted", ["encrypted", "api.tls_key", "without a passphrase"]),
        ("cut", "", ["cut", "api.tls_certificate", "a mistake in it"]),
        ("garbled", "", ["garbled", "cannot use the certificate", "X.509"]),
        ("", "other", ["other", "does not belong to the certificate", "api.tls_key"]),
        ("key.pem", "", ["key.pem", "api.tls_certificate", "no certificate in it"]),
    ] {
        let sentence = with(certificate, key);
        for part in parts {
            assert!(sentence.contains(part), "{certificate} {key}: {sentence}");
        }
    }
    assert!(with("", "..").contains("cannot read"), "a directory is no file");
}

#[test]
fn a_new_pair_is_taken_and_a_bad_one_changes_nothing() {
    let scratch = Scratch::new();
    let first = pair_until(scratch.path(), NOW + 1);
    let certificates = load(&first).unwrap();
    let config = certificates.server_config();
    std::fs::remove_file(&first.files.key).unwrap();
    assert!(matches!(certificates.look_again(), Looked::Kept(CertificateError::Unreadable { .. })));
    assert!(matches!(certificates.look_again(), Looked::Unchanged), "said once");
    assert_eq!((certificates.expires(), certificates.reads()), (NOW + 1, [1, 1]));
    assert!(Arc::ptr_eq(&config, &certificates.server_config()));
    // Half of a renewal: the new certificate beside the old key, then its own.
    let renewed = Scratch::new();
    let second = pair_until(renewed.path(), NOW + 2);
    std::fs::copy(pair(Scratch::new().path()).files.certificate, &first.files.certificate).err();
    std::fs::copy(&second.files.certificate, &first.files.certificate).unwrap();
    assert!(matches!(certificates.look_again(), Looked::Kept(_)));
    assert_eq!(certificates.expires(), NOW + 1);
    std::fs::copy(&second.files.key, &first.files.key).unwrap();
    assert!(matches!(certificates.look_again(), Looked::Loaded));
    assert_eq!((certificates.expires(), certificates.reads()), (NOW + 2, [2, 2]));
}

#[test]
fn the_right_of_others_to_the_key_is_looked_at() {
    let scratch = Scratch::new();
    let pair = pair(scratch.path());
    for (mode, open) in [(0o600, false), (0o640, false), (0o644, true), (0o602, true)] {
        std::fs::set_permissions(&pair.files.key, Permissions::from_mode(mode)).unwrap();
        assert_eq!(is_open_to_others(&pair.files.key), open, "{mode:o}");
    }
}
