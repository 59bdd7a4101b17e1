"""A sign-in with Google by authorization code and PKCE (RFC 6749 §4.1, RFC 7636)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr

from config_service.domain.mailbox_wish import MailboxWish

PENDING_FOR: Final = timedelta(minutes=10)
LOOPBACK_REDIRECT: Final = "http://127.0.0.1:47400/"
"""Of an installed app (RFC 8252 §7.3). Nothing listens there: the person copies the address."""

Redirect = Literal["web", "installed"]


@dataclass(frozen=True)
class GoogleClient:
    """An OAuth client of Google."""

    client_id: str
    client_secret: SecretStr


@dataclass(frozen=True)
class Consent:
    """What is asked of the owner of a mailbox, and what proves that the answer is to this."""

    client: GoogleClient
    redirect_url: str
    login_hint: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True)
class Pending:
    """A sign-in that was started; `started_by` is the caller's token id, `by` the name."""

    consent: Consent
    redirect: Redirect
    wish: MailboxWish
    started_by: str
    by: str
    expires_at: datetime


@dataclass(frozen=True)
class Returned:
    """What came back from Google: a code, or an error (RFC 6749 §4.1.2)."""

    code: str = field(default="", repr=False)
    state: str = field(default="", repr=False)
    error: str = ""


def returned_of(pasted: str, state: str | None) -> Returned:
    """What a person pasted: the code alone, or the whole address that the browser ended at."""
    text = pasted.strip()
    if "://" not in text and "code=" not in text and "error=" not in text:
        return Returned(code=text, state=state or "")
    query = urlsplit(text).query or text
    found = {name: values[0] for name, values in parse_qs(query).items()}
    return Returned(
        code=found.get("code", ""),
        # Where both are given they must agree, which they do when there is a sign-in for it.
        state=found.get("state", "") if state in (None, found.get("state")) else "",
        error=found.get("error", ""),
    )
