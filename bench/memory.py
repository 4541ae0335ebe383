#!/usr/bin/env python3
"""Memory per zone and per record.

  ./gen.py --workdir W --datasets many --many-zones 10000
  ./memory.py --program target/release/waymark --workdir W --dataset many-10000

Three processes, each freshly started on its directory and asked once for every zone of gen.py's sample: nothing
loaded, the dataset's zones without records, and with them. A zone costs the second minus the first, a record the third
minus the second. `catalog` is what Waymark itself counts in its table of answers (/metrics); `anonymous` is what only
this process has; `resident` also counts pages of files, which the kernel takes back when it needs them; `peak` is the
most that was resident since the start. What the start needed for a while stays in `anonymous`, because the allocator
keeps it for later: in small datasets it hides what records cost.
"""
import argparse
import json
import os
import re
import sys
import urllib.request

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))

from load import copy_of, loaded
from node import Waymark
from start import BRAND_ZONE, answers_of, empty_directory
from table import print_circumstances, print_table

COLUMNS = ("RssAnon", "VmRSS", "VmHWM")


def memory_of(program, kept, scratch, questions):
    """Octets: catalog, anonymous, resident, peak."""
    with Waymark(program, copy_of(kept, scratch)) as node:
        answers_of(node, questions)
        with urllib.request.urlopen(f"http://127.0.0.1:{node.api_port}/metrics", timeout=10) as reply:
            catalog = int(re.search(r"^waymark_catalog_bytes (\d+)", reply.read().decode(), re.MULTILINE).group(1))
        with open(f"/proc/{node.process.pid}/status", encoding="ascii") as file:
            status = file.read()
    return [catalog] + [int(re.search(rf"{column}:\s+(\d+)", status).group(1)) * 1024 for column in COLUMNS]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=os.environ.get("WAYMARK", "waymark"))
    parser.add_argument("--workdir", default="./bench-work")
    parser.add_argument("--dataset", default="many-10000")
    arguments = parser.parse_args()
    workdir = os.path.abspath(arguments.workdir)
    print_circumstances(arguments.program)
    with open(os.path.join(workdir, "data", arguments.dataset, "meta.json"), encoding="ascii") as file:
        sample = json.load(file)["ready"]
    zones_only, _ = loaded(arguments.program, workdir, arguments.dataset, with_records=False)
    full, facts = loaded(arguments.program, workdir, arguments.dataset)
    zones, records = facts["zones"], facts["records"]
    scratch = os.path.join(workdir, "memory")
    empty, bare, whole = (
        memory_of(arguments.program, kept, scratch, questions) for kept, questions in (
            (empty_directory(arguments.program, workdir), BRAND_ZONE), (zones_only, sample), (full, sample)))
    mebibytes = [[f"{octets / 2**20:.1f}" for octets in row] for row in (empty, bare, whole)]
    print_table("Memory, MiB", ["", "catalog", "anonymous", "resident", "peak"], [
        ["empty", *mebibytes[0]], [f"{zones} zones", *mebibytes[1]], [f"and {records} records", *mebibytes[2]]])
    print_table("Memory, octets", ["", "catalog", "anonymous", "resident"], [
        ["per zone", *(f"{(after - before) / zones:.0f}" for before, after in zip(empty[:3], bare))],
        ["per record", *(f"{(after - before) / records:.0f}" for before, after in zip(bare[:3], whole))]])


if __name__ == "__main__":
    main()
