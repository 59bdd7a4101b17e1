"""How mail programs mark quotes and signatures in HTML, whatever language they speak.

Seen in practice: Gmail, Outlook (desktop, web, telephone), Thunderbird, Yahoo, Proton, Zoho,
Zimbra, GMX, Spark, Tuta, Front, Roundcube, Mailspring, Airmail, Hotmail, NetEase, FreeScout.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from selectolax.lexbor import LexborNode

from postbus.mail.line_kinds import Kind


@dataclass(frozen=True)
class Mark:
    """What the text in an element is; `is_to_end`: that of all that follows it, too."""

    kind: Kind
    is_to_end: bool = False


_QUOTE: Final = Mark(Kind.QUOTE)
_TAIL: Final = Mark(Kind.QUOTE, is_to_end=True)
_ATTRIBUTION: Final = Mark(Kind.ATTRIBUTION)
_SIGNATURE: Final = Mark(Kind.SIGNATURE)

_BY_NAME: Final = {
    # ids
    "olk_src_body_section": _QUOTE,
    "mail-editor-reference-message-container": _QUOTE,
    "isreplycontent": _QUOTE,
    "divrplyfwdmsg": _TAIL,
    "zwchr": _TAIL,
    "stopspelling": _TAIL,
    "reply-intro": _ATTRIBUTION,
    "signature": _SIGNATURE,
    "ms-outlook-mobile-signature": _SIGNATURE,
    # classes
    "gmail_quote": _QUOTE,
    "gmail_quote_container": _QUOTE,
    "gmail_attr": _ATTRIBUTION,
    "gmail_quote_attribution": _ATTRIBUTION,
    "gmail_signature": _SIGNATURE,
    "moz-cite-prefix": _ATTRIBUTION,
    "moz-signature": _SIGNATURE,
    "yahoo_quoted": _QUOTE,
    "protonmail_quote": _QUOTE,
    "protonmail_signature_block": _SIGNATURE,
    "tutanota_quote": _QUOTE,
    "zmail_extra": _QUOTE,
    "zmail_extra_hr": _QUOTE,
    "outlookmessageheader": _TAIL,
    "ms-outlook-mobile-reference-message": _QUOTE,
    "airmail_on": _ATTRIBUTION,
    "fsreplyabove": _TAIL,
    "fsnotifreplyabove": _TAIL,
    # names
    "messagereplysection": _QUOTE,
    "messagesignaturesection": _SIGNATURE,
    "quote": _QUOTE,
    # data-marker
    "__divider__": _TAIL,
    "__headers__": _TAIL,
    "__quoted_text__": _TAIL,
}
_ONLY_AS_NAME: Final = frozenset(("quote", "messagereplysection", "messagesignaturesection"))
_ONLY_AS_ID: Final = frozenset(("signature", "stopspelling", "zwchr", "divrplyfwdmsg"))
_OF_PROVIDERS: Final = re.compile(r"^(?:x_|ecx|ydp[0-9a-f]{2,12}|yiv\d{4,14})+")
"""Web mail puts it before the names in HTML that it shows or quotes."""
_DRAWN_ABOVE: Final = re.compile(r"border-top(?:-style)?\s*:[^;]{0,60}\bsolid", re.IGNORECASE)
_INDENTED: Final = re.compile(r"border(?:-width)?\s*:\s*(?:medium )?(?:none|0)", re.IGNORECASE)
_MAX_NAMES: Final = 20


def mark_of(node: LexborNode, attributes: Mapping[str, str | None]) -> Mark | None:
    """What the element says that its text is; None if it says nothing."""
    for key in ("class", "id", "name", "data-marker", "data-smartmail"):
        value = attributes.get(key)
        if value:
            found = _named(key, value)
            if found is not None:
                return found
    style = attributes.get("style")
    if style and node.tag == "div" and _DRAWN_ABOVE.search(style) and _has_labels(node):
        return _TAIL
    return None


def is_indentation(attributes: Mapping[str, str | None]) -> bool:
    """Whether a `blockquote` only moves the writer's own words to the right, as Gmail does."""
    style = attributes.get("style")
    return bool(style and _INDENTED.search(style) and "border-left" not in style.lower())


def _named(key: str, value: str) -> Mark | None:
    for name in value.lower().split(maxsplit=_MAX_NAMES)[:_MAX_NAMES]:
        bare = _OF_PROVIDERS.sub("", name)
        mark = _BY_NAME.get(bare)
        if mark is None and bare.startswith("yahoo_quoted_"):
            return _QUOTE
        if (
            mark is not None
            and (key == "name" or bare not in _ONLY_AS_NAME)
            and (key == "id" or bare not in _ONLY_AS_ID)
        ):
            return mark
    return None


def _has_labels(node: LexborNode) -> bool:
    """Whether it names fields in bold ("From:", "Sent:") as Outlook does, in any language."""
    bold = (one.text(deep=True).strip() for one in node.css("b, strong")[:4])
    return sum(text.endswith((":", "\uff1a")) for text in bold) >= 2
