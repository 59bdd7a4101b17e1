"""Replicas of a service that reads mailboxes, as processes of their own, which can be killed."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field

from servers.mailboxes import House
from servers.nats import die_with_parent, free_port

QUICK = {"LEASE_SECONDS": "1.5", "READ_PROCESSES": "1"}
"""For tests that wait until a replica is taken for dead."""


@dataclass
class Replicas:
    """`module` is run with the settings of a house and these of its own."""

    house: House
    module: str
    settings: dict[str, str] = field(default_factory=lambda: dict(QUICK))
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    """Where each answers by HTTP."""

    def start(self, name: str) -> "subprocess.Popen[bytes]":
        house = self.house
        self.ports[name] = free_port()
        environment = {
            **os.environ,
            "NATS_URL": house.url,
            "BLOB_URL": (house.folder / "blobs").as_uri(),
            "SECRETS_PRIVATE_KEY_FILE": str(house.keys.private),
            "STAMP_KEYS_FILE": str(house.keys.stamps),
            "ALLOW_PRIVATE_HOSTS": "true",
            "INSTANCE": name,
            "HTTP_PORT": str(self.ports[name]),
            **self.settings,
        }
        with (house.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", self.module],
                env=environment,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )
        return self.running[name]

    def kill(self, name: str) -> None:
        self.running[name].kill()
        self.running.pop(name).wait()

    def stop_all(self) -> None:
        for process in self.running.values():
            process.send_signal(signal.SIGTERM)
        for process in self.running.values():
            process.wait(20)
