"""What is wrong with an appearance, before it is kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from selectolax.lexbor import LexborHTMLParser

from postbus.appearance.dressing import Quoted, Said, dressed
from postbus.appearance.look import Look
from postbus.appearance.names import FRAME, RECEIPT, SIGNATURE, SIGNATURE_HTML, About
from postbus.appearance.phrases import LANGUAGES
from postbus.appearance.templates import Kind, TemplateWrong, check
from postbus.contracts.appearance import Appearance

_SEEN: Final = "postbus-sample"
_ACTIVE: Final = frozenset(
    ("script", "iframe", "object", "embed", "form", "base", "link", "audio", "video", "svg")
)
_MARK: Final = "#4711 · ceaaaaaaafvqjnjy2dzzdzlpm7hqzzbr"
SAMPLE: Final = Said(
    about=About(
        ticket_number=4711,
        ticket_title="Printer on fire",
        customer_name="Anna Jansen",
        customer_address="anna@example.com",
        agent_name="Bram",
    ),
    text="Please use the stairs.",
    html=f'<p id="{_SEEN}">Please use the stairs.</p>',
    mark=_MARK,
    quotes=(
        Quoted("Anna Jansen", datetime(2026, 3, 2, 9, 30, tzinfo=UTC), "My printer is on fire."),
        Quoted("Support", datetime(2026, 3, 1, 16, 5, tzinfo=UTC), "Your printer is on its way."),
    ),
    language="en",
)


@dataclass(frozen=True)
class Wrong:
    """One fault; `pointer` is the field, as a JSON Pointer fragment (RFC 6901 §6)."""

    pointer: str
    detail: str


def wrongs_of(appearance: Appearance) -> tuple[Wrong, ...]:
    """Every fault of its templates, with the line; empty for one that may be kept."""
    found = [
        Wrong(pointer, f"line {wrong.line}: {wrong.detail}")
        for pointer, source, kind in _templates(appearance)
        if (wrong := _wrong_of(source, kind)) is not None
    ]
    found += [
        Wrong(pointer, detail)
        for pointer, source, kind in _templates(appearance)
        if kind.is_html and (detail := _active(source)) is not None
    ]
    known = {*LANGUAGES, *appearance.receipts}
    if appearance.language not in known:
        detail = (
            f"there are no texts in `{appearance.language}`; there are {', '.join(sorted(known))}"
        )
        found.append(Wrong("#/language", detail))
    return tuple(found) or tuple(_seen_wrong(appearance))


def _templates(appearance: Appearance) -> Iterator[tuple[str, str, Kind]]:
    if appearance.signature is not None:
        yield "#/signature", appearance.signature, SIGNATURE
    if appearance.signature_html is not None:
        yield "#/signature_html", appearance.signature_html, SIGNATURE_HTML
    if appearance.frame is not None:
        yield "#/frame", appearance.frame, FRAME
    for language, texts in appearance.receipts.items():
        yield f"#/receipts/{language}/text", texts.text, RECEIPT
        if texts.subject is not None:
            yield f"#/receipts/{language}/subject", texts.subject, RECEIPT


def _wrong_of(source: str, kind: Kind) -> TemplateWrong | None:
    try:
        check(source, kind)
    except TemplateWrong as wrong:
        return wrong
    return None


def _active(html: str) -> str | None:
    """What in the HTML does something, or leads elsewhere: no mail program lets it."""
    for node in LexborHTMLParser(html).css("*"):
        tag, attributes = str(node.tag), node.attributes
        if tag in _ACTIVE or (tag == "meta" and _value(attributes, "http-equiv") == "refresh"):
            return f"`<{tag}>` is not taken: programs drop it, and some servers the whole mail"
        for name in attributes:
            if name.startswith("on") or _value(attributes, name).startswith("javascript:"):
                return f"`{name}` with a script is not taken"
    return None


def _value(attributes: Mapping[str, str | None], name: str) -> str:
    return (attributes.get(name) or "").strip().lower()


def _seen_wrong(appearance: Appearance) -> Iterator[Wrong]:
    """What shows only in a mail: what the frame hides, and styles that cost too much."""
    made = dressed(SAMPLE, Look(appearance=appearance, queue_name="Support"))
    pointer = "#/frame" if appearance.frame is not None else "#/signature_html"
    if made.problem is not None:
        yield Wrong(pointer, made.problem)
    elif not _shows(made.html):
        yield Wrong(pointer, "`content` and `mark` must stand where people read, in the body")


def _shows(html: str) -> bool:
    """Whether both are in the body as text, and not in a comment, an attribute or a style."""
    body = LexborHTMLParser(html).body
    if body is None:
        return False
    for hidden in body.css("title, style, script, template, noscript"):
        hidden.decompose()
    read = body.text(deep=True, separator=" ", strip=True)
    return body.css_first(f"p#{_SEEN}") is not None and _MARK in " ".join(read.split())
