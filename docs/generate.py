"""Writes the pages that follow from the code; `--check` only says which are stale.

Run as `python docs/generate.py [--check]`. With `--check` nothing is written, and the exit code
is 1 when a page differs from what the code says now.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from pages import adr_index, asyncapi, event_schemas, events_page, settings_tables

DOCS = Path(__file__).resolve().parent
SCHEMAS = DOCS / "events"


def pages() -> Mapping[Path, str]:
    """Every generated file and what it should hold."""
    wanted = {SCHEMAS / name: text for name, text in event_schemas.files().items()}
    wanted[DOCS / "events.md"] = events_page.page()
    wanted[DOCS / "asyncapi.yaml"] = asyncapi.document_text()
    operations = DOCS / "operations.md"
    wanted[operations] = settings_tables.filled_in(operations.read_text(encoding="utf-8"))
    wanted[DOCS / "adr" / "README.md"] = adr_index.page(DOCS / "adr")
    return wanted


def stale(wanted: Mapping[Path, str]) -> list[Path]:
    """Files that are missing, differ, or are schemas of events that are no more."""
    differing = [path for path, text in wanted.items() if _read(path) != text]
    leftover = [path for path in SCHEMAS.glob("*.json") if path not in wanted]
    return sorted([*differing, *leftover])


def write(wanted: Mapping[Path, str]) -> None:
    """Bring all files up to date."""
    SCHEMAS.mkdir(exist_ok=True)
    for path in stale(wanted):
        if path in wanted:
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()
        print("wrote" if path in wanted else "removed", path.relative_to(DOCS.parent))


def main(arguments: list[str]) -> int:
    """The exit code: 1 when `--check` found something stale, 2 for arguments nobody knows."""
    if arguments not in ([], ["--check"]):
        print("usage: python docs/generate.py [--check]")
        return 2
    wanted = pages()
    if not arguments:
        write(wanted)
        return 0
    old = stale(wanted)
    for path in old:
        print(f"stale: {path.relative_to(DOCS.parent)}; run `make docs`")
    return 1 if old else 0


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
