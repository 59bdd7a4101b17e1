"""What imapclient, imaplib and sockets raise, in our words."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, ProtocolError

from ingest_imap.ports import ConnectionLost, NotGiven
from postbus.connecting import explain
from postbus.errors import CredentialsRejected, MailHostUnavailable, PostbusError

BROKEN = (IMAPClientAbortError, ProtocolError, OSError, EOFError, ssl.SSLError, UnicodeDecodeError)
"""After one of these nobody knows where in the conversation we are."""


@contextmanager
def session_errors() -> Iterator[None]:
    """While a folder is worked with: a broken connection, or a command that was refused."""
    try:
        yield
    except BROKEN as error:
        raise ConnectionLost(_brief(error)) from error
    except IMAPClientError as error:
        raise NotGiven(_brief(error)) from error
    except (ValueError, IndexError, KeyError, AttributeError, TypeError, AssertionError) as error:
        # imapclient (4.1) takes what it parses for well-formed.
        raise ConnectionLost(f"an answer that cannot be read: {_brief(error)}") from error


@contextmanager
def connect_errors(host: str) -> Iterator[None]:
    """While a connection is made and protected."""
    try:
        yield
    except PostbusError:
        raise
    except TimeoutError as error:
        raise MailHostUnavailable(
            f"{host} did not answer in time",
            reason="timeout",
            advice="Check the port, and whether a firewall lets Postbus out to this server.",
        ) from error
    except (*BROKEN, IMAPClientError) as error:
        raise MailHostUnavailable(
            f"{host} ended the conversation before it began: {_brief(error)}",
            reason="greeting",
            advice="Check that this is the port of an IMAP server, and whether it wants TLS.",
        ) from error


@contextmanager
def sign_in_errors(host: str, *, with_token: bool) -> Iterator[None]:
    """While we sign in: what the server says is put into words that help."""
    try:
        yield
    except BROKEN as error:
        if not isinstance(error, IMAPClientError):
            raise MailHostUnavailable(
                f"{host} ended the conversation while we signed in", reason="unavailable"
            ) from error
        raise _refused(error, with_token=with_token) from error
    except IMAPClientError as error:
        raise _refused(error, with_token=with_token) from error


def _refused(error: Exception, *, with_token: bool) -> CredentialsRejected | MailHostUnavailable:
    said = _brief(error)
    known = explain(said, with_token=with_token)
    words = f"{known.what} (the server says: {said})"
    if known.permanent:
        return CredentialsRejected(words, reason=known.reason, advice=known.advice)
    return MailHostUnavailable(words, reason=known.reason, advice=known.advice)


def _brief(error: Exception) -> str:
    text = str(error) or type(error).__name__
    if text.startswith(("b'", 'b"')):
        text = text[2:-1]
    return text[:300]
