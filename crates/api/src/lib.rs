//! waymark-api
