#!/usr/bin/env python3
"""How long a start takes until DNS answers, with N zones in the data directory.

  ./gen.py --workdir W --datasets many --many-zones 10000
  ./start.py --program target/release/waymark --workdir W [--datasets empty,many-10000,many] [--rounds 5]
  ./start.py ... --role edge                     an edge alone, from its own file: no store is there

Per round a copy of the loaded directory is started. `first answer`: from exec to the first good answer; `all answers`:
until every zone of gen.py's sample of 200 has answered; `API`: until /healthz says that it serves; `cpu`: CPU time
spent by then. `after kill`: all answers, of the next start on the directory, when this one was ended by SIGKILL.
Files are in the page cache, because they have just been copied.
"""
import argparse
import json
import os
import statistics
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))

from load import copy_of, kept_directory, loaded
from node import Waymark
from run import ask
from table import print_circumstances, print_table

# The platform's own zone, which an empty directory answers for too.
BRAND_ZONE = [["waymark.test", "SOA"]]


def empty_directory(program, workdir):
    """A directory whose first start is over."""
    directory = kept_directory(program, workdir, "empty")
    if os.path.exists(directory):
        return directory
    with Waymark(program, directory):
        return directory


def answers_of(node, questions):
    """Seconds from exec to the first and to the last of these questions being answered well."""
    first, left = None, list(questions)
    while left:
        reply = ask("127.0.0.1", node.dns_port, *left[-1])
        if reply and reply[0] == 0 and reply[1] and reply[2]:
            first = first or time.perf_counter() - node.started
            left.pop()
        elif node.process.poll() is not None or time.perf_counter() - node.started > 600:
            raise SystemExit(f"start.py: {left[-1]} is not answered:\n{node.log()}")
        else:
            time.sleep(0.001)
    return first, time.perf_counter() - node.started


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(program, kept, scratch, questions, edge_alone):
    """One round: seconds to the first answer, all answers, the API; CPU seconds; all answers after a kill."""
    directory = copy_of(kept, scratch, edge_alone)
    roles = ["--set", "node.roles=edge"] * edge_alone
    node = Waymark(program, directory, wait=False, arguments=roles)
    try:
        first, answers = answers_of(node, questions)
        node.wait_for_api()
        api, cpu = time.perf_counter() - node.started, cpu_seconds(node.process)
    finally:
        node.kill()
    node = Waymark(program, directory, wait=False, arguments=roles)
    try:
        _, after_kill = answers_of(node, questions)
        node.wait_for_api()
    finally:
        node.stop()
    return first, answers, api, cpu, after_kill


def size_of(directory):
    return sum(os.path.getsize(os.path.join(path, name)) for path, _, names in os.walk(directory) for name in names)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=os.environ.get("WAYMARK", "waymark"))
    parser.add_argument("--workdir", default="./bench-work")
    parser.add_argument("--datasets", default="empty,many-10000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--role", choices=["both", "edge"], default="both", help="what the process does")
    arguments = parser.parse_args()
    workdir = os.path.abspath(arguments.workdir)
    edge_alone = arguments.role == "edge"
    print_circumstances(arguments.program)
    rows = []
    for dataset in arguments.datasets.split(","):
        kept, facts, questions = None, {"zones": 0, "records": 0}, BRAND_ZONE
        if dataset == "empty":
            kept = empty_directory(arguments.program, workdir)
        else:
            kept, facts = loaded(arguments.program, workdir, dataset)
            with open(os.path.join(workdir, "data", dataset, "meta.json"), encoding="ascii") as file:
                questions = json.load(file)["ready"]
        scratch = os.path.join(workdir, "start")
        rounds = [measure(arguments.program, kept, scratch, questions, edge_alone) for _ in range(arguments.rounds)]
        columns = [f"{statistics.median(values):.3f} ({min(values):.3f}-{max(values):.3f})" for values in zip(*rounds)]
        size = size_of(os.path.join(scratch, "data")) / 2**20
        rows.append([dataset, facts["zones"], facts["records"], f"{size:.0f}", *columns])
    print_table(f"Start, seconds: median (min-max) of {arguments.rounds}",
                ["dataset", "zones", "records", "MiB on disk", "first answer", "all answers", "API", "cpu", "after kill"],
                rows)


if __name__ == "__main__":
    main()
