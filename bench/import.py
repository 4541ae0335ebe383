#!/usr/bin/env python3
"""How fast zone files are imported, what that costs, and who waits for it.

  ./import.py --program target/release/waymark [--workdir W] [--datasets many,big] [--many-zones N] [--big-names N]

Makes the datasets with gen.py where they are not there yet, and imports each with `waymark zone import --activate`
(--no-activate leaves that out) into a fresh directory, once with a server and once without. Meanwhile one record is
written through the API every 50 ms. Then the server is ended and started again, from the edge's file and, without
that file, from the store.

`records`: those of the files, SOA and NS of each zone among them, which are passed over; `records/s`: by the seconds
from the command's start to its end. `server`, `command`: the most memory each had (VmHWM, the command's maximum
resident set). A write waits from being sent to its reply. A start is timed from exec to the first good answer, and
until the zones of gen.py's sample have answered; files are in the page cache.
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))

from api_client import Connection
from node import Waymark
from start import answers_of
from table import percentile, print_circumstances, print_table

HERE = os.path.dirname(os.path.abspath(__file__))
WRITE_EVERY_S = 0.05


class Writer(threading.Thread):
    """One API write every 50 ms, and how long each took; one that is late makes none after it early."""

    def __init__(self, node):
        super().__init__()
        self.api = Connection(node.api_port, node.bootstrap["token"])
        body = {"name": "written.example", "account": {"id": node.bootstrap["account_id"]}}
        self.records = f"/zones/{self.api.call('POST', '/zones', body)['id']}/dns_records"
        self.took, self.end = [], threading.Event()

    def run(self):
        while not self.end.is_set():
            began = time.perf_counter()
            name = f"w{len(self.took)}"
            self.api.call("POST", self.records, {"name": name, "type": "A", "content": "192.0.2.1", "ttl": 300})
            self.took.append(time.perf_counter() - began)
            self.end.wait(max(0.0, WRITE_EVERY_S - self.took[-1]))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.join()


def high_water(pid):
    """The most memory that a process has had, in MiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:")) / 1024


def import_files(program, data, files, activate):
    """What the command says it has done, the seconds it took, and the most memory it had in MiB."""
    command = [program, "--data-dir", data, "zone", "import", files, "--json", "--quiet"]
    began = time.perf_counter()
    process = subprocess.Popen(command + ["--activate"] * activate, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out = process.stdout.read()
    told = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    if status:
        raise SystemExit(f"the import failed ({status}):\n{told[:2000]}")
    return json.loads(out)["import"], took, usage.ru_maxrss / 1024


def started(program, directory, questions, without_edge_file):
    """Seconds to the first and to the last good answer of a start."""
    if without_edge_file:
        os.unlink(os.path.join(directory, "data", "edge.redb"))
    with Waymark(program, directory, wait=False) as node:
        times = answers_of(node, questions)
        node.wait_for_api()
    return times


def new_installation(program, directory):
    shutil.rmtree(directory, ignore_errors=True)
    with Waymark(program, directory):
        pass


def measure(program, workdir, dataset, activate):
    """A row of each table."""
    source = os.path.join(workdir, "data", dataset)
    with open(os.path.join(source, "meta.json"), encoding="utf-8") as file:
        meta = json.load(file)
    files, directory = os.path.join(source, "zones"), os.path.join(workdir, f"import-{dataset}")
    data = os.path.join(directory, "data")

    new_installation(program, directory)
    alone, alone_took, alone_memory = import_files(program, data, files, activate)

    new_installation(program, directory)
    with Waymark(program, directory) as node:
        with Writer(node) as writer:
            done, took, command_memory = import_files(program, data, files, activate)
        server_memory = high_water(node.process.pid)
        waits = writer.took
    print(f"{dataset}: {done}", flush=True)
    from_edge = started(program, directory, meta["ready"], False)
    from_store = started(program, directory, meta["ready"], True)
    sizes = {name: os.path.getsize(os.path.join(data, name)) / 2**20 for name in ("waymark.sqlite", "edge.redb")}
    shutil.rmtree(directory)

    def rate(summary, seconds):
        return f"{summary['records_parsed'] / seconds:,.0f}"

    def milliseconds(share):
        return f"{percentile(waits, share) * 1000:.1f}"

    imported = [
        dataset, f"{done['zones_made']:,}", f"{done['records_parsed']:,}", f"{took:.1f}", rate(done, took),
        f"{server_memory:.0f}", f"{command_memory:.0f}", f"{alone_took:.1f}", rate(alone, alone_took),
        f"{alone_memory:.0f}",
    ]
    waited = [dataset, len(waits), milliseconds(0.5), milliseconds(0.99), f"{max(waits) * 1000:.1f}"]
    starts = [
        dataset, f"{sizes['waymark.sqlite']:.0f}", f"{sizes['edge.redb']:.0f}", *(f"{s:.2f}" for s in from_edge),
        *(f"{s:.2f}" for s in from_store),
    ]
    return imported, waited, starts


TABLES = [
    ("Import by the command line, into a running server and without one (memory in MiB)",
     ["dataset", "zones", "records", "s", "records/s", "server", "command", "alone: s", "records/s", "memory"]),
    ("One API write every 50 ms meanwhile (ms)", ["dataset", "writes", "p50", "p99", "max"]),
    ("Start afterwards (s), and what is on disk (MiB)",
     ["dataset", "store", "edge file", "edge file: first answer", "all answers", "store: first answer", "all answers"]),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, metavar="FILE")
    parser.add_argument("--workdir", default="./bench-work")
    parser.add_argument("--datasets", default="many,big")
    parser.add_argument("--many-zones", type=int, default=100_000)
    parser.add_argument("--big-names", type=int, default=1_000_000)
    parser.add_argument("--no-activate", action="store_true", help="leave the zones pending")
    arguments = parser.parse_args()
    program = os.path.abspath(arguments.program)
    sizes = ["--many-zones", str(arguments.many_zones), "--big-names", str(arguments.big_names)]
    rows = []
    for dataset in arguments.datasets.split(","):
        name = dataset if dataset != "many" or arguments.many_zones == 100_000 else f"many-{arguments.many_zones}"
        if not os.path.exists(os.path.join(arguments.workdir, "data", name, "meta.json")):
            generate = [sys.executable, os.path.join(HERE, "gen.py"), "--workdir", arguments.workdir]
            subprocess.run(generate + ["--datasets", dataset, "--queries", "1000", "--nx", "1000"] + sizes, check=True)
        rows.append(measure(program, os.path.abspath(arguments.workdir), name, not arguments.no_activate))
    print_circumstances(program)
    for (title, columns), tables in zip(TABLES, zip(*rows)):
        print_table(title, columns, tables)


if __name__ == "__main__":
    # The tables are for people who may have seen enough.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    main()
