"""How large a logo is shown."""

from typing import Final

MOST_WIDTH: Final = 240
MOST_HEIGHT: Final = 80
"""In pixels; sharp screens use the rest of a larger picture."""


def shown_size(width: int, height: int) -> tuple[int, int]:
    """Width and height that fit, in the same proportion; never larger than the picture."""
    scale = min(1.0, MOST_WIDTH / width, MOST_HEIGHT / height)
    return max(1, round(width * scale)), max(1, round(height * scale))
