#!/usr/bin/env python3
"""Loads a dataset of gen.py into a Waymark, through its API, and keeps the loaded directory for the next time.

  ./load.py --program target/release/waymark --workdir W --dataset many-10000
  ./load.py ... --records none                   zones without records (memory.py subtracts them)
  ./load.py ... --copy-to DIR                    copies what is loaded to DIR (what waymark.json does)

Each zone and each record is one API request. They are sent on many keep-alive connections at once, so that Waymark's
writer can commit many with one sync. Loaded directories are kept in W/loaded, by dataset and by program: another
build loads again.
"""
import argparse
import hashlib
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "interop"))

from api_client import Connection
from node import Waymark

NAMES_IN_DATA = ("CNAME", "NS", "MX")


def records_of(zone, path):
    """The records of a master file as gen.py writes it, as API bodies. SOA and NS of the apex are Waymark's own."""
    def absolute(name):
        return zone if name == "@" else name[:-1] if name.endswith(".") else f"{name}.{zone}"

    with open(path, encoding="ascii") as file:
        for line in file:
            if line.startswith("$"):
                continue
            name, kind, data = line.rstrip("\n").split(" ", 2)
            if data.startswith("SOA ") or (name == "@" and kind == "NS"):
                continue
            body = {"type": kind, "name": absolute(name), "ttl": 3600}
            if kind == "MX":
                priority, data = data.split(" ", 1)
                body["priority"] = int(priority)
            body["content"] = absolute(data) if kind in NAMES_IN_DATA else data
            yield body


def in_waves(connections, requests):
    """Sends requests (path, body) on all connections, then reads all replies; yields the results in order."""
    requests = iter(requests)
    while True:
        sent = []
        for connection, request in zip(connections, requests):
            connection.send("POST", *request)
            sent.append(connection)
        if not sent:
            return
        for connection in sent:
            yield connection.result()


def load_share(share, zones_directory, bootstrap, port, connections, with_records, counts):
    """One process's part of the zones: first the zones, then their records."""
    connections = [Connection(port, bootstrap["token"]) for _ in range(connections)]
    account = {"id": bootstrap["account_id"]}
    ids = [zone["id"] for zone in in_waves(connections, (
        ("/zones", {"name": zone, "account": account, "type": "full"}) for zone in share))]
    written = len(ids)
    if with_records:
        for _ in in_waves(connections, (
                (f"/zones/{zone_id}/dns_records", body) for zone, zone_id in zip(share, ids)
                for body in records_of(zone, os.path.join(zones_directory, zone)))):
            written += 1
    counts.put(written)


def load(program, directory, data, with_records, connections, processes):
    with open(os.path.join(data, "zones.txt"), encoding="ascii") as file:
        zones = file.read().split()
    with Waymark(program, directory) as node:
        began, counts, workers = time.perf_counter(), multiprocessing.Queue(), []
        for index in range(processes):
            workers.append(multiprocessing.Process(target=load_share, args=(
                zones[index::processes], os.path.join(data, "zones"), node.bootstrap, node.api_port,
                max(1, connections // processes), with_records, counts)))
            workers[-1].start()
        for worker in workers:
            worker.join()
        if any(worker.exitcode for worker in workers):
            raise SystemExit(f"loading failed; the log is {node.log_file}")
        writes, seconds = sum(counts.get() for _ in workers), time.perf_counter() - began
        api = Connection(node.api_port, node.bootstrap["token"])
        first, = api.call("GET", f"/zones?name={zones[0]}")
    facts = {"zones": len(zones), "records": writes - len(zones), "seconds": round(seconds, 1),
             "writes_per_second": round(writes / seconds), "connections": connections}
    # For visible.py, whose change commands are shell commands.
    with open(os.path.join(directory, "header"), "w", encoding="ascii") as file:
        file.write(f"Authorization: Bearer {node.bootstrap['token']}\nContent-Type: application/json\n")
    with open(os.path.join(directory, "zone-id"), "w", encoding="ascii") as file:
        file.write(first["id"])
    with open(os.path.join(directory, "loaded.json"), "w", encoding="ascii") as file:
        json.dump(facts, file)
    return facts


def kept_directory(program, workdir, name):
    """Where a loaded directory is kept: by what is in it and by the program that made it."""
    program = shutil.which(program) or sys.exit(f"load.py: {program} not found")
    with open(program, "rb") as file:
        build = hashlib.file_digest(file, "sha256").hexdigest()[:12]
    return os.path.join(workdir, "loaded", f"{name}-{build}")


def loaded(program, workdir, dataset, with_records=True, connections=64, processes=2):
    """The directory with the dataset in it, and the facts of its loading; loads it if it is not there."""
    kept = kept_directory(program, workdir, dataset if with_records else f"{dataset}-zones-only")
    facts_file = os.path.join(kept, "loaded.json")
    if not os.path.exists(facts_file):
        shutil.rmtree(kept, ignore_errors=True)
        data = os.path.join(workdir, "data", dataset)
        if not os.path.exists(os.path.join(data, "meta.json")):
            raise SystemExit(f"no dataset {data}: run gen.py first")
        load(program, kept, data, with_records, connections, processes)
    with open(facts_file, encoding="ascii") as file:
        return kept, json.load(file)


def copy_of(kept, destination):
    """A copy to start from: a start changes its directory."""
    shutil.rmtree(destination, ignore_errors=True)
    os.makedirs(os.path.dirname(destination), exist_ok=True)
    subprocess.run(["cp", "-r", "--reflink=auto", kept, destination], check=True)
    return destination


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=os.environ.get("WAYMARK", "waymark"))
    parser.add_argument("--workdir", default="./bench-work")
    parser.add_argument("--dataset", default="one")
    parser.add_argument("--records", choices=["all", "none"], default="all")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--copy-to", metavar="DIR")
    arguments = parser.parse_args()
    kept, facts = loaded(arguments.program, os.path.abspath(arguments.workdir), arguments.dataset,
                         arguments.records == "all", arguments.connections, arguments.processes)
    print(f"{arguments.dataset}: {facts['zones']} zones and {facts['records']} records, loaded in {facts['seconds']} s "
          f"({facts['writes_per_second']} writes/s on {facts['connections']} connections)")
    if arguments.copy_to:
        copy_of(kept, os.path.abspath(arguments.copy_to))


if __name__ == "__main__":
    main()
