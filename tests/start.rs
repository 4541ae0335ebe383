//! Starting and ending the real program: what it says, what it leaves, and how it fails.

use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::harness::dns::{self, BOTH, line};
use crate::harness::node::text as text_of;
use crate::harness::program::{Program, Server, binary, command, run};
use crate::harness::{Credentials, Scratch};

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// The member of the bootstrap file with this name.
fn member(bootstrap: &Value, name: &str) -> String {
    let text = bootstrap[name].as_str().unwrap_or_else(|| panic!("{name} is missing in {bootstrap}"));
    assert!(!text.is_empty());
    text.to_owned()
}

/// A start that failed: one sentence that names what it is about, and nothing of the program's insides.
fn one_sentence(output: &Output, about: &str) {
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.code().is_some_and(|code| code != 0 && code != 101), "{:?}: {err}", output.status);
    let sentences: Vec<&str> = err.lines().filter(|line| line.starts_with("waymark: ")).collect();
    assert_eq!((sentences.len(), out.as_str()), (1, ""), "{err}");
    assert!(sentences[0].contains(about) && sentences[0].len() < 400, "{about:?} is not in: {err}");
    for inside in ["panicked", "backtrace", "Error {", "Os {", "unwrap", "src/"] {
        assert!(!err.contains(inside), "{inside}: {err}");
    }
}

fn serve(directory: &Path, data: &str, more: &[&str]) -> Output {
    let mut arguments = vec!["serve", "--data-dir", data, "--api-listen", "127.0.0.1:0", "--dns-listen", "127.0.0.1:0"];
    arguments.extend(more);
    run(directory, &arguments)
}

