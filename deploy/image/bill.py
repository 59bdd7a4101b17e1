"""Which packages an image needs: those its service names, and what they need in turn.

`python -m image.bill` writes one list per image beside this file; run it after `make lock`. The
lists hold names only, so that they change when an image gets or loses a package and not with every
version: versions and hashes stand in requirements.lock.
"""

import sys
import tomllib
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from image.launcher import SETUP

_HERE = Path(__file__).resolve().parent
_REPOSITORY = _HERE.parents[1]
_SHARED = "postbus-shared"
_PLATFORMS: tuple[Mapping[str, str], ...] = tuple(
    {
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": machine,
        "python_version": "3.11",
        # Some packages are needed by the early releases of 3.11 only.
        "python_full_version": python,
    }
    for machine in ("x86_64", "aarch64")
    for python in ("3.11.0", "3.11.99")
)
"""Where images run; a package that any of these needs is on the list."""


def services(repository: Path = _REPOSITORY) -> list[str]:
    """Every image: the services, and the setup job."""
    folders = sorted(file.parent.name for file in repository.glob("services/*/pyproject.toml"))
    return [*folders, SETUP]


def bill(service: str, repository: Path = _REPOSITORY) -> str:
    """The list of one image, as it is written."""
    names = sorted(_closure(_named(service, repository)))
    head = "# The packages in this image; `python -m image.bill` writes it.\n"
    return head + "".join(f"{name}\n" for name in names)


def _named(service: str, repository: Path) -> list[Requirement]:
    """What the service's pyproject.toml and that of shared name."""
    folders = ["shared"] if service == SETUP else ["shared", f"services/{service}"]
    found = []
    for folder in folders:
        project = tomllib.loads((repository / folder / "pyproject.toml").read_text())["project"]
        found += [Requirement(text) for text in project["dependencies"]]
    return [one for one in found if canonicalize_name(one.name) != _SHARED]


def _closure(named: Iterable[Requirement]) -> set[str]:
    """The names, and what their installed metadata says they need, extras included."""
    waiting = [(canonicalize_name(one.name), frozenset(one.extras)) for one in named]
    done: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        package = waiting.pop()
        if package not in done:
            done.add(package)
            waiting += [
                (canonicalize_name(one.name), frozenset(one.extras)) for one in _needs(*package)
            ]
    return {name for name, _ in done}


def _needs(name: str, extras: frozenset[str]) -> list[Requirement]:
    try:
        texts = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        # For another platform than this one; the lock file has it, and its entry says when.
        return []
    needs = [Requirement(text) for text in texts]
    return [one for one in needs if one.marker is None or _applies(one.marker, extras)]


def _applies(marker: Marker, extras: frozenset[str]) -> bool:
    return any(
        marker.evaluate({**platform, "extra": extra})
        for platform in _PLATFORMS
        for extra in ("", *extras)
    )


def main() -> int:
    """Write every list."""
    for service in services():
        (_HERE / f"{service}.txt").write_text(bill(service))
    return 0


if __name__ == "__main__":
    sys.exit(main())
