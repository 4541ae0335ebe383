//! Zone files in and out: what a file says is what DNS answers, and what is exported says the same again.
//!
//! Every shape goes through the command line and the API, and out again; `named-checkzone` reads every export. Bad
//! files, interrupted imports and killed servers are in the files below. What dnspython says of all of it is in
//! `interop/zone_files.py`.

mod bad;
mod broken_off;
mod lists;
mod shapes;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use waymark::config::{Config, Limit};

use crate::harness::program::run;
use crate::harness::{Client, Node, Scratch, dns};
use shapes::Shape;

/// A node and its command line.
struct Site {
    node: Node,
    directory: Scratch,
    data: String,
}

impl Site {
    fn start() -> Self {
        Self::start_with(|_| {})
    }

    fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let node = Node::start_with(|config, _| {
            config.limits.imports_per_minute = Limit(0);
            change(config);
        });
        let data = node.inner().directory().path().to_string_lossy().into_owned();
        Self { node, directory: Scratch::new(), data }
    }

    fn cli(&self, arguments: &[&str]) -> Output {
        run(self.directory.path(), &[&["--data-dir", &self.data, "zone"], arguments].concat())
    }

    /// Standard output of a command that must succeed.
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.cli(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.directory.join(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// Imports a text by the command line.
    fn import(&self, apex: &str, text: &str) -> Value {
        self.write(apex, text);
        summary(&self.done(&["import", apex, "--activate", "--json"]))
    }

    fn export(&self, zone: &str) -> String {
        self.done(&["export", zone])
    }

    fn client(&self) -> Client {
        self.node.client()
    }

    fn delete(&self, apex: &str) {
        let id = self.client().get(&format!("/zones?name={apex}")).ok()[0]["id"].as_str().expect("an id").to_owned();
        self.client().delete(&format!("/zones/{id}")).ok();
    }

    /// Makes a zone and imports a text by the API.
    fn import_by_api(&self, apex: &str, text: &str) -> (String, Value) {
        let mut client = self.client();
        let made = client.post("/zones", &json!({"name": apex, "account": {"id": self.node.first().id}})).ok();
        let path = format!("/zones/{}/dns_records", made["id"].as_str().expect("an id"));
        let answer = client.post_form(&format!("{path}/import"), &[("file", text), ("proxied", "false")]);
        let messages = answer.json()["messages"].clone();
        let skipped = messages.as_array().expect("messages").iter();
        let left_out: Vec<_> = skipped.filter(|one| !one.to_string().contains("SOA and NS records")).collect();
        assert!(left_out.is_empty(), "{left_out:?}");
        (path, answer.ok())
    }

    fn check_answers(&self, shape: &Shape) {
        for (owner, kind, expected) in &shape.answers {
            let name = if owner == "@" { shape.apex.to_owned() } else { format!("{owner}.{}", shape.apex) };
            let reply = dns::ask(self.node.dns(), dns::Over::Tcp, &name, kind);
            let mut found = dns::data(&reply.answers, &name, kind);
            if found.is_empty() {
                found = dns::data(&reply.authority, &name, kind);
            }
            let mut expected = expected.clone();
            expected.sort();
            assert_eq!(found, expected, "{name} {kind}");
        }
    }
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).expect("text")
}

/// What an import with `--json` has come to.
fn summary(text: &str) -> Value {
    serde_json::from_str::<Value>(text).unwrap_or_else(|why| panic!("{why}: {text}"))["import"].clone()
}

/// BIND reads it and finds nothing wrong.
fn check_zone(apex: &str, file: &Path) {
    let output = Command::new("named-checkzone").args(["-i", "local", apex]).arg(file).output();
    let output = output.expect("named-checkzone; tools/packages installs it");
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

/// In and out by every way there is.
fn round_trip(shape: &Shape) {
    let site = Site::start();
    let imported = site.import(shape.apex, &shape.text);
    assert_eq!((&imported["zones_made"], &imported["lines_refused"]), (&json!(1), &json!(0)), "{imported}");
    site.check_answers(shape);
    let first = site.export(shape.apex);
    check_zone(shape.apex, &site.write("exported", &first));
    let again = site.import(shape.apex, &shape.text);
    assert_eq!((&again["zones_merged"], &again["records_added"]), (&json!(1), &json!(0)), "what is there stays");

    site.delete(shape.apex);
    let from_export = site.import(shape.apex, &first);
    assert_eq!(from_export["records_added"], imported["records_added"], "an export says all there is");
    assert_eq!(site.export(shape.apex), first, "and says it again in the same way");
    site.check_answers(shape);
    if shape.api {
        round_trip_by_api(&site, shape, &imported, &first);
    }
}

fn round_trip_by_api(site: &Site, shape: &Shape, imported: &Value, exported: &str) {
    for text in [&shape.text, exported] {
        site.delete(shape.apex);
        let (path, result) = site.import_by_api(shape.apex, text);
        assert_eq!(result["recs_added"], imported["records_added"]);
        let answer = site.client().get(&format!("{path}/export"));
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/plain; charset=utf-8")));
        assert_eq!(answer.text(), exported, "both ways lead to the same zone");
        site.check_answers(shape);
    }
}

macro_rules! shapes {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                round_trip(&shapes::$name());
            }
        )*
        /// So that none is forgotten.
        const SHAPES: usize = [$(stringify!($name)),*].len();
    };
}

shapes!(
    dkim,
    mail,
    services,
    wildcards,
    many_mx,
    idn,
    underscores,
    long_labels,
    long_names,
    delegation,
    origins,
    multi_line,
    carriage_returns,
    generated,
    every_type,
    other_types,
    strings,
    attributes,
    many_lines,
);

#[test]
fn every_shape_has_a_test() {
    assert_eq!(shapes::all().len(), SHAPES);
}

/// Imports every shape into the server of this directory, and writes what comes out: `originals`, `exports` and
/// `dumps`, a file for each zone.
pub(crate) fn in_and_out(directory: &Scratch) {
    let zone = |arguments: &[&str]| {
        let output = run(directory.path(), &[&["--data-dir", "data", "zone"], arguments].concat());
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    };
    for name in ["originals", "dumps"] {
        std::fs::create_dir(directory.join(name)).expect("a directory");
    }
    for shape in shapes::all() {
        std::fs::write(directory.join("originals").join(shape.apex), shape.text).expect("a file");
    }
    zone(&["import", "originals", "--activate"]);
    zone(&["export", "--all", "--output", "exports"]);
    for shape in shapes::all() {
        zone(&["dump", shape.apex, "--output", &format!("dumps/{}", shape.apex)]);
    }
}
