"""Who may do what in which mailbox.

Delegated: the own mailbox, and with a `.Shared` permission those that were opened to the person.
An app: every mailbox by a role in its token (consent in Entra), or those in the scope of its
assignments (Exchange: "Role Based Access Control for Applications"), which add up.
"""

from dataclasses import dataclass, field
from typing import Any

from servers.graph.errors import GraphError, access_denied, bad_request

READ, WRITE, SEND = "read", "write", "send"
GRANTS = {
    READ: ("Mail.Read", "Mail.ReadWrite"),
    WRITE: ("Mail.ReadWrite",),
    SEND: ("Mail.Send",),
}
"""Permissions of which one is enough (Graph permission reference)."""
AUDIENCES = ("https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000")


@dataclass(frozen=True)
class Caller:
    """Whose token it is."""

    app_id: str
    tenant_id: str
    person: str | None
    """Address of who signed in; None: the app itself."""
    permissions: frozenset[str]

    def may(self, action: str, *, shared: bool = False) -> bool:
        suffix = ".Shared" if shared else ""
        return any(grant + suffix in self.permissions for grant in GRANTS[action])


@dataclass
class Access:
    """What was opened to whom; may be changed while the server runs."""

    delegates: dict[str, set[str]] = field(default_factory=dict)
    """Mailbox → people with full access to it."""
    send_as: dict[str, set[str]] = field(default_factory=dict)
    """Address → people (or mailboxes) that may send as it."""
    on_behalf: dict[str, set[str]] = field(default_factory=dict)
    """Address → people (or mailboxes) that may send on behalf of it; `Sender` tells."""
    rbac: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    """App id → mailbox → roles that Exchange gives it there, such as `Mail.ReadWrite`."""
    disabled: set[str] = field(default_factory=set)
    """Mailboxes that are on premises, soft-deleted or without licence."""

    def check(self, caller: Caller, mailbox: str, action: str) -> None:
        """Pass, or 403 ErrorAccessDenied."""
        if mailbox in self.disabled:
            raise GraphError(
                404,
                "MailboxNotEnabledForRESTAPI",
                "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
            )
        if caller.person is None:
            scoped = self.rbac.get(caller.app_id, {}).get(mailbox, set())
            allowed = caller.may(action) or any(grant in scoped for grant in GRANTS[action])
        elif caller.person == mailbox:
            # `.Shared` is of "the user's own and shared mail" (Graph permission reference).
            allowed = caller.may(action) or caller.may(action, shared=True)
        else:
            opened = caller.person in self.delegates.get(mailbox, set())
            if action == SEND:
                opened = opened or caller.person in self.send_as.get(mailbox, set())
            allowed = opened and caller.may(action, shared=True)
        if not allowed:
            raise access_denied()

    def may_send_as(self, caller: Caller, mailbox: str, sender: str) -> bool:
        """Whether mail of a mailbox may carry this address in `from`.

        A person needs the right on that address, an app the mailbox it sends through (Graph:
        "Send Outlook messages from another user").
        """
        who = caller.person or mailbox
        rights = self.send_as.get(sender, set()) | self.on_behalf.get(sender, set())
        return sender == who or who in rights or mailbox in rights

    def acts_on_behalf(self, caller: Caller, mailbox: str, sender: str) -> str | None:
        """Who stands in `Sender` beside a From that is another's; None with full Send As."""
        who = caller.person or mailbox
        if sender == who or self.send_as.get(sender, set()) & {who, mailbox}:
            return None
        return who


def caller_of(claims: dict[str, Any] | None) -> Caller:
    """Whose token it is; 401 for one that is no good here."""
    if claims is None:
        raise unauthenticated("Lifetime validation failed, the token is expired or unknown.")
    if str(claims.get("aud", "")).rstrip("/") not in AUDIENCES:
        raise unauthenticated("Access token validation failure. Invalid audience.")
    scopes = frozenset(
        scope.removeprefix("https://graph.microsoft.com/")
        for scope in str(claims.get("scp", "")).split()
    )
    roles = frozenset(claims.get("roles", ()))
    name = claims.get("upn") or claims.get("preferred_username") or claims.get("unique_name")
    return Caller(
        app_id=str(claims.get("appid") or claims.get("azp") or ""),
        tenant_id=str(claims.get("tid", "")),
        person=str(name).lower() if "scp" in claims else None,
        permissions=scopes if "scp" in claims else roles,
    )


def unauthenticated(message: str) -> GraphError:
    return GraphError(
        401,
        "InvalidAuthenticationToken",
        message,
        headers={
            "WWW-Authenticate": 'Bearer realm="", authorization_uri='
            '"https://login.microsoftonline.com/common/oauth2/authorize", '
            'client_id="00000003-0000-0000-c000-000000000000"'
        },
    )


def own_mailbox(caller: Caller) -> str:
    if caller.person is None:
        raise bad_request("/me request is only valid with delegated authentication flow.")
    return caller.person
