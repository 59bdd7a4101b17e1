"""What aiosmtplib raises, in our words: 4yz is for now, 5yz for ever (RFC 5321 §4.2.1)."""

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiosmtplib import SMTPException, SMTPResponseException

from postbus.connecting import explain, explain_sending
from postbus.connecting.tls import tls_refused
from postbus.contracts.sending import SmtpReply
from postbus.errors import CredentialsRejected, MailHostUnavailable, MailRefused, PostbusError

_ENHANCED = re.compile(r"^\s*([245]\.\d{1,3}\.\d{1,3})\b")
_WAIT = re.compile(
    r"(?:retry|try again)\s+(?:after|in)\s+(\d{1,6})\s*(s|sec|m|min|h|hour)", re.IGNORECASE
)
_LIMIT_AGAIN_SECONDS = 3600
"""Such limits roll: room comes back bit by bit."""
_UNIT_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hour": 3600}


def reply_of(code: int, text: str) -> SmtpReply:
    """The server's answer with its enhanced status code (RFC 3463), where it gave one."""
    found = _ENHANCED.match(text)
    return SmtpReply(code=code, enhanced=found.group(1) if found else None, text=text[:500])


def refusal(code: int, text: str) -> PostbusError:
    """The error for a negative answer; `Try again in N minutes` is obeyed as Retry-After is.

    A day's limit is for now, though Gmail says 550 and Exchange 554.
    """
    reply = reply_of(code, text)
    said = f"{code} {text}"[:300]
    if 500 <= code < 600:
        known = explain_sending(said)
        if known is not None:
            said = f"{said} ({known.what}) {known.advice}"[:500]
        if known is None or known.permanent:
            return MailRefused(said, smtp_code=code, enhanced_code=reply.enhanced)
        return MailHostUnavailable(
            said,
            smtp_code=code,
            enhanced_code=reply.enhanced,
            retry_after_seconds=_LIMIT_AGAIN_SECONDS,
            reason=known.reason,
            advice=known.advice,
        )
    wait = _WAIT.search(text)
    seconds = int(wait.group(1)) * _UNIT_SECONDS[wait.group(2).lower()] if wait else None
    return MailHostUnavailable(
        said,
        smtp_code=code,
        enhanced_code=reply.enhanced,
        retry_after_seconds=seconds,
        # The server hangs up, whatever the mail is (RFC 5321 §3.8); other codes are about a mail.
        reason="unavailable" if code == 421 else "",
    )


def sign_in_refusal(code: int, text: str, *, with_token: bool) -> PostbusError:
    """The error for a refused sign-in: CredentialsRejected where people must act.

    What a server refuses with 4yz is for now, whatever its words are.
    """
    explained = explain(f"{code} {text}", with_token=with_token)
    said = f"{explained.what}: {code} {text}"[:300]
    if explained.permanent and 500 <= code < 600:
        return CredentialsRejected(said, reason=explained.reason, advice=explained.advice)
    return MailHostUnavailable(
        said,
        smtp_code=code,
        enhanced_code=reply_of(code, text).enhanced,
        reason="unavailable" if explained.permanent else explained.reason,
        advice="It is tried again by itself." if explained.permanent else explained.advice,
    )


@asynccontextmanager
async def smtp_errors(host: str) -> AsyncIterator[None]:
    """Translate: an answer of the server by its code, everything else is for now."""
    try:
        yield
    except SMTPResponseException as error:
        if error.code <= 0:
            raise _broken(host, error) from error
        raise refusal(error.code, error.message) from error
    except (SMTPException, OSError, TimeoutError, EOFError) as error:
        raise _broken(host, error) from error


def _broken(host: str, error: Exception) -> MailHostUnavailable:
    """No answer, or none that could be read; aiosmtplib wraps what TLS says."""
    for one in (error, error.__cause__):
        if isinstance(one, ssl.SSLError):
            return tls_refused(host, one)
    if isinstance(error, TimeoutError):
        return MailHostUnavailable(
            f"{host} did not answer in time: {error}"[:300],
            reason="timeout",
            advice="Check the port and the kind of TLS, and whether the server is well.",
        )
    return MailHostUnavailable(
        f"the connection to {host} broke: {type(error).__name__}: {error}"[:300],
        reason="connection-lost",
        advice="Check the port and the kind of TLS, and whether the server is well.",
    )
