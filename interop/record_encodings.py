"""What dnspython, BIND and Knot make of the record data in tests/data/records.txt, which the tests of crates/wire read.

dnspython gives canonical wire form. named-rrchecker (BIND) and a Knot server with one zone per line keep the case of
names, so their octets are compared without it. A server that a line names as different must be different.
Knot is not given what is to be refused: 3.2 now and then dies of several zones that it refuses.
"""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import dns.name
import dns.rdata

from checks import Steps
from node import free_port

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "data", "records.txt")
ORIGIN = dns.name.from_text("example.com.")
REFUSED = "REFUSED"
START_S = 60


def expand(text):
    return re.sub(r"\{([^{}]+?)\*(\d+)\}", lambda found: found[1] * int(found[2]), text.replace("{TAB}", "\t"))


def rows():
    """(number, type, text, wire or REFUSED, who differs) of each line."""
    with open(TABLE, encoding="utf-8") as table:
        for number, line in enumerate(table, 1):
            if line.strip() and not line.startswith("#"):
                kind, text, wanted, *note = line.rstrip("\n").split("\t")
                differs = note[0].split(":")[0].split(", ") if note else []
                wanted = wanted if wanted == REFUSED else bytes.fromhex(expand(wanted))
                yield number, kind, expand(text), wanted, differs


def by_dnspython(kind, text):
    try:
        return dns.rdata.from_text("IN", kind, text, origin=ORIGIN, relativize=False).to_digestable(ORIGIN)
    except Exception:  # Whatever it raises is a refusal.
        return REFUSED


def generic(printed):
    """The octets of `\\# length hex`."""
    length, *octets = printed.split("\\#")[1].split()
    octets = bytes.fromhex("".join(octets))
    assert len(octets) == int(length), printed
    return octets


def by_bind(kind, text):
    ended = subprocess.run(["named-rrchecker", "-o", "example.com.", "-u"], input=f"IN {kind} {text}\n",
                           capture_output=True, text=True, timeout=20, check=False)
    return REFUSED if ended.returncode else generic(ended.stdout)


class Knot:
    """A server with a zone `rN.test` for every line N; a line that it refuses has no answer."""

    def __init__(self, directory, table):
        self.port = free_port()
        zones = []
        for number, kind, text, _, _ in table:
            apex, soa = f"r{number}.test.", "ns dns 1 2 3 4 5"
            # An SOA record is nowhere but at the apex.
            data = "" if kind == "SOA" else f"r.{apex} 300 {kind} {text}\n"
            soa = text if kind == "SOA" else soa
            with open(os.path.join(directory, f"r{number}.test.zone"), "w", encoding="utf-8") as zone:
                zone.write(f"$ORIGIN example.com.\n{apex} 300 SOA {soa}\n{apex} 300 NS ns\n{data}")
            zones.append(f"  - domain: {apex}\n")
        configuration = os.path.join(directory, "knot.conf")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(f"server:\n  rundir: {directory}\n  listen: 127.0.0.1@{self.port}\n"
                       f"database:\n  storage: {directory}\nlog:\n  - target: stderr\n    any: error\n"
                       "acl:\n  - id: all\n    address: 127.0.0.1\n    action: transfer\n"
                       f"template:\n  - id: default\n    storage: {directory}\n    acl: all\n"
                       "    zonefile-sync: -1\n    journal-content: none\nzone:\n" + "".join(zones))
        self.log = os.path.join(directory, "log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(["knotd", "-c", configuration], stdout=log, stderr=log)

    def wait(self):
        """It listens once all its zones are loaded or refused."""
        deadline = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    with open(self.log, encoding="utf-8", errors="replace") as log:
                        raise SystemExit(f"knotd does not serve:\n{log.read()[-2000:]}") from None
                time.sleep(0.02)

    def answers(self, table):
        """The octets by line, of the lines that were not refused."""
        command = ["kdig", "@127.0.0.1", "-p", str(self.port), "+tcp", "+generic", "+noall", "+answer"]
        for number, *_ in table:
            command += [f"r{number}.test", "AXFR"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        found = {}
        for line in ended.stdout.splitlines():
            if match := re.match(r"(r\.)?r(\d+)\.test\.\s.*\sTYPE(\d+)\s(.*)", line):
                if match[1] or match[3] == "6":
                    found.setdefault(int(match[2]), generic(match[4]))
                    if match[1]:
                        found[int(match[2])] = generic(match[4])
        return found


def compare(who, table, encoded, of_octets=bytes):
    """One step per type: what `who` makes of its lines is what they say, and differs where they say so."""
    for kind in dict.fromkeys(kind for _, kind, *_ in table):
        with steps.step(f"{who}: {kind}"):
            wrong = []
            for number, its_kind, _, wanted, differs in table:
                if its_kind != kind:
                    continue
                got = encoded(number)
                is_same = (got == REFUSED) == (wanted == REFUSED) and \
                    (got == REFUSED or of_octets(got) == of_octets(wanted))
                if is_same == (who in differs):
                    shown = got if got == REFUSED else got.hex().upper()
                    wrong.append(f"line {number}: {'no longer differs' if is_same else shown[:200]}")
            assert not wrong, "\n".join(wrong)


steps = Steps()
missing = [tool for tool in ("named-rrchecker", "knotd", "kdig") if not shutil.which(tool)]
if missing:
    print(f"{', '.join(missing)} is missing: bash tools/packages installs it")
    sys.exit(3)
lines = list(rows())
line = {number: (kind, text) for number, kind, text, _, _ in lines}
compare("dnspython", lines, lambda number: by_dnspython(*line[number]))
compare("named-rrchecker", lines, lambda number: by_bind(*line[number]), bytes.lower)
with tempfile.TemporaryDirectory(prefix="waymark-interop-") as scratch:
    taken = [row for row in lines if row[3] != REFUSED]
    knot = Knot(scratch, taken)
    try:
        knot.wait()
        answers = knot.answers(taken)
        compare("knot", taken, lambda number: answers.get(number, REFUSED), bytes.lower)
    finally:
        knot.process.terminate()
        knot.process.wait()
steps.end()
