//! The documents by task: what they tell a reader to type is typed here, word by word and in their order.
//!
//! A block of a document is marked by what becomes of it:
//!
//! ```text
//!  sh run     runs to its end and must succeed; variables live on from block to block
//!  sh serve   starts a server, which is waited for
//!  sh stop    ends it; $SERVER is its process
//!  sh build   not run: the tests were built that way
//! ```
//!
//! Each document has a directory and a network of its own, so that default ports are free.

use std::path::Path;

use clap::{Command, CommandFactory};
use waymark::cli::Cli;

use crate::harness::program::{binary, output};
use crate::harness::{Namespace, Scratch};
use crate::tidy::root;

const MARKS: [&str; 4] = ["sh run", "sh serve", "sh stop", "sh build"];

/// Waits for the server that was just started, or gives up when it has ended.
const AWAIT: &str = "\
until grep -q ' is running' served; do kill -0 $SERVER 2>/dev/null || { cat served; exit 1; }; sleep 0.05; done\n";
const END: &str =
    "\nif [ -n \"${SERVER:-}\" ]; then kill $SERVER 2>/dev/null || true; wait $SERVER || true; SERVER=; fi\n";

struct Block {
    mark: String,
    text: String,
}

fn blocks(document: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for line in document.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(mark)) => open = Some(Block { mark: mark.to_owned(), text: String::new() }),
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => block.text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    found
}

/// The document as a shell script.
fn script(document: &str) -> String {
    let mut script = "set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n".to_owned();
    for block in blocks(document) {
        match block.mark.as_str() {
            "sh run" => script += &block.text,
            "sh serve" => {
                let command = block.text.trim();
                script += &format!("{END}: > served\n{command} >> served 2>&1 &\nSERVER=$!\n{AWAIT}");
            }
            "sh stop" => script += &format!("{}wait $SERVER || true\nSERVER=\n", block.text),
            _ => {}
        }
    }
    script + END
}

fn text_of(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// Runs what the document says.
fn follow(name: &str) {
    let document = text_of(&root().join("docs").join(name));
    let (network, directory) = (Namespace::new(), Scratch::new());
    std::fs::create_dir(directory.join("bin")).unwrap();
    std::os::unix::fs::symlink(binary(), directory.join("bin/waymark")).unwrap();
    std::fs::create_dir(directory.join("work")).unwrap();
    let mut command = network.command(&directory.join("work"), &["sh", "-c", &script(&document)]);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", directory.join("bin").display()));
    let output = output(command);
    let said = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    assert!(output.status.success(), "docs/{name}:\n{}\n{}", said(&output.stdout), said(&output.stderr));
}

#[test]
fn the_first_hour_goes_as_written() {
    follow("start.md");
}

#[test]
fn importing_goes_as_written() {
    follow("import.md");
}

#[test]
fn port_53_goes_as_written() {
    follow("port-53.md");
}

#[test]
fn tls_goes_as_written() {
    follow("tls.md");
}

#[test]
fn backing_up_goes_as_written() {
    follow("backup.md");
}

#[test]
fn an_edge_alone_goes_as_written() {
    follow("edge.md");
}

#[test]
fn upgrading_goes_as_written() {
    follow("upgrade.md");
}

#[test]
fn every_shell_block_of_the_documents_is_marked() {
    for name in ["start.md", "import.md", "port-53.md", "tls.md", "backup.md", "edge.md", "upgrade.md"] {
        let document = text_of(&root().join("docs").join(name));
        let shell: Vec<Block> = blocks(&document).into_iter().filter(|block| block.mark.starts_with("sh")).collect();
        assert!(!shell.is_empty(), "{name}");
        for block in shell {
            assert!(MARKS.contains(&block.mark.as_str()), "{name}: {}", block.mark);
        }
    }
}

/// Every command, as the words that call it.
fn commands(command: &Command, called: &str, all: &mut Vec<String>) {
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        let called = format!("{called} {}", inner.get_name());
        match inner.has_subcommands() {
            true => commands(inner, &called, all),
            false => all.push(called),
        }
    }
}

#[test]
fn every_command_is_in_the_documents() {
    let directory = std::fs::read_dir(root().join("docs")).unwrap();
    let paths = directory.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "md"));
    let documents: String = paths.map(|path| text_of(&path)).collect();
    // Flags of all commands may stand in between, as in `waymark --data-dir DIR status`.
    let plain = documents.replace("--data-dir /var/lib/waymark ", "").replace("\n", " ");
    let mut all = Vec::new();
    commands(&Cli::command(), "waymark", &mut all);
    let missing: Vec<&String> = all.iter().filter(|called| !plain.contains(called.as_str())).collect();
    assert!(all.len() > 20 && missing.is_empty(), "no document tells of {missing:?}");
}
