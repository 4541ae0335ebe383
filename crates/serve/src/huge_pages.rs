//! Memory in huge pages: what the catalog asks of the system for each of its regions.

#![allow(unsafe_code)]

use std::ptr::NonNull;

use waymark_zone::catalog::Memory;

/// A catalog's memory as a server wants it: cut from regions, each in a huge page if the system has one to give.
pub const MEMORY: Memory = Memory::Regions(advise);

/// Advises the kernel to hold this memory in huge pages (madvise(2)). Where it has none, or is set to give none, nothing
/// changes, and look-ups take longer.
fn advise(region: NonNull<u8>, octets: usize) {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: advice of this kind changes nothing that is in memory, whatever the address and length are.
        let _only_advice = unsafe { libc::madvise(region.as_ptr().cast(), octets, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (region, octets);
}
