#!/usr/bin/env python3
"""Loads a dataset of gen.py into a Waymark by importing its zone files, and keeps the loaded directory for later.

  ./load.py --program target/release/waymark --workdir W --dataset many-10000
  ./load.py ... --records none                   zones without records (memory.py subtracts them)
  ./load.py ... --copy-to DIR                    copies what is loaded to DIR (what waymark.json does)
  ./load.py ... --copy-to DIR --edge-alone       without the store: what an edge alone starts from
  ./load.py ... --addresses-to FILE              copies addresses.txt alone (what floor-wild-pairs.json does)

The zones are spread evenly over 50 accounts that have 50 different pairs of nameservers, because all zones of an
account share a pair; a dataset of fewer zones has as many accounts as zones. Each account's files are imported by
`waymark zone import --activate` while a server runs, which is then ended as an operator ends it: the edge's file is
complete. SOA and NS of each zone are Waymark's own.

Loaded directories are kept in W/loaded, by dataset and by program: another build loads again, unless the environment
variable WAYMARK_LOADED_BY names the program that loads for all. Of a dataset the newest ones are kept, a few builds'
worth. Beside the data there is `addresses.txt`, with a line per zone: its name and the IPv4 addresses of its two
nameservers.
"""
import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "interop"))

from api_client import Connection
from dns_client import ask
from node import Waymark

PAIRS = 50
# Accounts made before giving up on so many pairs: each gets its pair by chance.
ACCOUNTS_MAX = 1000
BUILDS_KEPT = 6
# So many files are named to one import: a command line holds only so much.
FILES_PER_COMMAND = 5000


def command(program, node, *words):
    """What a command about the running server prints, as JSON."""
    data = os.path.join(node.directory, "data")
    done = subprocess.run([program, "--data-dir", data, *words, "--json"], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"waymark {' '.join(words[:4])} failed ({done.returncode}):\n{done.stderr[:2000]}")
    return json.loads(done.stdout)


def accounts_with_pairs(program, node, wanted):
    """Ids of so many accounts, no two of which have the same pair of nameservers."""
    api, found = Connection(node.api_port, node.bootstrap["token"]), {}
    for number in range(ACCOUNTS_MAX):
        if len(found) == wanted:
            return list(found.values())
        account = command(program, node, "account", "create", f"bench {number}")["accounts"][0]["id"]
        probe = api.call("POST", "/zones", {"name": "probe.example", "account": {"id": account}, "type": "full"})
        found.setdefault(tuple(sorted(probe["name_servers"])), account)
        api.call("DELETE", f"/zones/{probe['id']}")
    raise SystemExit(f"load.py: {ACCOUNTS_MAX} accounts have only {len(found)} pairs of nameservers")


def zone_files(data, zones, directory, with_records):
    """The zones' files by name. Without records: copies that end with the SOA record, which gen.py writes third."""
    files = {zone: os.path.join(data, "zones", zone) for zone in zones}
    if with_records:
        return files
    os.makedirs(directory)
    for zone in zones:
        with open(files[zone], encoding="ascii") as file, \
                open(os.path.join(directory, zone), "w", encoding="ascii") as bare:
            bare.writelines(next(file) for _ in range(3))
        files[zone] = os.path.join(directory, zone)
    return files


def write_addresses(node, zones, path):
    """A line per loaded zone: its name, and where its two nameservers answer."""
    known, loaded_zones = {}, {}
    for zone in zones:
        for nameserver in zone["name_servers"]:
            if nameserver not in known:
                known[nameserver], = ask(node.bootstrap["dns_address"], nameserver, "A").data("A")
        loaded_zones[zone["name"]] = [known[nameserver] for nameserver in zone["name_servers"]]
    with open(path, "w", encoding="ascii") as file:
        file.writelines(f"{name} {' '.join(addresses)}\n" for name, addresses in loaded_zones.items())


