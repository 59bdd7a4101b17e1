"""HTML of strangers, made safe to show: no script, form, handler or style from elsewhere."""

import re
from typing import Final

import nh3

_TAGS: Final = (nh3.ALLOWED_TAGS | {"font", "big", "tfoot", "main", "section", "dl"}) - {
    "map",
    "area",
}
_CONTENT_GOES: Final = {
    "script", "style", "title", "template", "noscript", "iframe", "object", "embed", "svg", "math",
    "select", "textarea", "button", "applet", "frameset", "audio", "video",
}  # fmt: skip
_EVERYWHERE: Final = {
    "style",
    "dir",
    "lang",
    "title",
    "align",
    "valign",
    "bgcolor",
    "width",
    "height",
}
_ATTRIBUTES: Final = {
    **{tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()},
    "*": _EVERYWHERE,
    "font": {"color", "face", "size"},
    "table": {"border", "cellpadding", "cellspacing", "summary"},
}
# none of these takes an address, so nothing is fetched; `position` and `z-index` are not among
# them, so nothing can lie over the page
_STYLES: Final = {
    "color", "background-color", "font", "font-family", "font-size", "font-style", "font-weight",
    "font-variant", "text-align", "text-decoration", "text-indent", "text-transform", "line-height",
    "letter-spacing", "white-space", "vertical-align", "width", "max-width", "height", "max-height",
    "margin", "margin-top", "margin-right", "margin-bottom", "margin-left", "padding",
    "padding-top", "padding-right", "padding-bottom", "padding-left", "border", "border-top",
    "border-right", "border-bottom", "border-left", "border-color", "border-style", "border-width",
    "border-collapse", "border-spacing", "border-radius", "list-style-type", "display", "direction",
    "table-layout", "word-break", "overflow-wrap", "word-wrap",
}  # fmt: skip
_SCHEMES: Final = {"http", "https", "mailto", "tel", "cid"}
_PICTURE: Final = re.compile(r"^data:image/(?:png|gif|jpe?g|webp);base64,", re.IGNORECASE)


def safe_html(html: str) -> str:
    """The HTML with only what is harmless; pictures of the mail itself stay (`cid:`, RFC 2392).

    Pictures from elsewhere stay as addresses: whether they are fetched is for the page to decide.
    """
    if "data:" not in html:
        return _clean(html)
    # asking for each attribute is slow, so it is done only where a picture stands in the text
    return nh3.clean(
        html, tags=_TAGS, clean_content_tags=_CONTENT_GOES, attributes=_ATTRIBUTES,
        attribute_filter=_keep, link_rel="noopener noreferrer nofollow",
        url_schemes=_SCHEMES | {"data"}, filter_style_properties=_STYLES,
    ).strip()  # fmt: skip


def _clean(html: str) -> str:
    return nh3.clean(
        html, tags=_TAGS, clean_content_tags=_CONTENT_GOES, attributes=_ATTRIBUTES,
        link_rel="noopener noreferrer nofollow", url_schemes=_SCHEMES,
        filter_style_properties=_STYLES,
    ).strip()  # fmt: skip


def _keep(tag: str, attribute: str, value: str) -> str | None:
    """`data:` is for pictures in `img` only; a link to it could be a page with a script."""
    if value.lstrip().lower().startswith("data:"):
        return value if tag == "img" and attribute == "src" and _PICTURE.match(value) else None
    return value
