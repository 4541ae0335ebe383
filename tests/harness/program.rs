//! The real program, as a user starts it: its output, its ports, its end.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::http::{Client, Credentials};
use super::metrics::Metrics;

/// How long the program may take to be ready, or to end, before the test is broken off.
const WAIT: Duration = Duration::from_secs(60);

/// The binary under test.
pub(crate) fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_waymark")
}

/// The binary with these arguments, in a directory without configuration, and nothing of ours in its environment.
pub(crate) fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).current_dir(directory).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("WAYMARK_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs the binary to its end. Panics if it does not come to one.
pub(crate) fn run(directory: &Path, arguments: &[&str]) -> Output {
    output(command(directory, arguments))
}

/// Runs a command of the binary to its end. Panics if it does not come to one.
pub(crate) fn output(mut command: Command) -> Output {
    let mut program = Program::spawn(&mut command);
    let status = program.wait();
    Output { status, stdout: program.stdout().into_bytes(), stderr: program.stderr().into_bytes() }
}

/// A started process, and what it has said so far.
pub(crate) struct Program {
    child: Child,
    said: Arc<Said>,
}

#[derive(Default)]
struct Said {
    text: Mutex<Text>,
    more: Condvar,
}

#[derive(Default)]
struct Text {
    stdout: String,
    stderr: String,
    ended: u8,
}

/// A server that is ready, and where it can be asked.
pub(crate) struct Server {
    pub(crate) program: Program,
    pub(crate) api: SocketAddr,
    pub(crate) dns_port: u16,
    pub(crate) bootstrap_file: PathBuf,
}

impl Program {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary can be started");
        let said = Arc::new(Said::default());
        let out = child.stdout.take().expect("a pipe");
        listen(out, Arc::clone(&said), |text| &mut text.stdout);
        let err = child.stderr.take().expect("a pipe");
        listen(err, Arc::clone(&said), |text| &mut text.stderr);
        Self { child, said }
    }

    pub(crate) fn stdout(&self) -> String {
        self.said.text.lock().unwrap().stdout.clone()
    }

    pub(crate) fn stderr(&self) -> String {
        self.said.text.lock().unwrap().stderr.clone()
    }

    /// Waits until what it has said gives something, or it has nothing more to say. None: it has ended, or the time
    /// is over.
    fn until<T>(&self, find: impl Fn(&Text) -> Option<T>) -> Option<T> {
        let until = Instant::now() + WAIT;
        let mut text = self.said.text.lock().unwrap();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match find(&text) {
                Some(found) => return Some(found),
                None if text.ended == 2 || left.is_zero() => return None,
                None => text = self.said.more.wait_timeout(text, left).unwrap().0,
            }
        }
    }

    /// Waits until standard output has this; false if it never does.
    pub(crate) fn says(&self, part: &str) -> bool {
        self.until(|text| text.stdout.contains(part).then_some(())).is_some()
    }

    /// Sends the signal of this name.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status();
        assert!(status.expect("a shell").success(), "the process {} is gone", self.child.id());
    }

    /// Waits for its end. Panics with what it has said if it does not come to one.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        // Both pipes end with the process, so there is something to wait for that has a time-out.
        let ended = self.until(|text| (text.ended == 2).then_some(()));
        if ended.is_none() {
            let _ = self.child.kill();
            panic!("the process did not end within {WAIT:?}:\n{}\n{}", self.stdout(), self.stderr());
        }
        self.child.wait().expect("a child of ours")
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(pipe: impl Read + Send + 'static, said: Arc<Said>, of: fn(&mut Text) -> &mut String) {
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            of(&mut said.text.lock().unwrap()).push_str(&String::from_utf8_lossy(&line));
            said.more.notify_all();
            line.clear();
        }
        said.text.lock().unwrap().ended += 1;
        said.more.notify_all();
    });
}

impl Server {
    /// Starts `waymark serve` in `directory` on free ports and waits until it is ready. Panics with its words if it
    /// does not come to that.
    pub(crate) fn start(directory: &Path) -> Self {
        Self::start_with(directory, &[])
    }

    /// The same with further arguments.
    pub(crate) fn start_with(directory: &Path, more: &[&str]) -> Self {
        Self::start_by(directory, more, |command| command)
    }

    /// The same by another command that `wrap` makes of the usual one.
    pub(crate) fn start_by(directory: &Path, more: &[&str], wrap: impl FnOnce(Command) -> Command) -> Self {
        let bootstrap_file = directory.join("bootstrap.json");
        let bootstrap = bootstrap_file.to_string_lossy().into_owned();
        let mut arguments = vec!["serve", "--data-dir", "data", "--api-listen", "127.0.0.1:0"];
        arguments.extend(["--dns-listen", "0.0.0.0:0", "--set", "limits.requests_per_5_minutes=0"]);
        let more_words = (!bootstrap_file.exists()).then_some("\ndig ");
        if more_words.is_some() {
            arguments.extend(["--bootstrap-file", &bootstrap]);
        }
        arguments.extend(more);
        let program = Program::spawn(&mut wrap(command(directory, &arguments)));
        // A first start says more, and three commands last.
        let all = |text: &Text| more_words.is_none_or(|last| text.stdout.contains(last));
        let ready = program.until(|text| ports(&text.stdout).filter(|_| all(text)));
        let Some((api, dns_port)) = ready else {
            panic!("the server did not become ready:\n{}\n{}", program.stdout(), program.stderr());
        };
        let server = Self { program, api, dns_port, bootstrap_file };
        assert_eq!(server.client(Credentials::Nobody).get("/healthz").status, 200);
        server
    }

    pub(crate) fn client(&self, credentials: Credentials) -> Client {
        Client::new(self.api, credentials)
    }

    /// What the bootstrap file of the first start says.
    pub(crate) fn bootstrap(&self) -> Value {
        let text = std::fs::read_to_string(&self.bootstrap_file).expect("the bootstrap file");
        serde_json::from_str(&text).expect("JSON")
    }

    /// A connection of the first account to the API.
    pub(crate) fn first_client(&self) -> Client {
        let token = self.bootstrap()["token"].as_str().expect("a token").to_owned();
        self.client(Credentials::Token(token))
    }

    pub(crate) fn dns(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.dns_port))
    }

    /// What `/metrics` says now.
    pub(crate) fn metrics(&self) -> Metrics {
        Metrics::parse(&self.client(Credentials::Nobody).get("/metrics").text())
    }

    /// Ends it by this signal and gives how it ended, with everything it has said.
    pub(crate) fn end(mut self, signal: &str) -> (ExitStatus, String, String) {
        self.program.signal(signal);
        let status = self.program.wait();
        (status, self.program.stdout(), self.program.stderr())
    }
}

/// The API's address and the nameserver's port, from the words of a server that is ready.
fn ports(text: &str) -> Option<(SocketAddr, u16)> {
    let whole = &text[..=text.rfind('\n')?];
    let api = whole.split("http://").nth(1)?.split("/client/v4").next()?.parse().ok()?;
    let dns = whole.split("DNS          127.0.0.1:").nth(1)?;
    let digits = dns.find(|c: char| !c.is_ascii_digit()).unwrap_or(dns.len());
    Some((api, dns[..digits].parse().ok()?))
}
