//! waymark-serve
