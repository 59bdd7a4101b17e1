"""Addresses of the local stack, counted from one base port."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ports:
    """POSTBUS_PORT_BASE and what follows from it; all on 127.0.0.1."""

    base: int

    @property
    def config(self) -> int:
        return self.base

    @property
    def ticketing(self) -> int:
        return self.base + 1

    @property
    def smtp_in(self) -> int:
        return self.base + 3

    @property
    def outbox(self) -> int:
        return self.base + 4

    @property
    def nats(self) -> int:
        return self.base + 5

    @property
    def mongodb(self) -> int:
        return self.base + 6

    @property
    def nats_monitor(self) -> int:
        return self.base + 7

    def health(self, service: str) -> int:
        """The HTTP port of a service: its API, or for the others its health pages."""
        others = ("ingest-forward", "dispatch", "loopguard", "ingest-imap", "ingest-graph")
        named = {"config": self.config, "ticketing": self.ticketing}
        return named[service] if service in named else self.base + 11 + others.index(service)
