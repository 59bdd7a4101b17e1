"""Opens mailboxes: the sealed sign-in of a channel, a token, Graph."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from pydantic import SecretStr

from ingest_graph.adapters.graph_mailbox import Mailbox365
from postbus.connecting import names_of, read_microsoft
from postbus.contracts.configuration import GraphSettings, InboundChannel
from postbus.errors import CredentialsRejected, NotConfigured
from postbus.microsoft import Microsoft, Resource
from postbus.microsoft.granted import granted

_HTTPS = 443


class Opening:
    """The ports `OpenMailbox`, `trying.Steps` and `upkeep.SignIns`.

    `expires` hears when a sign-in ends.
    """

    def __init__(
        self,
        microsoft: Microsoft,
        secrets: Callable[[str, str | None], Awaitable[SecretStr | None]],
        expires: Callable[[str, datetime | None], None],
    ) -> None:
        self._graph = microsoft.graph
        self._tokens = microsoft.tokens
        self._secrets = secrets
        self._expires = expires

    async def __call__(self, channel: InboundChannel) -> Mailbox365:
        """The mailbox; it is not asked for anything yet but its token."""
        if channel.graph is None:
            raise NotConfigured(f"the channel {channel.id} is no mailbox of Microsoft 365")
        secret = await self._secrets(channel.id, None)
        if secret is None:
            raise CredentialsRejected(
                "nobody has signed in to this mailbox yet",
                reason="needs-sign-in",
                advice="Sign in with Microsoft.",
            )
        mailbox = await self.open(channel.graph, secret)
        self._expires(channel.id, await self._tokens.ends_at(read_microsoft(secret)))
        return mailbox

    async def ends_at(self, channel: InboundChannel) -> datetime | None:
        """When the sign-in of a channel ends, where that is known. BusUnavailable."""
        secret = await self._secrets(channel.id, None)
        return await self._tokens.ends_at(read_microsoft(secret)) if secret else None

    async def renew(self, channel: InboundChannel) -> None:
        """Use the sign-in of a channel, so that it lasts."""
        secret = await self._secrets(channel.id, None)
        if secret is not None:
            await self._tokens.token(read_microsoft(secret), Resource.GRAPH, anew=True)

    async def resolve(self, graph: GraphSettings) -> str:
        parts = urlsplit(graph.base_url)
        host, port = parts.hostname or "", parts.port or _HTTPS
        return await asyncio.to_thread(names_of, host, port)

    def forget(self, secret: SecretStr) -> None:
        self._tokens.forget(read_microsoft(secret))

    async def open(self, graph: GraphSettings, secret: SecretStr) -> Mailbox365:
        credential = read_microsoft(secret)
        await self._tokens.token(credential, Resource.GRAPH)
        return Mailbox365(self._graph.mailbox(graph, credential), graph.mailbox)

    async def roles(self, secret: SecretStr) -> Sequence[str]:
        return granted(await self._tokens.token(read_microsoft(secret), Resource.GRAPH)).roles
