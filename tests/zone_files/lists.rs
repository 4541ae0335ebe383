//! `zone list`, `zone export --all` and `zone dump`, with a server and without one.

use serde_json::Value;

use super::text;
use crate::harness::program::{Server, run};
use crate::harness::{Scratch, dns};

struct Place(Scratch);

impl Place {
    fn zone(&self, arguments: &[&str]) -> String {
        let output = run(self.0.path(), &[&["--data-dir", "data", "zone"], arguments].concat());
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn import(&self, zones: usize) {
        std::fs::create_dir(self.0.join("files")).expect("a directory");
        for number in 0..zones {
            let file = format!("$TTL 300\nwww A 192.0.2.1\n* CNAME www\nz A 192.0.2.{}\n", number % 200);
            std::fs::write(self.0.join("files").join(format!("zone{number}.example")), file).expect("a file");
        }
        self.zone(&["import", "files", "--quiet"]);
    }

    fn names(&self, arguments: &[&str]) -> Vec<String> {
        let listed = self.zone(&[&["list"], arguments].concat());
        // id, status, octets, records, name
        listed.lines().map(|line| line.split_whitespace().nth(4).expect("a name").to_owned()).collect()
    }
}

#[test]
fn a_list_has_all_zones_in_order_or_those_that_are_asked_for() {
    let place = Place(Scratch::new());
    let mut server = Some(Server::start(place.0.path()));
    // More than are read at a time.
    place.import(1100);
    place.zone(&["status", "zone7.example", "active"]);
    let mut expected: Vec<String> = (0..1100).map(|number| format!("zone{number}.example")).collect();
    expected.sort();
    for running in [true, false] {
        assert_eq!(place.names(&["*.example"]), expected);
        assert_eq!(place.names(&["zone10*.example"]).len(), 1 + 10 + 100);
        assert_eq!(place.names(&["zone1099.example"]), ["zone1099.example"]);
        assert_eq!(place.names(&["*.example", "--status", "active"]), ["zone7.example"]);
        assert!(place.names(&["nothing.example"]).is_empty());
        let listed: Value = serde_json::from_str(&place.zone(&["list", "zone7.example", "--json"])).expect("JSON");
        let zone = &listed["zones"][0];
        assert_eq!((&zone["records"], zone["octets"].is_u64()), (&Value::from(3), running), "{zone}");
        let none: Value = serde_json::from_str(&place.zone(&["list", "nothing.example", "--json"])).expect("JSON");
        assert_eq!(none["zones"], Value::Array(Vec::new()));
        if running {
            let refused = run(place.0.path(), &["--data-dir", "data", "zone", "list", "--status", "x"]);
            assert!(!refused.status.success() && text(&refused.stderr).contains("status"));
        }
        if let Some(server) = server.take() {
            server.end("TERM");
        }
    }
}

#[test]
fn all_zones_are_exported_to_a_directory_and_come_back() {
    let place = Place(Scratch::new());
    let server = Server::start(place.0.path());
    place.import(30);
    place.zone(&["export", "--all", "--output", "out"]);
    let mut files: Vec<String> = std::fs::read_dir(place.0.join("out"))
        .expect("the directory")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    let mut expected: Vec<String> = (0..30).map(|number| format!("zone{number}.example.zone")).collect();
    expected.sort();
    assert_eq!(files, expected, "the platform's own zone is not there, and no half file");
    let first = std::fs::read_to_string(place.0.join("out/zone3.example.zone")).expect("a file");
    assert_eq!(place.zone(&["export", "zone3.example"]), first);
    place.zone(&["export", "zone3.example", "--output", "one"]);
    assert_eq!(std::fs::read_to_string(place.0.join("one")).expect("a file"), first);
    server.end("TERM");
    place.zone(&["export", "--all", "--output", "out2"]);
    assert_eq!(std::fs::read_to_string(place.0.join("out2/zone3.example.zone")).expect("a file"), first);
    place.zone(&["import", "out"]);
}

#[test]
fn a_dump_is_what_the_world_sees() {
    let place = Place(Scratch::new());
    let server = Server::start(place.0.path());
    place.import(1);
    let zone = "zone0.example";
    let mut client = server.first_client();
    let id = client.get("/zones?name=zone0.example").ok()[0]["id"].as_str().expect("an id").to_owned();
    for number in 0..3 {
        let record = serde_json::json!({"name": format!("n{number}"), "type": "A", "content": "192.0.2.9", "ttl": 1});
        client.post(&format!("/zones/{id}/dns_records"), &record).ok();
        // Right after the reply, as DNS does: the file is written behind the catalog, and this asks for it.
        let dumped = place.zone(&["dump", zone]);
        let lines: Vec<&str> = dumped.lines().collect();
        let soa = dns::ask(server.dns(), dns::Over::Udp, zone, "SOA");
        assert_eq!(lines[0].split('\t').nth(4), Some(&*soa.answers[0].rdata.to_string()), "the served serial");
        assert!(lines[1..3].iter().all(|line| line.contains("\tNS\t")), "{dumped}");
        let owners: Vec<&str> = lines[3..].iter().map(|line| line.split('\t').next().unwrap()).collect();
        let mut expected = vec!["*.zone0.example.".to_owned()];
        expected.extend((0..=number).map(|number| format!("n{number}.zone0.example.")));
        expected.extend(["www.zone0.example.", "z.zone0.example."].map(str::to_owned));
        assert_eq!(owners, expected, "canonical order");
        assert!(dumped.contains("n0.zone0.example.\t300\tIN\tA\t192.0.2.9"), "automatic is what is answered: {dumped}");
    }
    let running = place.zone(&["dump", zone]);
    server.end("TERM");
    assert_eq!(place.zone(&["dump", zone]), running);
    place.zone(&["dump", zone, "--output", "dumped"]);
    assert_eq!(std::fs::read_to_string(place.0.join("dumped")).expect("a file"), running);
    std::fs::remove_file(place.0.join("data/edge.redb")).expect("the edge's file");
    let refused = run(place.0.path(), &["--data-dir", "data", "zone", "dump", zone]);
    assert!(!refused.status.success() && text(&refused.stderr).contains("edge's file"), "{}", text(&refused.stderr));
    assert!(!place.0.join("data/edge.redb").exists(), "looking at it does not make it");
}
