"""The keys of one installation: made once, and kept in a folder that only its owner reads.

The local stack makes them when it starts first; `k8s.make_keys` makes them for a cluster.
"""

import base64
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import nkeys

from postbus.bus.permissions import SETUP_USER, server_users
from postbus.bus.topology import TOPOLOGY
from postbus.secrets import generate_key_pair, write_key_files

NATS_USERS = (*TOPOLOGY.users, SETUP_USER)
"""Every user that connects with an nkey; subscribers of other teams have a password."""
_TOKENS = {"admin": "admin", "agent": "agent"}
_WORD = secrets.token_urlsafe


@dataclass(frozen=True)
class Keys:
    """A folder of keys and tokens.

    `owner` is what the names of its API tokens begin with. `scopes` gives the scope of each token.
    """

    folder: Path
    owner: str
    scopes: Mapping[str, str] = field(default_factory=lambda: _TOKENS)

    def prepare(self) -> None:
        """Make what is missing; what is there stays as it is."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for user in NATS_USERS:
            self._once(f"nats-{user}.seed", _new_seed)
        self._once("subscriber.password", lambda: _WORD(24))
        self._once("stamp.keys", lambda: base64.b64encode(secrets.token_bytes(32)).decode())
        for name in self.scopes:
            self._once(f"{name}.token", lambda: f"pb_{_WORD(32)}")
        public_file, private_file = self.folder / "sealing.public", self.folder / "sealing.private"
        if not private_file.exists():
            write_key_files(generate_key_pair(), public_file=public_file, private_file=private_file)
        self.write("tokens.json", json.dumps(self._bootstrap_tokens(), indent=1))

    def seed_file(self, user: str) -> Path:
        """The nkey seed of a NATS user."""
        return self.folder / f"nats-{user}.seed"

    def secret(self, name: str) -> str:
        """A secret of one line."""
        return (self.folder / name).read_text().strip()

    def nats_users(self) -> str:
        """The `authorization` block of nats-server.conf."""
        public = {
            user: nkeys.from_seed(self.seed_file(user).read_bytes().strip()).public_key.decode()
            for user in NATS_USERS
        }
        return server_users(public, subscriber_password=self.secret("subscriber.password"))

    def write(self, name: str, text: str) -> None:
        """Replace a file in one step, readable by its owner alone."""
        path = self.folder / name
        beside = path.with_suffix(path.suffix + ".new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        beside.replace(path)

    def _bootstrap_tokens(self) -> list[dict[str, str]]:
        """What the config service is given: the hashes of the tokens, never the tokens."""
        return [
            {
                "name": f"{self.owner} {name}",
                "scope": scope,
                "sha256": sha256(self.secret(f"{name}.token").encode()).hexdigest(),
            }
            for name, scope in self.scopes.items()
        ]

    def _once(self, name: str, make: Callable[[], str]) -> None:
        if not (self.folder / name).exists():
            self.write(name, make() + "\n")


def _new_seed() -> str:
    return str(nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER).decode())
