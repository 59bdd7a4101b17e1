"""Texts that travel in an event as far as they have room there; whole, they are a blob."""

from postbus.contracts.mail import INLINE_TEXT_LIMIT_BYTES, Content
from postbus.mail.safe_html import safe_html


def is_long(content: Content) -> bool:
    """Whether one of the texts has no room in an event."""
    texts = (content.text, content.full_text, content.html or "")
    return any(len(text.encode()) > INLINE_TEXT_LIMIT_BYTES for text in texts)


def cut(text: str) -> str:
    """The text, or as much of it as may travel in a fact; never half a letter."""
    data = text.encode()
    if len(data) <= INLINE_TEXT_LIMIT_BYTES:
        return text
    return data[:INLINE_TEXT_LIMIT_BYTES].decode("utf-8", "ignore")


def cut_html(html: str | None) -> str | None:
    """Half of safe HTML may end within a tag, so what is cut is made safe again."""
    if html is None or len(html.encode()) <= INLINE_TEXT_LIMIT_BYTES:
        return html
    return safe_html(cut(html))
