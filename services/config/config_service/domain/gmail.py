"""What a Gmail mailbox is to Postbus: a channel in, a channel out, and what is known of both."""

from dataclasses import dataclass, replace

from config_service.domain.mailbox_wish import (
    MailboxWish,
    Server,
    default_id,
    default_name,
    fields_of,
    read_as_wished,
    sends_as,
)
from postbus.contracts.configuration import (
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
_IMAP, _SMTP = Server(GMAIL_IMAP_HOST, GMAIL_IMAP_PORT), Server(GMAIL_SMTP_HOST, GMAIL_SMTP_PORT)


@dataclass(frozen=True)
class GmailServers:
    """Where Gmail is, and who vouches for it if not the usual authorities (PEM)."""

    imap: Server = _IMAP
    smtp: Server = _SMTP
    ca_certificates: str | None = None


def bare_app_password(typed: str) -> str:
    """The 16 letters, without the spaces that Google shows them with."""
    return "".join(typed.split())


@dataclass(frozen=True)
class GmailWays:
    """`Ways` of Gmail: IMAP and SMTP, both signed in to with the same secret."""

    imap: ImapAuth
    smtp: SmtpAuth
    again: bool = False
    servers: GmailServers = GmailServers()

    def inbound(self, wish: MailboxWish) -> InboundChannel:
        """The channel that reads the mailbox."""
        imap = read_as_wished(imap_of(wish.address, self.servers, self.imap), wish)
        fields = {**fields_of(wish), "kind": "imap", "imap": imap.model_dump()}
        return InboundChannel.model_validate(fields)

    def outbound(self, wish: MailboxWish) -> OutboundChannel:
        """The channel that sends as the mailbox."""
        return OutboundChannel(
            id=wish.id or default_id(wish.address),
            name=wish.name or default_name(wish.address),
            kind="gmail",
            from_address=wish.address,
            from_name=wish.from_name or "",
            smtp=smtp_of(wish.address, self.servers, self.smtp),
        )

    def inbound_again(self, present: InboundChannel) -> InboundChannel | None:
        """With the host, and how to sign in there, anew."""
        if present.imap is None:
            return None
        sign_in = imap_of(present.address or "", self.servers, self.imap)
        fields = ("host", "port", "tls", "username", "auth", "ca_certificates")
        imap = present.imap.model_copy(update={one: getattr(sign_in, one) for one in fields})
        return present.model_copy(update={"imap": imap})

    def outbound_again(self, present: OutboundChannel, address: str) -> OutboundChannel | None:
        """With the server, and how to sign in there, anew."""
        if present.kind != "gmail" or not sends_as(present, address):
            return None
        return present.model_copy(update={"smtp": smtp_of(address, self.servers, self.smtp)})


BY_APP_PASSWORD = GmailWays(ImapAuth.APP_PASSWORD, SmtpAuth.PASSWORD)
BY_CONSENT = GmailWays(ImapAuth.GOOGLE_OAUTH, SmtpAuth.XOAUTH2, again=True)
BY_KEY = GmailWays(ImapAuth.GOOGLE_SERVICE_ACCOUNT, SmtpAuth.XOAUTH2, again=True)


def at(servers: GmailServers, ways: GmailWays) -> GmailWays:
    """These ways, at those servers."""
    return replace(ways, servers=servers)


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
