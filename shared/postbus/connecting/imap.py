"""imapclient's client, on a socket that `Reach` opened, with an IDLE that loses no news.

Not part of what the room gives by its name: only who speaks IMAP has imapclient.

imapclient (4.1) takes an EXISTS that comes before the server's "+ idling" for an error, does not
see what already lies in the read buffer when it waits for the socket, and takes half a line for the
end.
"""

import imaplib
import socket
import ssl
from collections.abc import Callable

from imapclient import IMAPClient, SocketTimeout

from postbus.connecting.reaching import Reach
from postbus.connecting.tls import TlsContexts, tls_refused
from postbus.contracts.configuration import TlsMode

_Open = Callable[[], socket.socket]


class _Imap4(imaplib.IMAP4):
    """imaplib's client on a socket that is there already."""

    def __init__(self, open_socket: _Open, host: str, port: int) -> None:
        self._open_socket = open_socket
        super().__init__(host, port)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        del timeout
        return self._open_socket()


class ImapClient(IMAPClient):  # type: ignore[misc] # imapclient has no types
    """One connection; `open_socket` connects, and protects it where TLS is implicit."""

    def __init__(
        self,
        open_socket: _Open,
        host: str,
        port: int,
        *,
        implicit_tls: bool,
        timeout: SocketTimeout,
    ) -> None:
        self._open_socket = open_socket
        super().__init__(host, port=port, ssl=implicit_tls, timeout=timeout)

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 - imapclient's name for it
        return _Imap4(self._open_socket, self.host, self.port)

    def idle(self) -> None:
        """Send IDLE and read up to the server's "+" (RFC 2177); what comes before it is kept."""
        self._idle_tag = self._imap._command("IDLE")  # noqa: SLF001 - as imapclient does
        while self._imap._get_response() is not None:  # noqa: SLF001 - as imapclient does
            if self._imap.tagged_commands.get(self._idle_tag):
                raise self.Error("the server refuses IDLE")

    def forget_news(self) -> bool:
        """Whether the server told of mail since this was asked last, with any answer or by itself.

        To be asked right before a search: what is told from then on, that search may not know.
        """
        told = self._imap.untagged_responses
        exists, recent = told.pop("EXISTS", None), told.pop("RECENT", None)
        return bool(exists or recent)

    def idle_news(self) -> tuple[list[bytes], bool]:
        """Lines that came, without waiting for any; and whether there was news before IDLE began.

        A line that has begun is waited for to its end.
        """
        early = self.forget_news()
        lines: list[bytes] = []
        while self._has_bytes():
            lines.append(self._imap._get_line())  # noqa: SLF001 - as imapclient does
        return lines, early

    def _has_bytes(self) -> bool:
        connection = self.socket()
        connection.setblocking(False)
        try:
            return bool(self._imap.file.peek(1))
        except OSError:  # TLS has nothing whole yet
            return False
        finally:
            connection.setblocking(True)
            self._set_read_timeout()


def dial(
    host: str,
    port: int,
    tls: TlsMode,
    *,
    reach: Reach,
    contexts: TlsContexts,
    ca_certificates: str | None = None,
    timeout: SocketTimeout,
) -> ImapClient:
    """Connected and greeted; with implicit TLS that has happened, too. It blocks.

    Raises:
        MailHostUnavailable: the server may not be reached, cannot be, or its certificate is not
            trusted; what goes wrong after that is imapclient's and the socket's to say.
    """

    def open_socket() -> socket.socket:
        plain = reach.connect(host, port, timeout_seconds=timeout.connect)
        if tls is not TlsMode.IMPLICIT:
            return plain
        try:
            return contexts.context(ca_certificates).wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

    try:
        return ImapClient(
            open_socket, host, port, implicit_tls=tls is TlsMode.IMPLICIT, timeout=timeout
        )
    except ssl.SSLError as error:
        raise tls_refused(host, error) from error
