//! waymark-resolve
