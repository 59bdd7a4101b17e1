"""What a line of a mail is: the writer's, or somebody's that was written before."""

from enum import Enum


class Kind(Enum):
    """What a line is; `SIGNATURE` only where HTML says so."""

    OWN = "own"
    BLANK = "blank"
    QUOTE = "quote"
    ATTRIBUTION = "attribution"
    SIGNATURE = "signature"
