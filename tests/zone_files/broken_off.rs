//! Imports beside other work, and imports that are broken off: by a signal, by the death of the command, by the death
//! of the server.

use std::io::Write;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use super::{Site, summary, text};
use crate::harness::program::{Program, Server, command, run};
use crate::harness::{Scratch, dns};

const RECORDS: u32 = 30_000;
const FILES: usize = 300;

fn large(apex: &str) -> String {
    let line = |number: u32| format!("h{number} A 10.0.{}.{}\n", number / 256, number % 256);
    format!("$ORIGIN {apex}.\n$TTL 300\n{}", (0..RECORDS).map(line).collect::<String>())
}

fn small(number: usize) -> String {
    format!("$TTL 300\nwww A 192.0.2.1\nmail A 192.0.2.2\nnumber TXT \"{number}\"\n")
}

/// Many small files and a large one among them.
fn write_files(directory: &Scratch) {
    let files = directory.join("files");
    std::fs::create_dir(&files).expect("a directory");
    for number in 0..FILES {
        std::fs::write(files.join(format!("z{number:03}.test")), small(number)).expect("a file");
    }
    std::fs::write(files.join("z150large.test"), large("z150large.test")).expect("a file");
}

/// Names, statuses and numbers of records.
fn zones(directory: &Scratch) -> Vec<(String, String, u64)> {
    let output = run(directory.path(), &["--data-dir", "data", "zone", "list", "*.test", "--json"]);
    let listed: Value = serde_json::from_str(&text(&output.stdout)).expect("JSON");
    let zones = listed["zones"].as_array().expect("zones").iter().filter(|zone| zone["name"] != "waymark.test");
    let word = |value: &Value| value.as_str().expect("a text").to_owned();
    zones.map(|zone| (word(&zone["name"]), word(&zone["status"]), zone["records"].as_u64().unwrap())).collect()
}

#[test]
fn the_api_goes_on_writing_while_files_are_imported() {
    let site = Site::start();
    let mut zone = site.node.zone("written.test");
    write_files(&site.directory);
    let done = AtomicBool::new(false);
    let written = thread::scope(|scope| {
        let import = scope.spawn(|| {
            let import = summary(&site.done(&["import", "files", "--json"]));
            done.store(true, Ordering::Relaxed);
            import
        });
        let mut written = 0;
        while !done.load(Ordering::Relaxed) {
            zone.record(&format!("w{written}"), "A", "192.0.2.1");
            assert_eq!(dns::line(&zone.ask(dns::Over::Udp, &format!("w{written}"), "A")), "NOERROR, aa, A 192.0.2.1");
            written += 1;
        }
        let import = import.join().expect("the import");
        assert_eq!(import["records_added"], json!(u64::from(RECORDS) + 3 * FILES as u64), "{import}");
        written
    });
    assert!(written > 0);
    assert!(site.done(&["export", "written.test"]).contains(&format!("w{}.written.test.", written - 1)));
}

/// A command that imports a file and then waits for a named pipe, which does not end.
struct Waiting {
    program: Program,
    pipe: std::fs::File,
}

impl Waiting {
    fn start(directory: &Scratch) -> Self {
        std::fs::write(directory.join("first.test"), small(1)).expect("a file");
        let path = directory.join("second.test");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
        let arguments = ["--data-dir", "data", "zone", "import", "first.test", "second.test"];
        let program = Program::spawn(&mut command(directory.path(), &arguments));
        let mut pipe = std::fs::File::options().write(true).open(&path).expect("a pipe that is read");
        pipe.write_all(b"www 300 A 192.0.2.1\n").unwrap();
        while zones(directory).is_empty() {
            thread::yield_now();
        }
        Self { program, pipe }
    }
}

