"""Tries a mailbox step by step, and says which step failed, why, and what to do."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from imapclient import IMAPClient
from pydantic import SecretStr

from ingest_imap.ports import ConnectionLost, FolderMissing, NotGiven, Session
from ingest_imap.taking_up import folder_missing
from postbus.contracts.configuration import ImapSettings, InboundChannel
from postbus.contracts.trying import TryInbound, TryResult, TryStep, TryStepName
from postbus.errors import MailHostUnavailable, NotConfigured, PostbusError

Result = TypeVar("Result")


class Steps(Protocol):
    """The steps of connecting, one by one; MailHostUnavailable, CredentialsRejected."""

    async def resolve(self, imap: ImapSettings) -> str:
        """The addresses of the server, in words."""

    async def connect(self, imap: ImapSettings) -> IMAPClient:
        """Connected; with implicit TLS protected, too."""

    async def protect(self, client: IMAPClient, imap: ImapSettings) -> None:
        """STARTTLS where it is asked for."""

    async def sign_in(
        self, client: IMAPClient, imap: ImapSettings, secret: SecretStr | None
    ) -> None:
        """Signed in."""

    def session(self, client: IMAPClient) -> Session:
        """The connection as a session."""

    async def end(self, client: IMAPClient) -> None:
        """Close it; never raises."""


class Trying:
    """Answers config."""

    def __init__(
        self, steps: Steps, secrets: Callable[[str, str | None], Awaitable[SecretStr | None]]
    ) -> None:
        self._steps = steps
        self._secrets = secrets

    async def on_try(self, question: TryInbound) -> TryResult:
        """How far it came; nothing is fetched or marked."""
        taken: list[TryStep] = []
        try:
            await self._all(question, taken)
        except PostbusError as error:
            if not taken or taken[-1].ok:
                taken.append(_failed(TryStepName.RESOLVE, error))
            return TryResult(ok=False, steps=tuple(taken))
        return TryResult(ok=True, steps=tuple(taken))

    async def _all(self, question: TryInbound, taken: list[TryStep]) -> None:
        imap = question.channel.imap
        if imap is None:
            raise NotConfigured("the channel is no mailbox")

        async def step(name: TryStepName, work: Awaitable[Result]) -> Result:
            try:
                result = await work
            except PostbusError as error:
                # With implicit TLS it is part of connecting; people look for it by its name.
                reason = getattr(error, "reason", "")
                of_tls = reason in ("certificate", "tls") and name is TryStepName.CONNECT
                if of_tls:
                    taken.append(TryStep(name=name, ok=True))
                taken.append(_failed(TryStepName.TLS if of_tls else name, error))
                raise
            taken.append(
                TryStep(name=name, ok=True, detail=result if isinstance(result, str) else "")
            )
            return result

        await step(TryStepName.RESOLVE, self._steps.resolve(imap))
        client = await step(TryStepName.CONNECT, self._steps.connect(imap))
        try:
            await step(TryStepName.TLS, self._steps.protect(client, imap))
            secret = await self._secrets(question.channel.id, question.sealed_secret)
            await step(TryStepName.SIGN_IN, self._steps.sign_in(client, imap, secret))
            session = self._steps.session(client)
            await step(TryStepName.FOLDERS, _folders(session, question.channel))
            await step(TryStepName.PUSH, _push(session))
        finally:
            await self._steps.end(client)

    @staticmethod
    def failed(error: Exception) -> TryResult:
        """The answer when the question itself made trouble."""
        step = TryStep(name=TryStepName.RESOLVE, ok=False, detail=type(error).__name__)
        return TryResult(ok=False, steps=(step,))


async def _folders(session: Session, channel: InboundChannel) -> str:
    """Every folder opens; how many mails lie in each, in words."""
    words = []
    for name in channel.imap.folders if channel.imap else ():
        try:
            opened = await session.open(name, read_only=channel.after_fetch == "keep")
        except FolderMissing as error:
            there = ", ".join(one.name for one in await session.folders() if one.selectable)
            missing = folder_missing(name)
            raise NotConfigured(
                f"{missing}; there are {there}"[:500], reason=missing.reason, advice=missing.advice
            ) from error
        except (ConnectionLost, NotGiven) as error:
            raise MailHostUnavailable(
                f"the folder {name} cannot be opened: {error}", reason="folder-refused"
            ) from error
        words.append(f"{name} has {opened.exists} mails")
    if channel.move_to is not None:
        try:
            await session.make_folder(channel.move_to)
        except (ConnectionLost, NotGiven) as error:
            raise NotConfigured(
                f"the folder {channel.move_to} cannot be made: {error}",
                reason="folder-refused",
                advice="Choose another name in `after_fetch`, or make the folder yourself.",
            ) from error
    return "; ".join(words)


async def _push(session: Session) -> str:
    if session.can_push:
        return "the server tells of new mail at once (IDLE)"
    return "the server has no IDLE; it is asked for new mail every half minute"


def _failed(name: TryStepName, error: PostbusError) -> TryStep:
    return TryStep(
        name=name,
        ok=False,
        detail=str(error)[:500],
        reason=getattr(error, "reason", ""),
        advice=getattr(error, "advice", ""),
    )
