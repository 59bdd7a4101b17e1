"""Channels as they are kept and shown: never with a secret, always with whether there is one."""

from datetime import datetime

from config_service.domain.mailbox_plan import read_since
from config_service.resources.channel_secrets import Channel
from config_service.resources.documents import document_of
from postbus.configuration import Kept
from postbus.contracts.base import Contract, JsonObject
from postbus.contracts.configuration import InboundChannel

SECRET_SET_AT = "secret_set_at"  # noqa: S105 - the name of a field, no secret
SERVER_FIELDS = ("imap", "smtp", "graph")


def document_with(channel: Contract, secret_set_at: str | datetime | None) -> JsonObject:
    """How a channel is kept: without the secret, with when that was set.

    A new secret changes the document, so that whoever follows it knows to look for the secret.
    """
    document = document_of(channel)
    at = secret_set_at.isoformat() if isinstance(secret_set_at, datetime) else secret_set_at
    for field in SERVER_FIELDS:
        if document.get(field) is not None:
            document[field][SECRET_SET_AT] = at
    return document


def made_at(channel: Channel, now: datetime) -> Channel:
    """A new channel; a mailbox is read from now on, unless somebody said otherwise.

    It is written down here, so that mail which comes before a service looks at the mailbox for the
    first time is not taken for mail from before.
    """
    if not isinstance(channel, InboundChannel):
        return channel
    mailbox = channel.mailbox
    return channel if mailbox is None or mailbox.since is not None else read_since(channel, now)


def shown(kept: Kept) -> JsonObject:
    """The document as it is shown: whether a secret is kept, and nothing of it."""
    document = dict(kept.document or {})
    for field in SERVER_FIELDS:
        if document.get(field):
            server = {name: one for name, one in document[field].items() if name != SECRET_SET_AT}
            document[field] = {**server, "secret_set": secret_set_at(kept) is not None}
    return document


def secret_set_at(kept: Kept) -> str | None:
    """When the secret that is kept was given; None without one."""
    document = kept.document or {}
    servers = (document.get(field) or {} for field in SERVER_FIELDS)
    return next((str(one[SECRET_SET_AT]) for one in servers if one.get(SECRET_SET_AT)), None)
