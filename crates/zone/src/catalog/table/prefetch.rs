//! Asking for memory before it is needed, so that many fetches are under way at the same time.
//!
//! A hint to the processor: it changes nothing, whatever the address. Where there is no stable instruction for it,
//! nothing is done, and answers are only slower.
#![allow(unsafe_code)]

/// Octets that are fetched at a time.
const LINE_OCTETS: usize = 64;

/// Has the line of cache fetched that an address lies in.
pub(in super::super) fn line(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the instruction reads nothing that the program could see, and never faults, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// Has so many lines of cache fetched, from the one that an address lies in.
pub(in super::super) fn lines(at: *const u8, count: usize) {
    for number in 0..count {
        line(at.wrapping_add(number * LINE_OCTETS));
    }
}
