"""Graph and its tokens, as every service has them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from prometheus_client import CollectorRegistry

from postbus.bus.buckets import Bucket
from postbus.bus.topology import LIMITS_BUCKET, SIGN_INS_BUCKET
from postbus.connecting import Reach, TlsContexts
from postbus.connecting.http import ReachingTransport
from postbus.microsoft.asking import IdentityPlatform
from postbus.microsoft.client import Graph
from postbus.microsoft.limits import MailboxLimits, Numbers
from postbus.microsoft.sign_ins import KeptSignIns
from postbus.microsoft.tokens import MicrosoftTokens


@dataclass(frozen=True)
class Microsoft:
    """Both; `graph` closes its tokens."""

    graph: Graph
    tokens: MicrosoftTokens

    async def close(self) -> None:
        """Close every connection; a sign-in that is being renewed is kept first."""
        await self.graph.close()


def open_microsoft(
    bucket: Callable[[str], Awaitable[Bucket]],
    *,
    reach: Reach,
    tls: TlsContexts,
    private_key_file: Path | None,
    registry: CollectorRegistry,
    numbers: Numbers | None = None,
) -> Microsoft:
    """One for a process; `bucket` opens a KV bucket by its name. NotConfigured for a bad key."""

    async def sign_ins() -> Bucket:
        return await bucket(SIGN_INS_BUCKET)

    async def limits() -> Bucket:
        return await bucket(LIMITS_BUCKET)

    tokens = MicrosoftTokens(IdentityPlatform(reach, tls), KeptSignIns(sign_ins, private_key_file))
    http = httpx.AsyncClient(transport=ReachingTransport(reach, tls))
    graph = Graph(http, tokens, MailboxLimits(limits, registry, numbers), registry)
    return Microsoft(graph, tokens)
