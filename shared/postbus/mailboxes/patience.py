"""When a mailbox that could not be read is tried again."""

from typing import Final

_DELAYS_SECONDS: Final = (0.2, 1.0, 2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
_REFUSED_SECONDS: Final = 900.0
"""After a refused sign-in: providers lock out who knocks often. A changed configuration is tried at
once."""


def again_after(
    failures: int, *, refused: bool, asked_seconds: float | None, spread: float
) -> float:
    """Seconds to wait after so many failures in a row (1 is the first).

    `spread` between 0 and 1 keeps a thousand mailboxes of one server from coming back together.
    """
    delay = (
        _REFUSED_SECONDS if refused else _DELAYS_SECONDS[min(failures, len(_DELAYS_SECONDS)) - 1]
    )
    return max(delay * (0.75 + spread / 2), asked_seconds or 0.0)
