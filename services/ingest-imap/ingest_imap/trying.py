"""Tries a mailbox step by step, and says which step failed, why, and what to do."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from imapclient import IMAPClient
from pydantic import SecretStr

from ingest_imap.ports import ConnectionLost, FolderMissing, NotGiven, Session
from ingest_imap.taking_up import folder_missing
from postbus.connecting.trial import Trial, failed_step
from postbus.contracts.configuration import ImapSettings, InboundChannel
from postbus.contracts.trying import TryInbound, TryResult, TryStep, TryStepName
from postbus.errors import MailHostUnavailable, NotConfigured


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
        trial = Trial()
        return await trial.run(self._all(question, trial), begins_with=TryStepName.RESOLVE)

    async def _all(self, question: TryInbound, trial: Trial) -> None:
        imap = question.channel.imap
        if imap is None:
            raise NotConfigured("the channel is no mailbox")
        await trial.step(TryStepName.RESOLVE, self._steps.resolve(imap))
        client = await self._connect(trial, imap)
        try:
            await trial.step(TryStepName.TLS, self._steps.protect(client, imap))
            secret = await self._secrets(question.channel.id, question.sealed_secret)
            await trial.step(TryStepName.SIGN_IN, self._steps.sign_in(client, imap, secret))
            session = self._steps.session(client)
            await trial.step(TryStepName.FOLDERS, _folders(session, question.channel))
            await trial.step(TryStepName.PUSH, _push(session))
        finally:
            await self._steps.end(client)

    async def _connect(self, trial: Trial, imap: ImapSettings) -> IMAPClient:
        try:
            return await trial.step(TryStepName.CONNECT, self._steps.connect(imap))
        except MailHostUnavailable as error:
            if error.reason in ("certificate", "tls"):
                # With implicit TLS it is part of connecting; people look for it by its name.
                trial.note(TryStep(name=TryStepName.CONNECT, ok=True))
                trial.note(failed_step(TryStepName.TLS, error))
            raise

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