/// The program's log is no part of its words: it may have other lines on standard error.
fn cli(directory: &Path, arguments: &[&str]) -> String {
    let output = run(directory, &[&["--data-dir", "data"], arguments].concat());
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn the_first_start_prints_what_one_needs_and_three_commands_that_work() {
    let directory = Scratch::new();
    let server = Server::start(directory.path());
    let bootstrap = server.bootstrap();
    let told = server.program.stdout();
    for name in ["api_base", "token", "account_id"] {
        assert!(told.contains(&member(&bootstrap, name)), "{name} is not in:\n{told}");
    }
    assert!(told.contains(&server.dns_port.to_string()));
    let commands: Vec<&str> =
        told.lines().filter(|line| ["curl ", "ZONE=", "dig "].iter().any(|start| line.starts_with(start))).collect();
    assert_eq!(commands.len(), 3, "{told}");
    let mut last = String::new();
    for command in commands {
        let output = Command::new("sh").args(["-c", command]).current_dir(directory.path()).output().expect("sh");
        last = text(&output.stdout);
        assert!(
            output.status.success(),
            "{command}: {}{last} (bash tools/packages installs curl and dig)",
            text(&output.stderr)
        );
    }
    assert!(last.contains("192.0.2.1") && last.contains("NOERROR"), "what dig says: {last}");
    let zones = server.first_client().get("/zones").ok();
    assert_eq!(zones[0]["name"], "example.com");
    for over in BOTH {
        assert_eq!(line(&dns::ask(server.dns(), over, "www.example.com", "A")), "NOERROR, aa, A 192.0.2.1");
    }
    let server_flag = server.dns().to_string();
    for more in [&[][..], &["--tcp"]] {
        let told = cli(directory.path(), &[&["ask", "www.example.com", "A", "--server", &server_flag], more].concat());
        assert!(told.contains("192.0.2.1"), "{told}");
    }
}

#[test]
fn the_bootstrap_file_is_private_and_whole_and_later_starts_say_no_secret() {
    let directory = Scratch::new();
    let server = Server::start(directory.path());
    let bootstrap = server.bootstrap();
    let mode = std::fs::metadata(&server.bootstrap_file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let members: Vec<&String> = bootstrap.as_object().unwrap().keys().collect();
    let expected = ["account_id", "api_base", "dns_address", "email", "key", "tenant_id", "token"];
    assert_eq!(members, expected);
    assert_eq!(member(&bootstrap, "api_base"), format!("http://{}/client/v4", server.api));
    assert_eq!(member(&bootstrap, "dns_address"), format!("127.0.0.1:{}", server.dns_port));
    let key = Credentials::Key { email: member(&bootstrap, "email"), key: member(&bootstrap, "key") };
    assert_eq!(server.client(key).get("/user").ok()["email"], bootstrap["email"]);
    server.first_client().post("/zones", &json!({"name": "example.com"})).ok();
    let (status, first_words, first_log) = server.end("TERM");
    assert!(status.success());
    assert!(first_words.contains(&member(&bootstrap, "token")));
    let again = Server::start(directory.path());
    assert_eq!(again.first_client().get("/zones").ok()[0]["name"], "example.com", "nothing is lost");
    assert_eq!(dns::ask(again.dns(), dns::Over::Udp, "example.com", "SOA").answers.len(), 1);
    let (status, words, log) = again.end("INT");
    assert!(status.success());
    for secret in ["token", "key"] {
        let secret = member(&bootstrap, secret);
        assert!(!words.contains(&secret) && !log.contains(&secret) && !first_log.contains(&secret));
    }
    assert!(words.contains("/client/v4"), "a later start says where it is: {words}");
}

#[test]
fn secrets_are_not_in_the_data_directory() {
    let directory = Scratch::new();
    let server = Server::start(directory.path());
    let bootstrap = server.bootstrap();
    server.end("TERM");
    for entry in std::fs::read_dir(directory.join("data")).unwrap() {
        let path = entry.unwrap().path();
        let octets = std::fs::read(&path).unwrap_or_default();
        for secret in ["token", "key"] {
            let secret = member(&bootstrap, secret);
            let found = octets.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is in {}", path.display());
        }
    }
}

#[test]
fn both_signals_end_it_cleanly() {
    for signal in ["INT", "TERM"] {
        let directory = Scratch::new();
        let server = Server::start(directory.path());
        let (status, _, log) = server.end(signal);
        assert_eq!(status.code(), Some(0), "{signal}: {log}");
        assert!(!directory.join("data/control.sock").exists());
        assert!(!log.contains("panicked"), "{log}");
    }
}

#[test]
fn a_port_in_use_is_one_sentence() {
    let directory = Scratch::new();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = tcp.local_addr().unwrap();
    let port = taken.port().to_string();
    let serve = |api: &str, dns: &str| {
        run(directory.path(), &["serve", "--data-dir", "data", "--api-listen", api, "--dns-listen", dns])
    };
    one_sentence(&serve(&taken.to_string(), "127.0.0.1:0"), &port);
    one_sentence(&serve("127.0.0.1:0", &taken.to_string()), &port);
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = udp.local_addr().unwrap();
    one_sentence(&serve("127.0.0.1:0", &taken.to_string()), &taken.port().to_string());
    assert!(!directory.join("data/waymark.sqlite").exists(), "nothing was made");
}

#[test]
fn a_directory_that_cannot_be_used_is_one_sentence() {
    let directory = Scratch::new();
    // Not even root can make a directory where a file is, or in a place that is not for files.
    std::fs::write(directory.join("file"), "not a directory").unwrap();
    for data in ["file", "file/data", "/proc/waymark"] {
        one_sentence(&serve(directory.path(), data, &[]), data);
    }
    let output = serve(directory.path(), "data", &["--bootstrap-file", "file"]);
    one_sentence(&output, "file");
    // The refused start has not used up the first one.
    let server = Server::start(directory.path());
    assert!(server.program.stdout().contains(&member(&server.bootstrap(), "token")));
}

#[test]
fn a_second_process_on_the_same_directory_is_one_sentence() {
    let directory = Scratch::new();
    let server = Server::start(directory.path());
    one_sentence(&serve(directory.path(), "data", &[]), "data");
    assert_eq!(server.client(Credentials::Nobody).get("/healthz").status, 200, "the first one is not disturbed");
    server.first_client().post("/zones", &json!({"name": "example.com"})).ok();
}

#[test]
fn a_damaged_store_is_one_sentence() {
    let directory = Scratch::new();
    Server::start(directory.path()).end("TERM");
    let store = directory.join("data/waymark.sqlite");
    let whole = std::fs::read(&store).unwrap();
    let mut headless = whole.clone();
    headless[..100].fill(b'x');
    let mut torn = whole.clone();
    torn[4096..].fill(0x55);
    for damaged in [b"this is no database, whatever its name says".to_vec(), headless, torn] {
        std::fs::write(&store, &damaged).unwrap();
        one_sentence(&serve(directory.path(), "data", &[]), "waymark.sqlite");
    }
    std::fs::write(&store, whole).unwrap();
    Server::start(directory.path());
}

#[test]
fn a_store_that_is_gone_is_not_begun_anew() {
    let directory = Scratch::new();
    let server = Server::start(directory.path());
    server.first_client().post("/zones", &json!({"name": "example.com"})).ok();
    server.end("TERM");
    let store = directory.join("data/waymark.sqlite");
    let whole = std::fs::read(&store).unwrap();
    // The second refusal shows that the first has left the edge's file as it was: perhaps the last copy there is.
    for gone in [true, false] {
        match gone {
            true => std::fs::remove_file(&store).unwrap(),
            false => std::fs::write(&store, "").unwrap(),
        }
        one_sentence(&serve(directory.path(), "data", &[]), "waymark.sqlite");
    }
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(directory.join(&format!("data/waymark.sqlite{suffix}")));
    }
    std::fs::write(&store, whole).unwrap();
    let server = Server::start(directory.path());
    assert_eq!(dns::ask(server.dns(), dns::Over::Udp, "example.com", "SOA").answers.len(), 1);
}

#[test]
fn a_store_that_has_lost_its_end_is_served_when_an_operator_accepts_it() {
    let directory = Scratch::new();
    let store = directory.join("data/waymark.sqlite");
    let server = Server::start(directory.path());
    let mut client = server.first_client();
    client.post("/zones", &json!({"name": "kept.example"})).ok();
    let token = cli(directory.path(), &["token", "create"]);
    server.end("TERM");
    let older = std::fs::read(&store).unwrap();
    let server = Server::start(directory.path());
    server.client(Credentials::Token(token.trim().to_owned())).post("/zones", &json!({"name": "lost.example"})).ok();
    server.end("TERM");
    std::fs::write(&store, older).unwrap();
    one_sentence(&serve(directory.path(), "data", &[]), "waymark recover");
    cli(directory.path(), &["recover"]);
    let server = Server::start(directory.path());
    let answers = |name: &str| dns::ask(server.dns(), dns::Over::Udp, name, "SOA").answers.len();
    assert_eq!((answers("kept.example"), answers("lost.example")), (1, 0));
}

#[test]
fn a_damaged_edge_file_is_made_again() {
    let directory = Scratch::new();
    let server = Server::start(directory.path());
    server.first_client().post("/zones", &json!({"name": "example.com"})).ok();
    server.end("TERM");
    std::fs::write(directory.join("data/edge.redb"), "this is no edge file").unwrap();
    let server = Server::start(directory.path());
    assert_eq!(dns::ask(server.dns(), dns::Over::Udp, "example.com", "SOA").answers.len(), 1);
}

#[test]
fn the_command_line_speaks_to_the_server_and_without_one_to_the_store() {
    let directory = Scratch::new();
    let server = Server::start(directory.path());
    let mut client = server.first_client();
    let zone = text_of(&client.post("/zones", &json!({"name": "example.com"})).ok()["id"]);
    let ask = |server: &Server| {
        let told = line(&dns::ask(server.dns(), dns::Over::Udp, "example.com", "SOA"));
        told.split(' ').next().unwrap().trim_end_matches(',').to_owned()
    };
    assert_eq!(ask(&server), "NOERROR");
    let listed = cli(directory.path(), &["zone", "list"]);
    assert!(listed.contains("example.com") && listed.contains("pending"), "{listed}");
    let octets = |listed: &str| -> Option<u64> {
        let line = listed.lines().find(|line| line.contains("  example.com  ")).unwrap();
        line.split_whitespace().nth(2).unwrap().parse().ok()
    };
    let held = octets(&listed).unwrap();
    assert!((40..10_000).contains(&held), "an empty zone takes {held} octets");
    let long = json!({"name": "long", "type": "TXT", "content": format!("\"{}\"", "x".repeat(200)), "ttl": 300});
    client.post(&format!("/zones/{zone}/dns_records"), &long).ok();
    let grown = octets(&cli(directory.path(), &["zone", "list"])).unwrap() - held;
    assert!((200..500).contains(&grown), "a record of 200 octets takes {grown}");
    let total = cli(directory.path(), &["status"]);
    assert!(total.lines().any(|line| line.starts_with("serves") && line.ends_with(" octets")), "{total}");
    cli(directory.path(), &["zone", "status", "example.com", "active"]);
    assert_eq!(client.get("/zones").ok()[0]["status"], "active", "what the command did, the server has");
    let token = cli(directory.path(), &["token", "create"]);
    assert_eq!(server.client(Credentials::Token(token.trim().to_owned())).get("/zones").ok()[0]["name"], "example.com");
    let account: Value =
        serde_json::from_str(&cli(directory.path(), &["account", "create", "Second", "--json"])).unwrap();
    assert!(account.to_string().contains("Second"));
    let status: Value = serde_json::from_str(&cli(directory.path(), &["status", "--json"])).unwrap();
    assert_eq!(status["status"]["running"], true);
    server.end("TERM");
    let status: Value = serde_json::from_str(&cli(directory.path(), &["status", "--json"])).unwrap();
    assert_eq!(status["status"]["running"], false);
    assert!(cli(directory.path(), &["account", "list"]).contains("Second"));
    assert_eq!(octets(&cli(directory.path(), &["zone", "list"])), None, "no server, no catalog");
    let listed = cli(directory.path(), &["zone", "status", "example.com", "pending"]);
    assert!(listed.contains("pending"), "{listed}");
    let offline = cli(directory.path(), &["token", "create"]);
    let server = Server::start(directory.path());
    let zones = server.client(Credentials::Token(offline.trim().to_owned())).get("/zones").ok();
    assert_eq!(zones[0]["status"], "pending", "what was done without a server, the next one has");
}

#[test]
fn the_command_line_says_what_it_cannot_do() {
    let directory = Scratch::new();
    let nothing = run(directory.path(), &["--data-dir", "nowhere", "zone", "list"]);
    one_sentence(&nothing, "nowhere");
    assert!(!directory.join("nowhere").exists(), "a question makes no data directory");
    let server = Server::start(directory.path());
    one_sentence(
        &run(directory.path(), &["--data-dir", "data", "zone", "status", "nowhere.test", "active"]),
        "nowhere.test",
    );
    drop(server);
    let unknown = run(directory.path(), &["serv"]);
    assert!(!unknown.status.success() && text(&unknown.stderr).contains("serve"), "{}", text(&unknown.stderr));
}

#[test]
fn log_lines_are_objects_when_asked_for() {
    let directory = Scratch::new();
    let server = Server::start_with(directory.path(), &["--set", "log.format=json"]);
    let (_, _, log) = server.end("TERM");
    assert!(log.lines().count() >= 2, "{log}");
    for line in log.lines() {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"));
        assert!(object["level"].is_string() && object["timestamp"].is_string(), "{line}");
    }
}

#[test]
fn a_log_that_cannot_be_written_disturbs_nobody() {
    let directory = Scratch::new();
    // Every write to this device fails as on a full disk.
    let server = Server::start_by(directory.path(), &["--set", "log.level=trace"], |command| {
        let mut wrapped = Command::new("sh");
        wrapped.args(["-c", "exec \"$0\" \"$@\" 2>/dev/full", binary()]).args(command.get_args());
        wrapped.current_dir(directory.path());
        wrapped
    });
    let mut client = server.first_client();
    client.post("/zones", &json!({"name": "example.com"})).ok();
    assert_eq!(client.get("/nowhere").status, 404);
    assert_eq!(line(&dns::ask(server.dns(), dns::Over::Udp, "example.com", "A")), "NOERROR, aa");
    assert!(server.end("TERM").0.success());
}

#[test]
fn a_start_that_is_interrupted_ends() {
    let directory = Scratch::new();
    let arguments = ["serve", "--data-dir", "data", "--api-listen", "127.0.0.1:0", "--dns-listen", "127.0.0.1:0"];
    let mut program = Program::spawn(&mut command(directory.path(), &arguments));
    program.signal("KILL");
    program.wait();
    // Killed at whatever point of its first start: the next one goes on from there.
    let server = Server::start_with(directory.path(), &[]);
    assert_eq!(server.client(Credentials::Nobody).get("/healthz").status, 200);
    let version = Command::new(binary()).arg("--version").output().unwrap();
    assert!(text(&version.stdout).starts_with("waymark "));
}