#[test]
fn an_interrupted_import_keeps_what_is_whole_and_says_so() {
    let directory = Scratch::new();
    let server = Server::start(directory.path());
    let Waiting { mut program, pipe } = Waiting::start(&directory);
    program.signal("INT");
    assert_eq!(program.wait().code(), Some(1));
    assert!(program.stdout().contains("1 made"), "{}", program.stdout());
    assert!(program.stderr().contains("interrupted"), "{}", program.stderr());
    assert_eq!(zones(&directory), [("first.test".to_owned(), "pending".to_owned(), 3)]);
    drop((pipe, server));
}

#[test]
fn a_command_that_dies_leaves_the_server_well() {
    let directory = Scratch::new();
    let server = Server::start(directory.path());
    let Waiting { mut program, pipe } = Waiting::start(&directory);
    program.signal("KILL");
    program.wait();
    drop(pipe);
    // One import at a time: this one has its turn only if that of the dead one is over.
    std::fs::write(directory.join("third.test"), small(3)).expect("a file");
    let output = run(directory.path(), &["--data-dir", "data", "zone", "import", "third.test"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let names: Vec<String> = zones(&directory).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["first.test", "third.test"], "nothing of the file that was not whole");
    drop(server);
}

#[test]
fn standard_input_that_does_not_end_holds_up_nobody_and_an_import_that_waits_says_so() {
    let directory = Scratch::new();
    let server = Server::start(directory.path());
    // While this one has not read its input to its end it has not even connected.
    let (reader, mut stdin) = std::io::pipe().expect("a pipe");
    let arguments = ["--data-dir", "data", "zone", "import", "-", "--origin", "typed.test"];
    let mut typed = Program::spawn(command(directory.path(), &arguments).stdin(Stdio::from(reader)));
    stdin.write_all(small(0).as_bytes()).unwrap();
    // This one has the turn and keeps it: it is the first, or it would not have it.
    let Waiting { program: mut slow, mut pipe } = Waiting::start(&directory);
    drop(stdin);
    let waiting = "waiting for another import to end";
    while !typed.stderr().contains(waiting) {
        std::thread::yield_now();
    }
    pipe.write_all(b"mail 300 A 192.0.2.2\n").unwrap();
    drop(pipe);
    assert!(slow.wait().success() && typed.wait().success(), "{}{}", slow.stderr(), typed.stderr());
    assert!(!slow.stderr().contains(waiting));
    let names: Vec<String> = zones(&directory).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["first.test", "second.test", "typed.test"]);
    drop(server);
}

/// Killed as soon as so many zones are there: in the middle of small files, and in the middle of the large one.
#[test]
fn an_import_into_a_server_that_is_killed_is_completed_by_the_next() {
    for zones_before in [20, 151] {
        let directory = Scratch::new();
        let mut server = Server::start(directory.path());
        write_files(&directory);
        let arguments = ["--data-dir", "data", "zone", "import", "files"];
        let mut import = Program::spawn(&mut command(directory.path(), &arguments));
        while zones(&directory).len() < zones_before {
            thread::yield_now();
        }
        server.program.signal("KILL");
        server.program.wait();
        let whole = import.wait().success();
        assert!(whole || import.stderr().contains("ended early"), "{}", import.stderr());
        drop(server);

        let server = Server::start(directory.path());
        let output = run(directory.path(), &[&arguments[..], &["--activate", "--json"]].concat());
        let import = summary(&text(&output.stdout));
        assert!(output.status.success(), "{}", text(&output.stderr));
        let records = import["records_added"].as_u64().unwrap() + import["records_unchanged"].as_u64().unwrap();
        assert_eq!(records, u64::from(RECORDS) + 3 * FILES as u64);
        let expected = |name: &str| if name == "z150large.test" { u64::from(RECORDS) } else { 3 };
        let zones = zones(&directory);
        assert_eq!(zones.len(), FILES + 1);
        for (name, status, records) in zones {
            assert_eq!((status.as_str(), records), ("active", expected(&name)), "{name}");
        }
        for name in ["www.z000.test", "www.z299.test", "h0.z150large.test", "h29999.z150large.test"] {
            assert!(dns::line(&dns::ask(server.dns(), dns::Over::Udp, name, "A")).starts_with("NOERROR, aa, A "));
        }
    }
}
