"""The program that an image runs: the same path in every image, so that none needs a shell.

Runs while an image is built: standard library only.
`python launcher.py ticketing` prints the program.
"""

import sys
import tomllib
from pathlib import Path

SETUP = "setup"
"""The image of the job that makes streams, buckets and consumers; it has no service in it."""
_SETUP_MODULE = "postbus.bus.apply"
_REPOSITORY = Path(__file__).resolve().parents[2]


def module_of(service: str, repository: Path = _REPOSITORY) -> str:
    """What `python -m` runs for a service, from its own pyproject.toml; LookupError if unclear."""
    if service == SETUP:
        return _SETUP_MODULE
    project = tomllib.loads((repository / "services" / service / "pyproject.toml").read_text())
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    names = [name for name in packages if "*" not in name]
    if len(names) != 1:
        raise LookupError(f"{service} has {len(names)} packages, and one is expected")
    return str(names[0])


def launcher(module: str, python: str = "/opt/postbus/bin/python") -> str:
    """A program that does what `python -m module` does."""
    return (
        f"#!{python}\nimport runpy\n\n"
        f'runpy.run_module("{module}", run_name="__main__", alter_sys=True)\n'
    )


if __name__ == "__main__":
    sys.stdout.write(launcher(module_of(sys.argv[1])))
