//! Log lines: structured, on standard error, as text or as one JSON object per line.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Starts logging for this process. A second call changes nothing.
pub fn start(log: &Log) {
    // The level was checked when the configuration was read.
    let filter = EnvFilter::try_new(&log.level.0).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A line that cannot be written (the log's disk is full) is lost. To complain of it on standard error as well would
    // fail in the same way, and end whatever was about to log.
    let builder = builder.log_internal_errors(false);
    let _ = match log.format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}
