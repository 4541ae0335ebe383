//! `/metrics` and `/healthz`: every metric is driven, and must move.
//!
//! Each test drives some metrics and names them; together they name the whole table of the program, so that a metric
//! which nothing moves cannot be added.
