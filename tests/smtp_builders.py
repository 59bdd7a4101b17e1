"""The way out by SMTP, as `dispatch.app` builds it, with a secret of the test's choice."""

from pathlib import Path

from pydantic import SecretStr

from dispatch.adapters.smtp_connections import SmtpConnections, SmtpLimits, Target, Ways
from dispatch.adapters.smtp_sign_in import SignIn
from dispatch.adapters.smtp_transport import SmtpTransport
from dispatch.adapters.threads import Threads
from postbus.connecting import AccessTokens, Reach, TlsContexts
from postbus.contracts.configuration import TlsMode

NOBODY = Target("127.0.0.1", 1, TlsMode.NONE, ours=True)
LIMITS = SmtpLimits(connect_seconds=3, command_seconds=3, data_seconds=3)


def smtp_transport(
    *,
    secret: str | None = None,
    ca_file: Path | None = None,
    relay: Target = NOBODY,
    tokens: AccessTokens | None = None,
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
        sign_in=SignIn(tokens or AccessTokens(), threads),
        threads=threads,
        helo_name="test.localhost",
    )
    return SmtpTransport(
        SmtpConnections(limits, ways), limits, relay=relay, open_secret=open_secret
    )
