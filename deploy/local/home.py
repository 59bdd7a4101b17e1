"""The data folder: what is made once, the first time, and kept."""

from dataclasses import dataclass
from pathlib import Path

from keys import Keys

from local.ports import Ports
from postbus.bus.permissions import SUBSCRIBER_USER
from postbus.bus.topology import MAX_PAYLOAD_BYTES


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
        return self._made.seed_file(user)

    def secret(self, name: str) -> str:
        """A secret of one line."""
        return self._made.secret(name)

    def prepare(self, ports: Ports) -> None:
        """Make what is missing; what is there stays as it is, so that data survives."""
        for folder in (self.folder, self.logs, self.folder / "nats"):
            folder.mkdir(parents=True, exist_ok=True)
        for name in ("mongodb", "blobs", "run"):
            (self.folder / name).mkdir(exist_ok=True)
        self._made.prepare()
        self._made.write("nats.conf", self._nats_conf(ports))

    def subscriber_url(self, ports: Ports) -> str:
        """What a service of your own connects with to read events."""
        password = self.secret("subscriber.password")
        return f"nats://{SUBSCRIBER_USER}:{password}@127.0.0.1:{ports.nats}"

    @property
    def _made(self) -> Keys:
        return Keys(self.keys, owner="local")

    def _nats_conf(self, ports: Ports) -> str:
        return (
            f'listen: "127.0.0.1:{ports.nats}"\n'
            f'http: "127.0.0.1:{ports.nats_monitor}"\n'
            "server_name: postbus-local\n"
            f"max_payload: {MAX_PAYLOAD_BYTES}\n"
            f'jetstream {{ store_dir: "{self.folder / "nats"}", sync_interval: always }}\n'
            f"{self._made.nats_users()}"
        )
