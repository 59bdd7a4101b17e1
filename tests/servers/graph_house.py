"""ingest-graph on a real nats-server, beside both stand-ins of Microsoft."""

from dataclasses import dataclass, field
from typing import Any

from ingest_graph.app import build
from ingest_graph.domain.hints import folder_key
from ingest_graph.settings import IngestGraphSettings
from postbus.bus.topology import HEALTH_BUCKET, HINTS_BUCKET
from postbus.contracts.catalogue import FILED_SUBJECT, PROVE_GRAPH_SUBJECT
from postbus.contracts.mailboxes import AskFiled, CompletenessProof, Filed, Prove
from postbus.runtime.serve import Service
from servers.graph.store import Stored
from servers.mailboxes import House
from servers.microsoft365 import Microsoft365


def mail(number: object, *, size: int = 0) -> bytes:
    """A mail of a customer; `size` makes it that long, about."""
    line = "x" * 70 + "\r\n"
    return (
        f"From: Anna <anna@customer.example>\r\nTo: support@example.com\r\n"
        f"Subject: Mail {number}\r\n"
        f"Message-ID: <mail-{str(number).replace(' ', '-')}@customer.example>\r\n"
        f"Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n\r\nHello {number}.\r\n"
        f"{line * (size // len(line))}"
    ).encode()


@dataclass
class GraphHouse(House):
    """NATS with the topology, and replicas of ingest-graph that a test starts and ends."""

    microsoft: Microsoft365 = field(default_factory=Microsoft365)
    filed_never: set[str] = field(default_factory=set)
    """Ids that ticketing has on no ticket, whatever is told."""
    answers: Any = None
    """The subscription by which ticketing answers; without it nobody does."""

    async def mailbox(self, id_: str = "support", *, app_only: bool = False, **fields: Any) -> str:
        """A mailbox, its person, and the channel that reads it; its address."""
        address = f"{id_}@example.com"
        self.microsoft.add_mailbox(address)
        secret: Any = self.microsoft.app_only() if app_only else self.microsoft.sign_in(address)
        await self.graph_channel(id_, secret=secret.model_dump_json(), app_only=app_only, **fields)
        return address

    async def graph_channel(
        self, id_: str, *, secret: str, app_only: bool = False, **fields: Any
    ) -> None:
        address = f"{id_}@example.com"
        graph = {
            **self.microsoft.access,
            "auth": "app-only" if app_only else "delegated",
            "mailbox": address,
            **fields.pop("graph", {}),
        }
        document = {
            "id": id_,
            "name": id_.capitalize(),
            "kind": "graph",
            "address": address,
            "graph": graph,
            **fields,
        }
        await self.secret(id_, secret)
        await self.document("inbound-channels", id_, document)

    def lying(self, address: str, folder: str) -> list[Stored]:
        """What lies in a folder; nothing while there is no such folder."""
        try:
            return self.microsoft.graph.messages(address, folder)
        except StopIteration:
            return []

    def build(self, fields: dict[str, Any]) -> Service:
        own = {"tls_ca_file": self.microsoft.graph.ca_file, "poll_seconds": 0.3}
        return build(IngestGraphSettings(**(own | fields)))

    async def answer_filed(self) -> None:
        """Answer as ticketing does, by what is in the stream."""

        async def reply(message: Any) -> None:
            asked = AskFiled.model_validate_json(message.data)
            there = {
                fact.data.route.origin.provider_id
                for fact in await self.facts("postbus.mail.received", "postbus.mail.imported")
                if fact.data.channel == asked.channel
            } - self.filed_never
            missing = tuple(one for one in asked.ids if one not in there)
            await message.respond(Filed(missing="", missing_ids=missing).model_dump_json().encode())

        self.answers = await self.admin.subscribe(FILED_SUBJECT, cb=reply)

    async def ticketing_away(self) -> None:
        """Nobody answers for ticketing from now on."""
        await self.answers.unsubscribe()
        await self.admin.flush()

    async def hint(self, channel: str, folder: str, hint: str) -> None:
        """As the door for notices does."""
        bucket = await self.admin.jetstream().key_value(HINTS_BUCKET)
        await bucket.put(f"{channel}.{folder_key(folder)}.{hint}", b"now")

    async def write_proof(self, proof: CompletenessProof) -> None:
        """In the place of the last one."""
        bucket = await self.admin.jetstream().key_value(HEALTH_BUCKET)
        await bucket.put(f"proof.{proof.channel}", proof.model_dump_json().encode())

    async def proof(self, channel: str = "support") -> CompletenessProof:
        return await self.ask(PROVE_GRAPH_SUBJECT, Prove(channel=channel), CompletenessProof)
