"""The bodies of the benchmark's mails: texts, HTML, quotes, files and reports."""

import hashlib
import html
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from random import Random

from bench.corpus_words import FILE_NAMES, Language

_SMALL_FILES, _LARGE_FILES = 0.15, 0.05
_SMALL_BYTES, _LARGE_BYTES = (800, 60_000), (100_000, 1_000_000)


@dataclass(frozen=True)
class Body:
    """A MIME entity with its own header fields, and the SHA-256 of each file in it."""

    data: bytes = field(repr=False)
    attachments: tuple[str, ...]


@dataclass(frozen=True)
class Parts:
    """What the writer wrote, and below it what the program quoted."""

    opening: str
    text: str
    html: str

    @classmethod
    def drawn(
        cls, rng: Random, language: Language, name: str, *, quoting: tuple[str, str] | None,
        human: bool,
    ) -> "Parts":  # fmt: skip
        """Two to twelve sentences, sometimes very many, with a signature as often as not."""
        count = rng.randint(60, 200) if rng.random() < 0.05 else rng.randint(2, 12)
        own = rng.choices(language.sentences, k=count)
        signature = f"-- \n{name}\n" if human and rng.random() < 0.5 else ""
        attribution, quoted = quoting or ("", "")
        text = "\n".join(own) + "\n\n" + signature
        marked = _html(own, signature, attribution, quoted)
        if quoting:
            lines = "\n".join(f"> {line}" for line in quoted.splitlines())
            text = "\n".join(own) + f"\n\n{attribution}\n{lines}\n"
        return cls(own[0], text, marked)


def assemble(
    parts: Parts, *, charset: str, token: str, rng: Random, files: Random, large: bool, report: bool
) -> Body:
    """The body; `rng` decides its shape, `files` the bytes of what is attached."""
    if report:
        return _report(token)
    message = EmailMessage(policy=policy.SMTP)
    safe = encodable(parts.text + parts.html, charset)
    cte = _encoding(rng, safe)
    shape = rng.choices(("plain", "both", "html"), (40, 48, 12))[0]
    first = parts.html if shape == "html" else parts.text
    message.set_content(first, "html" if shape == "html" else "plain", charset=safe, cte=cte)
    if shape == "both":
        message.add_alternative(parts.html, "html", charset=safe, cte=cte)
    kept = []
    if shape != "plain" and rng.random() < 0.2:
        kept.append(_picture(message, files, token))
    kept += [_attach(message, rng, files, size) for size in _sizes(rng, large=large)]
    return _finished(message, token, tuple(kept))


def _sizes(rng: Random, *, large: bool) -> list[int]:
    drawn, many = rng.random(), rng.random()
    size, small = rng.randint(*_LARGE_BYTES), rng.randint(*_SMALL_BYTES)
    if drawn < _LARGE_FILES and large:
        return [size]
    if drawn < _LARGE_FILES + _SMALL_FILES:
        return [small] * (2 if many < 0.2 else 1)
    return []


def _attach(message: EmailMessage, rng: Random, files: Random, size_bytes: int) -> str:
    data = files.randbytes(size_bytes)
    message.add_attachment(
        data, maintype="application", subtype="octet-stream", filename=rng.choice(FILE_NAMES)
    )
    return hashlib.sha256(data).hexdigest()


def _picture(message: EmailMessage, files: Random, token: str) -> str:
    data = b"\x89PNG\r\n\x1a\n" + files.randbytes(files.randint(2_000, 20_000))
    shown = message.get_body(("html",))
    assert shown is not None
    shown.add_related(
        data, "image", "png", cid=f"<logo.{token}>", filename="logo.png", disposition="inline"
    )
    return hashlib.sha256(data).hexdigest()


def _report(token: str) -> Body:
    """A delivery status notification (RFC 3464) about some mail of ours."""
    edge = f"=_{token}"
    lines = (
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{edge}"',
        "",
        f"--{edge}",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        "I could not deliver your mail to the address below.",
        f"--{edge}",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.example.com",
        "",
        f"Final-Recipient: rfc822; gone.{token}@example.com",
        "Action: failed",
        "Status: 5.1.1",
        "Diagnostic-Code: smtp; 550 5.1.1 unknown",
        "",
        f"--{edge}--",
        "",
    )
    return Body("\r\n".join(lines).encode("ascii"), ())


def _finished(message: EmailMessage, token: str, attachments: tuple[str, ...]) -> Body:
    """With boundaries of ours, because the library draws them at random."""
    for n, part in enumerate(part for part in message.walk() if part.is_multipart()):
        if part.get_content_maintype() == "multipart":
            part.set_boundary(f"=_{token}_{n}")
    if "MIME-Version" not in message:
        message["MIME-Version"] = "1.0"
    return Body(message.as_bytes(), attachments)


def encodable(text: str, charset: str) -> str:
    """The charset, or UTF-8 where the text has characters that it does not know."""
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return "utf-8"
    return charset


def _encoding(rng: Random, charset: str) -> str:
    drawn = rng.choice(("quoted-printable", "base64", "8bit"))
    return "7bit" if charset in ("us-ascii", "iso-2022-jp") else drawn


def _html(own: list[str], signature: str, attribution: str, quoted: str) -> str:
    paragraphs = "".join(f"<p style='margin:0 0 8px'>{html.escape(line)}</p>\n" for line in own)
    signed = f"<div class='signature'>{html.escape(signature)}</div>" if signature else ""
    quote = ""
    if attribution:
        lines = "<br>\n".join(html.escape(line) for line in quoted.splitlines())
        quote = (
            f"<div class='gmail_quote'><div>{html.escape(attribution)}</div>"
            f"<blockquote class='gmail_quote' type='cite'>{lines}</blockquote></div>"
        )
    return (
        "<html><head><style>p { font-family: sans-serif; color: #222 }</style></head>\n"
        f"<body>{paragraphs}{signed}{quote}</body></html>\n"
    )
