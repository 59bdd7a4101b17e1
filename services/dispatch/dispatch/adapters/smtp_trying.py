"""Tries a server out, step by step, and sends nothing."""

from collections.abc import Awaitable

import aiosmtplib

from dispatch.adapters.smtp_connections import SmtpConnections, Target
from dispatch.adapters.smtp_errors import smtp_errors
from postbus.connecting.trial import Trial
from postbus.contracts.configuration import TlsMode
from postbus.contracts.trying import TryResult, TryStepName


class SmtpTrial:
    """One trial."""

    def __init__(self, connections: SmtpConnections) -> None:
        self._connections = connections
        self._trial = Trial()

    async def run(self, target: Awaitable[Target], from_address: str | None) -> TryResult:
        """How far it came; the step that failed says why, and what to do."""
        work = self._all(target, from_address)
        return await self._trial.run(work, begins_with=TryStepName.RESOLVE)

    async def _all(self, wanted: Awaitable[Target], from_address: str | None) -> None:
        there, step = self._connections, self._trial.step
        target = await wanted
        await step(TryStepName.RESOLVE, there.resolve(target))
        connection = await step(TryStepName.CONNECT, there.connect(target))
        # With implicit TLS nothing is said before it.
        greeting = TryStepName.TLS if target.tls is TlsMode.IMPLICIT else TryStepName.CONNECT
        smtp = await step(greeting, there.greet(connection, target))
        try:
            await step(TryStepName.TLS, there.protect(smtp, target))
            await step(TryStepName.SIGN_IN, there.sign_in(smtp, target))
            if from_address:
                await step(TryStepName.SENDER_ACCEPTED, _sender(smtp, target.host, from_address))
        finally:
            smtp.close()


async def _sender(smtp: aiosmtplib.SMTP, host: str, address: str) -> None:
    async with smtp_errors(host):
        await smtp.mail(address)
        await smtp.rset()
