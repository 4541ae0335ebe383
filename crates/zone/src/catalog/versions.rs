//! A chain of versions: what a thing was, from which generation on.
//!
//! Rules, on which every `unsafe` here rests:
//!
//! 1. Only the writer stores into a chain. A version is complete before it is linked (release) and never changes.
//! 2. A version is written with `from` above every generation that a reader holds, so a reader that meets it walks on
//!    to an older one.
//! 3. What a version supersedes is cut off and freed only when every reader holds at least its `from`: such readers
//!    stop at it or before it, and nobody walks past it any more.
#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// The versions of one thing, newest first.
pub(crate) struct Versions<V> {
    newest: AtomicPtr<Version<V>>,
}

pub(crate) struct Version<V> {
    from: u64,
    older: AtomicPtr<Version<V>>,
    /// None: the thing does not exist from this generation on.
    value: Option<V>,
}

impl<V> Versions<V> {
    pub(super) fn new() -> Self {
        Self { newest: AtomicPtr::new(ptr::null_mut()) }
    }

    /// The value in a generation.
    ///
    /// # Safety
    /// The caller holds `generation` (`readers`) for as long as it uses the reference, or is the writer.
    pub(super) unsafe fn at(&self, generation: u64) -> Option<&V> {
        let mut version = self.newest.load(Ordering::Acquire);
        loop {
            // SAFETY: rule 3: what a holder of `generation` can reach has not been freed.
            let this = unsafe { version.as_ref() }?;
            if this.from <= generation {
                return this.value.as_ref();
            }
            version = this.older.load(Ordering::Acquire);
        }
    }

    /// The newest value, seen or not. For the writer.
    pub(super) fn latest(&self) -> Option<&V> {
        // SAFETY: the newest version is freed only by the writer, who is the caller.
        unsafe { self.newest.load(Ordering::Acquire).as_ref() }?.value.as_ref()
    }

    /// Since when the newest version is true; none if there is no version. For the writer.
    pub(super) fn latest_from(&self) -> Option<u64> {
        // SAFETY: as in `latest`.
        unsafe { self.newest.load(Ordering::Acquire).as_ref() }.map(|version| version.from)
    }

    /// Makes `value` true from a generation that nobody holds yet; for the writer. A version of that same generation
    /// is replaced and given back: readers may be walking over it, so it is freed when all hold `from`.
    pub(super) fn set(&self, from: u64, value: Option<V>) -> Option<*mut Version<V>> {
        let newest = self.newest.load(Ordering::Acquire);
        // SAFETY: as in `latest`.
        let (older, replaced) = match unsafe { newest.as_ref() } {
            Some(version) if version.from == from => (version.older.load(Ordering::Acquire), Some(newest)),
            _ => (newest, None),
        };
        let version = Box::new(Version { from, older: AtomicPtr::new(older), value });
        self.newest.store(Box::into_raw(version), Ordering::Release);
        replaced
    }

    /// Cuts off what the version of `generation`, or the one before it, supersedes, for [`free_some`]; gives it (null:
    /// nothing) and how many versions were looked at.
    ///
    /// # Safety
    /// Every reader holds at least `generation`; the caller is the writer.
    pub(super) unsafe fn trim(&self, generation: u64) -> (*mut Version<V>, usize) {
        let mut version = self.newest.load(Ordering::Acquire);
        let mut seen = 0;
        // SAFETY: the writer alone frees versions, and it is here.
        while let Some(this) = unsafe { version.as_ref() } {
            seen += 1;
            if this.from <= generation {
                return (this.older.swap(ptr::null_mut(), Ordering::AcqRel), seen);
            }
            version = this.older.load(Ordering::Acquire);
        }
        (ptr::null_mut(), seen)
    }
}

impl<V> Drop for Versions<V> {
    fn drop(&mut self) {
        let mut all = usize::MAX;
        // SAFETY: whoever drops the chain owns it; no reader is left.
        unsafe { free_some(*self.newest.get_mut(), &mut all) };
    }
}

/// Frees one version that is no longer linked.
///
/// # Safety
/// `version` came from [`Versions::set`] and no reader can still be on it.
pub(super) unsafe fn free_one<V>(version: *mut Version<V>) {
    // SAFETY: made by `Box::into_raw` in `set`, freed once.
    drop(unsafe { Box::from_raw(version) });
}

/// Frees up to `count` versions of a chain; gives the rest of it, and counts down.
///
/// # Safety
/// The chain came from [`Versions::trim`], or whoever has owned it all is gone.
pub(super) unsafe fn free_some<V>(mut version: *mut Version<V>, count: &mut usize) -> *mut Version<V> {
    while !version.is_null() && *count > 0 {
        // SAFETY: made by `Box::into_raw` in `set`, linked from nowhere else, and no reader can be on it (rule 3).
        let this = unsafe { Box::from_raw(version) };
        version = this.older.load(Ordering::Acquire);
        *count -= 1;
    }
    version
}
