"""One click to sign a mailbox in anew with Microsoft: the link, and what opening it does."""

import secrets
from contextlib import suppress
from typing import Final

from config_service.domain.again_links import is_key_for, key_for
from config_service.domain.mailbox_wish import MailboxWish
from config_service.domain.microsoft import MicrosoftWays, Place
from config_service.ports import Secrets
from config_service.resources.documents import Documents
from config_service.resources.microsoft_sign_ins import MicrosoftSignIns, Starting
from postbus.contracts.configuration import GraphAuth, GraphSettings, InboundChannel
from postbus.errors import StateConflict
from postbus.runtime.problems import Problem

KEY_NAME: Final = "config.again-links"
"""Of the key, among the secrets of channels: those who open these may make links as well."""
_KEY_BYTES: Final = 32
_BY: Final = "sign-in link"


class AgainLinks:
    """Made for mailboxes that a person signed in for, with this installation's app registration."""

    def __init__(
        self, documents: Documents, secrets_: Secrets, sign_ins: MicrosoftSignIns, base_url: str
    ) -> None:
        self._documents = documents
        self._secrets = secrets_
        self._sign_ins = sign_ins
        self._base_url = base_url

    async def url_for(self, channel: InboundChannel) -> str | None:
        """The link; None where the mailbox is none of those, or no link would lead anywhere."""
        own = self._sign_ins.own
        if own.client is None or own.callback_url is None or _signed_in(channel) is None:
            return None
        return f"{self._base_url}/{channel.id}?key={key_for(channel.id, await self._key())}"

    async def follow(self, channel_id: str, shown: str) -> str:
        """The page of Microsoft to go to; 404 for a link that is not ours, 409, 422, 503."""
        kept = await self._secrets.kept(KEY_NAME)
        if kept is None or not is_key_for(channel_id, shown, bytes.fromhex(kept)):
            raise _not_ours()
        channel = (await self._documents.state()).configuration.inbound(channel_id)
        graph = _signed_in(channel) if channel is not None else None
        own = self._sign_ins.own
        if channel is None or graph is None or own.client is None:
            raise _not_ours()
        # The mailbox of the channel, and no other; it is there, so nothing is set up by this.
        wish = MailboxWish(address=channel.address or "", id=channel.id)
        place = Place(graph.tenant, graph.authority, graph.base_url)
        ways = MicrosoftWays(place, smtp=own.ways.smtp,
                             smtp_ca_certificates=own.ways.smtp_ca_certificates)  # fmt: skip
        starting = Starting(wish, ways, own.client, _BY)
        _, url = await self._sign_ins.start_by_link(starting)
        return url

    async def _key(self) -> bytes:
        kept = await self._secrets.kept(KEY_NAME)
        if kept is None:
            with suppress(StateConflict):  # somebody made one at the same moment
                await self._secrets.keep(KEY_NAME, secrets.token_hex(_KEY_BYTES))
            kept = await self._secrets.kept(KEY_NAME)
        return bytes.fromhex(kept or "")


def _signed_in(channel: InboundChannel) -> GraphSettings | None:
    graph = channel.graph
    return graph if graph is not None and graph.auth is GraphAuth.DELEGATED else None


def _not_ours() -> Problem:
    detail = "This link is not, or no longer, one to sign in by. Take a new one from the health."
    return Problem(404, "sign-in-unknown", detail=detail)
