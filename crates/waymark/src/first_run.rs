//! What the first start says, once: to people on standard output, to scripts in the bootstrap file.
//!
//! Later starts print no secrets; whoever has lost them makes a new token with `waymark token create`.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use waymark_control::Bootstrap;

use crate::operator::Status;

/// The new file that scripts read.
pub struct BootstrapFile(File);

impl BootstrapFile {
    /// Makes the file, for its owner alone. There must not be one: it would be another installation's.
    pub fn create(path: &Path) -> io::Result<Self> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(Self)
    }

    /// Writes what the first start has made. On disk when this returns.
    pub fn write(mut self, bootstrap: &Bootstrap, api_base: &str, dns: SocketAddr) -> io::Result<()> {
        let object = serde_json::json!({
            "api_base": api_base,
            "token": bootstrap.token,
            "email": bootstrap.email,
            "key": bootstrap.key,
            "tenant_id": bootstrap.tenant_id.to_string(),
            "account_id": bootstrap.account_id.to_string(),
            "dns_address": dns.to_string(),
        });
        writeln!(self.0, "{object:#}")?;
        self.0.sync_all()
    }
}

/// What every start says when everything answers.
pub fn ready(api_base: &str, api_tls_base: Option<&str>, dns: &[SocketAddr]) -> String {
    // Where the API speaks TLS alone, its base URL says so already.
    let tls = api_tls_base.filter(|base| *base != api_base);
    let tls = tls.map_or_else(String::new, |base| format!("  API, TLS     {base}\n"));
    let dns: Vec<String> = dns.iter().map(|address| crate::node::reachable(*address).to_string()).collect();
    format!(
        "Waymark {} is running.\n\n  API          {api_base}\n{tls}  DNS          {}\n",
        env!("CARGO_PKG_VERSION"),
        dns.join(" ")
    )
}

/// What an edge alone says when it answers.
pub fn ready_alone(status: &Status) -> String {
    let feed = status.feed.as_ref().map_or_else(String::new, ToString::to_string);
    format!(
        "Waymark {} is running, as an edge alone.\n\n  \
           health       {1}/healthz {1}/metrics\n  \
           DNS          {2}\n  \
           serves       {3} zones, of position {4}\n  \
           feed         {feed}\n",
        status.version,
        status.origin,
        status.dns.join(" "),
        status.zones,
        status.applied
    )
}

/// What the first start says beside that: the secrets, and three commands that lead to the first answer.
pub fn welcome(bootstrap: &Bootstrap, api_base: &str, dns: SocketAddr) -> String {
    let mut text = String::new();
    let (account, token) = (bootstrap.account_id, &bootstrap.token);
    let _ = write!(
        text,
        "  token        {token}\n  \
           account id   {account}\n  \
           email, key   {} {}\n\n\
         These are shown this once. `waymark token create` makes further tokens.\n\n\
         Try it, line by line:\n\n",
        bootstrap.email, bootstrap.key
    );
    for command in commands(bootstrap, api_base, dns) {
        let _ = writeln!(text, "{command}\n");
    }
    text
}

/// Make a zone, make a record in it, ask for the record: for any POSIX shell with curl, sed and dig.
pub fn commands(bootstrap: &Bootstrap, api_base: &str, dns: SocketAddr) -> [String; 3] {
    let (account, token) = (bootstrap.account_id, &bootstrap.token);
    let curl = format!("curl -sS -H 'Authorization: Bearer {token}'");
    [
        format!(
            "{curl} --json '{{\"account\":{{\"id\":\"{account}\"}},\"name\":\"example.com\",\"type\":\"full\"}}' \
             '{api_base}/zones'"
        ),
        format!(
            "ZONE=$({curl} '{api_base}/zones?name=example.com' | sed 's/.*\"result\":\\[{{\"id\":\"\\([0-9a-f]*\\)\".*/\\1/'); \
             {curl} --json '{{\"type\":\"A\",\"name\":\"www\",\"content\":\"192.0.2.1\",\"ttl\":300}}' \
             \"{api_base}/zones/$ZONE/dns_records\""
        ),
        format!("dig @{} -p {} www.example.com A", dns.ip(), dns.port()),
    ]
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use waymark_control::PublicId;

    use super::*;
    use crate::scratch::Scratch;

    fn bootstrap() -> Bootstrap {
        Bootstrap {
            token: "secret-token".to_owned(),
            email: "admin@waymark.test".to_owned(),
            key: "secret-key".to_owned(),
            tenant_id: PublicId([1; 16]),
            account_id: PublicId([2; 16]),
            account_name: "first".to_owned(),
        }
    }

    #[test]
    fn the_bootstrap_file_is_new_private_and_complete() {
        let scratch = Scratch::new();
        let path = scratch.path().join("bootstrap.json");
        let file = BootstrapFile::create(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        file.write(&bootstrap(), "http://127.0.0.1:8053/client/v4", "127.0.0.1:1053".parse().unwrap()).unwrap();
        let read: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let expected = serde_json::json!({
            "api_base": "http://127.0.0.1:8053/client/v4",
            "token": "secret-token",
            "email": "admin@waymark.test",
            "key": "secret-key",
            "tenant_id": "01".repeat(16),
            "account_id": "02".repeat(16),
            "dns_address": "127.0.0.1:1053",
        });
        assert_eq!(read, expected);
        assert_eq!(BootstrapFile::create(&path).err().map(|error| error.kind()), Some(io::ErrorKind::AlreadyExists));
    }

    #[test]
    fn the_first_start_shows_everything_and_every_start_no_secret() {
        let dns: SocketAddr = "127.0.0.1:1053".parse().unwrap();
        let welcome = welcome(&bootstrap(), "http://127.0.0.1:8053/client/v4", dns);
        for part in ["secret-token", "secret-key", &"02".repeat(16), "dig @127.0.0.1 -p 1053"] {
            assert!(welcome.contains(part), "{part}");
        }
        let base = "http://127.0.0.1:8053/client/v4";
        assert!(!ready(base, None, &[dns]).contains("https") && !ready(base, Some(base), &[dns]).contains("TLS"));
        let ready = ready(base, Some("https://127.0.0.1:8443/client/v4"), &[dns]);
        assert!(ready.contains("API, TLS     https://127.0.0.1:8443/client/v4\n"));
        assert!(ready.contains("http://127.0.0.1:8053/client/v4") && ready.contains("127.0.0.1:1053"));
    }
}
