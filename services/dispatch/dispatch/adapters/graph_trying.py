"""Tries a mailbox of Microsoft 365 out for sending, step by step, and sends nothing."""

import socket
import ssl
from collections.abc import Awaitable
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from dispatch.adapters.threads import Threads
from postbus.connecting import MicrosoftApp, MicrosoftCredential, Reach, TlsContexts, names_of
from postbus.connecting.reaching import unreachable
from postbus.connecting.tls import tls_refused
from postbus.connecting.trial import Trial
from postbus.contracts.configuration import GraphAccess
from postbus.contracts.trying import TryResult, TryStep, TryStepName
from postbus.mail.addresses import normalise
from postbus.microsoft import Microsoft, Resource
from postbus.microsoft.granted import granted, reach_of_app

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
        trial = Trial()
        work = self._all(trial, access, from_address, credential)
        return await trial.run(work, begins_with=TryStepName.SIGN_IN)

    async def _all(
        self,
        trial: Trial,
        access: GraphAccess,
        from_address: str | None,
        credential: Awaitable[MicrosoftCredential],
    ) -> None:
        opened = await credential
        self._microsoft.tokens.forget(opened)
        host, port = _server(access)
        run = self._threads.run
        await trial.step(TryStepName.RESOLVE, run(lambda: names_of(host, port)))
        reached = run(
            lambda: self._reach.connect(host, port, timeout_seconds=_CONNECT_SECONDS),
            too_late=socket.socket.close,
        )
        connection = await trial.step(TryStepName.CONNECT, reached)
        await trial.step(TryStepName.TLS, run(lambda: self._protect(connection, host, port)))
        token = await trial.step(
            TryStepName.SIGN_IN, self._microsoft.tokens.token(opened, Resource.GRAPH)
        )
        await trial.step(TryStepName.SENDER_ACCEPTED, self._drafts(access, from_address, opened))
        trial.note(_scope(token, opened))

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
