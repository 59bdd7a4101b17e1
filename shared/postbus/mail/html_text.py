"""HTML as the text that a person sees, with quotes marked by `> ` as in plain text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from postbus.mail.html_marks import Mark, is_indentation, mark_of
from postbus.mail.line_kinds import Kind

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
_HIDDEN: Final = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)


@dataclass(frozen=True)
class HtmlText:
    """The text, and what the HTML says of its lines, which are numbered from 0."""

    text: str
    kinds: Mapping[int, Kind] = field(default_factory=dict)


def text_of(html: str) -> HtmlText:
    """The text of the HTML; paragraphs stand apart, list items have dashes, quotes have `> `."""
    tree = LexborHTMLParser(html)
    if tree.body is None:
        return HtmlText("")
    writer = _Writer()
    _walk(tree.body, writer)
    return writer.result()


class _Writer:
    """Collects lines; knows how deep it stands in quotes, and what the HTML says of them."""

    def __init__(self) -> None:
        self._lines: list[tuple[str, Kind | None]] = []
        self._line = ""
        self._marks: list[tuple[int, Mark]] = []
        self._is_over = False
        self._is_apart = False
        self._depth = 0
        self.quotes = 0
        self.preformatted = 0

    def begin_marked(self, node: LexborNode, mark: Mark) -> None:
        """What follows is of that kind; within quotes it is the quoted writer's signature."""
        if mark.kind is Kind.SIGNATURE and (self.quotes or self._marks or self._is_over):
            return
        self.end_block()
        if mark.is_to_end:
            self._is_over = self._is_over or not self.quotes
        else:
            self._marks.append((node.mem_id, mark))

    def end_marked(self, node: LexborNode) -> None:
        """The element is over."""
        if self._marks and self._marks[-1][0] == node.mem_id:
            self.end_block()
            self._marks.pop()

    def _kind(self) -> Kind | None:
        if self._is_over:
            return Kind.QUOTE
        return self._marks[-1][1].kind if self._marks else None

    def words(self, text: str) -> None:
        if self.preformatted:
            first, *others = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
            self._line += first
            for other in others:
                self.end_line()
                self._line = other
            return
        text = _WHITE.sub(" ", text)
        self._line += text.lstrip(" ") if not self._line or self._line.endswith(" ") else text

    def end_line(self) -> None:
        kind = self._kind()
        if self._is_apart and self._lines and self._lines[-1][0].strip("> "):
            depth = min(self.quotes, self._depth)
            self._lines.append(
                (_prefix(depth).rstrip(), kind if kind is self._lines[-1][1] else None)
            )
        self._is_apart = False
        self._depth = self.quotes
        self._lines.append((_prefix(self.quotes) + self._line.rstrip(), kind))
        self._line = ""

    def end_block(self) -> None:
        if self._line.strip():
            self.end_line()
        self._line = ""

    def blank_line(self) -> None:
        """Put one above what comes next; between a quote and what is none it is in neither."""
        self.end_block()
        self._is_apart = True

    def result(self) -> HtmlText:
        """The text; of empty lines one stays, and none at its ends."""
        self.end_block()
        kept: list[str] = []
        kinds: dict[int, Kind] = {}
        for line, kind in self._lines:
            text = line.replace("\u00a0", " ").replace("\u200b", "").rstrip()
            if not text and not (kept and kept[-1]):
                continue
            if kind is not None:
                kinds[len(kept)] = kind
            kept.append(text if kept else text.lstrip())
        return HtmlText("\n".join(kept).rstrip(), kinds)


def _prefix(depth: int) -> str:
    return "> " * min(depth, _MAX_SHOWN_QUOTES)


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


def _open(tag: str, attributes: Mapping[str, str | None], writer: _Writer) -> None:
    if tag == "blockquote":
        writer.quotes += not is_indentation(attributes)
    elif tag == "pre":
        writer.preformatted += 1
    elif tag == "li":
        writer.words("- ")


def _leave(node: LexborNode, writer: _Writer) -> None:
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


def _show_target(node: LexborNode, writer: _Writer) -> None:
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
