#!/usr/bin/env python3
"""What changes through the API cost those who ask, and when the changes are visible.

  ./gen.py --workdir W --datasets many,big
  WAYMARK=target/release/waymark ./under_writes.py --workdir W --dataset many [--rounds 5] [--secs 5]

A server with the settings of waymark.json and the dataset loaded, pinned to one core, is asked 20,000 questions a
second, each at one of its zone's own addresses. Rounds alternate: quiet, and with 500 changes a second. Changes are
made by one process, on several keep-alive connections: each connection creates a record, changes it and deletes it
again, then goes on to its next zone (in a dataset of one zone, to the next name). Both clients are pinned to the other
core; as root, the one that asks precedes the one that writes there, and in any case an answer's time is that of its
arrival in the kernel (dnsblast -y).

`visible`: of one change in 20, DNS is asked at once after the API's reply, and again until the answer shows the change;
the time is from the client's having read the reply to that answer's arrival in the kernel, with the round trip. A
change that is not shown within a second counts as a second and in `never`; `asked again` counts answers that did not
show it.

A round is taken again, up to three times, when the machine was not quiet (as run.py finds it); `quiet` says in how many
of the rounds it was. Only those are in the table of answers, unless there is none.
"""
import argparse
import collections
import json
import multiprocessing
import os
import random
import selectors
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))

import run
from api_client import Connection
from dns_client import build, parse
from node import healthy
from table import percentile, print_circumstances, print_table

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLE_EVERY = 20
GIVE_UP_S = 1.0
SO_TIMESTAMPNS = 35
RETRIES = 3
# As in run.py's tables.
QUIET = 0.35


class Chain:
    """One connection's record, which is created, changed and deleted, over and over. A request at a time."""

    def __init__(self, number, api_port, dns_port, token, zones):
        self.api = Connection(api_port, token)
        self.dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.dns.connect(("127.0.0.1", dns_port))
        self.dns.setblocking(False)
        self.dns.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.number, self.zones, self.step, self.made = number, zones, 0, 0
        self.record, self.sent, self.replied, self.sampled, self.asked = None, None, None, False, 0

    def send(self, sampled):
        """The next change; `wanted` is what DNS will say then, None for no such name."""
        self.sampled, self.step = sampled, self.step % 3 + 1
        if self.step == 1:
            zone, self.zone_id = next(self.zones)
            self.made += 1
            self.name = f"u{os.getpid()}-{self.number}-{self.made}.{zone}"
        self.wanted = (None, "192.0.2.1", "192.0.2.2", None)[self.step]
        path, body = f"/zones/{self.zone_id}/dns_records", {"name": self.name, "type": "A", "ttl": 300}
        self.sent = time.perf_counter()
        if self.step == 1:
            self.api.send("POST", path, {**body, "content": self.wanted})
        elif self.step == 2:
            self.api.send("PATCH", f"{path}/{self.record}", {"content": self.wanted})
        else:
            self.api.send("DELETE", f"{path}/{self.record}")

    def reply(self):
        """Takes the reply; seconds since the request was sent."""
        result = self.api.result()
        self.replied, self.replied_at = time.perf_counter(), time.time()
        self.record = result["id"]
        if self.sampled:
            self.ask()
        return self.replied - self.sent

    def ask(self):
        self.question = build(self.name, "A", 1232)
        self.asked = time.perf_counter()
        self.dns.send(self.question)

    def shown(self):
        """Reads an answer: seconds from the reply, and from the request, until it was there. If it does not show the
        change: None; asks again."""
        message, ancillary, _, _ = self.dns.recvmsg(4096, 64)
        if message[:2] != self.question[:2]:
            return None
        answer = parse(message)
        if (answer.rcode == "NXDOMAIN") if self.wanted is None else (answer.data("A") == [self.wanted]):
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
            after = max(0.0, seconds + nanoseconds / 1e9 - self.replied_at)
            return after, self.replied - self.sent + after
        self.ask()
        return None


