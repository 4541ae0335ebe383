//! What can be said to a DNS server.

use std::net::SocketAddr;

use clap::Args;

/// What is shown behind the help.
pub(super) const EXAMPLES: &str = "\
Examples:
  waymark ask www.example.com
  waymark ask example.com MX --tcp
  waymark ask example.com SOA --server 127.0.0.1:1053";

/// Flags of `ask`.
#[derive(Args, Debug)]
pub struct Ask {
    /// The name.
    pub name: String,
    /// The type, like A, MX or TYPE257.
    #[arg(name = "TYPE", default_value = "A")]
    pub record_type: String,
    /// The server [default: the one of this configuration].
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = server)]
    pub server: Option<SocketAddr>,
    /// Ask over TCP.
    #[arg(long)]
    pub tcp: bool,
    /// How long to wait, in seconds.
    #[arg(long, default_value_t = 5, value_name = "SECONDS")]
    pub timeout: u64,
}

fn server(text: &str) -> Result<SocketAddr, String> {
    let with_port = text.parse::<SocketAddr>().ok();
    let without = || Some(SocketAddr::new(text.trim_matches(['[', ']']).parse().ok()?, 53));
    with_port.or_else(without).ok_or_else(|| "an address, with or without a port, is needed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_needs_no_port() {
        assert_eq!(server("127.0.0.1").unwrap().to_string(), "127.0.0.1:53");
        assert_eq!(server("[::1]").unwrap().to_string(), "[::1]:53");
        assert_eq!(server("[::1]:1053").unwrap().to_string(), "[::1]:1053");
        assert!(server("localhost").is_err());
    }
}
