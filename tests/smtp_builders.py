"""The way out by SMTP, as `dispatch.app` builds it, with a secret of the test's choice."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from dispatch.adapters.smtp_connections import SmtpConnections, SmtpLimits, Target, Ways
from dispatch.adapters.smtp_sign_in import SignIn
from dispatch.adapters.smtp_transport import SmtpTransport
from dispatch.adapters.threads import Threads
from dispatch.domain.compose import Composed
from dispatch.domain.words import Words
from postbus.bus import Bucket
from postbus.connecting import AccessTokens, Reach, TlsContexts
from postbus.contracts.configuration import OutboundChannel, TlsMode
from postbus.contracts.mail import Attachment
from postbus.errors import BusUnavailable
from postbus.microsoft.asking import IdentityPlatform
from postbus.microsoft.sign_ins import KeptSignIns
from postbus.microsoft.tokens import MicrosoftTokens

NOBODY = Target("127.0.0.1", 1, TlsMode.NONE, ours=True)
LIMITS = SmtpLimits(connect_seconds=3, command_seconds=3, data_seconds=3)


@dataclass(frozen=True)
class Ready:
    """A letter that is written already."""

    written: Composed

    @property
    def words(self) -> Words:
        raise AssertionError("SMTP sends what is written")

    async def mime(self) -> Composed:
        return self.written

    def ranges(self, file: Attachment, first: int, size: int) -> AsyncIterator[bytes]:
        raise AssertionError("SMTP sends what is written")


async def unsigned(_: OutboundChannel, mail: Composed) -> Composed:
    """No key signs it."""
    return mail


def _nobody_signs_in() -> MicrosoftTokens:
    async def no_bucket() -> Bucket:
        raise BusUnavailable("not in this test")

    platform = IdentityPlatform(Reach(), TlsContexts())
    return MicrosoftTokens(platform, KeptSignIns(no_bucket, None))


def smtp_transport(
    *,
    secret: str | None = None,
    ca_file: Path | None = None,
    relay: Target = NOBODY,
    tokens: AccessTokens | None = None,
    microsoft: MicrosoftTokens | None = None,
    allow_private: bool = True,
    limits: SmtpLimits = LIMITS,
) -> SmtpTransport:
    """A transport whose channels all have that secret; servers of tests are on 127.0.0.1."""

    async def open_secret(_: str, __: str | None) -> SecretStr | None:
        return SecretStr(secret) if secret is not None else None

    threads = Threads("test")
    ways = Ways(
        reach=Reach(allow_private=allow_private),
        tls=TlsContexts(ca_file),
        sign_in=SignIn(tokens or AccessTokens(), microsoft or _nobody_signs_in(), threads),
        threads=threads,
        helo_name="test.localhost",
    )
    return SmtpTransport(
        SmtpConnections(limits, ways), limits, relay=relay, open_secret=open_secret, sign=unsigned
    )
