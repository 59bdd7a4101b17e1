"""What comes as Debian packages: a test that needs one is skipped, in words, without it."""

import os
from pathlib import Path

import pytest

PACKAGES = {
    "dovecot": "dovecot-imapd",
    "postfix": "postfix",
    "chromium": "chromium",
    "dnsmasq": "dnsmasq-base",
}
"""Program → the package that `tests/servers/install-peers.sh` installs for it."""
_NEED_ROOT = {"postfix"}
_FOLDERS = (Path("/usr/sbin"), Path("/usr/bin"))


def needed(*servers: str) -> None:
    """Skip the test, loudly, unless these servers can run here; for fixtures, before they start."""
    for server in servers:
        if not any((folder / server).exists() for folder in _FOLDERS):
            pytest.skip(
                f"{server} is not installed: `apt-get install {PACKAGES[server]}`, which "
                "`make test` does by itself as root"
            )
        if server in _NEED_ROOT and os.getuid() != 0:
            pytest.skip(f"{server} runs as root only: the master process changes users")
