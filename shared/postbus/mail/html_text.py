"""HTML as the text that a person sees, with quotes marked by `> ` as in plain text."""

import re
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

_UNSEEN: Final = frozenset(
    ("head", "style", "script", "title", "template", "noscript", "svg", "math", "object", "select")
)
_BLOCKS: Final = frozenset((
    "p", "div", "table", "ul", "ol", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote",
    "hr", "tr", "li", "dt", "dd", "section", "article", "header", "footer", "center", "address",
    "fieldset", "form", "figure", "body", "html", "main", "aside", "nav",
))  # fmt: skip
_SPACED: Final = frozenset(("p", "ul", "ol", "dl", "h1", "h2", "h3", "h4", "h5", "h6"))
_MAX_SHOWN_QUOTES: Final = 8
_WHITE: Final = re.compile(r"[ \t\r\n\f]+")
_BLANK_LINES: Final = re.compile(r"\n{3,}")
_HIDDEN: Final = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)


def text_of(html: str) -> str:
    """The text of the HTML; paragraphs stand apart, list items have dashes, quotes have `> `."""
    tree = LexborHTMLParser(html)
    if tree.body is None:
        return ""
    writer = _Writer()
    _walk(tree.body, writer)
    return writer.result()


class _Writer:
    """Collects lines; knows how deep it stands in quotes."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line = ""
        self.quotes = 0
        self.preformatted = 0

    def words(self, text: str) -> None:
        if self.preformatted:
            first, *others = text.replace("\r\n", "\n").split("\n")
            self._line += first
            for other in others:
                self.end_line()
                self._line = other
            return
        text = _WHITE.sub(" ", text)
        self._line += text.lstrip(" ") if not self._line or self._line.endswith(" ") else text

    def end_line(self) -> None:
        self._lines.append(self._prefix() + self._line.rstrip())
        self._line = ""

    def end_block(self) -> None:
        if self._line.strip():
            self.end_line()
        self._line = ""

    def blank_line(self) -> None:
        self.end_block()
        if self._lines and self._lines[-1].strip("> "):
            self._lines.append(self._prefix().rstrip())

    def _prefix(self) -> str:
        return "> " * min(self.quotes, _MAX_SHOWN_QUOTES)

    def result(self) -> str:
        self.end_block()
        text = "\n".join(self._lines).replace("\u00a0", " ").replace("\u200b", "")
        return _BLANK_LINES.sub("\n\n", "\n".join(x.rstrip() for x in text.split("\n"))).strip()


def _walk(body: LexborNode, writer: _Writer) -> None:
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


def _enter(node: LexborNode, writer: _Writer) -> bool:
    """Write what stands before the children; False: they are not shown."""
    tag = node.tag or ""
    if node.is_text_node:
        writer.words(node.text_content or "")
        return False
    if tag.startswith(("-", "!")) or tag in _UNSEEN or _is_hidden(node):
        return False
    if tag == "br":
        writer.end_line()
    elif tag == "img":
        alt = (node.attributes.get("alt") or "").strip()
        writer.words(f"[{alt}]" if alt else "")
    elif tag in ("td", "th"):
        writer.words(" ")
    elif tag in _BLOCKS:
        (writer.blank_line if tag in _SPACED else writer.end_block)()
    _open(tag, writer)
    return True


def _open(tag: str, writer: _Writer) -> None:
    if tag == "blockquote":
        writer.quotes += 1
    elif tag == "pre":
        writer.preformatted += 1
    elif tag == "li":
        writer.words("- ")


def _leave(node: LexborNode, writer: _Writer) -> None:
    if node.is_text_node:
        return
    tag = node.tag or ""
    if tag in _UNSEEN or (tag in _BLOCKS and _is_hidden(node)):
        return
    if tag in _BLOCKS:
        (writer.blank_line if tag in _SPACED else writer.end_block)()
    if tag == "a":
        _show_target(node, writer)
    elif tag == "blockquote":
        writer.quotes -= 1
        writer.blank_line()
    elif tag == "pre":
        writer.preformatted -= 1


def _show_target(node: LexborNode, writer: _Writer) -> None:
    """A link whose words do not say where it goes keeps its address in the text."""
    target = (node.attributes.get("href") or "").strip()
    words = node.text(deep=True).strip()
    if target.lower().startswith(("http://", "https://")) and words and target not in words:
        bare = target.split("://", 1)[1].rstrip("/")
        if words.rstrip("/") != bare:
            writer.words(f" <{target}>")


def _is_hidden(node: LexborNode) -> bool:
    style = node.attributes.get("style")
    return bool(style and _HIDDEN.search(style))
