"""What aiosmtplib raises, in our words: 4yz is for now, 5yz for ever (RFC 5321 §4.2.1)."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiosmtplib import SMTPAuthenticationError, SMTPException, SMTPResponseException

from postbus.contracts.sending import SmtpReply
from postbus.errors import CredentialsRejected, MailHostUnavailable, MailRefused, PostbusError

_ENHANCED = re.compile(r"^\s*([245]\.\d{1,3}\.\d{1,3})\b")
_WAIT = re.compile(
    r"(?:retry|try again)\s+(?:after|in)\s+(\d{1,6})\s*(s|sec|m|min|h|hour)", re.IGNORECASE
)
_UNIT_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hour": 3600}


def reply_of(code: int, text: str) -> SmtpReply:
    """The server's answer with its enhanced status code (RFC 3463), where it gave one."""
    found = _ENHANCED.match(text)
    return SmtpReply(code=code, enhanced=found.group(1) if found else None, text=text[:500])


def refusal(code: int, text: str) -> PostbusError:
    """The error for a negative answer; `Try again in N minutes` is obeyed as Retry-After is."""
    reply = reply_of(code, text)
    said = f"{code} {text}"[:300]
    if 500 <= code < 600:
        return MailRefused(said, smtp_code=code, enhanced_code=reply.enhanced)
    wait = _WAIT.search(text)
    seconds = int(wait.group(1)) * _UNIT_SECONDS[wait.group(2).lower()] if wait else None
    return MailHostUnavailable(
        said, smtp_code=code, enhanced_code=reply.enhanced, retry_after_seconds=seconds
    )


@asynccontextmanager
async def smtp_errors() -> AsyncIterator[None]:
    """Translate: an answer of the server by its code, everything else is for now."""
    try:
        yield
    except SMTPResponseException as error:
        raise refusal(error.code, error.message) from error
    except (SMTPException, OSError, TimeoutError, EOFError) as error:
        raise MailHostUnavailable(f"{type(error).__name__}: {error}"[:300]) from error


@asynccontextmanager
async def sign_in_errors() -> AsyncIterator[None]:
    """As above; a refused password is no refusal of the mail."""
    async with smtp_errors():
        try:
            yield
        except SMTPAuthenticationError as error:
            if 500 <= error.code < 600:
                raise CredentialsRejected(f"{error.code} {error.message}"[:300]) from error
            raise
