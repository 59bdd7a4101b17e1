"""What an answer of Graph other than 2xx is in our words.

- `MailHostUnavailable`: for now; with Retry-After, where Graph gave one.
- `CredentialsRejected`: the token is not accepted, though it was got anew.
- `NotConfigured`: the mailbox is not there, or may not be opened.
- `GraphRefused`: it is about the request itself.
"""

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final

from postbus.contracts.base import utc_now
from postbus.errors import (
    CredentialsRejected,
    MailHostUnavailable,
    NotConfigured,
    PermanentError,
    PostbusError,
)
from postbus.microsoft.explaining import explain_graph

_NOT_THERE: Final = ("access-denied", "mailbox-unknown", "mailbox-not-online", "send-as-denied")


class GraphRefused(PermanentError):
    """Graph will not do this; `status`, `code` and message are its own."""

    def __init__(
        self, message: str, *, status: int, code: str, reason: str = "", advice: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.reason = reason
        self.advice = advice


class TooLarge(PermanentError):
    """The content is larger than was asked for at most."""


@dataclass(frozen=True)
class Refusal:
    """Status, code and message of an answer ("Microsoft Graph error responses")."""

    status: int
    code: str
    message: str
    retry_after_seconds: float | None = None

    @property
    def slows_down(self) -> bool:
        """Whether Graph wants to be left alone by everybody for a while."""
        return self.status in (429, 503, 509) and self.retry_after_seconds is not None

    def error(self) -> PostbusError:
        """It as an error of ours."""
        said = explain_graph(self.status, self.code, self.message)
        text = f"{said.what}: {self.status} {self.code} {self.message}"[:400].rstrip()
        if not said.permanent:
            return MailHostUnavailable(
                text,
                reason=said.reason,
                advice=said.advice,
                retry_after_seconds=self.retry_after_seconds,
            )
        if self.status == 401:
            return CredentialsRejected(text, reason=said.reason, advice=said.advice)
        if said.reason in _NOT_THERE:
            return NotConfigured(text, reason=said.reason, advice=said.advice)
        return GraphRefused(
            text, status=self.status, code=self.code, reason=said.reason, advice=said.advice
        )


def refusal_of(status: int, body: Any, retry_after: str | None) -> Refusal:
    """What an answer says; one without a readable body has its status at least."""
    error = body.get("error") if isinstance(body, dict) else None
    said = error if isinstance(error, dict) else {}
    return Refusal(
        status,
        str(said.get("code", "")),
        str(said.get("message", "")).partition("\n")[0],
        _seconds(retry_after),
    )


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After: seconds or a date (RFC 9110 §10.2.3)."""
    if not retry_after:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - utc_now()).total_seconds())
