"""Tries a server out, step by step, and sends nothing."""

from collections.abc import Awaitable
from typing import TypeVar

import aiosmtplib

from dispatch.adapters.smtp_connections import SmtpConnections, Target
from dispatch.adapters.smtp_errors import smtp_errors
from postbus.contracts.configuration import TlsMode
from postbus.contracts.trying import TryResult, TryStep, TryStepName
from postbus.errors import PostbusError

Result = TypeVar("Result")


class Trial:
    """One trial; the steps so far are its answer, whatever happens."""

    def __init__(self, connections: SmtpConnections) -> None:
        self._connections = connections
        self._steps: list[TryStep] = []

    async def run(self, target: Awaitable[Target], from_address: str | None) -> TryResult:
        """How far it came; the step that failed says why, and what to do."""
        try:
            await self._all(await target, from_address)
        except PostbusError as error:
            if not self._steps or self._steps[-1].ok:
                self._steps.append(failed_step(TryStepName.RESOLVE, error))
            return TryResult(ok=False, steps=tuple(self._steps))
        return TryResult(ok=True, steps=tuple(self._steps))

    async def _all(self, target: Target, from_address: str | None) -> None:
        there = self._connections
        await self._step(TryStepName.RESOLVE, there.resolve(target))
        connection = await self._step(TryStepName.CONNECT, there.connect(target))
        # With implicit TLS nothing is said before it.
        greeting = TryStepName.TLS if target.tls is TlsMode.IMPLICIT else TryStepName.CONNECT
        smtp = await self._step(greeting, there.greet(connection, target))
        try:
            await self._step(TryStepName.TLS, there.protect(smtp, target))
            await self._step(TryStepName.SIGN_IN, there.sign_in(smtp, target))
            if from_address:
                await self._step(
                    TryStepName.SENDER_ACCEPTED, _sender(smtp, target.host, from_address)
                )
        finally:
            smtp.close()

    async def _step(self, name: TryStepName, action: Awaitable[Result]) -> Result:
        try:
            result = await action
        except PostbusError as error:
            self._note(failed_step(name, error))
            raise
        detail = result if isinstance(result, str) else ""
        self._note(TryStep(name=name, ok=True, detail=detail))
        return result

    def _note(self, step: TryStep) -> None:
        """A step of two halves is told once."""
        if self._steps and self._steps[-1].name == step.name:
            self._steps.pop()
        self._steps.append(step)


def failed_step(name: TryStepName, error: PostbusError) -> TryStep:
    """What failed, why, and what to do about it."""
    return TryStep(
        name=name,
        ok=False,
        detail=str(error),
        reason=getattr(error, "reason", ""),
        advice=getattr(error, "advice", ""),
    )


async def _sender(smtp: aiosmtplib.SMTP, host: str, address: str) -> None:
    async with smtp_errors(host):
        await smtp.mail(address)
        await smtp.rset()
