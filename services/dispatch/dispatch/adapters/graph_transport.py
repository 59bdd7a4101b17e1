"""Sends by Graph: a draft, its files, then send, so that its Message-ID is known before it goes."""

from collections import OrderedDict
from contextlib import suppress
from typing import Final

from dispatch.adapters.graph_drafts import Drafts, Found, draft_gone
from dispatch.adapters.graph_trying import GraphTrial
from dispatch.domain.drafts import MOST_BYTES, SMALL_BYTES
from dispatch.domain.words import Words
from dispatch.ports import Accepted, BeforeData, Letter, OutcomeUnknown
from postbus.connecting import MicrosoftCredential, read_microsoft
from postbus.contracts.configuration import GraphAccess, OutboundChannel
from postbus.contracts.sending import SmtpReply
from postbus.contracts.trying import TryOutbound, TryResult
from postbus.errors import (
    CredentialsRejected,
    MailHostUnavailable,
    MailRefused,
    NotConfigured,
    PostbusError,
    StateConflict,
)
from postbus.microsoft import GraphMailbox, GraphRefused, Microsoft
from postbus.secrets import OpenSecret

_MAY_BE_SENT: Final = ("timeout", "connection-lost", "unavailable", "slot-lost")
"""After these nobody knows whether Graph did what it was asked."""
_REMEMBERED: Final = 1000
_MOST_READ: Final = 4 * 1024 * 1024
"""Of a mail whose header is wanted; Graph gives the whole of it."""
_FOUND: Final = SmtpReply(text="It was found among the sent mail.")
_ACCEPTED: Final = SmtpReply(text="202 Graph accepted the mail")


