"""The listed differences: `differences.toml`, what an entry may be, and which of them occurred.

    listed = Listed.load(path)
    listed.allows(question, section, sides)
    listed.complaints(asked)     # after the run: entries that did not occur, or that cover too much

An entry names a question by the words of `shapes` and `questions` (all of them must be there), the sections that
differ, the RFC with the reason, and every server on its side. It allows a difference only if the servers that were
asked fall on exactly these sides.
"""
import tomllib

from compare import SECTIONS
from servers import ALL

ENTRIES_MAX = 50
# Words that say what type is asked, or how: alone they name no question.
NOT_ALONE = ("type: ", "over ", "about: ", "EDNS", "DO", "end: data", "end: no data", "end: no such name")
# No entry may cover more of the questions than this: it would be no one construct.
SHARE_MAX = 0.125


class Listed:
    def __init__(self, entries, servers):
        self.entries = [Entry(number, entry, servers) for number, entry in enumerate(entries, 1)]
        if len(entries) > ENTRIES_MAX:
            raise SystemExit(f"{len(entries)} differences are listed; {ENTRIES_MAX} are allowed")

    @classmethod
    def load(cls, path, servers):
        with open(path, "rb") as file:
            return cls(tomllib.load(file).get("difference", []), servers)

    def allows(self, question, section, sides):
        """Whether an entry covers this; every entry that does has occurred."""
        covering = [entry for entry in self.entries if entry.covers(question, section, sides)]
        for entry in covering:
            entry.occurred.add(section)
        return bool(covering)

    def complaints(self, questions):
        """What is wrong with the list after all `questions` were asked."""
        types = {}
        for question in questions:
            for tag in question.tags:
                if tag.startswith("type: "):
                    types.setdefault(tag, []).append(question)
        for entry in self.entries:
            for section in sorted(set(entry.sections) - entry.occurred):
                yield f"{entry}: section {section} no longer differs so"
            named = [question for question in questions if entry.names(question)]
            if len(named) > SHARE_MAX * len(questions):
                yield f"{entry}: names {len(named)} of {len(questions)} questions, more than one construct"
            for kind, all_of_type in types.items():
                if all(entry.names(question) for question in all_of_type):
                    yield f"{entry}: names every question of {kind}"


class Entry:
    def __init__(self, number, entry, servers):
        self.number, self.occurred = number, set()
        unknown = set(entry) - {"question", "section", "rfc", "sides"}
        if unknown or len(entry) != 4:
            raise SystemExit(f"difference {number}: needs question, section, rfc, sides, and nothing else")
        self.tags, self.sections, self.rfc = set(entry["question"]), entry["section"], entry["rfc"]
        self.sides = [set(side) & set(servers) for side in entry["sides"]]
        named = [server for side in entry["sides"] for server in side]
        if sorted(named) != sorted(ALL) or len(entry["sides"]) < 2:
            raise SystemExit(f"{self}: each of {', '.join(ALL)} is on one side, and there are two sides or more")
        if not set(self.sections) <= set(SECTIONS) or not self.sections:
            raise SystemExit(f"{self}: a section is one of {', '.join(SECTIONS)}")
        if all(tag.startswith(NOT_ALONE) for tag in self.tags):
            raise SystemExit(f"{self}: names no construct, only a type or a manner of asking")
        if not self.rfc.startswith("RFC "):
            raise SystemExit(f"{self}: says no RFC")

    def __str__(self):
        return f"difference {self.number} ({', '.join(sorted(self.tags))})"

    def names(self, question):
        return self.tags <= question.tags

    def covers(self, question, section, sides):
        if section not in self.sections or not self.names(question):
            return False
        asked = {server for side in sides for server in side}
        return sorted(map(sorted, filter(None, (side & asked for side in self.sides)))) == sorted(map(list, sides))
