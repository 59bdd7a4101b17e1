"""Health and proofs in the KV bucket `postbus-health`, and facts about channels."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import pydantic

from postbus.bus import Bucket, Bus
from postbus.contracts.base import Contract, derived_id
from postbus.contracts.catalogue import FILED_SUBJECT
from postbus.contracts.channels import ChannelFact
from postbus.contracts.mailboxes import AskFiled, CompletenessProof, Filed, KnownHealth

Model = TypeVar("Model", bound=Contract)
_ASK_SECONDS = 20.0


class NatsHealth:
    """The port `HealthBoard`."""

    def __init__(self, bucket: Callable[[], Awaitable[Bucket]]) -> None:
        self._bucket = bucket

    async def get(self, channel: str) -> KnownHealth | None:
        """What was written last. BusUnavailable."""
        return await self._read(f"inbound.{channel}", KnownHealth)

    async def put(self, health: KnownHealth) -> None:
        """Write. BusUnavailable."""
        await self._write(f"inbound.{health.channel}", health)

    async def proof(self, channel: str) -> CompletenessProof | None:
        """The proof before. BusUnavailable."""
        return await self._read(f"proof.{channel}", CompletenessProof)

    async def put_proof(self, proof: CompletenessProof) -> None:
        """Write. BusUnavailable."""
        await self._write(f"proof.{proof.channel}", proof)

    async def _read(self, key: str, model: type[Model]) -> Model | None:
        entry = await (await self._bucket()).get(key)
        if entry is None:
            return None
        try:
            return model.model_validate_json(entry.value)
        except pydantic.ValidationError:
            return None  # it is written anew before long

    async def _write(self, key: str, content: Contract) -> None:
        """Over whatever is there: the last one who looked is right."""
        await (await self._bucket()).put(key, content.model_dump_json().encode())


class NatsTelling:
    """The ports `TellChannel` and `AskTicketing`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def tell(self, channel: str, fact: str, reason: str, *, at: datetime) -> None:
        """Tell `postbus.channel.<fact>.<channel>`. BusUnavailable."""
        await self._bus.tell(
            "postbus.channel",
            f"{fact}.{channel}",
            ChannelFact(channel=channel, fact=fact, reason=reason, at=at),
            event_id=derived_id("channel", channel, fact, at.isoformat()),
            about=f"inbound-channels/{channel}",
        )

    async def ask_filed(self, question: AskFiled) -> Filed:
        """Which mails are on no ticket. BusUnavailable."""
        return await self._bus.ask(FILED_SUBJECT, question, Filed, timeout_seconds=_ASK_SECONDS)
