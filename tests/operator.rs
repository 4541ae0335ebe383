//! What an operator does by commands about accounts, tokens and zones: the API and DNS see it at once.

use serde_json::{Value, json};

use crate::harness::dns::{self, Over};
use crate::harness::program::{Server, run};
use crate::harness::{Credentials, Scratch};

/// A directory with a server in it.
struct Site {
    directory: Scratch,
    server: Server,
}

impl Site {
    fn new() -> Self {
        let directory = Scratch::new();
        let server = Server::start(directory.path());
        Self { directory, server }
    }

    fn told(&self, arguments: &[&str]) -> String {
        let output = run(self.directory.path(), &[&["--data-dir", "data"], arguments].concat());
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What is inside of the outcome, whatever it is called.
    fn json(&self, arguments: &[&str]) -> Value {
        let told = self.told(&[arguments, &["--json"]].concat());
        let outcome: Value = serde_json::from_str(&told).unwrap();
        outcome.as_object().unwrap().values().next().unwrap().clone()
    }

    /// The sentence of a refusal.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = run(self.directory.path(), &[&["--data-dir", "data"], arguments].concat());
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), told.lines().count()), (Some(1), 1), "{arguments:?}: {told}");
        told
    }

    /// The status of a request with this token.
    fn status(&self, token: &str, method: &str, path: &str, body: &Value) -> u16 {
        let body = body.to_string();
        let body = (method != "GET").then_some(body.as_bytes());
        self.server.client(Credentials::Token(token.trim().to_owned())).send(method, path, body).status
    }

    fn rcode(&self, name: &str) -> String {
        let line = dns::line(&dns::ask(self.server.dns(), Over::Udp, name, "SOA"));
        line.split(',').next().unwrap().to_owned()
    }
}

#[test]
fn tokens_allow_what_they_say_until_they_are_ended() {
    let site = Site::new();
    let zone = json!({"name": "example.com"});
    let reads = site.told(&["token", "create", "--name", "reads", "--read-only", "--expires", "2999-01-01"]);
    assert_eq!(site.status(&reads, "GET", "/zones", &Value::Null), 200);
    assert_eq!(site.status(&reads, "POST", "/zones", &zone), 403);
    let writes = site.told(&["token", "create", "--permission", "zone-edit", "--permission", "account-read"]);
    assert_eq!(site.status(&writes, "POST", "/zones", &zone), 200);
    let over = site.told(&["token", "create", "--name", "over", "--expires", "2001-01-01T00:00:00Z"]);
    assert_ne!(site.status(&over, "GET", "/zones", &Value::Null), 200);
    let listed = site.json(&["token", "list"]);
    let line = |name: &str| listed.as_array().unwrap().iter().find(|line| line["name"] == name).unwrap();
    assert_eq!(line("reads")["permissions"], json!(["zone-read", "dns-read", "account-read", "user-read"]));
    assert_eq!((&line("reads")["status"], &line("over")["status"]), (&json!("active"), &json!("expired")));
    assert!(!listed.to_string().contains(reads.trim()), "no secret is kept");
    let id = line("reads")["id"].as_str().unwrap();
    let rolled = site.told(&["token", "roll", id]);
    assert_ne!(site.status(&reads, "GET", "/zones", &Value::Null), 200, "the old secret is good for nothing");
    assert_eq!(site.status(&rolled, "GET", "/zones", &Value::Null), 200);
    site.told(&["token", "revoke", id]);
    assert_ne!(site.status(&rolled, "GET", "/zones", &Value::Null), 200);
    assert!(site.refused(&["token", "revoke", id]).contains("token not found"));
    assert!(site.refused(&["token", "roll", "x"]).contains("waymark token list"));
    assert!(site.refused(&["token", "create", "--expires", "soon"]).contains("2030-01-01"));
    let wrong = run(site.directory.path(), &["token", "create", "--permission", "everything"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn accounts_are_found_by_name_or_id() {
    let site = Site::new();
    let made = site.json(&["account", "create", "Example Ltd"]);
    let id = made[0]["id"].as_str().unwrap();
    site.told(&["zone", "create", "example.com", "--account", "Example Ltd"]);
    site.told(&["account", "rename", "Example Ltd", "Example Inc"]);
    for name in ["Example Inc", id] {
        let shown = site.json(&["account", "show", name]);
        assert_eq!((&shown["id"], &shown["name"], &shown["zones"]), (&json!(id), &json!("Example Inc"), &json!(1)));
    }
    assert!(site.refused(&["account", "show", "Example Ltd"]).contains("waymark account list"));
    assert!(site.refused(&["account", "rename", id, " "]).contains("name"));
    assert!(site.refused(&["zone", "create", "example.net"]).contains("--account"), "there are two");
    site.told(&["account", "create", "Example Inc"]);
    assert!(site.refused(&["account", "show", "Example Inc"]).contains(id), "two of one name: the ids are told");
}

#[test]
fn zones_are_made_shown_and_deleted() {
    let site = Site::new();
    let made = site.json(&["zone", "create", "example.com"]);
    assert_eq!((&made[0]["status"], made[0]["name_servers"].as_array().unwrap().len()), (&json!("pending"), 2));
    site.told(&["zone", "create", "example.net", "--activate"]);
    let shown = site.json(&["zone", "show", "example.net"]);
    assert_eq!((&shown["status"], &shown["proven"]), (&json!("active"), &json!(false)));
    assert_eq!((site.rcode("example.com"), site.rcode("example.net")), ("NOERROR".to_owned(), "NOERROR".to_owned()));
    assert!(site.told(&["zone", "show", "example.com"]).contains("nameservers  "));
    assert!(site.refused(&["zone", "create", "example.com"]).contains("example.com"));
    site.told(&["zone", "delete", "example.net"]);
    assert_eq!(site.rcode("example.net"), "REFUSED");
    assert!(site.refused(&["zone", "show", "example.net"]).contains("example.net"));
    assert!(site.refused(&["zone", "delete", "waymark.test"]).contains("cannot be deleted"));
    assert_eq!(site.rcode("waymark.test"), "NOERROR");
}
