"""What a Gmail mailbox is to Postbus: a channel in, a channel out, and what is known of both."""

import re
from dataclasses import dataclass

from postbus.contracts.configuration import (
    History,
    ImapAuth,
    ImapSettings,
    InboundChannel,
    OutboundChannel,
    SmtpAuth,
    SmtpSettings,
    TlsMode,
)

GMAIL_IMAP_HOST, GMAIL_IMAP_PORT = "imap.gmail.com", 993
GMAIL_SMTP_HOST, GMAIL_SMTP_PORT = "smtp.gmail.com", 465
"""Gmail help, "Read Gmail messages on other email clients using IMAP"."""
_LONGEST_ID = 63
_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Server:
    """A host and a port with implicit TLS."""

    host: str
    port: int

    @classmethod
    def of(cls, address: str) -> "Server":
        """Read from `host:port`."""
        host, _, port = address.rpartition(":")
        return cls(host, int(port))


@dataclass(frozen=True)
class GmailServers:
    """Where Gmail is, and who vouches for it if not the usual authorities (PEM)."""

    imap: Server = Server(GMAIL_IMAP_HOST, GMAIL_IMAP_PORT)
    smtp: Server = Server(GMAIL_SMTP_HOST, GMAIL_SMTP_PORT)
    ca_certificates: str | None = None


@dataclass(frozen=True)
class MailboxWish:
    """What somebody wants set up; None: as usual."""

    address: str
    id: str | None = None
    name: str | None = None
    colour: str | None = None
    ticket_type: str | None = None
    from_name: str | None = None
    history: History | None = None
    after_fetch: str | None = None
    folders: tuple[str, ...] | None = None


def bare_app_password(typed: str) -> str:
    """The 16 letters, without the spaces that Google shows them with."""
    return "".join(typed.split())


def default_id(address: str) -> str:
    """A slug of the address, `support-xyz-com`; empty when nothing of it may stand in one."""
    return _NOT_IN_IDS.sub("-", address.lower()).strip("-")[:_LONGEST_ID].rstrip("-")


def default_name(address: str) -> str:
    """The part before the @, as a heading."""
    local = address.partition("@")[0]
    return (local[:1].upper() + local[1:])[:100]


def inbound_of(wish: MailboxWish, servers: GmailServers, auth: ImapAuth) -> InboundChannel:
    """The channel that reads the mailbox and answers via the outbound channel of its own id."""
    id_ = wish.id or default_id(wish.address)
    optional = {
        "colour": wish.colour,
        "ticket_type": wish.ticket_type,
        "after_fetch": wish.after_fetch,
    }
    fetched = {"history": wish.history, "folders": wish.folders}
    return InboundChannel.model_validate(
        {
            "id": id_,
            "name": wish.name or default_name(wish.address),
            "kind": "imap",
            "address": wish.address,
            "reply_via": id_,
            "imap": {
                **imap_of(wish.address, servers, auth).model_dump(),
                **{name: value for name, value in fetched.items() if value is not None},
            },
            **{name: value for name, value in optional.items() if value is not None},
        }
    )


def outbound_of(wish: MailboxWish, servers: GmailServers, auth: SmtpAuth) -> OutboundChannel:
    """The channel that sends as the mailbox."""
    return OutboundChannel(
        id=wish.id or default_id(wish.address),
        name=wish.name or default_name(wish.address),
        kind="gmail",
        from_address=wish.address,
        from_name=wish.from_name or "",
        smtp=smtp_of(wish.address, servers, auth),
    )


def imap_of(address: str, servers: GmailServers, auth: ImapAuth) -> ImapSettings:
    """How a mailbox of Gmail is read."""
    return ImapSettings(
        host=servers.imap.host,
        port=servers.imap.port,
        tls=TlsMode.IMPLICIT,
        username=address,
        auth=auth,
        ca_certificates=servers.ca_certificates,
    )


def smtp_of(address: str, servers: GmailServers, auth: SmtpAuth) -> SmtpSettings:
    """How a mailbox of Gmail sends."""
    return SmtpSettings(
        host=servers.smtp.host,
        port=servers.smtp.port,
        tls=TlsMode.IMPLICIT,
        username=address,
        auth=auth,
        ca_certificates=servers.ca_certificates,
    )
