//! File descriptors: as many as the limits on connections may need.
//!
//! Systems give a process 1,024 by default and allow it many more if it asks. Without asking, connections to one face
//! (DNS over TCP, say) could leave the other without any, long before the configured limits hold.

use crate::config::Config;

/// Descriptors for everything that is no connection: sockets, the store's connections, files, threads.
const OTHERS: u64 = 256;

/// Asks for all that the system allows, and says so if the configured connections could need more.
pub(crate) fn raise(config: &Config) {
    let needed = [config.limits.tcp_connections.0, config.limits.api_connections.0, OTHERS];
    let needed = needed.iter().fold(0u64, |sum, more| sum.saturating_add(*more));
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(given) if given < needed => {
            tracing::warn!(
                given,
                needed,
                "fewer file descriptors than limits.tcp_connections and limits.api_connections may need"
            );
        }
        Ok(_) => {}
        Err(why) => tracing::warn!(%why, "cannot ask for more file descriptors"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_the_system_allows_is_asked_for() {
        raise(&Config::default());
        let (soft, hard) = rlimit::Resource::NOFILE.get().unwrap();
        assert_eq!(soft, hard);
    }
}
