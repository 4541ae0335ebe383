//! The table of keys: the one place where a key is written down.
//!
//! From a row come the field of [`Config`], its default, how TOML, environment and flags set it, the lines of
//! `waymark config show`, and the known names that an unknown one is compared with. A new key is a new row.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use toml::Value;
use waymark_wire::Name;
use waymark_zone::answer::RRsetOrder;

use super::setting::{
    AnswerText, CookieSecrets, Count, Limit, LogFormat, LogLevel, Network, Reachable, Roles, Setting,
};

/// One key.
pub struct Key {
    /// The section, a table in TOML.
    pub section: &'static str,
    /// The name inside the section.
    pub name: &'static str,
    /// What it is for, one line each.
    pub doc: &'static [&'static str],
    /// What its value must be, in words.
    pub kind: &'static str,
    /// Whether its value must not be shown.
    pub secret: bool,
    /// Its value as TOML; of a secret, only that there is one.
    pub get: fn(&Config) -> Value,
    /// Sets it from TOML; whether the value was one of its kind.
    pub set_value: fn(&mut Config, &Value) -> bool,
    /// Sets it from text; likewise.
    pub set_text: fn(&mut Config, &str) -> bool,
}

impl Key {
    /// `section.name`.
    pub fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("WAYMARK_{}__{}", self.section, self.name).to_uppercase()
    }
}

fn assign<T: Setting>(place: &mut T, value: Option<T>) -> bool {
    value.map(|value| *place = value).is_some()
}

