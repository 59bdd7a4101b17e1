"""The limits of reading as settings, the same for everything that reads mail."""

from pydantic import Field
from pydantic_settings import BaseSettings

from postbus.reading.reader import ReadingLimits

_DEFAULT = ReadingLimits()


class ReadingSettings(BaseSettings):
    """Mixed into the settings of a service or command that reads mail."""

    read_seconds: float = Field(
        default=_DEFAULT.seconds,
        gt=0,
        description="how long one mail is read at most, seconds; then it counts as not readable",
    )
    read_memory_bytes: int = Field(
        default=_DEFAULT.memory_bytes,
        gt=0,
        description="address space of a process that reads, beyond the mail itself, bytes",
    )
    read_processes: int = Field(
        default=_DEFAULT.processes, gt=0, description="mails that are read at a time"
    )

    @property
    def reading_limits(self) -> ReadingLimits:
        """These settings for `MailReader`."""
        return ReadingLimits(self.read_seconds, self.read_memory_bytes, self.read_processes)