def write(arguments, chains, seconds, results):
    """Makes changes at the rate, on whatever connection is free; puts what was seen into `results`."""
    os.sched_setaffinity(0, {int(arguments.client_cpus)})
    os.nice(arguments.nice)
    chains = [Chain(number, *chain) for number, chain in enumerate(chains)]
    free, asking, ready = collections.deque(chains), set(), selectors.DefaultSelector()
    for chain in chains:
        ready.register(chain.api.socket, selectors.EVENT_READ, (chain, chain.api.socket))
        ready.register(chain.dns, selectors.EVENT_READ, (chain, chain.dns))
    took, visible, from_sending, again, never, changes = [], [], [], 0, 0, 0
    began = time.perf_counter()
    end = began + seconds

    def done(chain, after_reply, after_request):
        chain.sampled = False
        asking.discard(chain)
        visible.append(after_reply)
        from_sending.append(after_request)
        free.append(chain)

    while (now := time.perf_counter()) < end:
        due = began + changes / arguments.rate
        if due <= now and free:
            free.popleft().send(changes % SAMPLE_EVERY == 0)
            changes += 1
            continue
        for key, _ in ready.select(max(0.0, min(due - now, 0.01)) if free else 0.01):
            chain, source = key.data
            if source is chain.api.socket:
                took.append(chain.reply())
                if chain.sampled:
                    asking.add(chain)
                else:
                    free.append(chain)
            elif chain in asking:
                before = chain.question
                if (after := chain.shown()) is not None:
                    done(chain, *after)
                else:
                    again += chain.question is not before
            else:
                chain.dns.recv(4096)
        for chain in [chain for chain in asking if now - chain.replied > GIVE_UP_S]:
            never += 1
            done(chain, GIVE_UP_S, GIVE_UP_S + chain.replied - chain.sent)
        for chain in asking:
            if now - chain.asked > 0.1:
                chain.ask()
    results.put({"rate": len(took) / (time.perf_counter() - began), "took": took, "visible": visible,
                 "from_sending": from_sending, "again": again, "never": never})


def zones_of(server, program):
    """Names and ids of the dataset's zones, in an order without sense."""
    done = subprocess.run([program, "--data-dir", os.path.join(server.dir, "loaded", "data"), "zone", "list", "--json"],
                          capture_output=True, text=True, check=True)
    zones = [(zone["name"], zone["id"]) for zone in json.loads(done.stdout)["zones"] if zone["account"] != "Platform"]
    random.Random(1).shuffle(zones)
    return zones


def endless(zones, at, step):
    while True:
        yield zones[at % len(zones)]
        at += step


def ask_paced(arguments, server):
    """What dnsblast saw in a round."""
    before = ["chrt", "-f", "1"] if arguments.precede else []
    command = [
        *before, "nice", "-n", str(arguments.nice), "taskset", "-c", arguments.client_cpus,
        os.path.join(arguments.workdir, "bin", "dnsblast"), "-s", arguments.addr, "-p", str(server.port),
        "-d", server.queries("hit"), "-l", str(arguments.secs), "-q", "64", "-r", str(arguments.questions),
        "-n", "300000", "-o", f"{random.random():.4f}", "-y"]
    cpu, began = server.cpu(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"under_writes.py: dnsblast failed: {done.stderr}")
    return {**json.loads(done.stdout), "server_cpu": (server.cpu() - cpu) / (time.perf_counter() - began)}


def when_quiet(arguments, sample):
    """The sample, taken again while the machine is not quiet; the quietest one, with its `noise`."""
    cpus, taken = run.cpulist(arguments.server_cpus) + run.cpulist(arguments.client_cpus), []
    while len(taken) <= RETRIES:
        stolen, spun, began = run.steal(cpus), run.spin(arguments), time.perf_counter()
        taken.append(sample())
        took = time.perf_counter() - began
        spun = max(spun, run.spin(arguments))
        run.BEST_SPIN[0] = min(run.BEST_SPIN[0], spun)
        taken[-1]["noise"] = max(spun / run.BEST_SPIN[0] - 1, 5 * (run.steal(cpus) - stolen) / took / len(cpus))
        if taken[-1]["noise"] <= QUIET:
            break
    return min(taken, key=lambda sample: sample["noise"])


def measure(arguments, server, program):
    with open(os.path.join(server.dir, "loaded", "bootstrap.json"), encoding="utf-8") as file:
        token = json.load(file)["token"]
    zones, api_port = zones_of(server, program), int(server.v["api_port"])
    rounds, written, offset = {"quiet": [], "writes": []}, [], 0

    def beside_writes():
        nonlocal offset
        offset += 7919
        chains = [(api_port, server.port, token, endless(zones, offset + at, arguments.connections))
                  for at in range(arguments.connections)]
        results = multiprocessing.Queue()
        # Longer than the questions last: they begin and end while changes are made.
        writer = multiprocessing.Process(target=write, args=(arguments, chains, arguments.secs + 1.0, results))
        writer.start()
        time.sleep(0.5)
        sample = ask_paced(arguments, server)
        sample["written"] = results.get(timeout=60)
        writer.join()
        return sample

    for _ in range(arguments.rounds):
        rounds["quiet"].append(when_quiet(arguments, lambda: ask_paced(arguments, server)))
        rounds["writes"].append(when_quiet(arguments, beside_writes))
        written.append(rounds["writes"][-1].pop("written"))
    return rounds, written


