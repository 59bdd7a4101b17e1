"""Tries a mailbox of Microsoft 365 out for sending, step by step, and sends nothing."""

import socket
import ssl
from collections.abc import Awaitable
from typing import Final, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

from dispatch.adapters.smtp_trying import failed_step
from dispatch.adapters.threads import Threads
from postbus.connecting import MicrosoftApp, MicrosoftCredential, Reach, TlsContexts, names_of
from postbus.connecting.reaching import unreachable
from postbus.connecting.tls import tls_refused
from postbus.contracts.configuration import GraphAccess
from postbus.contracts.trying import TryResult, TryStep, TryStepName
from postbus.errors import PostbusError
from postbus.mail.addresses import normalise
from postbus.microsoft import Microsoft, Resource
from postbus.microsoft.granted import granted, reach_of_app

Result = TypeVar("Result")

_CONNECT_SECONDS: Final = 15.0
_NEEDED: Final = ("Mail.ReadWrite", "Mail.Send")


class GraphTrial:
    """Trials; each gives the steps so far as its answer, whatever happens."""

    def __init__(
        self, microsoft: Microsoft, reach: Reach, tls: TlsContexts, threads: Threads
    ) -> None:
        self._microsoft = microsoft
        self._reach = reach
        self._tls = tls
        self._threads = threads

    async def run(
        self,
        access: GraphAccess,
        from_address: str | None,
        credential: Awaitable[MicrosoftCredential],
    ) -> TryResult:
        """How far it came; the step that failed says why, and what to do."""
        steps: list[TryStep] = []
        host, port = _server(access)

        async def step(name: TryStepName, action: Awaitable[Result]) -> Result:
            try:
                result = await action
            except PostbusError as error:
                steps.append(failed_step(name, error))
                raise
            detail = result if isinstance(result, str) else ""
            steps.append(TryStep(name=name, ok=True, detail=detail))
            return result

        try:
            opened = await credential
            self._microsoft.tokens.forget(opened)
            await step(TryStepName.RESOLVE, self._threads.run(lambda: names_of(host, port)))
            connection = await step(
                TryStepName.CONNECT,
                self._threads.run(
                    lambda: self._reach.connect(host, port, timeout_seconds=_CONNECT_SECONDS),
                    too_late=socket.socket.close,
                ),
            )
            await step(
                TryStepName.TLS, self._threads.run(lambda: self._protect(connection, host, port))
            )
            token = await step(
                TryStepName.SIGN_IN,
                self._microsoft.tokens.token(opened, Resource.GRAPH),
            )
            await step(TryStepName.SENDER_ACCEPTED, self._drafts(access, from_address, opened))
            steps.append(_scope(token, opened))
        except PostbusError as error:
            if not steps or steps[-1].ok:
                steps.append(failed_step(TryStepName.SIGN_IN, error))
        return TryResult(ok=all(one.ok for one in steps), steps=tuple(steps))

    def _protect(self, connection: socket.socket, host: str, port: int) -> None:
        try:
            with self._tls.context().wrap_socket(connection, server_hostname=host):
                pass
        except OSError as error:
            connection.close()
            if isinstance(error, ssl.SSLError):
                raise tls_refused(host, error) from error
            raise unreachable(host, port, error) from error

    async def _drafts(
        self, access: GraphAccess, from_address: str | None, credential: MicrosoftCredential
    ) -> str:
        """Send As cannot be tried without sending; that the mailbox opens can."""
        mailbox = self._microsoft.graph.mailbox(access, credential)
        await mailbox.call("GET", "mailFolders/drafts", params={"$select": "id"})
        if from_address is None or normalise(from_address) == normalise(access.mailbox):
            return "the folder of drafts opens"
        return (
            f"the folder of drafts opens; whether {access.mailbox} may send as {from_address} "
            "shows with the first mail"
        )


def _server(access: GraphAccess) -> tuple[str, int]:
    parts = urlsplit(access.base_url)
    return parts.hostname or "", parts.port or 443


def _scope(token: SecretStr, credential: MicrosoftCredential) -> TryStep:
    """What the token may do, where it can be read."""
    found = granted(token)
    if isinstance(credential, MicrosoftApp):
        return reach_of_app(found.roles)
    step = TryStep(name=TryStepName.SCOPE, ok=True, detail=", ".join(found.scopes))
    missing = [one for one in _NEEDED if not {one, f"{one}.Shared"} & set(found.scopes)]
    if not found.scopes or not missing:
        return step
    return step.model_copy(
        update={
            "ok": False,
            "detail": f"the sign-in may do {step.detail}; it lacks {', '.join(missing)}",
            "reason": "consent-missing",
            "advice": "Sign in again and accept what is asked for.",
        }
    )
