"""What a mailbox of Microsoft 365 is to us: two channels, and how both sign in."""

from dataclasses import dataclass
from typing import Final, Literal

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
    GRAPH_URL,
    MICROSOFT_AUTHORITY,
    GraphAccess,
    GraphAuth,
    GraphSettings,
    InboundChannel,
    OutboundChannel,
    SmtpAuth,
    SmtpSettings,
    TlsMode,
)

MICROSOFT_SMTP_HOST, MICROSOFT_SMTP_PORT = "smtp.office365.com", 587
"""Exchange docs, "How to set up a multifunction device or application to send email"."""
_SMTP: Final = Server(MICROSOFT_SMTP_HOST, MICROSOFT_SMTP_PORT)
PERSONAL_TENANT: Final = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""Of everybody with a personal account (Entra docs, "ID token claims reference", `tid`)."""
ANY_ORGANISATION: Final = "organizations"
SendBy = Literal["graph", "smtp"]


@dataclass(frozen=True)
class Place:
    """Where a mailbox of Microsoft 365 is."""

    tenant: str = ANY_ORGANISATION
    authority: str = MICROSOFT_AUTHORITY
    base_url: str = GRAPH_URL

    def access(self, address: str, auth: GraphAuth) -> GraphAccess:
        """How it is reached; pydantic's ValidationError for a tenant that is none."""
        return GraphAccess(
            tenant=self.tenant,
            auth=auth,
            mailbox=address,
            authority=self.authority,
            base_url=self.base_url,
        )


@dataclass(frozen=True)
class MicrosoftWays:
    """`Ways` of Microsoft 365: Graph, or Graph and SMTP."""

    place: Place = Place()
    auth: GraphAuth = GraphAuth.DELEGATED
    send_by: SendBy = "graph"
    smtp: Server = _SMTP
    smtp_ca_certificates: str | None = None
    probe_mailbox: str | None = None
    again: bool = True

    def inbound(self, wish: MailboxWish) -> InboundChannel:
        """The channel that reads the mailbox."""
        access = self.place.access(wish.address, self.auth).model_dump()
        graph = GraphSettings.model_validate({**access, "probe_mailbox": self.probe_mailbox})
        read = read_as_wished(graph, wish).model_dump()
        return InboundChannel.model_validate({**fields_of(wish), "kind": "graph", "graph": read})

    def outbound(self, wish: MailboxWish) -> OutboundChannel:
        """The channel that sends as the mailbox."""
        by_graph = self.send_by == "graph"
        return OutboundChannel(
            id=wish.id or default_id(wish.address),
            name=wish.name or default_name(wish.address),
            kind="graph" if by_graph else "smtp",
            from_address=wish.address,
            from_name=wish.from_name or "",
            graph=self.place.access(wish.address, self.auth) if by_graph else None,
            smtp=None if by_graph else self._smtp(wish.address),
        )

    def inbound_again(self, present: InboundChannel) -> InboundChannel | None:
        """With the organisation, and how to sign in there, anew."""
        if present.graph is None:
            return None
        sign_in = self.place.access(present.graph.mailbox, self.auth)
        new = {name: getattr(sign_in, name) for name in GraphAccess.model_fields}
        if self.probe_mailbox is not None:
            new["probe_mailbox"] = self.probe_mailbox
        return present.model_copy(update={"graph": present.graph.model_copy(update=new)})

    def outbound_again(self, present: OutboundChannel, address: str) -> OutboundChannel | None:
        """The same; what is sent by SMTP goes on being sent by SMTP."""
        if not sends_as(present, address):
            return None
        if present.kind == "graph":
            access = self.place.access(address, self.auth)
            return present.model_copy(update={"graph": access})
        if present.smtp is not None and present.smtp.host == self.smtp.host:
            return present.model_copy(update={"smtp": self._smtp(address)})
        return None

    def _smtp(self, address: str) -> SmtpSettings:
        return SmtpSettings(
            host=self.smtp.host,
            port=self.smtp.port,
            tls=TlsMode.STARTTLS,
            username=address,
            auth=SmtpAuth.XOAUTH2,
            ca_certificates=self.smtp_ca_certificates,
        )
