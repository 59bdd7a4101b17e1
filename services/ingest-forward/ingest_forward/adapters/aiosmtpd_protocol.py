"""The library's protocol with its own way of reading mail and addresses, and with better answers.

aiosmtpd 1.4 reads a mail line by line and refuses it for good when a line is too long. Mails of
10 MB cost it seconds, and customers whose programs do not know of RFC 5321 §4.5.3.1.6, or that end
lines with LF alone, could not write to us at all. So DATA is read here in one piece.

It also reads every address as if it were a header of a mail, with comments and encoded words. That
was a seventh of what the door did, so addresses as nearly everybody writes them are read here.
"""

import re
from typing import Any, AnyStr

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP

_ATOM = r"[A-Za-z0-9!#$%&'*+/=^_`{|}~-]+"  # RFC 5321 §4.1.2 without "?", so no encoded word
_PLAIN_PATH = re.compile(
    rf"<({_ATOM}(?:\.{_ATOM})*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)>[ ]*((?:[A-Za-z].*)?)"
)
_END = b"\r\n.\r\n"
_READ_BYTES = 1024 * 1024 * 1024
"""As much as there is: what is left over can then be given back in its order."""
_TOO_BIG = "552 5.3.4 The mail is over the limit of this server"
_SILENT = b"421 4.4.2 Nothing was heard for too long\r\n"
_BETTER = {
    "552 Error: message size exceeds fixed maximum message size": _TOO_BIG,
    "250 OK": "250 2.0.0 OK",
}
"""What the library says without an enhanced status code (RFC 3463)."""


class Smtp(SMTP):
    """SMTP (RFC 5321)."""

    async def push(self, status: AnyStr) -> None:
        """Answer the client."""
        text = status.decode("utf-8", "replace") if isinstance(status, bytes) else status
        await super().push(_BETTER.get(text, text))

    def _timeout_cb(self) -> None:
        """Say why, and let the library hang up."""
        connection: Any = self.transport
        connection.write(_SILENT)
        super()._timeout_cb()  # type: ignore[no-untyped-call]  # aiosmtpd has no types for it

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """The address of a path and the parameters after it, as the library gives them."""
        plain = _PLAIN_PATH.fullmatch(arg)
        if plain is None:
            found: tuple[str | None, str | None] = super()._getaddr(arg)
            return found
        return plain[1], plain[2]

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 - the library's
        """Read the mail and let the handler answer."""
        envelope: Any = self.envelope
        if await self.check_helo_needed():
            return
        if not envelope.rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        content = await self._read_mail()
        if content is None:
            answer = _TOO_BIG
        else:
            envelope.content = envelope.original_content = content
            answer = await self._call_handler_hook("DATA")
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        await self.push(answer)

    async def _read_mail(self) -> bytes | None:
        """The mail without its end mark and the dots that hide it; None if it is too large.

        Only CRLF, dot, CRLF ends a mail (RFC 5321 §4.1.1.4): taking bare LF as well would let one
        mail smuggle in another.
        """
        limit_bytes = self.data_size_limit or 0
        received = bytearray(b"\r\n")  # so that a dot in the first line is found as well
        is_too_large = False
        while True:
            chunk = await self._reader.read(_READ_BYTES)
            if not chunk:
                raise ConnectionResetError("the client hung up within the mail")
            self._reset_timeout()
            searched = max(0, len(received) - len(_END) + 1)
            received += chunk
            end = received.find(_END, searched)
            if end >= 0:
                break
            if len(received) > limit_bytes + len(_END):
                is_too_large = True
                del received[: -len(_END)]
        rest = bytes(received[end + len(_END) :])
        if rest:
            self._reader.feed_data(rest)
        if is_too_large or end > limit_bytes:
            return None
        return bytes(received[: end + 2]).replace(b"\r\n.", b"\r\n")[2:]


class Lmtp(Smtp, LMTP):
    """LMTP (RFC 2033), which differs in its greeting."""
