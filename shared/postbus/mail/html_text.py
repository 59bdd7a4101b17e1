"""HTML as the text that a person sees, with quotes marked by `> ` as in plain text."""

import re
from collections.abc import Mapping
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from postbus.mail.html_lines import HtmlText, LineWriter
from postbus.mail.html_marks import is_indentation, mark_of

_UNSEEN: Final = frozenset(
    ("head", "style", "script", "title", "template", "noscript", "svg", "math", "object", "select")
)
_BLOCKS: Final = frozenset((
    "p", "div", "table", "ul", "ol", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote",
    "hr", "tr", "li", "dt", "dd", "section", "article", "header", "footer", "center", "address",
    "fieldset", "form", "figure", "body", "html", "main", "aside", "nav",
))  # fmt: skip
_SPACED: Final = frozenset(("p", "ul", "ol", "dl", "h1", "h2", "h3", "h4", "h5", "h6"))
_HIDDEN: Final = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)


def text_of(html: str) -> HtmlText:
    """The text of the HTML; paragraphs stand apart, list items have dashes, quotes have `> `."""
    tree = LexborHTMLParser(html)
    if tree.body is None:
        return HtmlText("")
    writer = LineWriter()
    _walk(tree.body, writer)
    return writer.result()


def _walk(body: LexborNode, writer: LineWriter) -> None:
    """Through the tree without recursion: strangers choose how deep it is."""
    node: LexborNode | None = body
    while node is not None:
        child = node.child if _enter(node, writer) else None
        if child is not None:
            node = child
            continue
        while node is not None:
            _leave(node, writer)
            if node.mem_id == body.mem_id:
                return
            if node.next is not None:
                node = node.next
                break
            node = node.parent


def _enter(node: LexborNode, writer: LineWriter) -> bool:
    """Write what stands before the children; False: they are not shown."""
    tag = node.tag or ""
    if node.is_text_node:
        writer.words(node.text_content or "")
        return False
    if tag.startswith(("-", "!")) or tag in _UNSEEN:
        return False
    attributes = node.attributes
    if _is_hidden(attributes):
        return False
    if tag == "br":
        writer.end_line()
    elif tag == "img":
        alt = (attributes.get("alt") or "").strip()
        writer.words(f"[{alt}]" if alt else "")
    elif tag in ("td", "th"):
        writer.words(" ")
    elif tag in _BLOCKS:
        (writer.blank_line if tag in _SPACED else writer.end_block)()
    mark = mark_of(node, attributes) if attributes and tag != "blockquote" else None
    if mark is not None:
        writer.begin_marked(node, mark)
    _open(tag, attributes, writer)
    return True


def _open(tag: str, attributes: Mapping[str, str | None], writer: LineWriter) -> None:
    if tag == "blockquote":
        writer.quotes += not is_indentation(attributes)
    elif tag == "pre":
        writer.preformatted += 1
    elif tag == "li":
        writer.words("- ")


def _leave(node: LexborNode, writer: LineWriter) -> None:
    if node.is_text_node:
        return
    tag = node.tag or ""
    if tag in _UNSEEN or (tag in _BLOCKS and _is_hidden(node.attributes)):
        return
    if tag in _BLOCKS:
        (writer.blank_line if tag in _SPACED else writer.end_block)()
    if tag == "a":
        _show_target(node, writer)
    elif tag == "blockquote":
        writer.quotes -= not is_indentation(node.attributes)
        writer.blank_line()
    elif tag == "pre":
        writer.preformatted -= 1
    writer.end_marked(node)


def _show_target(node: LexborNode, writer: LineWriter) -> None:
    """A link whose words do not say where it goes keeps its address in the text."""
    target = (node.attributes.get("href") or "").strip()
    words = node.text(deep=True).strip()
    if target.lower().startswith(("http://", "https://")) and words and target not in words:
        bare = target.split("://", 1)[1].rstrip("/")
        if words.rstrip("/") != bare:
            writer.words(f" <{target}>")


def _is_hidden(attributes: Mapping[str, str | None]) -> bool:
    style = attributes.get("style")
    return bool(style and _HIDDEN.search(style))
