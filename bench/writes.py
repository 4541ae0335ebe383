#!/usr/bin/env python3
"""How long a write takes, when DNS has it, and how many there are per second.

  ./writes.py --program target/release/waymark [--directory DIR] [--changes 2000] [--seconds 10] [--writers 1,8,64]

First table: one writer on one keep-alive connection creates, changes and deletes records. `request` is from sending
until the reply is there; `reply to answer` from the reply to the first answer with the change; a `miss` is a change
that the first question, asked right after the reply, does not see (there must be none).
Second table: writers, each a process with its own connection and zone, create records as fast as replies come.
DIR decides which disk is written to; `sync` is what one synced write of 4 KiB costs on it, with nothing else at work.
"""
import argparse
import multiprocessing
import os
import shutil
import statistics
import sys
import tempfile
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))

from api_client import Connection
from dns_client import ask
from node import Waymark
from table import percentile, print_circumstances, print_table


def create_zone(api, node, name):
    return api.call("POST", "/zones", {"name": name, "account": {"id": node.bootstrap["account_id"]}})["id"]


def sync_cost(directory, seconds=2.0):
    """Seconds per synced write of 4 KiB into a file that does not grow, which is what a store's log mostly does."""
    costs, path, pages = [], os.path.join(directory, "sync-probe"), 1024
    with open(path, "wb", buffering=0) as file:
        file.write(b"\0" * 4096 * pages)
        os.fsync(file.fileno())
        end = time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            os.pwrite(file.fileno(), b"\1" * 4096, len(costs) % pages * 4096)
            os.fdatasync(file.fileno())
            costs.append(time.perf_counter() - began)
    os.unlink(path)
    return costs


def visible(node, changes):
    """Per kind of change: seconds of the request, seconds from reply to answer, misses."""
    api = Connection(node.api_port, node.bootstrap["token"])
    zone_name = "visible.example"
    records = f"/zones/{create_zone(api, node, zone_name)}/dns_records"
    kinds = {kind: ([], [], []) for kind in ("create", "change", "delete")}
    dns = node.bootstrap["dns_address"]

    def timed(kind, method, path, body, name, wanted):
        began = time.perf_counter()
        result = api.call(method, path, body)
        replied = time.perf_counter()
        misses = 0
        while ask(dns, name, "A").data("A") != wanted:
            misses += 1
            if time.perf_counter() - replied > 10:
                raise SystemExit(f"{name} is not {wanted} in DNS after 10 s")
        answered = time.perf_counter()
        requests, answers, missed = kinds[kind]
        requests.append(replied - began)
        answers.append(answered - replied)
        missed.append(misses > 0)
        return result

    for number in range(changes):
        name = f"v{number}.{zone_name}"
        first, second = f"10.1.{number >> 8 & 255}.{number & 255}", f"10.2.{number >> 8 & 255}.{number & 255}"
        record = timed("create", "POST", records, {"type": "A", "name": name, "content": first, "ttl": 60}, name, [first])
        path = f"{records}/{record['id']}"
        timed("change", "PATCH", path, {"content": second}, name, [second])
        timed("delete", "DELETE", path, None, name, [])
    return kinds


def writer(number, node_port, bootstrap, zone_id, start, seconds, counts):
    api = Connection(node_port, bootstrap["token"])
    start.wait()
    written, costs, end = 0, [], time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        api.call("POST", f"/zones/{zone_id}/dns_records", {
            "type": "A", "name": f"w{number}-{written}.w{number}.example", "ttl": 60,
            "content": f"10.{written >> 16 & 255}.{written >> 8 & 255}.{written & 255}"})
        costs.append(time.perf_counter() - began)
        written += 1
    counts.put((written, costs))


def throughput(program, directory, writers, seconds):
    """Writes per second and the seconds that each took. A directory of its own: earlier runs must not weigh."""
    with Waymark(program, directory) as node:
        api = Connection(node.api_port, node.bootstrap["token"])
        zones = [create_zone(api, node, f"w{number}.example") for number in range(writers)]
        start, counts = multiprocessing.Event(), multiprocessing.Queue()
        workers = [multiprocessing.Process(target=writer, args=(
            number, node.api_port, node.bootstrap, zone, start, seconds, counts)) for number, zone in enumerate(zones)]
        for worker in workers:
            worker.start()
        time.sleep(0.5)
        start.set()
        results = [counts.get(timeout=seconds + 120) for _ in workers]
        for worker in workers:
            worker.join()
    return sum(written for written, _ in results) / seconds, [cost for _, costs in results for cost in costs]


def milliseconds(values):
    return [f"{value * 1e3:.2f}" for value in (
        statistics.median(values), percentile(values, 0.99), max(values))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=os.environ.get("WAYMARK", "waymark"))
    parser.add_argument("--directory", default=".", help="where data directories are made, and thrown away")
    parser.add_argument("--changes", type=int, default=2000, help="changes of each kind")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--writers", default="1,8")
    arguments = parser.parse_args()
    print_circumstances(arguments.program)
    directory = tempfile.mkdtemp(prefix="waymark-writes-", dir=arguments.directory)
    try:
        costs = sync_cost(directory)
        print_table("One synced write of 4 KiB, ms", ["", "p50", "p99", "max"], [["sync", *milliseconds(costs)]])
        with Waymark(arguments.program, os.path.join(directory, "visible")) as node:
            kinds = visible(node, arguments.changes)
        print_table(
            f"API reply to first answer, ms ({arguments.changes} changes of each kind)",
            ["kind", "request p50", "p99", "max", "reply to answer p50", "p99", "max", "misses"],
            [[kind, *milliseconds(requests), *milliseconds(answers), str(sum(missed))]
             for kind, (requests, answers, missed) in kinds.items()])
        rows = []
        for writers in map(int, arguments.writers.split(",")):
            rates, all_costs = [], []
            for number in range(arguments.rounds):
                rate, costs = throughput(arguments.program, os.path.join(directory, f"{writers}-{number}"), writers,
                                         arguments.seconds)
                rates.append(rate)
                all_costs += costs
            rows.append([str(writers), f"{statistics.median(rates):.0f}", f"{min(rates):.0f}", f"{max(rates):.0f}",
                         *milliseconds(all_costs)])
        print_table(f"Writes per second ({arguments.rounds} rounds of {arguments.seconds:g} s, record creates)",
                    ["writers", "median", "min", "max", "request p50 ms", "p99", "max"], rows)
        if any(any(missed) for _, _, missed in kinds.values()):
            sys.exit("a change was acknowledged before DNS had it")
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
