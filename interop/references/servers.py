"""The servers that are compared: configured, started in the foreground, waited for, stopped.

    with running(world, directory, zone_server) as servers:   # every one of them answers for every zone
        servers["knot"].port

Each has a directory of its own below `directory`, a free port of 127.0.0.1, the same master files, and nothing that
makes answers depend on more than zone and question: no response-rate limiting, no cookies, no rotation, no caches,
whole answers to ANY, 1232 octets over UDP. A server that ends, or does not serve a zone, fails the run with its log.
"""
import contextlib
import os
import shutil
import subprocess
import sys
import time

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from node import free_port

REFERENCES = ("nsd", "knot", "bind", "pdns")
ALL = REFERENCES + ("waymark",)
PROGRAMS = {"nsd": "nsd", "knot": "knotd", "bind": "named", "pdns": "pdns_server"}
# A server that has not answered for all zones by then does not work.
START_S = 30


def knot(directory, port, files):
    zones = "".join(f'  - domain: "{apex}"\n    file: "{path}"\n' for apex, path in files)
    write(directory, "conf", f"""
server:
    rundir: "{directory}"
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    udp-max-payload: 1232
    answer-rotation: off
log:
  - target: stderr
    any: warning
database:
    storage: "{directory}"
template:
  - id: default
    storage: "{directory}"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: soft
zone:
{zones}""")
    return ["-c", "conf"]


def nsd(directory, port, files):
    zones = "".join(f'zone:\n    name: "{apex}"\n    zonefile: "{path}"\n' for apex, path in files)
    write(directory, "conf", f"""
server:
    server-count: 1
    ip-address: 127.0.0.1@{port}
    username: ""
    chroot: ""
    database: ""
    zonesdir: "{directory}"
    pidfile: ""
    zonelistfile: "{directory}/zone.list"
    xfrdfile: "{directory}/xfrd.state"
    xfrdir: "{directory}"
    verbosity: 0
    rrl-ratelimit: 0
    rrl-whitelist-ratelimit: 0
    minimal-responses: yes
    refuse-any: no
    round-robin: no
    answer-cookie: no
    hide-version: yes
    hide-identity: yes
    ipv4-edns-size: 1232
remote-control:
    control-enable: no
{zones}""")
    return ["-d", "-c", "conf"]


def bind(directory, port, files):
    zones = "".join(f'zone "{escaped(apex)}" {{ type primary; file "{path}"; }};\n' for apex, path in files)
    write(directory, "conf", f"""
options {{
    directory "{directory}";
    pid-file none;
    session-keyfile none;
    lock-file none;
    listen-on port {port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    recursion no;
    notify no;
    dnssec-validation no;
    allow-transfer {{ none; }};
    allow-notify {{ none; }};
    empty-zones-enable no;
    minimal-responses yes;
    minimal-any no;
    zero-no-soa-ttl no;
    answer-cookie no;
    send-cookie no;
    rrset-order {{ order none; }};
    edns-udp-size 1232;
    max-udp-size 1232;
    check-names primary ignore;
    check-integrity no;
    check-mx ignore;
    check-mx-cname ignore;
    check-srv-cname ignore;
    check-sibling no;
    check-wildcard no;
    check-dup-records ignore;
    check-spf ignore;
    max-records-per-type 0;
    max-types-per-name 0;
    version none;
    hostname none;
    server-id none;
}};
controls {{ }};
{zones}""")
    return ["-f", "-g", "-n", "1", "-c", "conf"]


def pdns(directory, port, files):
    zones = "".join(f'zone "{escaped(apex)}" {{ type master; file "{path}"; }};\n' for apex, path in files)
    write(directory, "zones", zones)
    write(directory, "pdns.conf", f"""
launch=bind
bind-config={directory}/zones
bind-check-interval=0
local-address=127.0.0.1
local-port={port}
socket-dir={directory}
daemon=no
guardian=no
write-pid=no
security-poll-suffix=
receiver-threads=1
distributor-threads=1
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
consistent-backends=yes
dname-processing=yes
direct-dnskey=yes
8bit-dns=yes
any-to-tcp=no
disable-axfr=yes
udp-truncation-threshold=1232
version-string=anonymous
server-id=disabled
loglevel=4
""")
    return [f"--config-dir={directory}"]


class Server:
    """One running server. `command` runs in `directory` and ends when it is told to."""

    def __init__(self, name, directory, port, command):
        self.name, self.port, self.directory = name, port, directory
        self.log_file = os.path.join(directory, "log")
        with open(self.log_file, "wb") as log:
            # Waymark's server ends with its standard input, the others with a signal.
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=directory)

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as log:
            return log.read()[-4000:]

    def wait_for(self, apex, deadline):
        """Returns when it gives the SOA of a zone with authority."""
        question = dns.message.make_query(apex, dns.rdatatype.SOA, flags=0)
        problem = "no answer"
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                reply = dns.query.udp(question, "127.0.0.1", port=self.port, timeout=0.2)
                if reply.answer and reply.rcode() == dns.rcode.NOERROR:
                    return
                problem = dns.rcode.to_text(reply.rcode())
                time.sleep(0.02)
            except (OSError, dns.exception.DNSException):
                time.sleep(0.02)
        raise SystemExit(f"{self.name} does not serve {apex} ({problem}); its log:\n{self.log()}")

    def stop(self):
        self.process.stdin.close()
        if self.name != "waymark":
            self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def write(directory, name, text):
    with open(os.path.join(directory, name), "w", encoding="ascii") as file:
        file.write(text)


def escaped(apex):
    return str(apex).replace("\\", "\\\\").replace('"', '\\"')


def command_of(name, directory, port, files, zone_server):
    if name == "waymark":
        return [zone_server, "--listen", f"127.0.0.1:{port}", *(f"{apex}={path}" for apex, path in files)]
    return [program(PROGRAMS[name]), *globals()[name](directory, port, files)]


def program(name):
    """Servers are in sbin, which is not in everybody's PATH."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if not found:
        print(f"{name} is missing: bash tools/packages installs it", file=sys.stderr)
        sys.exit(3)
    return found


@contextlib.contextmanager
def running(world, directory, zone_server=None):
    """All servers, by name; without `zone_server` only the references."""
    servers = {}
    files = {}
    written = world.write(directory)
    try:
        for name in ALL if zone_server else REFERENCES:
            own = os.path.join(directory, name)
            os.makedirs(own)
            port = free_port()
            files[name] = [(apex, path) for apex, path in written if name not in world.not_loaded_by.get(apex, ())]
            servers[name] = Server(name, own, port, command_of(name, own, port, files[name], zone_server))
        deadline = time.monotonic() + START_S
        for server in servers.values():
            for apex, _ in files[server.name]:
                server.wait_for(apex, deadline)
        yield servers
    finally:
        for server in servers.values():
            server.stop()
