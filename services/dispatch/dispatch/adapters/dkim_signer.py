"""Signs mail of the relay by DKIM (RFC 6376; RFC 8463 for Ed25519), with dkimpy."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import dkim
import structlog
from prometheus_client import CollectorRegistry, Counter

from dispatch.domain.compose import Composed
from dispatch.domain.dkim import OVERSIGNED_HEADERS, SIGNED_HEADERS, Unsigned, signatures_of
from postbus.configuration import Configuration
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.dkim import DkimKey
from postbus.errors import CredentialsRejected
from postbus.secrets import OpenSecret

log = structlog.get_logger("dispatch")

_REMEMBERED: Final = 256
_RELAXED: Final = (b"relaxed", b"relaxed")
"""The next server may fold headers anew and change blanks (RFC 6376 §3.4)."""


class DkimSigner:
    """Signs with the keys that a channel has; a mail never waits or fails by it."""

    def __init__(
        self,
        configuration: Callable[[], Configuration],
        open_private: OpenSecret,
        registry: CollectorRegistry,
    ) -> None:
        self._configuration = configuration
        self._open_private = open_private
        self._opened: OrderedDict[str, bytes] = OrderedDict()
        """Private halves by channel and selector, which name one key for ever."""
        self._unsigned = Counter(
            "postbus_mails_unsigned", "Mails that were to be signed", ["why"], registry=registry
        )

    async def signed(self, channel: OutboundChannel, mail: Composed) -> Composed:
        """The mail with a signature on top for each algorithm; as it is where none can be made.

        BusUnavailable, where the private half cannot be asked for.
        """
        signing = self._configuration().dkim(channel.id)
        wanted = signatures_of(signing, mail.from_address)
        if wanted.unsigned is not None:
            self._tell(channel, wanted.unsigned)
        fields = []
        for key in wanted.keys:
            private = await self._private(channel, key)
            if private is None:
                self._tell(channel, Unsigned.NO_PRIVATE_KEY)
                continue
            try:
                # A large mail takes a second to hash.
                fields.append(await asyncio.to_thread(_signature, mail.data, key, private))
            except (dkim.DKIMException, ValueError):
                self._tell(channel, Unsigned.NOT_SIGNABLE)
        return replace(mail, data=b"".join((*fields, mail.data)))

    async def _private(self, channel: OutboundChannel, key: DkimKey) -> bytes | None:
        name = f"{channel.id}.{key.selector}"
        known = self._opened.get(name)
        if known is None:
            try:
                secret = await self._open_private(name, None)
            except CredentialsRejected:
                return None
            if secret is None:
                return None
            known = self._opened[name] = secret.get_secret_value().encode()
            while len(self._opened) > _REMEMBERED:
                self._opened.popitem(last=False)
        return known

    def _tell(self, channel: OutboundChannel, why: Unsigned) -> None:
        self._unsigned.labels(why).inc()
        log.warning("mail_unsigned", outbound=channel.id, why=why)


def _signature(data: bytes, key: DkimKey, private: bytes) -> bytes:
    """The header field, with its line end."""
    signer = dkim.DKIM(data, signature_algorithm=key.algorithm.value.encode(), linesep=b"\r\n")
    there = {name.lower().decode("ascii", "replace") for name, _ in signer.headers}
    names = [one for one in SIGNED_HEADERS if one in there]
    names += OVERSIGNED_HEADERS
    field: bytes = signer.sign(
        key.selector.encode(),
        key.domain.encode(),
        private,
        canonicalize=_RELAXED,
        include_headers=[one.encode() for one in names],
    )
    return field
