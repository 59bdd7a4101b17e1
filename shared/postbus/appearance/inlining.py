"""Styles of a frame written into its tags, since many programs drop `<style>` (Gmail, Outlook).

The library takes any selector, and some of them cost more than a mail may: `* * * * p` over a few
thousand tags takes minutes. So only plain selectors are taken, and frames have an end.
"""

import re
from typing import Final

import css_inline
from selectolax.lexbor import LexborHTMLParser

_MOST_TAGS: Final = 500
_MOST_STYLE: Final = 8_000
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_PRELUDE: Final = re.compile(r"([^{}]*)\{")
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
    style = _COMMENT.sub("", "\n".join(node.text(deep=True) for node in tree.css("style")))
    if len(style) > _MOST_STYLE:
        return f"its styles have more than {_MOST_STYLE} characters"
    for prelude in _PRELUDE.findall(style):
        if prelude.strip().startswith("@"):
            continue
        for selector in prelude.split(","):
            if not _SELECTOR.fullmatch(selector.strip()):
                return (
                    f"the selector `{selector.strip()[:60]}` is not taken:"
                    " use tags, classes and ids, at most three deep"
                )
    return None


def inlined(html: str) -> str:
    """The HTML with its styles in its tags; as it is where the library finds a fault."""
    try:
        return str(_INLINER.inline(html))
    except (css_inline.InlineError, ValueError):
        return html
