"""`make loops`: how many automatic mails each robot gets, beside the published limits of others.

The services are real and time is simulated. The exit code is 1 if a required figure is missed.
"""

import argparse
import sys
from collections.abc import Sequence

from loops.rows import ROWS, chosen
from loops.running import run
from loops.table import table


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every row gave what it must."""
    parser = argparse.ArgumentParser(prog="loops", description=__doc__)
    names = ", ".join(row.name for row in ROWS)
    parser.add_argument(
        "--row", action="append", default=[], choices=[row.name for row in ROWS], metavar="NAME",
        help=f"only that one; may be repeated ({names})",
    )  # fmt: skip
    asked = parser.parse_args(arguments)
    results = []
    for result in run(chosen(asked.row), say=_say):
        _say(f"{result.row.name}: {'; '.join(result.missed) or 'done'}")
        results.append(result)
    order = [row.name for row in ROWS]
    results.sort(key=lambda one: order.index(one.row.name))
    _say(f"\n{table(results)}\n\nOf others: the most that their published rules give one")
    _say("correspondent in 10 minutes / 24 hours. See docs/loops.md.")
    missed = [one.row.name for one in results if one.missed]
    _say(f"MISSED: {', '.join(missed)}" if missed else "Every row gave what it must.")
    return 1 if missed else 0


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what this program is for


if __name__ == "__main__":
    sys.exit(main())
