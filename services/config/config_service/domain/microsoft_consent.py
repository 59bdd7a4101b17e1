"""A sign-in with Microsoft by code and PKCE (RFC 6749 §4.1, RFC 7636), or device code (RFC 8628).

Scopes of Graph and of Exchange share a page of consent, but never a token (Exchange docs,
"Authenticate an IMAP, POP or SMTP connection using OAuth").
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import parse_qs, urlsplit

from config_service.domain.mailbox_wish import MailboxWish
from config_service.domain.microsoft import MicrosoftWays
from postbus.connecting.credentials import MicrosoftClient

CODE_PENDING_FOR: Final = timedelta(minutes=10)
LOOPBACK_REDIRECT: Final = "http://localhost:47400/"
"""Nothing listens there: the person copies the address. Entra takes no other host by http."""
NEEDED: Final = tuple(
    f"https://graph.microsoft.com/{name}" for name in ("Mail.ReadWrite", "Mail.Send")
)
"""Drafts with large files need Mail.ReadWrite (Graph docs, "outlook-large-attachments")."""
SHARED: Final = tuple(f"{scope}.Shared" for scope in NEEDED)
"""For shared mailboxes that the person may open."""
SMTP: Final = ("https://outlook.office.com/SMTP.Send",)

Redirect = Literal["web", "installed"]


@dataclass(frozen=True)
class Consent:
    """What is asked of a person: for whose app, of which organisation, for which mailbox."""

    client: MicrosoftClient
    authority_url: str
    login_hint: str
    by_smtp: bool = False

    @property
    def for_graph(self) -> tuple[str, ...]:
        """What the first token is for."""
        return (*NEEDED, *SHARED)

    @property
    def for_smtp(self) -> tuple[str, ...]:
        """What another token is for."""
        return SMTP if self.by_smtp else ()


@dataclass(frozen=True)
class Flow:
    """A sign-in that was begun; `kept` is msal's own account of it, secrets included."""

    consent: Consent
    state: str = field(repr=False)
    kept: dict[str, Any] = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class Pending:
    """A sign-in under way; `started_by` is the caller's token id, None for whoever has a link."""

    flow: Flow
    redirect: Redirect | Literal["device"]
    wish: MailboxWish
    ways: MicrosoftWays
    started_by: str | None
    by: str
    expires_at: datetime
    ask_again_at: datetime | None = None


def parameters_of(pasted: str, state: str | None) -> dict[str, str]:
    """What a person pasted: the code alone, or the whole address that the browser ended at."""
    text = pasted.strip()
    if "://" not in text and "code=" not in text and "error=" not in text:
        return {"code": text, "state": state or ""}
    query = urlsplit(text).query or text
    found = {name: values[0] for name, values in parse_qs(query).items()}
    # Where both are given they must agree, which they do when there is a sign-in for it.
    agreed = state in (None, found.get("state"))
    return found if agreed else {**found, "state": ""}