def summary(values, places=0):
    return f"{statistics.median(values):.{places}f} ({min(values):.{places}f}-{max(values):.{places}f})"


def report(arguments, rounds, written):
    def quiet(kind):
        return [sample for sample in rounds[kind] if sample["noise"] <= QUIET]

    def column(kind, key):
        return [sample[key] for sample in quiet(kind) or rounds[kind]]

    keys = ("p50_us", "p99_us", "p999_us")
    rows = [[kind, *(summary(column(kind, key)) for key in keys), summary(column(kind, "qps")),
             summary(column(kind, "server_cpu"), 2), sum(column(kind, "lost")), len(quiet(kind))] for kind in rounds]
    ratios = [statistics.median(column("writes", key)) / statistics.median(column("quiet", key)) for key in keys]
    ratios = ["ratio of medians", *(f"{ratio:.2f}" for ratio in ratios), "", "", "", ""]
    print_table(f"{arguments.dataset}: {arguments.questions} questions a second, time of answers in us: median "
                f"(min-max) of {arguments.rounds} rounds of {arguments.secs:g} s",
                ["", "p50", "p99", "p99.9", "answers/s", "server cpu", "lost", "quiet"], [*rows, ratios])
    took, visible, from_sending = (
        [seconds for sample in written for seconds in sample[key]] for key in ("took", "visible", "from_sending"))
    again, never = (sum(sample[key] for sample in written) for key in ("again", "never"))
    print_table(f"{arguments.dataset}: {arguments.rate} changes a second on {arguments.connections} connections; ms",
                ["", "changes/s", "of so many", "p50", "p99", "max", "asked again", "never"],
                [["reply", summary([sample["rate"] for sample in written]), len(took), *spread(took), "", ""],
                 ["visible", "", len(visible), *spread(visible), again, never],
                 ["from sending", "", len(from_sending), *spread(from_sending), "", ""]])


def spread(seconds):
    if not seconds:
        return ["-"] * 3
    return [f"{1000 * value:.2f}" for value in (percentile(seconds, 0.5), percentile(seconds, 0.99), max(seconds))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workdir", default="./bench-work")
    parser.add_argument("--dataset", default="many")
    parser.add_argument("--server", default=os.path.join(HERE, "waymark-pairs.json"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--secs", type=float, default=5)
    parser.add_argument("--questions", type=int, default=20000, help="a second")
    parser.add_argument("--rate", type=int, default=500, help="changes a second")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--port", type=int, default=5500)
    parser.add_argument("--json", metavar="FILE", help="write everything here")
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(143))
    arguments.workdir = os.path.abspath(arguments.workdir)
    arguments.threads, arguments.addr, arguments.server_cpus, arguments.client_cpus = 1, "127.0.0.1", "0", "1"
    arguments.nice = -15 if os.geteuid() == 0 else 0
    arguments.precede = os.geteuid() == 0 and shutil.which("chrt")
    data = os.path.join(arguments.workdir, "data", arguments.dataset)
    if not os.path.exists(os.path.join(data, "meta.json")):
        raise SystemExit(f"no dataset {data}: run gen.py first")
    subprocess.run(["make", "-s", "-C", HERE, "BIN=" + os.path.join(arguments.workdir, "bin")], check=True)
    with open(os.path.join(data, "meta.json"), encoding="utf-8") as file:
        meta = json.load(file)
    server = run.Server(arguments.server, arguments, data, meta, arguments.port)
    program = server.v["waymark"]
    print_circumstances(program)
    try:
        server.start()
        while not healthy(int(server.v["api_port"])):
            time.sleep(0.01)
        ask_paced(argparse.Namespace(**{**vars(arguments), "secs": 1.0}), server)
        rounds, written = measure(arguments, server, program)
    finally:
        if server.proc:
            server.stop()
    report(arguments, rounds, written)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"rounds": rounds, "written": written}, file)


if __name__ == "__main__":
    main()
