#!/usr/bin/env python3
"""How many instructions an answer takes, counted by callgrind: a figure that does not need a quiet machine.

  ./instructions.py [--workdir W] [--program FILE]        a table, by kind of question
  ./instructions.py --record bench/instructions.json      and writes it down
  ./instructions.py --check bench/instructions.json       and compares: exit 1 when an answer takes more than it did
  ./instructions.py --workers 2                           one worker against two

Each kind is asked by the example `answers` of waymark-serve, 1280 and 7680 times; the difference is divided by 6400, so
that what happens once does not count. Only what a worker does to answer a batch is counted, not the system calls that
receive and send it, nor the client. Without --program the example is built first, in W/target and for x86-64-v2,
because valgrind does not know AVX-512.

`reads and writes`: of data. `D1`, `LL`: misses of data in a first-level cache of 32 KiB and a last-level one of 8 MiB,
simulated, the same on every machine. All are per answer. With two workers, threads take turns in one simulated core
and its caches: what they share shows as more instructions, and what they push out of the caches as more misses.
Compilers, and CPU features that libraries look for at run time, move the figures a little: hence --tolerance.
"""
import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile

sys.path.append(os.path.dirname(os.path.abspath(__file__)))

from table import print_table

REPOSITORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
KINDS = ("hit", "nxdomain", "wildcard", "referral", "cname", "truncated")
FEW, MANY = 1280, 7680
COUNTED = "waymark_serve::udp::Worker::answer"
CACHES = ("--I1=32768,8,64", "--D1=32768,8,64", "--LL=8388608,16,64")
FIGURES = ("instructions", "reads_and_writes", "d1_misses", "ll_misses")
COLUMNS = ["instructions", "reads and writes", "D1 misses", "LL misses"]


def build(workdir):
    """The example, built for a CPU that valgrind knows."""
    target = os.path.join(os.path.abspath(workdir), "target")
    subprocess.run(
        ["cargo", "build", "--release", "-p", "waymark-serve", "--example", "answers", "--target-dir", target],
        check=True, cwd=REPOSITORY, env={**os.environ, "RUSTFLAGS": "-C target-cpu=x86-64-v2"})
    return os.path.join(target, "release", "examples", "answers")


def totals(program, kind, count, workers):
    """What callgrind counted in a run, by the names of its events."""
    with tempfile.TemporaryDirectory() as directory:
        out = os.path.join(directory, "out")
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", f"--toggle-collect={COUNTED}",
             "--cache-sim=yes", "--fair-sched=yes", *CACHES, program, kind, str(count), str(workers)],
            capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"instructions.py: {program} {kind} failed ({done.returncode}):\n{done.stderr[-2000:]}")
        lines = {}
        with open(out, encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, rest = line.partition(": ")
                if key in ("events", "summary", "totals"):
                    lines[key] = rest.split()
    values = lines.get("summary") or lines["totals"]
    # Events at the end of the line that never happened are left out of it.
    counted = dict.fromkeys(lines["events"], 0) | dict(zip(lines["events"], map(int, values)))
    if not counted["Ir"]:
        raise SystemExit(f"instructions.py: nothing was counted: {program} has no function that matches {COUNTED}")
    return counted


def per_answer(program, kind, workers=1):
    few, many = (totals(program, kind, count, workers) for count in (FEW, MANY))
    one = {event: (many[event] - few[event]) / (MANY - FEW) for event in many}
    sums = (("Ir",), ("Dr", "Dw"), ("D1mr", "D1mw"), ("DLmr", "DLmw"))
    return {figure: round(sum(one[event] for event in events), 3) for figure, events in zip(FIGURES, sums)}


def row(figures):
    return [f"{figures['instructions']:.0f}", f"{figures['reads_and_writes']:.0f}", f"{figures['d1_misses']:.2f}",
            f"{figures['ll_misses']:.3f}"]


def one_against(program, workers):
    """The table of one worker against several; whether instructions and cache misses are within five percent is for
    the reader to see."""
    one, several = (per_answer(program, "mixed", count) for count in (1, workers))

    def ratio(figure):
        return f"{several[figure] / one[figure]:.3f}" if one[figure] else "-"

    print_table(f"Per answer, all kinds in turn, {MANY - FEW} answers", ["workers", *COLUMNS], [
        ["1", *row(one)], [str(workers), *row(several)], ["ratio", *map(ratio, FIGURES)]])


def check(found, recorded, tolerance):
    """The rows of the comparison, and whether no kind takes more instructions than it may."""
    rows, good = [], True
    for kind, figures in found.items():
        before, now = recorded[kind]["instructions"], figures["instructions"]
        fits = now <= before * (1 + tolerance)
        good &= fits
        rows.append([kind, f"{before:.0f}", f"{now:.0f}", f"{now / before:.3f}", "ok" if fits else "MORE"])
    return rows, good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", metavar="FILE", help="a built example `answers`")
    parser.add_argument("--workdir", default="./bench-work")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--workers", type=int, default=1, help="more than one: compares one worker with so many")
    parser.add_argument("--record", metavar="FILE")
    parser.add_argument("--check", metavar="FILE")
    parser.add_argument("--tolerance", type=float, default=0.05, help="how much more --check lets pass, as a share")
    arguments = parser.parse_args()
    recorded = None
    if arguments.check:
        with open(arguments.check, encoding="utf-8") as file:
            recorded = json.load(file)["kinds"]
    if not shutil.which("valgrind"):
        raise SystemExit("instructions.py: valgrind is missing: install the Debian package valgrind")
    program = os.path.abspath(arguments.program) if arguments.program else build(arguments.workdir)
    if arguments.workers > 1:
        one_against(program, arguments.workers)
        return
    found = {kind: per_answer(program, kind) for kind in arguments.kinds.split(",")}
    print_table(f"Per answer, {MANY - FEW} answers of each kind", ["kind", *COLUMNS],
                [[kind, *row(figures)] for kind, figures in found.items()])
    if arguments.record:
        versions = {tool: subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout.strip()
                    for tool in ("valgrind", "rustc") if shutil.which(tool)}
        with open(arguments.record, "w", encoding="utf-8") as file:
            json.dump({"made_by": "bench/instructions.py --record", "machine": platform.machine(), **versions,
                       "kinds": found}, file, indent=1)
            file.write("\n")
    if recorded:
        rows, good = check(found, recorded, arguments.tolerance)
        print_table(f"Instructions against {arguments.check}", ["kind", "recorded", "now", "ratio", ""], rows)
        raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
