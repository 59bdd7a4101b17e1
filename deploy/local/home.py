"""The data folder: what is made once, the first time, and kept."""

import base64
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import nkeys

from postbus.bus.permissions import SETUP_USER, SUBSCRIBER_USER, server_users
from postbus.bus.topology import MAX_PAYLOAD_BYTES, TOPOLOGY
from postbus.secrets import generate_key_pair, write_key_files

from local.ports import Ports

_TOKENS = {"admin": "admin", "agent": "agent"}


@dataclass(frozen=True)
class Home:
    """POSTBUS_HOME: keys, tokens, data, logs. Keys are readable by their owner alone."""

    folder: Path

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def outbox(self) -> Path:
        return self.folder / "outbox"

    def seed_file(self, user: str) -> Path:
        """The nkey seed of a NATS user."""
        return self.keys / f"nats-{user}.seed"

    def secret(self, name: str) -> str:
        """A secret of one line."""
        return (self.keys / name).read_text().strip()

    def prepare(self, ports: Ports) -> None:
        """Make what is missing; what is there stays as it is, so that data survives."""
        for folder in (self.folder, self.keys, self.logs, self.folder / "nats"):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in ("mongodb", "blobs", "run"):
            (self.folder / folder).mkdir(exist_ok=True)
        self.keys.chmod(0o700)
        for user in (*TOPOLOGY.services, SETUP_USER):
            self._once(f"nats-{user}.seed", _new_seed)
        self._once("subscriber.password", lambda: secrets.token_urlsafe(24))
        self._once("stamp.keys", lambda: base64.b64encode(secrets.token_bytes(32)).decode())
        for name in _TOKENS:
            self._once(f"{name}.token", lambda: f"pb_{secrets.token_urlsafe(32)}")
        if not (self.keys / "sealing.private").exists():
            pair = generate_key_pair()
            write_key_files(
                pair,
                public_file=self.keys / "sealing.public",
                private_file=self.keys / "sealing.private",
            )
        self._write("tokens.json", json.dumps(self._bootstrap_tokens(), indent=1))
        self._write("nats.conf", self._nats_conf(ports))

    def subscriber_url(self, ports: Ports) -> str:
        """What a service of your own connects with to read events."""
        password = self.secret("subscriber.password")
        return f"nats://{SUBSCRIBER_USER}:{password}@127.0.0.1:{ports.nats}"

    def _bootstrap_tokens(self) -> list[dict[str, str]]:
        return [
            {
                "name": f"local {name}",
                "scope": scope,
                "sha256": sha256(self.secret(f"{name}.token").encode()).hexdigest(),
            }
            for name, scope in _TOKENS.items()
        ]

    def _nats_conf(self, ports: Ports) -> str:
        public = {
            user: nkeys.from_seed(self.secret(f"nats-{user}.seed").encode()).public_key.decode()
            for user in (*TOPOLOGY.services, SETUP_USER)
        }
        users = server_users(public, subscriber_password=self.secret("subscriber.password"))
        return (
            f'listen: "127.0.0.1:{ports.nats}"\n'
            f'http: "127.0.0.1:{ports.nats_monitor}"\n'
            "server_name: postbus-local\n"
            f"max_payload: {MAX_PAYLOAD_BYTES}\n"
            f'jetstream {{ store_dir: "{self.folder / "nats"}", sync_interval: always }}\n'
            f"{users}"
        )

    def _once(self, name: str, make: Callable[[], str]) -> None:
        if not (self.keys / name).exists():
            self._write(name, make() + "\n")

    def _write(self, name: str, text: str) -> None:
        path = self.keys / name
        beside = path.with_suffix(path.suffix + ".new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        beside.replace(path)


def _new_seed() -> str:
    return nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER).decode()