macro_rules! keys {
    ($(
        $(#[doc = $section_doc:literal])+
        $section:ident: $Section:ident {
            $($(#[doc = $doc:literal])+ $name:ident: $kind:ty = $default:expr;)+
        }
    )+) => {
        /// Everything that can be set, one field per section.
        #[derive(Clone, PartialEq, Debug, Default)]
        pub struct Config {
            $($(#[doc = $section_doc])+ pub $section: $Section,)+
        }

        $(
            $(#[doc = $section_doc])+
            #[derive(Clone, PartialEq, Debug)]
            pub struct $Section {
                $($(#[doc = $doc])+ pub $name: $kind,)+
            }

            impl Default for $Section {
                fn default() -> Self {
                    Self { $($name: $default,)+ }
                }
            }
        )+

        /// The sections in order, with what each is about.
        pub static SECTIONS: &[(&str, &[&str])] = &[$((stringify!($section), &[$($section_doc),+]),)+];

        /// Every key, section by section.
        pub static KEYS: &[Key] = &[$($(Key {
            section: stringify!($section),
            name: stringify!($name),
            doc: &[$($doc),+],
            kind: <$kind as Setting>::KIND,
            secret: <$kind as Setting>::SECRET,
            get: |config| config.$section.$name.to_value(),
            set_value: |config, value| assign(&mut config.$section.$name, Setting::from_value(value)),
            set_text: |config, text| assign(&mut config.$section.$name, Setting::from_text(text)),
        },)+)+];
    };
}

keys! {
    /// What this process does.
    node: Node {
        /// Its roles: control keeps accounts and zones and has the API, edge answers DNS. An edge alone answers from
        /// edge.redb of its data directory and opens no store; what is at api.listen is /healthz and /metrics.
        roles: Roles = Roles::Both;
    }

    /// Where everything is kept.
    data: Data {
        /// The data directory: store, edge file, lock, control socket. Made if it is not there. One process owns it.
        dir: PathBuf = PathBuf::from("waymark-data");
        /// Requests that may read the store at the same time; at least 1.
        store_readers: Count = Count(4);
    }

    /// The HTTP API, with /healthz and /metrics.
    api: Api {
        /// Where it listens without TLS. Empty: nowhere, and api.tls_listen is needed.
        listen: Option<SocketAddr> = Some(SocketAddr::from(([127, 0, 0, 1], 8053)));
        /// Where it listens with TLS, for HTTP/1.1 and HTTP/2, like 0.0.0.0:8443. Empty: nowhere.
        tls_listen: Option<SocketAddr> = None;
        /// The certificate for TLS: a PEM file with the server's own first and then those that lead to its issuer.
        tls_certificate: Option<PathBuf> = None;
        /// The private key of that certificate: a PEM file, without a passphrase.
        tls_key: Option<PathBuf> = None;
        /// How often these two files are looked at, in seconds: when they have changed, new connections get the new
        /// certificate. 0: they are read at the start alone.
        tls_reload_seconds: Limit = Limit(60);
        /// The URL under which clients reach it, without /client/v4, like https://dns.example.com. Empty: made from
        /// api.listen, or else from api.tls_listen.
        base_url: String = String::new();
    }

    /// The nameserver.
    dns: Dns {
        /// Where it listens, over UDP and TCP. Answers come from the address that was asked.
        listen: Vec<SocketAddr> = vec![
            SocketAddr::from((Ipv4Addr::UNSPECIFIED, 1053)),
            SocketAddr::from((Ipv6Addr::UNSPECIFIED, 1053)),
        ];
        /// Worker threads; 0 is one per core.
        workers: Count = Count(0);
        /// DNS cookies (RFC 7873): clients that have shown that their address is their own are not rate-limited.
        cookies: bool = true;
        /// What cookies are made with: 32 hexadecimal digits each. The first makes them, all of them are accepted.
        /// Servers that share an address need the same ones. Empty: made up at each start.
        cookie_secrets: CookieSecrets = CookieSecrets::default();
        /// What this server is called in answers that ask for it (NSID, RFC 5001). Empty: it is not said.
        nsid: AnswerText = AnswerText::default();
        /// The answer to version.bind and version.server, TXT in class CH. Empty: refused.
        version: AnswerText = AnswerText::default();
        /// The answer to id.server and hostname.bind, TXT in class CH (RFC 4892). Empty: refused.
        server_id: AnswerText = AnswerText::default();
        /// In which order the records of a set are answered: rotate, each time another one first, or stable.
        rrset_order: RRsetOrder = RRsetOrder::Rotate;
        /// One of so many answers becomes an event for analytics: 1 is every one, 0 none.
        event_sample: Count = Count(1);
    }

    /// The names that the platform itself owns.
    brand: Brand {
        /// What messages of the API call this service.
        name: String = "Waymark".to_owned();
        /// The domain under which nameservers are: <given-name>.ns.<domain>. It is fixed by the first start.
        domain: Name = Name::from_text("waymark.test").unwrap_or_else(|_| Name::root());
    }

    /// The addresses that nameservers get. They are given out by the first start.
    pools: Pools {
        /// IPv4, one address per nameserver. The default is loopback and needs no set-up on Linux.
        nameserver_v4: Network<Ipv4Addr> = Network { address: Ipv4Addr::new(127, 53, 0, 0), prefix: 16 };
        /// IPv6, likewise.
        nameserver_v6: Network<Ipv6Addr> = Network { address: Ipv6Addr::new(0xfd53, 0, 0, 0, 0, 0, 0, 0), prefix: 64 };
        /// Whether that IPv6 network leads to this machine: only then are the addresses published in DNS. auto: as the
        /// start finds it, and as `waymark address up` and `down` say while the server runs.
        nameserver_v6_reachable: Reachable = Reachable::Auto;
        /// Further networks that `waymark address up` leads to this machine, like 192.0.2.53/32. DNS answers at them
        /// for the zones that are active.
        extra_addresses: Vec<Network<IpAddr>> = Vec::new();
    }

    /// Log lines, on standard error.
    log: Log {
        /// text for people, json for machines.
        format: LogFormat = LogFormat::Text;
        /// error, warn, info, debug or trace; or a filter by module, like info,waymark_serve=debug.
        level: LogLevel = LogLevel("info".to_owned());
    }

    /// Limits. 0 lifts a limit.
    limits: Limits {
        /// API requests of one user or token in five minutes.
        requests_per_5_minutes: Limit = Limit(12_000);
        /// Zone-file imports of one user through the API per minute; `waymark zone import` is not held back.
        imports_per_minute: Limit = Limit(3);
        /// The largest zone file that the API imports, in octets; `body_octets` must leave room for it.
        zone_file_octets: Limit = Limit(262_144);
        /// The largest zone file that `waymark zone import` hands to a server, in octets; one at a time is in memory.
        import_file_octets: Limit = Limit(256 << 20);
        /// Connections to the API at a time; further ones wait.
        api_connections: Limit = Limit(4096);
        /// How long a connection to the API may be silent, in seconds; longer than request_seconds.
        api_idle_seconds: Limit = Limit(75);
        /// How long a new connection to the API may take until its first request has begun, in seconds. Further ones
        /// have api_idle_seconds.
        api_header_seconds: Limit = Limit(15);
        /// How long a TLS connection may be silent before its handshake, and how long that may take, in seconds.
        api_handshake_seconds: Limit = Limit(10);
        /// TLS handshakes at a time, from the first octet on; further connections wait.
        api_handshakes: Limit = Limit(512);
        /// API requests answered at a time, until their answers have been sent; further ones are told to come again.
        requests_in_flight: Limit = Limit(1024);
        /// Octets of the API's answers that wait to be sent, small ones aside; readings whose answers do not fit are told
        /// to come again.
        api_answer_octets: Limit = Limit(512 << 20);
        /// How long an API request may take, in seconds.
        request_seconds: Limit = Limit(30);
        /// How long the body of an API request may take to arrive, in seconds.
        body_receive_seconds: Limit = Limit(10);
        /// The longest body of an API request, in octets.
        body_octets: Limit = Limit(1 << 20);
        /// How deep the JSON of a body may be nested.
        body_depth: Limit = Limit(32);
        /// Records on one page of a listing.
        records_per_page: Limit = Limit(5_000_000);
        /// TCP connections to the nameserver at a time; a new one gets the place of the one that is idle longest.
        tcp_connections: Limit = Limit(4096);
        /// TCP connections from one client (an IPv4 address, an IPv6 /64) at a time.
        tcp_connections_per_client: Limit = Limit(64);
        /// How long a TCP connection to the nameserver may be idle, in seconds; a quarter while places are scarce.
        tcp_idle_seconds: Limit = Limit(10);
        /// How long a request over TCP may take from its first octet to its last, in seconds.
        tcp_message_seconds: Limit = Limit(5);
        /// How long a TCP client may take to accept its answers, in seconds.
        tcp_write_seconds: Limit = Limit(5);
        /// The largest answer over UDP, in octets, whatever the client offers; 4096 is the most there is, and what 0
        /// and anything above it mean.
        udp_octets: Limit = Limit(1232);
        /// Answers a second over UDP that one network of clients (an IPv4 /24, an IPv6 /56) gets to one question, or of
        /// one kind from one zone. Clients with a good cookie are not limited.
        responses_per_second: Limit = Limit(0);
        /// Of the answers that responses_per_second suppresses, every so manieth is sent truncated, so that a real
        /// client asks again over TCP. 0: none, 1: all; at most 15.
        response_slip: Count = Count(2);
        /// Networks and subjects that responses_per_second remembers, of 8 octets each; rounded up to a power of two.
        response_table_entries: Count = Count(65_536);
        /// Questions that wait for something that their answer needs; further ones are dropped. 0: 65536.
        parked_questions: Limit = Limit(4096);
        /// How long such a question waits, in milliseconds; then the answer is SERVFAIL.
        parked_milliseconds: Count = Count(2000);
        /// Memory of each worker for events that nobody has read yet, in octets; what does not fit is lost and counted.
        event_ring_octets: Count = Count(1 << 20);
        /// Records in one zone.
        records_per_zone: Limit = Limit(0);
        /// Octets that the records of one name and type may have in an answer. 0, or more than 64240, which is what one
        /// message can carry: 64240.
        rrset_octets: Limit = Limit(64_240);
        /// Writes waiting for the store; further ones are refused until some are done.
        write_queue: Limit = Limit(1024);
        /// Writes that share one transaction, and so one sync of the disk.
        writes_per_commit: Limit = Limit(64);
        /// How long the reply to a write waits until DNS answers with it, in milliseconds; then it is sent anyway.
        reply_wait_milliseconds: Limit = Limit(1000);
        /// Journal entries kept for followers; whoever is further behind takes a snapshot.
        journal_entries_kept: Limit = Limit(100_000);
        /// Journal entries kept for undo, versions and differences.
        undo_entries_kept: Limit = Limit(100_000);
        /// Commits that a follower may be behind before it reads them from the store again. 0: 65536.
        commits_waiting: Limit = Limit(1024);
        /// Commits that wait for the edge file before it reads them from the store again. 0: 65536.
        edge_file_commits_waiting: Limit = Limit(4096);
        /// Exports of zones that are written or wait for whoever reads them; further ones are refused until some are
        /// read. Each takes up to 1 MiB of memory or, if it is longer, its length on the disk of data.dir. 0: 65536.
        exports: Limit = Limit(64);
    }
}
