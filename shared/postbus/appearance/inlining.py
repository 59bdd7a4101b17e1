"""Styles of a frame written into its tags, since many programs drop `<style>` (Gmail, Outlook).

The library takes any selector, and some of them cost more than a mail may: `* * * * p` over a few
thousand tags takes minutes. So only plain selectors are taken, and frames have an end.
"""

import re
from collections.abc import Iterator
from typing import Final

import css_inline
from selectolax.lexbor import LexborHTMLParser

_MOST_TAGS: Final = 500
_MOST_STYLE: Final = 8_000
_TOLD_APART_BY_PARSERS_ONLY: Final = ("\\", "url(")
"""With these a brace or comment may be none, which a look without a parser would not see."""
_STRING_OR_COMMENT: Final = re.compile(
    r"""(?P<string>"[^"\n]*["\n]?|'[^'\n]*['\n]?)|/\*.*?(?:\*/|\Z)""", re.DOTALL
)
_PART: Final = r"(?:[a-z][a-z0-9]*)?(?:[.#][\w-]+)*(?::(?:hover|link|visited|active))?"
_SELECTOR: Final = re.compile(rf"{_PART}(?:\s*>\s*{_PART}|\s+{_PART}){{0,2}}", re.IGNORECASE)

_INLINER: Final = css_inline.CSSInliner(
    keep_style_tags=True,  # what only `@media` can say, as dark mode
    keep_at_rules=True,
    load_remote_stylesheets=False,  # nothing is fetched, and no file is read
)


def too_costly(html: str) -> str | None:
    """Why the styles of the HTML cannot be written into its tags; None where they can."""
    tree = LexborHTMLParser(html)
    if len(tree.css("*")) > _MOST_TAGS:
        return f"it has more than {_MOST_TAGS} tags"
    style = "\n".join(node.text(deep=True) for node in tree.css("style"))
    if len(style) > _MOST_STYLE:
        return f"its styles have more than {_MOST_STYLE} characters"
    for odd in _TOLD_APART_BY_PARSERS_ONLY:
        if odd in style.lower():
            return f"`{odd}` is not taken in styles"
    for selector in _selectors(style):
        if not _SELECTOR.fullmatch(selector):
            return (
                f"the selector `{selector[:60]}` is not taken:"
                " use tags, classes and ids, at most three deep"
            )
    return None


def _selectors(style: str) -> Iterator[str]:
    """What stands before each opening brace, but for at-rules; blanks are single."""
    plain = _STRING_OR_COMMENT.sub(lambda found: '""' if found["string"] else " ", style)
    for piece in plain.split("{")[:-1]:
        prelude = re.split(r"[};]", piece)[-1].strip()
        if not prelude.startswith("@"):
            yield from (" ".join(one.split()) for one in prelude.split(","))


def inlined(html: str) -> str:
    """The HTML with its styles in its tags; as it is where the library finds a fault."""
    try:
        return str(_INLINER.inline(html))
    except (css_inline.InlineError, ValueError):
        return html
