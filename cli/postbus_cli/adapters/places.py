"""Where NATS, the blob store and the keys are."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from postbus.contracts.catalogue import ARCHIVIST
from postbus_cli.exits import Cannot
from postbus_cli.settings import CliSettings


@dataclass(frozen=True)
class Places:
    """What is needed to read the archive; without `stamp_keys_file` no stamp can be verified."""

    nats_url: str
    seed_file: Path | None
    blob_url: str
    stamp_keys_file: Path | None


def find_places(settings: CliSettings) -> Places:
    """As the environment says; what it does not say is that of the local stack.

    Raises:
        Cannot: neither says it, or a file that is named is not there.
    """
    local = _LocalStack(settings.postbus_home)
    is_local = settings.nats_url is None
    nats_url = settings.nats_url or str(local.says("nats"))
    blob_url = settings.blob_url or str(local.says("blob_url"))
    seed, keys = settings.nats_seed_file, settings.stamp_keys_file
    if is_local:
        seed = seed or local.key(f"nats-{ARCHIVIST}.seed")
        keys = keys or local.key("stamp.keys")
    for name, file in (("NATS_SEED_FILE", seed), ("STAMP_KEYS_FILE", keys)):
        if file is not None and not file.is_file():
            raise Cannot(f"{name} is {file}, and there is no such file")
    return Places(nats_url, seed, blob_url, keys)


class _LocalStack:
    """What `make up` left in its folder."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def says(self, name: str) -> object:
        """A value of `endpoints.json`, which is there while the stack runs."""
        file = self._home / "endpoints.json"
        try:
            found: dict[str, Any] = json.loads(file.read_text())
        except (OSError, ValueError) as error:
            variable = {"nats": "NATS_URL", "blob_url": "BLOB_URL"}[name]
            raise Cannot(
                f"there is no running stack in {self._home} ({file.name} is not there); start it "
                f"with `make up`, name its folder with POSTBUS_HOME, or set {variable}"
            ) from error
        if name not in found:
            raise Cannot(f"{file} does not say {name}; start the stack again with this release")
        return found[name]

    def key(self, name: str) -> Path | None:
        """A key of the stack, if it has that one."""
        file = self._home / "keys" / name
        return file if file.is_file() else None
