"""What may be fetched from one mailbox within 24 hours, rolling.

Gmail gives 2,500 MB by IMAP a day (Workspace "bandwidth limits") and locks who takes more out for a
day, people with their phones included.
"""

from pydantic import Field

from postbus.contracts.base import Contract

_HOURS = 24
_HOUR_SECONDS = 3600


class Allowance(Contract):
    """Bytes fetched, by the hour since 1970 in which they were."""

    hours: dict[int, int] = Field(default_factory=dict)

    def after(self, size_bytes: int, *, at: float) -> "Allowance":
        """With so many bytes more; `at` in seconds since 1970."""
        hour = int(at) // _HOUR_SECONDS
        kept = {one: size for one, size in self.hours.items() if one > hour - _HOURS}
        return Allowance(hours={**kept, hour: kept.get(hour, 0) + size_bytes})

    def wait_seconds(self, limit_bytes: int, *, at: float) -> float:
        """How long to wait until something may be fetched; 0 for not at all."""
        hour = int(at) // _HOUR_SECONDS
        kept = {one: size for one, size in sorted(self.hours.items()) if one > hour - _HOURS}
        used = sum(kept.values())
        for one, size in kept.items():
            if used < limit_bytes:
                break
            used -= size
            if used < limit_bytes:
                return (one + _HOURS) * _HOUR_SECONDS - at
        return 0.0
