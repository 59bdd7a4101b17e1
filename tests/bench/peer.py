"""The peer: django-helpdesk, in its own environment, taking the same mails in the same run."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.generator import Mail
from postbus.contracts.mail import MailKind
from servers.stack import REPOSITORY

_HERE = Path(__file__).parent
_REQUIREMENTS = _HERE / "peer-requirements.txt"
_ENVIRONMENT = REPOSITORY / ".bench" / "peer-venv"
_INSTALL_SECONDS, _RUN_SECONDS = 600, 3600


class PeerMissing(Exception):
    """It could not be installed, or did not run."""


def install() -> Path:
    """The Python of the peer's environment, made when it is not there; PeerMissing."""
    python = _ENVIRONMENT / "bin" / "python"
    stamp = _ENVIRONMENT / "installed"
    wanted = hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    uv = str(Path(sys.executable).parent / "uv")
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(_ENVIRONMENT)],
        [uv, "pip", "install", "--quiet", "--python", str(python), "--require-hashes",
         "-r", str(_REQUIREMENTS)],
    ):  # fmt: skip
        _run(command, seconds=_INSTALL_SECONDS)
    stamp.write_text(wanted)
    return python


def measure(corpus: Sequence[Mail]) -> dict[str, Any]:
    """What the peer needs for these mails, and what it makes of them; PeerMissing."""
    python = install()
    with tempfile.TemporaryDirectory(prefix="postbus-peer-") as folder:
        home = Path(folder)
        manifest = home / "manifest.json"
        manifest.write_text(json.dumps([_written(mail, home, n) for n, mail in enumerate(corpus)]))
        said = _run(
            [str(python), str(_HERE / "peer_project" / "intake.py"), str(manifest)],
            seconds=_RUN_SECONDS,
            environment={"PEER_HOME": folder},
        )
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def _written(mail: Mail, home: Path, number: int) -> dict[str, object]:
    file = home / f"{number:06}.eml"
    file.write_bytes(mail.raw)
    return {
        "file": str(file),
        "message_id": mail.message_id,
        "subject": mail.subject,
        "opening": "" if mail.kind is MailKind.BOUNCE else mail.opening,
        "opens": mail.opens,
    }


def _run(
    command: Sequence[str], *, seconds: float, environment: dict[str, str] | None = None
) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, check=False,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerMissing(f"{Path(command[0]).name}: {error}") from error
    if done.returncode:
        name, said = Path(command[0]).name, done.stderr[-1500:]
        raise PeerMissing(f"{name} ended with {done.returncode}: {said}")
    return done.stdout
