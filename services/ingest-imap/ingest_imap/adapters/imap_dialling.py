"""Connecting, as coroutines.

It blocks threads of its own, so that a server that hangs while we connect holds up no mailbox that
is connected.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

from pydantic import SecretStr

from ingest_imap.adapters.imap_connections import ImapConnections, end
from ingest_imap.adapters.imap_session import ImapSession
from postbus.connecting import GoogleRefreshToken, names_of, read_google
from postbus.connecting.imap import ImapClient
from postbus.contracts.configuration import ImapAuth, ImapSettings, InboundChannel
from postbus.errors import NotConfigured

Result = TypeVar("Result")


class ImapDialling:
    """The ports `Connect` and `Steps`; `expires` hears when a sign-in ends, where that is known."""

    def __init__(
        self,
        connections: ImapConnections,
        secrets: Callable[[str, str | None], Awaitable[SecretStr | None]],
        expires: Callable[[str, datetime | None], None],
        *,
        threads: int,
    ) -> None:
        self._connections = connections
        self._secrets = secrets
        self._expires = expires
        self._dialling = ThreadPoolExecutor(threads, thread_name_prefix="dial")
        self._commands = ThreadPoolExecutor(threads, thread_name_prefix="imap")

    async def __call__(self, channel: InboundChannel) -> ImapSession:
        imap = channel.imap
        if imap is None:
            raise NotConfigured(f"the channel {channel.id} is no mailbox")
        secret = await self._secrets(channel.id, None)
        if secret is not None and imap.auth is ImapAuth.GOOGLE_OAUTH:
            credential = read_google(secret)
            if isinstance(credential, GoogleRefreshToken):
                self._expires(channel.id, credential.expires_at)
        client = await self._run(lambda: self._connections.open(imap, secret))
        return self.session(client)

    async def resolve(self, imap: ImapSettings) -> str:
        return await self._run(lambda: names_of(imap.host, imap.port))

    async def connect(self, imap: ImapSettings) -> ImapClient:
        return await self._run(lambda: self._connections.connect(imap))

    async def protect(self, client: ImapClient, imap: ImapSettings) -> None:
        await self._run(lambda: self._connections.protect(client, imap))

    async def sign_in(
        self, client: ImapClient, imap: ImapSettings, secret: SecretStr | None
    ) -> None:
        await self._run(lambda: self._connections.sign_in(client, imap, secret))

    def session(self, client: ImapClient) -> ImapSession:
        return ImapSession(client, self._commands)

    async def end(self, client: ImapClient) -> None:
        await self._run(lambda: end(client))

    def close(self) -> None:
        """End the threads; what they do still is given up."""
        self._dialling.shutdown(wait=False, cancel_futures=True)
        self._commands.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], Result]) -> Result:
        """A connection that nobody waits for any more is not left open."""
        future = asyncio.get_running_loop().run_in_executor(self._dialling, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(_end_unwanted)
            raise


def _end_unwanted(future: "asyncio.Future[Result]") -> None:
    if not future.cancelled() and future.exception() is None:
        result = future.result()
        if isinstance(result, ImapClient):
            end(result)
