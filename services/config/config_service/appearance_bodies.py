"""How mail of a queue looks, as it comes in over HTTP and goes out."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from config_service.bodies import STRICT
from postbus.contracts.appearance import Appearance, Language, Logo, ReceiptTexts
from postbus.contracts.base import Contract


class ReceiptTextsBody(ReceiptTexts):
    """What a receipt says in one language, as it is sent."""

    model_config = STRICT


class AppearanceBody(Appearance):
    """An appearance as it is sent; `id` is the queue's and may be left out."""

    model_config = STRICT

    id: str = ""
    receipts: Mapping[Language, ReceiptTextsBody] = Field(
        default_factory=dict,
        max_length=60,
        description="texts of receipts by language, in the place of those of Postbus",
    )
    logo: Logo | None = Field(
        default=None, description="shown only: it comes and goes by `…/logo`, and stays here"
    )


class Appearances(Contract):
    """A list of appearances."""

    items: tuple[Appearance, ...]
    next_cursor: str | None


class PreviewBody(Contract):
    """What shall be shown; nothing is sent, and nothing is kept."""

    model_config = STRICT

    appearance: AppearanceBody | None = Field(
        default=None, description="one that is not saved yet; null: the one of the queue"
    )
    mail: Literal["answer", "receipt"] = "answer"
    language: Language | None = Field(
        default=None, description="of the customer's mail; null: it is not known"
    )
    text: str | None = Field(
        default=None, min_length=1, max_length=20_000, description="of the answer; null: a sample"
    )


class PreviewView(Contract):
    """The mail as it would go out, with the logo in the page itself (`data:`)."""

    subject: str
    text: str
    html: str = Field(description="to be shown apart from other pages: an iframe with `sandbox`")
