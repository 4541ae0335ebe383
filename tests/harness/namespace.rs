//! A network of a test's own: nothing in it but loopback, every port free, and routes that nobody else sees.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use super::program::{Program, binary};

/// See the module. Needs root, as `ip route` does.
pub(crate) struct Namespace {
    holder: Child,
}

impl Namespace {
    pub(crate) fn new() -> Self {
        // It lives as long as its standard input is open.
        let mut holder = Command::new("unshare")
            .args(["--net", "sh", "-c", "ip link set lo up && echo there && exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare (bash tools/packages installs it)");
        let mut line = String::new();
        BufReader::new(holder.stdout.take().expect("a pipe")).read_line(&mut line).unwrap();
        assert_eq!(line, "there\n", "a network namespace needs root");
        Self { holder }
    }

    /// A command that runs in it, in this directory.
    pub(crate) fn command(&self, directory: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.holder.id())).args(arguments);
        command.current_dir(directory).stdin(Stdio::null());
        command
    }

    /// Runs a command in it to its end.
    pub(crate) fn run(&self, directory: &Path, arguments: &[&str]) -> Output {
        super::program::output(self.command(directory, arguments))
    }

    /// What a command in it says; it must succeed.
    pub(crate) fn told(&self, directory: &Path, arguments: &[&str]) -> String {
        let output = self.run(directory, arguments);
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    /// `waymark serve` in it, ready.
    pub(crate) fn serve(&self, directory: &Path, wrap: &[&str], more: &[&str]) -> Program {
        let serve = ["serve", "--data-dir", "data"];
        let own = [binary()];
        let program = if wrap.is_empty() { &own[..] } else { wrap };
        let program = Program::spawn(&mut self.command(directory, &[program, &serve, more].concat()));
        assert!(program.says(" is running."), "{}\n{}", program.stdout(), program.stderr());
        program
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
