"""What the exit codes mean; they are a promise (docs/guides/command-line.md)."""

from enum import IntEnum


class Exit(IntEnum):
    """2 is the framework's: the command was not understood."""

    DONE = 0
    NOT_ALL = 1
    """It went through, and some mails or files could not be read."""
    NOT_UNDERSTOOD = 2
    CANNOT = 3
    """Something that is needed is away, or it is not known where it is."""
    STOPPED = 130
    """Somebody pressed Ctrl-C, as shells have it: 128 and the number of SIGINT."""


class Cannot(Exception):
    """Why a command cannot do its work, in words for the person who called it."""
