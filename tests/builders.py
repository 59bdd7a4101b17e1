"""Mails for tests, written by hand so that every byte of them is meant."""

import base64
from collections.abc import Iterable, Mapping

DEFAULT_HEADERS: Mapping[str, str] = {
    "From": "Anna Jansen <anna@example.com>",
    "To": "support@postbus.localhost",
    "Subject": "Printer on fire",
    "Date": "Mon, 02 Mar 2026 09:30:00 +0100",
    "Message-ID": "<first@example.com>",
}


def raw_mail(
    headers: Mapping[str, str | None] | None = None,
    body: str | bytes = "Help.\n",
    *,
    more: Iterable[bytes] = (),
) -> bytes:
    """A mail with CRLF; ``headers`` replace or (None) remove defaults, ``more`` are raw lines."""
    fields = {**DEFAULT_HEADERS, **(headers or {})}
    lines = [f"{name}: {value}".encode() for name, value in fields.items() if value is not None]
    content = body.encode() if isinstance(body, str) else body
    return b"\r\n".join([*lines, *more, b"", content.replace(b"\n", b"\r\n")])


def part(content_type: str, body: str | bytes, **fields: str) -> bytes:
    """A part; text as it is, bytes as base64; fields by their names with underscores."""
    lines = [f"Content-Type: {content_type}".encode()]
    lines += [f"{name.replace('_', '-')}: {value}".encode() for name, value in fields.items()]
    if isinstance(body, bytes):
        lines.append(b"Content-Transfer-Encoding: base64")
        return b"\r\n".join([*lines, b"", base64.encodebytes(body).replace(b"\n", b"\r\n")])
    return b"\r\n".join([*lines, b"", body.encode()])


def multipart(subtype: str, *parts: bytes, boundary: str = "cut", **parameters: str) -> bytes:
    """A multipart part; for the top of a mail give its pieces to `multipart_mail`."""
    head, body = _multipart(subtype, parts, boundary, parameters)
    return b"Content-Type: " + head + b"\r\n\r\n" + body


def multipart_mail(
    subtype: str,
    *parts: bytes,
    headers: Mapping[str, str | None] | None = None,
    boundary: str = "top",
    **parameters: str,
) -> bytes:
    """A mail whose content is a multipart."""
    head, body = _multipart(subtype, parts, boundary, parameters)
    return raw_mail({"MIME-Version": "1.0", **(headers or {}), "Content-Type": head.decode()}, body)


def _multipart(
    subtype: str, parts: Iterable[bytes], boundary: str, parameters: Mapping[str, str]
) -> tuple[bytes, bytes]:
    extra = "".join(f"; {name.replace('_', '-')}={value}" for name, value in parameters.items())
    head = f'multipart/{subtype}; boundary="{boundary}"{extra}'.encode()
    opening = f"--{boundary}\r\n".encode()
    body = b"".join(opening + one + b"\r\n" for one in parts)
    # `raw_mail` turns every line end into CRLF
    return head, (body + f"--{boundary}--\r\n".encode()).replace(b"\r\n", b"\n")
