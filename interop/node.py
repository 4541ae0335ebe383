"""Starts `waymark serve` as a user does, on free ports of the loopback, and ends it again."""
import json
import os
import shutil
import signal
import socket
import subprocess
import time


def free_port(address="127.0.0.1"):
    """A port that is free for UDP and TCP now. Another process could take it before it is bound; callers fail then."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind((address, 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind((address, port))
            except OSError:
                continue
            return port


def healthy(api_port):
    """Whether the process on this port says that it serves."""
    try:
        with socket.create_connection(("127.0.0.1", api_port), 1) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


class Certificate:
    """A certificate for 127.0.0.1 and its key, made by `openssl` in a directory. It is its own issuer."""

    def __init__(self, directory):
        os.makedirs(directory, exist_ok=True)
        self.certificate, self.key = (os.path.join(directory, name) for name in ("certificate.pem", "key.pem"))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
             "2", "-subj", "/CN=waymark-interop", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.key,
             "-out", self.certificate], check=True, capture_output=True)


class Waymark:
    """A running `waymark serve`, with its data, its bootstrap file and its log in one directory.

    `bootstrap` is what the bootstrap file of the directory's first start says, with the ports of this start.
    With a `certificate`, the API also speaks TLS, at `tls_base`. `arguments` are further ones for `serve`.
    """

    def __init__(self, program, directory, dns_address="127.0.0.1", wait=True, certificate=None, arguments=()):
        program = shutil.which(program)
        if not program:
            raise SystemExit("no such program: build it (cargo build --release --bin waymark) and name it")
        os.makedirs(directory, exist_ok=True)
        self.directory = directory
        self.bootstrap_file = os.path.join(directory, "bootstrap.json")
        self.log_file = os.path.join(directory, "log")
        self.api_port, self.dns_port = free_port(), free_port()
        self.command = [
            os.path.abspath(program), "serve", "--data-dir", os.path.join(directory, "data"),
            "--api-listen", f"127.0.0.1:{self.api_port}", "--dns-listen", f"{dns_address}:{self.dns_port}"]
        self.command += arguments
        if certificate:
            tls_port = free_port()
            self.tls_base = f"https://127.0.0.1:{tls_port}/client/v4"
            self.command += ["--api-tls-listen", f"127.0.0.1:{tls_port}", "--set",
                             f"api.tls_certificate={certificate.certificate}", "--set", f"api.tls_key={certificate.key}"]
        if not os.path.exists(self.bootstrap_file):
            self.command += ["--bootstrap-file", self.bootstrap_file]
        # What is tested and measured is not the rate limit.
        environment = {**os.environ, "WAYMARK_LIMITS__REQUESTS_PER_5_MINUTES": "0",
                       "WAYMARK_LIMITS__IMPORTS_PER_MINUTE": "0"}
        with open(self.log_file, "ab") as log:
            self.started = time.perf_counter()
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory, env=environment)
        self.bootstrap = None
        if wait:
            self.wait_for_api()

    def wait_for_api(self, wait_s=600):
        """Returns when it serves; ends the program, with the last of the log, if it does not."""
        while not healthy(self.api_port):
            if self.process.poll() is not None or time.perf_counter() - self.started > wait_s:
                self.kill()
                raise SystemExit(f"{' '.join(self.command)} does not serve:\n{self.log()}")
            time.sleep(0.002)
        with open(self.bootstrap_file, encoding="utf-8") as file:
            self.bootstrap = json.load(file)
        # On a later start the file is the first start's; the ports are this one's.
        self.bootstrap["api_base"] = f"http://127.0.0.1:{self.api_port}/client/v4"
        self.bootstrap["dns_address"] = f"127.0.0.1:{self.dns_port}"

    def token(self, *permissions):
        """Makes a token with these permissions alone, as an operator does."""
        command = [self.command[0], "token", "create", "--data-dir", os.path.join(self.directory, "data")]
        command += [word for permission in permissions for word in ("--permission", permission)]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=self.directory).stdout.strip()

    def log(self):
        """The last of what it logged."""
        with open(self.log_file, encoding="utf-8", errors="replace") as log:
            return log.read()[-2000:]

    def kill(self):
        """Ends it with SIGKILL."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Ends it as an operator does; raises if it does not end cleanly within a minute."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        if status:
            raise SystemExit(f"waymark ended with {status}; its log is {self.log_file}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
