"""A mail as it is seen: its words, signature, quote and mark, as text and as HTML in its frame."""

import html as html_escape
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from markupsafe import Markup

from postbus.appearance.frame import FRAME_SOURCE
from postbus.appearance.inlining import inlined, too_costly
from postbus.appearance.look import LOGO_ID, Look
from postbus.appearance.names import FRAME, SIGNATURE, SIGNATURE_HTML, About, values_of
from postbus.appearance.phrases import attribution
from postbus.appearance.templates import TemplateFailed, fill, ready
from postbus.contracts.appearance import QuotedHistory

_MOST_PLACES: Final = 2
"""How often a frame may show the words: an answer has up to two million characters."""
_CONTENT, _QUOTE = "<!--postbus:content-->", "<!--postbus:quote-->"
"""Where words of people go once the styles of the frame are in place: their HTML is not touched."""
_QUOTES: Final = {QuotedHistory.NONE: 0, QuotedHistory.LAST: 1, QuotedHistory.THREAD: None}
"""How many are shown; None is all."""
_CLOSES_RECEIPTS: Final = "{{ queue.name }}"


@dataclass(frozen=True)
class Quoted:
    """What is being answered; `who` in one line."""

    who: str
    at: datetime
    text: str


@dataclass(frozen=True)
class Said:
    """What a mail says; `mark` is the line that finds the ticket again, `language` None if unknown.

    `quotes` are what is answered and what was said before that, the newest first.
    `is_receipt` closes with the name of the queue where there is no signature.
    """

    about: About
    text: str
    mark: str
    html: str | None = None
    quotes: tuple[Quoted, ...] = ()
    language: str | None = None
    is_receipt: bool = False


@dataclass(frozen=True)
class Dressed:
    """The mail as text and as HTML; `problem` is why it looks as shipped and not as configured."""

    text: str
    html: str
    problem: str | None = None


def dressed(said: Said, look: Look) -> Dressed:
    """The mail in the look of its queue. It never fails: a template that does is left out."""
    try:
        return _dressed(said, look)
    except TemplateFailed as failure:
        plain = _dressed(said, look.as_shipped)
        return Dressed(plain.text, plain.html, str(failure))


def _dressed(said: Said, look: Look) -> Dressed:
    language = said.language or look.appearance.language
    shown = said.quotes[: _QUOTES[look.appearance.quote]]
    quotes = [(attribution(language, who=one.who, at=one.at), one.text) for one in shown]
    signature = _signature(said, look, language)
    text = [said.text.rstrip()]
    if signature:
        text.append(signature)
    text += [f"{above}\n{_marked(quoted)}" for above, quoted in quotes]
    text.append(f"-- \n{said.mark}")
    quote = "\n".join(_quote_html(above, quoted) for above, quoted in quotes)
    html = _framed(said, look, language, signature=signature, quote=quote)
    return Dressed("\n\n".join(text) + "\n", html)


def _signature(said: Said, look: Look, language: str) -> str:
    source = look.appearance.signature
    if source is None:
        source = _CLOSES_RECEIPTS if said.is_receipt else ""
    return fill(source, values_of(said.about, look, language), SIGNATURE).strip()


def _framed(said: Said, look: Look, language: str, *, signature: str, quote: str) -> str:
    """The HTML of the mail; TemplateFailed where the frame does not show what it must."""
    values = dict(values_of(said.about, look, language))
    source = look.appearance.signature_html
    as_html = fill(source, values, SIGNATURE_HTML) if source else paragraphs(signature)
    values |= {
        "content": ready(_CONTENT),
        "quote": ready(_QUOTE) if quote else "",
        "mark": said.mark,
        "signature": ready(as_html) if as_html.strip() else "",
        "logo": _logo(look),
    }
    frame = fill(look.appearance.frame or FRAME_SOURCE, values, FRAME)
    places = frame.count(_CONTENT)
    if not 1 <= places <= _MOST_PLACES or frame.count(_QUOTE) > _MOST_PLACES:
        raise TemplateFailed("the frame shows `content` once, and `quote` at most once")
    if escaped(said.mark) not in frame:
        raise TemplateFailed("the frame does not show `mark`, which finds the ticket again")
    costly = too_costly(frame)
    if costly is not None:
        raise TemplateFailed(costly)
    body = f"<div>{said.html or paragraphs(said.text)}</div>"
    # In one walk, so that words which look like a place stay words.
    return re.sub(
        f"{_CONTENT}|{_QUOTE}",
        lambda found: body if found[0] == _CONTENT else quote,
        inlined(frame),
    )


def _logo(look: Look) -> Markup | str:
    logo = look.appearance.logo
    if logo is None:
        return ""
    return ready(
        f'<img src="cid:{LOGO_ID}" alt="{escaped(look.queue_name)}" width="{logo.width}"'
        f' height="{logo.height}" style="display:block;border:0;max-width:100%">'
    )


def _marked(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def _quote_html(above: str, text: str) -> str:
    return (
        f'<div class="quote"><p>{escaped(above)}</p>'
        '<blockquote type="cite" dir="auto" style="margin:0 0 0 .8ex;border-left:1px solid #ccc;'
        f'padding-left:1ex">{paragraphs(text)}</blockquote></div>'
    )


def paragraphs(text: str) -> str:
    """Plain text as HTML: an empty line ends a paragraph, every other line a line."""
    blocks = re.split(r"\n\s*\n", text.strip())
    lines = ("<br>\n".join(escaped(line) for line in block.splitlines()) for block in blocks)
    return "\n".join(f"<p>{block}</p>" for block in lines if block)


def escaped(text: str) -> str:
    """The text as it stands in HTML, between tags and in attributes."""
    return html_escape.escape(text, quote=True)