class GraphTransport:
    """The port `Transport` for mailboxes of Microsoft 365."""

    def __init__(self, microsoft: Microsoft, trial: GraphTrial, open_secret: OpenSecret) -> None:
        self._microsoft = microsoft
        self._trial = trial
        self._open_secret = open_secret
        self._complete: OrderedDict[str, str] = OrderedDict()
        """Drafts of mine with all their files, by Message-ID: only to be sent."""

    async def send(
        self, channel: OutboundChannel, letter: Letter, *, before_data: BeforeData
    ) -> Accepted:
        words = letter.words
        _must_fit(words)
        mailbox = await self._mailbox(channel)
        drafts = Drafts(mailbox, _access(channel).mailbox)
        try:
            earlier = await drafts.with_id(words.message_id)
            sent = next((one for one in earlier if not one.is_draft), None)
            if sent is not None:
                await before_data()
                await _drop_all(drafts, earlier)
                return Accepted(_FOUND, {})
            draft = self._known(words, earlier) or await drafts.make(letter)
            self._remember(words, draft)
            await self._send(mailbox, drafts, draft, words, before_data)
        except GraphRefused as error:
            raise _refused(error) from error
        self._complete.pop(words.message_id, None)
        await _drop_all(drafts, [one for one in earlier if one.id != draft.id])
        now = await drafts.of_sent(draft)
        return Accepted(_ACCEPTED, {}, _other(now.message_id, words))

    async def _send(
        self,
        mailbox: GraphMailbox,
        drafts: Drafts,
        draft: Found,
        words: Words,
        before_data: BeforeData,
    ) -> None:
        claimed = False

        async def claim() -> None:
            nonlocal claimed
            await before_data(_other(draft.message_id, words), draft.id)
            claimed = True

        try:
            await mailbox.call("POST", f"messages/{draft.id}/send", before=claim)
        except StateConflict:
            # Another replica sends it, from a draft of its own.
            await self._forget(drafts, draft, words)
            raise
        except MailHostUnavailable as error:
            if claimed and error.reason in _MAY_BE_SENT:
                raise OutcomeUnknown(str(error)[:300]) from error
            if not self._is_worth_keeping(draft, words, error):
                await self._forget(drafts, draft, words)
            raise
        except (CredentialsRejected, NotConfigured):
            await self._forget(drafts, draft, words)
            raise
        except GraphRefused as error:
            await self._forget(drafts, draft, words)
            if error.status == 404:
                raise draft_gone(error) from error
            raise

    def _is_worth_keeping(self, draft: Found, words: Words, error: MailHostUnavailable) -> bool:
        """With large files, where it will be found again, and only has to wait for its turn."""
        large = sum(file.size_bytes for file in words.files) >= SMALL_BYTES
        return large and error.reason == "throttled" and _other(draft.message_id, words) is None

    async def _forget(self, drafts: Drafts, draft: Found, words: Words) -> None:
        self._complete.pop(words.message_id, None)
        await drafts.drop(draft)

    async def find(
        self, channel: OutboundChannel, message_id: str, handle: str | None
    ) -> bool | None:
        """A draft is none that was sent; the id of a draft is also that of the mail it becomes."""
        try:
            drafts = Drafts(await self._mailbox(channel), _access(channel).mailbox)
            known = await drafts.of(handle) if handle else None
            found = [known] if known else await drafts.with_id(message_id)
            if all(one.is_draft for one in found):
                return False
        except PostbusError:
            return None
        # What attempts before the last one left lying; nobody comes here again.
        with suppress(PostbusError):
            await _drop_all(drafts, await drafts.with_id(message_id))
        return True

    async def head(
        self, channel: OutboundChannel, message_id: str, handle: str | None
    ) -> bytes | None:
        """Of the mail as Exchange keeps it among the sent ones."""
        try:
            mailbox = await self._mailbox(channel)
            drafts = Drafts(mailbox, _access(channel).mailbox)
            known = await drafts.of(handle) if handle else None
            found = [known] if known else await drafts.with_id(message_id)
            sent = [one for one in found if not one.is_draft]
            if not sent:
                return None
            mime = await mailbox.content(f"messages/{sent[0].id}/$value", at_most=_MOST_READ)
        except PostbusError:
            return None
        return mime.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"

    async def try_out(self, question: TryOutbound) -> TryResult:
        channel = question.channel
        credential = self._credential(channel, question.sealed_secret)
        return await self._trial.run(_access(channel), channel.from_address, credential)

    async def close(self) -> None:
        await self._microsoft.close()

    def _known(self, words: Words, earlier: list[Found]) -> Found | None:
        known = self._complete.get(words.message_id)
        return next((one for one in earlier if one.id == known), None)

    def _remember(self, words: Words, draft: Found) -> None:
        self._complete[words.message_id] = draft.id
        while len(self._complete) > _REMEMBERED:
            self._complete.popitem(last=False)

    async def _mailbox(self, channel: OutboundChannel) -> GraphMailbox:
        return self._microsoft.graph.mailbox(
            _access(channel), await self._credential(channel, None)
        )

    async def _credential(
        self, channel: OutboundChannel, sealed: str | None
    ) -> MicrosoftCredential:
        secret = await self._open_secret(channel.id, sealed)
        if secret is None:
            raise CredentialsRejected(
                "nobody has signed in for this channel",
                reason="needs-sign-in",
                advice="Sign in with Microsoft.",
            )
        return read_microsoft(secret)


def _access(channel: OutboundChannel) -> GraphAccess:
    if channel.graph is None:
        raise NotConfigured(f"the channel {channel.id} has no mailbox")
    return channel.graph


def _must_fit(words: Words) -> None:
    total = sum(file.size_bytes for file in words.files)
    if total > MOST_BYTES:
        raise MailRefused(
            f"the files have {total // 1_000_000} MB, and Microsoft 365 takes 150 MB at most"
        )


def _other(message_id: str, words: Words) -> str | None:
    return message_id if message_id and message_id != words.message_id else None


async def _drop_all(drafts: Drafts, found: list[Found]) -> None:
    """What earlier attempts left lying; only whoever holds the claim may take it away."""
    for one in found:
        if one.is_draft:
            await drafts.drop(one)


def _refused(error: GraphRefused) -> MailRefused:
    return MailRefused(f"{error} {error.advice}".strip()[:500])
