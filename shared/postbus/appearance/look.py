"""The look of a queue: what was configured, and what the queue itself says."""

from typing import Final

from postbus.contracts.appearance import Appearance
from postbus.contracts.base import Colour, Contract
from postbus.contracts.configuration import InboundChannel

LOGO_ID: Final = "logo@postbus"
"""The Content-ID of the logo (RFC 2392), without the angle brackets."""
_PLAIN_COLOUR: Final = "#3b82f6"


class Look(Contract):
    """All that a mail of a queue looks like."""

    appearance: Appearance
    queue_name: str
    queue_colour: Colour = _PLAIN_COLOUR

    @property
    def accent(self) -> str:
        """The colour that was chosen, else that of the queue."""
        return self.appearance.accent or self.queue_colour

    @property
    def without_logo(self) -> "Look":
        """The same, for when the bytes of the logo are not there."""
        plain = self.appearance.model_copy(update={"logo": None})
        return self.model_copy(update={"appearance": plain})

    @property
    def without_signature(self) -> "Look":
        """The same, for mail that nobody signs."""
        plain = self.appearance.model_copy(update={"signature": "", "signature_html": None})
        return self.model_copy(update={"appearance": plain})

    @property
    def as_shipped(self) -> "Look":
        """The same without templates, for when one of them fails."""
        plain = self.appearance.model_copy(
            update={"frame": None, "signature": None, "signature_html": None}
        )
        return self.model_copy(update={"appearance": plain})


def look_of(
    appearance: Appearance | None, queue: InboundChannel | None, *, queue_id: str, name: str = ""
) -> Look:
    """The look; `name` stands for a queue that is gone."""
    return Look(
        appearance=appearance or Appearance(id=queue_id),
        queue_name=queue.name if queue else name or queue_id,
        queue_colour=queue.colour if queue else _PLAIN_COLOUR,
    )


def text_colour_on(background: str) -> str:
    """Black or white, whichever is easier to read (WCAG 2.2, relative luminance and contrast)."""
    channels = [int(background[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#000000" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "#ffffff"
