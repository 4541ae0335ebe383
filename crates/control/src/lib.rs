//! waymark-control
