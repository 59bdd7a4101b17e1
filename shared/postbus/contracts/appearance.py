"""How the mail of a queue looks, and what its receipts say (documents of the kind `appearance`).

The templates are those of Jinja2, as far as `postbus.appearance` takes them.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from postbus.contracts.base import BlobRef, Colour, Contract, Slug

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
"""A language by its code of two letters (ISO 639-1)."""
LogoType = Literal["image/png", "image/jpeg", "image/gif"]
MOST_LOGO_BYTES = 256 * 1024
ShortTemplate = Annotated[str, StringConstraints(max_length=500)]
TextTemplate = Annotated[str, StringConstraints(max_length=8_000)]
HtmlTemplate = Annotated[str, StringConstraints(max_length=16_000)]


class QuotedHistory(StrEnum):
    """What of the conversation stands below an answer."""

    NONE = "none"
    LAST = "last"
    THREAD = "thread"
    """All that customer and agents wrote to each other, the newest first."""


class Logo(BlobRef):
    """A picture that is sent along in the mail (RFC 2392 cid:), so that nothing is fetched."""

    content_type: LogoType
    width: int = Field(ge=1, description="in pixels, as it is shown")
    height: int = Field(ge=1, description="in pixels, as it is shown")


class ReceiptTexts(Contract):
    """What a receipt says in one language; both are templates."""

    subject: ShortTemplate | None = Field(
        default=None, description="null: that of the ticket, as an answer to it"
    )
    text: TextTemplate = Field(min_length=1)


class Appearance(Contract):
    """How the mail of one queue looks; `id` is the queue's. Every field has a good default."""

    id: Slug
    accent: Colour | None = Field(default=None, description="null: the colour of the queue")
    language: Language = Field(
        default="en", description="of receipts and fixed words, where that of the mail is unknown"
    )
    quote: QuotedHistory = QuotedHistory.LAST
    signature: TextTemplate | None = Field(
        default=None,
        description="plain text below every mail; null: receipts name the queue, answers nothing",
    )
    signature_html: TextTemplate | None = Field(
        default=None, description="the signature as HTML; null: made from `signature`"
    )
    frame: HtmlTemplate | None = Field(
        default=None, description="the HTML that mails are set into; null: the one of Postbus"
    )
    receipts: Mapping[Language, ReceiptTexts] = Field(
        default_factory=dict,
        max_length=60,
        description="texts of receipts by language, in the place of those of Postbus",
    )
    logo: Logo | None = None
