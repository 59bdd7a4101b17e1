"""A Postbus with a mailbox of Microsoft 365: mail comes and goes by Graph, which loses headers."""

import time
from pathlib import Path

from loops.clock import SimulatedClock
from loops.house import Letter, Relay, Sent, Services, surroundings
from loops.told import Fact
from servers.graph.sending import Sent as SentByGraph
from servers.microsoft365 import TENANT
from servers.office import open_office

MAILBOX = "support@example.com"
_SURELY_SEEN_SECONDS = 2.5
"""By then a mail that lies in a mailbox has been fetched."""


class OfficeHouse:
    """One mailbox, read and written by Graph, without the headers that say a mail is automatic."""

    def __init__(self, folder: Path, clock: SimulatedClock, clock_file: Path) -> None:
        self._clock = clock
        self._relay = Relay(clock)
        self._relay.start()
        self._office = open_office(
            folder, module="loops.up", **surroundings(clock_file, self._relay)
        )
        self.stack = self._office.stack
        graph = self._office.microsoft.graph
        # Auto-Submitted is lost always; these too, where a gateway takes out what it does not know.
        graph.drops_headers = {
            "x-postbus-stamp", "x-postbus-automatic", "x-auto-response-suppress", "precedence",
        }  # fmt: skip
        graph.rewrites_on_send = True
        self.outbox: list[Sent] = []
        graph.hand_over = self._note
        self._office.microsoft.add_mailbox(MAILBOX)
        channel = self._office.connect(MAILBOX, tenant=TENANT)
        self._office.until_state(channel["id"], "connected")
        self.services = Services(self.stack)
        self._busy_at = time.monotonic()

    @property
    def facts(self) -> list[Fact]:
        return self.services.told.facts

    def has(self, address: str) -> bool:
        local, _, domain = address.lower().rpartition("@")
        return f"{local.partition('+')[0]}@{domain}" == MAILBOX

    def take(self, letter: Letter) -> None:
        self._office.microsoft.graph.deliver(MAILBOX, letter.data)
        self._busy_at = time.monotonic()

    def is_quiet(self) -> bool:
        if not self.services.are_quiet():
            self._busy_at = time.monotonic()
        return time.monotonic() - self._busy_at > _SURELY_SEEN_SECONDS

    def close(self) -> None:
        self.services.told.close()
        code = self._office.stop()
        self._relay.stop()
        assert code == 0, "the stack did not stop in order"

    def _note(self, sent: SentByGraph) -> None:
        self.outbox.append(Sent(self._clock.now(), sent.sender, sent.recipients, sent.mime))
        self._busy_at = time.monotonic()
