"""Names of attached files, fit for any disk and any screen."""

import mimetypes
import re
from typing import Final

_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def safe_name(name: str) -> str:
    """A file name without folders, control signs and signs that turn the reading direction."""
    name = _UNSAFE.sub("", name).replace("\\", "/").rpartition("/")[2].strip()
    if len(name) > 200:
        stem, dot, ending = name.rpartition(".")
        name = (
            f"{stem[: 195 - len(ending)]}{dot}{ending}" if dot and len(ending) < 20 else name[:200]
        )
    return "" if name in (".", "..") else name


def invented_name(content_type: str, number: int) -> str:
    """A name for the file that came without one."""
    known = {"message/rfc822": ".eml", "message/delivery-status": ".txt", "text/calendar": ".ics",
             "text/rfc822-headers": ".txt", "text/plain": ".txt", "image/jpeg": ".jpg"}  # fmt: skip
    ending = known.get(content_type) or mimetypes.guess_extension(content_type) or ".bin"
    return f"{'message' if content_type == 'message/rfc822' else 'attachment'}-{number}{ending}"
