use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;

/// A configuration file of its own that goes with the test.
struct File(PathBuf);

impl File {
    fn new(text: &str) -> Self {
        let mut id = [0; 8];
        getrandom::fill(&mut id).unwrap();
        let path = std::env::temp_dir().join(format!("waymark-config-{:016x}.toml", u64::from_ne_bytes(id)));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn load(file: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let file = File::new(file);
    Config::load(&Sources { file: Some(file.0.clone()), environment: pairs(environment), flags: pairs(flags) })
}

fn problems(file: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Vec<Problem> {
    load(file, environment, flags).unwrap_err().problems
}

#[test]
fn nothing_set_is_the_default() {
    let config = load("", &[], &[]).unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.api.listen, Some(SocketAddr::from(([127, 0, 0, 1], 8053))));
    assert_eq!((config.api.tls_listen, config.api.tls_certificate, config.api.tls_key), (None, None, None));
    assert_eq!(config.dns.listen.iter().map(ToString::to_string).collect::<Vec<_>>(), ["0.0.0.0:1053", "[::]:1053"]);
    assert_eq!(config.brand.domain.to_string(), "waymark.test");
    assert_eq!(Setting::to_value(&config.pools.nameserver_v4).as_str(), Some("127.53.0.0/16"));
    assert_eq!(Setting::to_value(&config.pools.nameserver_v6).as_str(), Some("fd53::/64"));
}

#[test]
fn flags_win_over_environment_and_environment_over_the_file() {
    let file = "[api]\nlisten = '127.0.0.1:1'\nbase_url = 'https://a.example'\n[log]\nformat = 'json'\n";
    let environment = [("WAYMARK_API__LISTEN", "127.0.0.1:2"), ("WAYMARK_API__BASE_URL", "https://b.example")];
    let config = load(file, &environment, &[("api.listen", "127.0.0.1:3")]).unwrap();
    assert_eq!(config.api.listen, Some(SocketAddr::from(([127, 0, 0, 1], 3))));
    assert_eq!(config.api.base_url, "https://b.example");
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn a_list_is_written_with_commas_in_the_environment_and_replaces_the_list_before() {
    let file = "[dns]\nlisten = ['127.0.0.1:1', '127.0.0.1:2']\n";
    let config = load(file, &[("WAYMARK_DNS__LISTEN", "127.0.0.1:3, [::1]:4")], &[]).unwrap();
    assert_eq!(config.dns.listen.iter().map(SocketAddr::port).collect::<Vec<_>>(), [3, 4]);
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let nearest = |file: &str| match problems(file, &[], &[]).remove(0) {
        Problem::Unknown { key, nearest, .. } => (key, nearest),
        other => panic!("{other}"),
    };
    let pair = |key: &str, nearest: &str| (key.to_owned(), nearest.to_owned());
    assert_eq!(nearest("[api]\nlistn = 1\n"), pair("api.listn", "api.listen"));
    assert_eq!(nearest("[dns]\nudp_octets = 1\n"), pair("dns.udp_octets", "limits.udp_octets"));
    assert_eq!(nearest("[limit]\ntcp_connections = 1\n"), pair("limit.tcp_connections", "limits.tcp_connections"));
    assert_eq!(nearest("workers = 1\n"), pair("workers", "dns.workers"));
    assert_eq!(nearest("[logg]\n"), pair("logg", "log.level"));
}

#[test]
fn an_unknown_variable_or_flag_names_the_nearest() {
    let sentence =
        |environment: &[(&str, &str)], flags: &[(&str, &str)]| problems("", environment, flags)[0].to_string();
    assert_eq!(
        sentence(&[("WAYMARK_API__LISTN", "x")], &[]),
        "the environment variable WAYMARK_API__LISTN: there is no key api.listn; the nearest is api.listen"
    );
    assert_eq!(
        sentence(&[("WAYMARK_API_LISTEN", "x")], &[]),
        "the environment: there is no key WAYMARK_API_LISTEN; the nearest is WAYMARK_API__LISTEN"
    );
    assert!(sentence(&[], &[("api.lisen", "x")]).ends_with("the nearest is api.listen"));
    assert!(load("", &[("WAYMARK_SOMETHING_ELSE", "x"), ("HOME", "/")], &[]).is_ok());
}

#[test]
fn every_mistake_is_reported() {
    let file = "[api]\nlisten = 'nowhere'\n[dns]\nworkers = -1\n[log]\nformat = 'xml'\n";
    let environment = [("WAYMARK_LIMITS__BODY_DEPTH", "deep")];
    let found = problems(file, &environment, &[("pools.nameserver_v4", "127.53.0.1/16")]);
    let keys: Vec<&str> = found
        .iter()
        .map(|problem| match problem {
            Problem::Value { key, .. } => key.as_str(),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(keys, ["api.listen", "dns.workers", "log.format", "limits.body_depth", "pools.nameserver_v4"]);
}

#[test]
fn values_must_go_together() {
    for (key, value) in [
        ("api.base_url", "dns.example.com"),
        ("api.base_url", "https://dns.example.com/"),
        ("api.base_url", "https://dns.example.com'"),
        ("data.store_readers", "0"),
        ("limits.udp_octets", "511"),
        ("limits.udp_octets", "65536"),
        ("limits.responses_per_second", "1000001"),
        ("limits.response_slip", "16"),
        ("limits.response_table_entries", "7"),
        ("limits.response_table_entries", "16777217"),
        ("limits.parked_questions", "1048577"),
        ("limits.parked_milliseconds", "0"),
        ("limits.parked_milliseconds", "60001"),
        ("limits.event_ring_octets", "1023"),
        ("limits.event_ring_octets", "1073741825"),
        ("dns.event_sample", "4294967296"),
        ("pools.nameserver_v4", "127.53.0.0/31"),
        ("pools.nameserver_v6", "fd53::/113"),
        ("pools.nameserver_v6_reachable", "yes"),
        ("pools.extra_addresses", "192.0.2.53"),
        ("pools.extra_addresses", "0.0.0.0/7"),
        ("pools.extra_addresses", "2000::/15"),
    ] {
        let found = problems("", &[], &[(key, value)]);
        assert!(matches!(&found[..], [Problem::Value { key: at, .. }] if at == key), "{key} {value}: {found:?}");
    }
    assert!(
        matches!(&problems("[dns]\nlisten = []\n", &[], &[])[..], [Problem::Value { key, .. }] if key == "dns.listen")
    );
}

#[test]
fn the_api_listens_somewhere_and_tls_has_its_files() {
    let keys = |flags: &[(&str, &str)]| -> Vec<String> {
        let key = |problem: &Problem| match problem {
            Problem::Value { key, .. } => key.clone(),
            other => panic!("{other}"),
        };
        load("", &[], flags).map_or_else(|refused| refused.problems.iter().map(key).collect(), |_| Vec::new())
    };
    assert_eq!(keys(&[("api.listen", "")]), ["api.listen"]);
    assert_eq!(keys(&[("api.tls_listen", "[::]:8443")]), ["api.tls_certificate", "api.tls_key"]);
    let files = [("api.tls_certificate", "c.pem"), ("api.tls_key", "k.pem")];
    assert_eq!(keys(&[&files[..], &[("api.listen", ""), ("api.tls_listen", "[::]:8443")]].concat()), [""; 0]);
    assert_eq!(keys(&files), [""; 0], "files that nobody needs do no harm");
}

#[test]
fn limits_are_taken_to_their_bounds() {
    for (key, values) in [
        ("limits.responses_per_second", ["0", "1000000"]),
        ("limits.response_slip", ["0", "15"]),
        ("limits.response_table_entries", ["8", "16777216"]),
        ("limits.parked_questions", ["0", "1048576"]),
        ("limits.parked_milliseconds", ["1", "60000"]),
        ("limits.event_ring_octets", ["1024", "1073741824"]),
        ("dns.event_sample", ["0", "4294967295"]),
    ] {
        for value in values {
            assert!(load("", &[], &[(key, value)]).is_ok(), "{key} {value}");
        }
    }
}

#[test]
fn secrets_are_shown_neither_right_nor_wrong() {
    let secret = "e5e973e5a6b2a43f48e7dc849e37bfcf";
    let config = load(&format!("[dns]\ncookie_secrets = ['{secret}']\n"), &[], &[]).unwrap();
    assert_eq!(config.dns.cookie_secrets.get().len(), 1);
    let shown = show(&config);
    assert!(shown.contains("\n# cookie_secrets = [\"not shown\"]\n"), "{shown}");
    assert!(!shown.contains(secret) && !format!("{config:?}").contains(secret));
    assert_eq!(load(&shown, &[], &[]).unwrap().dns.cookie_secrets, CookieSecrets::default());
    let cut = &secret[1..];
    for mistake in [
        load(&format!("[dns]\ncookie_secrets = ['{cut}']\n"), &[], &[]),
        load(&format!("[dns]\ncookie_secrets = '{cut}'\n"), &[], &[]),
        load("", &[("WAYMARK_DNS__COOKIE_SECRETS", cut)], &[]),
        load(&format!("[dns]\ncookie_secrets = [\n'{cut}'\n'{cut}'\n]\n"), &[], &[]),
        load(&format!("[dns]\ncookie_secrets = [{cut}]\n"), &[], &[]),
    ] {
        let mistake = mistake.unwrap_err();
        assert!(!mistake.to_string().contains(cut) && !format!("{mistake:?}").contains(cut), "{mistake}");
    }
}

#[test]
fn a_file_that_is_missing_or_no_toml_is_one_problem() {
    let missing = Sources { file: Some(PathBuf::from("/nonexistent/waymark.toml")), ..Sources::default() };
    assert!(matches!(&Config::load(&missing).unwrap_err().problems[..], [Problem::Unreadable { .. }]));
    assert!(matches!(&problems("[api\n", &[], &[])[..], [Problem::Syntax { .. }]));
    let why = problems("[api]\n\nlisten = \n", &[], &[])[0].to_string();
    assert!(why.contains(" is not valid TOML: line 3: "), "{why}");
}

#[test]
fn every_key_is_shown_with_its_documentation() {
    let text = show(&Config::default());
    for key in KEYS {
        assert!(text.contains(&format!("\n{} = ", key.name)), "{}", key.path());
        assert!(text.contains(&key.variable()), "{}", key.path());
        assert!(key.doc.iter().all(|line| text.contains(line.trim())), "{}", key.path());
    }
}

#[test]
fn every_key_is_set_by_its_variable() {
    let defaults = Config::default();
    for key in KEYS {
        let text = match (key.get)(&defaults) {
            toml::Value::String(text) => text,
            toml::Value::Array(items) => items.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>().join(","),
            other => other.to_string(),
        };
        assert_eq!(load("", &[(&key.variable(), &text)], &[]), Ok(defaults.clone()), "{}", key.path());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_shown_reads_back(
        dir in "[a-z/\"'\\\\ ]{1,20}",
        port in any::<u16>(),
        ports in prop::collection::vec(any::<u16>(), 1..4),
        limit in 0..=i64::MAX as u64,
        reachable in prop::sample::select(vec![Reachable::Auto, Reachable::Yes, Reachable::No]),
    ) {
        let mut config = Config::default();
        config.data.dir = PathBuf::from(&dir);
        config.api.tls_listen = Some(SocketAddr::from(([127, 0, 0, 1], port)));
        config.api.listen = None;
        config.api.tls_certificate = Some(PathBuf::from(&dir));
        config.api.tls_key = Some(PathBuf::from(&dir));
        config.dns.listen = ports.into_iter().map(|port| SocketAddr::from(([127, 0, 0, 1], port))).collect();
        config.limits.records_per_zone = Limit(limit);
        config.pools.nameserver_v6_reachable = reachable;
        config.log.level = LogLevel("warn,waymark_serve=debug".to_owned());
        prop_assert_eq!(load(&show(&config), &[], &[]), Ok(config));
    }
}
