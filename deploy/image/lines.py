"""The entries of the lock file for some packages, with their hashes.

Runs while an image is built, where there is nothing but Python: standard library only.
`python lines.py requirements.lock ticketing.txt` prints what `pip --require-hashes` then installs.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?\s*==")


def pick(lock: str, names: Iterable[str]) -> str:
    """The entries of these packages, in the order of the lock file.

    LookupError when the lock file has no entry for one: an image is never built from anything else.
    """
    wanted = set(names)
    entries = [(canonical(entry), entry) for entry in _entries(lock)]
    missing = wanted - {name for name, _ in entries}
    if missing:
        raise LookupError(f"not in the lock file: {', '.join(sorted(missing))}")
    return "".join(entry for name, entry in entries if name in wanted)


def names_of(bill: str) -> list[str]:
    """The package names of a bill: one a line, `#` begins a comment."""
    lines = (line.partition("#")[0].strip() for line in bill.splitlines())
    return [line for line in lines if line]


def canonical(entry: str) -> str:
    """The name an entry or a name begins with, in the one spelling that can be compared."""
    found = _PINNED.match(entry)
    return re.sub(r"[-_.]+", "-", found.group(1) if found else entry.strip()).lower()


def _entries(lock: str) -> list[str]:
    """Each pinned package with the lines that continue it."""
    entries: list[str] = []
    continues = False
    for line in lock.splitlines(keepends=True):
        if continues:
            entries[-1] += line
        elif _PINNED.match(line):
            entries.append(line)
        continues = bool(entries) and line.rstrip().endswith("\\")
    return entries


if __name__ == "__main__":
    lock_file, *bills = (Path(argument) for argument in sys.argv[1:])
    wanted_names = [name for bill in bills for name in names_of(bill.read_text())]
    sys.stdout.write(pick(lock_file.read_text(), wanted_names))
