"""The same zones in Waymark, NSD, Knot, BIND and PowerDNS; the same questions to all; their answers compared.

    python references/run.py [--zone-server PROGRAM] [--seed N] [--rounds N] [--questions N] [--keep DIRECTORY]

PROGRAM is Waymark's example `zone_server`; without it the four references are compared among themselves. A round has
zones and questions of its own seed (`zones.py`, `questions.py`), and starts every server anew (`servers.py`). What the
servers say (`ask.py`) is compared by meaning (`compare.py`). The run fails on a difference that is not listed in
`differences.toml`, and on a listed one that no longer occurs (`listed.py`); it shows one example of every kind.

Exit codes: 0 no such difference, 1 some, 2 called wrongly, 3 a tool is missing.
"""
import argparse
import contextlib
import os
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import compare  # noqa: E402: the path is set above
import questions  # noqa: E402
import servers  # noqa: E402
import zones  # noqa: E402
from ask import Asker  # noqa: E402
from listed import Listed  # noqa: E402

# How many kinds of unlisted difference are shown in full.
SHOWN_MAX = 400


class Unlisted:
    """Differences that nothing allows, by kind: one example of each and how many there were."""

    def __init__(self):
        self.kinds = {}

    def add(self, world, question, replies, section, sides):
        words = tuple(sorted(tag for tag in question.tags if not tag.startswith(("type: ", "over ", "EDNS", "DO"))))
        kind = self.kinds.setdefault((section, sides, words), [0, None, set()])
        kind[0] += 1
        kind[2] |= {tag for tag in question.tags if tag.startswith("type: ")}
        # The shortest question makes the best example.
        if kind[1] is None or len(str(question)) < len(str(kind[1][1])):
            kind[1] = (world.seed, question, replies)

    def show(self):
        ordered = sorted(self.kinds.items(), key=lambda item: -item[1][0])
        for (section, sides, words), (count, example, types) in ordered[:SHOWN_MAX]:
            seed, question, replies = example
            print(f"\n{count} x {section}: {' | '.join(' '.join(side) for side in sides)}")
            print(f"    {', '.join(words)}; {', '.join(sorted(types))}")
            print(f"    seed {seed}: {question}")
            for side in sides:
                print(f"  {' '.join(side)}:")
                print("    " + show_reply(replies[side[0]]).replace("\n", "\n    "))
        if len(ordered) > SHOWN_MAX:
            print(f"\n... and {len(ordered) - SHOWN_MAX} more kinds")


def show_reply(octets):
    if isinstance(octets, str):
        return octets
    message = compare.parsed(octets)
    return message.to_text() if message else octets.hex()


def one_round(seed, arguments, listed, unlisted, directory):
    """Asks everything once; returns what was asked."""
    world = zones.generate(seed)
    asked = []
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(servers.running(world, directory, arguments.zone_server))
        ports = {name: one.port for name, one in running.items()}
        asker = stack.enter_context(contextlib.closing(Asker(ports, next(iter(world.zones)))))
        for question in questions.generate(world, seed, arguments.questions):
            asked.append(question)
            zone = world.zone_of(question.name)
            absent = world.not_loaded_by.get(zone.apex, ()) if zone else ()
            octets = asker.ask(question, [name for name in running if name not in absent])
            replies = {name: compare.read(world, question, one) for name, one in octets.items()}
            for section, sides in compare.differences(question, replies):
                if not listed.allows(question, section, sides):
                    unlisted.add(world, question, octets, section, sides)
    return asked


def main():
    parser = argparse.ArgumentParser(description="Compares Waymark's answers with those of four other nameservers.")
    parser.add_argument("--zone-server", metavar="PROGRAM", type=os.path.abspath)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--questions", type=int, default=2500, help="in each round")
    parser.add_argument("--differences", default=os.path.join(HERE, "differences.toml"))
    parser.add_argument("--keep", metavar="DIRECTORY", help="where zones, configurations and logs stay")
    arguments = parser.parse_args()
    compared = servers.ALL if arguments.zone_server else servers.REFERENCES
    listed, unlisted, asked = Listed.load(arguments.differences, compared), Unlisted(), []
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        top = arguments.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="waymark-references-"))
        for seed in range(arguments.seed, arguments.seed + arguments.rounds):
            directory = os.path.join(top, f"seed-{seed}")
            os.makedirs(directory)
            asked += one_round(seed, arguments, listed, unlisted, directory)
    unlisted.show()
    complaints = list(listed.complaints(asked))
    for complaint in complaints:
        print(complaint)
    count = sum(count for count, *_ in unlisted.kinds.values())
    print(f"{len(asked)} questions to {', '.join(compared)} in {time.monotonic() - started:.0f} s: "
          f"{count} unlisted differences of {len(unlisted.kinds)} kinds; {len(listed.entries)} listed, "
          f"{len(complaints)} complaints about the list")
    sys.exit(1 if unlisted.kinds or complaints else 0)


if __name__ == "__main__":
    main()
