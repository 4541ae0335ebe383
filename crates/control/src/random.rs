//! Randomness, handed in: ids, secrets and the choice of nameservers.

/// The characters of tokens: 64, so that six random bits choose one without bias.
const TOKEN_CHARACTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Where randomness comes from.
pub trait Random: Send + Sync {
    /// Fills `out` with octets that nobody can guess.
    fn fill(&self, out: &mut [u8]);
}

/// The random source of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, out: &mut [u8]) {
        if let Err(error) = getrandom::fill(out) {
            // Going on would make secrets that can be guessed; there is no caller who could do better than stop.
            tracing::error!(%error, "the operating system gives no randomness");
            std::process::abort();
        }
    }
}

/// A number below `bound`, each with the same chance; 0 if `bound` is 0.
pub(crate) fn below(random: &dyn Random, bound: usize) -> usize {
    let mut octets = [0; 8];
    random.fill(&mut octets);
    // The bias of the remainder is below 2^-50 for the few hundred choices made here.
    match bound as u64 {
        0 => 0,
        bound => (u64::from_le_bytes(octets) % bound) as usize,
    }
}

/// A text of `length` characters out of `A-Za-z0-9-_`.
pub(crate) fn token_text(random: &dyn Random, length: usize) -> String {
    let mut octets = vec![0; length];
    random.fill(&mut octets);
    octets.iter().map(|octet| TOKEN_CHARACTERS[usize::from(octet & 63)] as char).collect()
}

/// A text of `length` lower-case hex digits.
pub(crate) fn hex_text(random: &dyn Random, length: usize) -> String {
    let mut octets = vec![0; length];
    random.fill(&mut octets);
    octets.iter().map(|octet| char::from_digit(u32::from(octet & 15), 16).unwrap_or('0')).collect()
}
