"""Makes the keys of a cluster in a folder and prints the commands that bring them there.

`python -m k8s.make_keys FOLDER`; what is in the folder already stays as it is, so running it again
prints the same commands. The folder is the only copy: keep it as you keep passwords.
"""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from keys import Keys

from k8s.declared import GIVEN_SECRETS, MADE_SECRETS, DeclaredSecret

NAMESPACE = "postbus"
NATS_NAMESPACE = "nats"
NATS_SECRET, NATS_FILE = "postbus-users", "nats-users.conf"


def prepare(folder: Path) -> Keys:
    """The keys, and beside them the user list for nats-server."""
    keys = Keys(folder, owner=NAMESPACE)
    keys.prepare()
    keys.write(NATS_FILE, keys.nats_users())
    return keys


def commands(folder: Path) -> list[str]:
    """What to run; a given Secret whose files are not there yet is a comment that says so."""
    users = {NATS_FILE: NATS_FILE}
    lines = [_create(NATS_SECRET, users, folder=folder, namespace=NATS_NAMESPACE)]
    for secret in (*MADE_SECRETS, *GIVEN_SECRETS):
        command = _create(secret.name, secret.files, folder=folder, namespace=NAMESPACE)
        missing = [file for file in secret.files.values() if not (folder / file).exists()]
        if not missing:
            lines.append(command)
        elif secret.needed:
            lines.append(_later(secret, missing, command))
    return lines


def _later(secret: DeclaredSecret, missing: list[str], command: str) -> str:
    return f"# {secret.name}: write {' and '.join(missing)} into the folder, then:\n# {command}"


def _create(name: str, files: Mapping[str, str], *, folder: Path, namespace: str) -> str:
    sources = " ".join(
        f"--from-file={key}={shlex.quote(str(folder / file))}" for key, file in files.items()
    )
    return f"kubectl -n {namespace} create secret generic {name} {sources}"


def main() -> int:
    """Make, and print; 1 or 2 when nothing was made."""
    if len(sys.argv) != 2:
        print("usage: python -m k8s.make_keys FOLDER", file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    if folder.exists() and any(folder.iterdir()) and not (folder / "stamp.keys").exists():
        print(f"{folder} has other things in it; name a folder for keys alone", file=sys.stderr)
        return 1
    prepare(folder)
    print("\n".join(commands(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