def load(program, directory, data, with_records):
    with open(os.path.join(data, "zones.txt"), encoding="ascii") as file:
        zones = file.read().split()
    bare = os.path.join(directory, "bare")
    files = zone_files(data, zones, bare, with_records)
    with Waymark(program, directory) as node:
        accounts = accounts_with_pairs(program, node, min(PAIRS, len(zones)))
        records, began = 0, time.perf_counter()
        for index, account in enumerate(accounts):
            share = [files[zone] for zone in zones[index::len(accounts)]]
            for at in range(0, len(share), FILES_PER_COMMAND):
                done = command(program, node, "zone", "import", *share[at:at + FILES_PER_COMMAND], "--account", account,
                               "--activate", "--quiet")["import"]
                records += done["records_added"]
        seconds = time.perf_counter() - began
        made = [zone for zone in command(program, node, "zone", "list")["zones"] if zone["account"] != "Platform"]
        if len(made) != len(zones) or any(zone["status"] != "active" for zone in made):
            raise SystemExit(f"load.py: {len(made)} of {len(zones)} zones are there, or not all of them are active")
        write_addresses(node, made, os.path.join(directory, "addresses.txt"))
        first, = (zone["id"] for zone in made if zone["name"] == zones[0])
    shutil.rmtree(bare, ignore_errors=True)
    facts = {"zones": len(zones), "records": records, "seconds": round(seconds, 1), "accounts": len(accounts),
             "writes_per_second": round((len(zones) + records) / seconds)}
    # For visible.py, whose change commands are shell commands.
    with open(os.path.join(directory, "header"), "w", encoding="ascii") as file:
        file.write(f"Authorization: Bearer {node.bootstrap['token']}\nContent-Type: application/json\n")
    with open(os.path.join(directory, "zone-id"), "w", encoding="ascii") as file:
        file.write(first)
    with open(os.path.join(directory, "loaded.json"), "w", encoding="ascii") as file:
        json.dump(facts, file)
    return facts


def kept_directory(program, workdir, name):
    """Where a loaded directory is kept: by what is in it and by the program that made it."""
    program = shutil.which(program) or sys.exit(f"load.py: {program} not found")
    with open(program, "rb") as file:
        build = hashlib.file_digest(file, "sha256").hexdigest()[:12]
    return os.path.join(workdir, "loaded", f"{name}-imported-{build}")


def remove_oldest(kept):
    """Makes room for one more directory of its dataset."""
    parent, name = os.path.split(kept)
    dataset = name.rpartition("-")[0]
    others = [os.path.join(parent, other) for other in os.listdir(parent) if other.rpartition("-")[0] == dataset]
    for other in sorted(others, key=os.path.getmtime, reverse=True)[BUILDS_KEPT - 1:]:
        shutil.rmtree(other)


def loaded(program, workdir, dataset, with_records=True):
    """The directory with the dataset in it, and the facts of its loading; loads it if it is not there."""
    program = os.environ.get("WAYMARK_LOADED_BY", program)
    kept = kept_directory(program, workdir, dataset if with_records else f"{dataset}-zones-only")
    facts_file = os.path.join(kept, "loaded.json")
    if not os.path.exists(facts_file):
        shutil.rmtree(kept, ignore_errors=True)
        data = os.path.join(workdir, "data", dataset)
        if not os.path.exists(os.path.join(data, "meta.json")):
            raise SystemExit(f"no dataset {data}: run gen.py first")
        os.makedirs(os.path.dirname(kept), exist_ok=True)
        remove_oldest(kept)
        load(program, kept, data, with_records)
    with open(facts_file, encoding="ascii") as file:
        return kept, json.load(file)


def copy_of(kept, destination, edge_alone=False):
    """A copy to start from: a start changes its directory. For an edge alone there is its file and no store."""
    shutil.rmtree(destination, ignore_errors=True)
    os.makedirs(os.path.dirname(destination), exist_ok=True)
    if edge_alone:
        shutil.copytree(kept, destination, ignore=shutil.ignore_patterns("data"))
        os.mkdir(os.path.join(destination, "data"), mode=0o700)
        file = os.path.join("data", "edge.redb")
        subprocess.run(["cp", "--reflink=auto", os.path.join(kept, file), os.path.join(destination, file)], check=True)
    else:
        subprocess.run(["cp", "-r", "--reflink=auto", kept, destination], check=True)
    return destination


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=os.environ.get("WAYMARK", "waymark"))
    parser.add_argument("--workdir", default="./bench-work")
    parser.add_argument("--dataset", default="one")
    parser.add_argument("--records", choices=["all", "none"], default="all")
    parser.add_argument("--copy-to", metavar="DIR")
    parser.add_argument("--edge-alone", action="store_true", help="the copy is for an edge alone")
    parser.add_argument("--addresses-to", metavar="FILE")
    arguments = parser.parse_args()
    kept, facts = loaded(arguments.program, os.path.abspath(arguments.workdir), arguments.dataset,
                         arguments.records == "all")
    print(f"{arguments.dataset}: {facts['zones']} zones and {facts['records']} records, "
          f"{facts['accounts']} accounts, imported in {facts['seconds']} s "
          f"({facts['writes_per_second']} zones and records a second)")
    if arguments.copy_to:
        copy_of(kept, os.path.abspath(arguments.copy_to), arguments.edge_alone)
    if arguments.addresses_to:
        os.makedirs(os.path.dirname(os.path.abspath(arguments.addresses_to)), exist_ok=True)
        shutil.copy(os.path.join(kept, "addresses.txt"), arguments.addresses_to)


if __name__ == "__main__":
    main()
