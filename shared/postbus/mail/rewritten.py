"""Sender addresses that forwarders and mail systems rewrote, as they were before.

SRS (the Sender Rewriting Scheme, so that SPF holds behind a forwarder) and BATV (`prvs=`).
"""

import re
from typing import Final

_SRS0: Final = re.compile(
    r"^srs0[=+-][^=@]{2,12}=[a-z0-9]{2}=(?P<domain>[^=@]+)=(?P<local>[^@]+)@[^@]+$", re.IGNORECASE
)
_SRS1: Final = re.compile(
    r"^srs1[=+-][^=@]{2,12}=[^=@]+=[=+-][^=@]{2,12}=[a-z0-9]{2}=(?P<domain>[^=@]+)=(?P<local>[^@]+)"
    r"@[^@]+$",
    re.IGNORECASE,
)
_PRVS: Final = re.compile(
    r"^prvs==?[^=@/]{1,20}=(?P<local>[^@=]+)@(?P<domain>[^@]+)$", re.IGNORECASE
)


def before_rewriting(address: str) -> str:
    """The address without SRS or BATV around it; as it is, if neither is there."""
    for pattern in (_SRS0, _SRS1, _PRVS):
        found = pattern.match(address.strip())
        if found is not None:
            return before_rewriting(f"{found['local']}@{found['domain']}")
    return address
