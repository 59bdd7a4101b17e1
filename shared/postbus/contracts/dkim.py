"""The keys that mail of a relay is signed with (DKIM, RFC 6376; documents of the kind `dkim`).

Private halves are never part of it: each is sealed, in `postbus-secrets`, under
`dkim.<channel>.<selector>`.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from postbus.contracts.base import Contract, Slug

Domain = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        to_lower=True,
        max_length=253,
        pattern=r"^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}$",
    ),
]
"""A domain as it stands in DNS, in ASCII."""


class DkimAlgorithm(StrEnum):
    """How it is signed; every receiver knows RSA, and few so far Ed25519 (RFC 8463)."""

    RSA = "rsa-sha256"
    ED25519 = "ed25519-sha256"


class DkimKey(Contract):
    """One key; `selector` is its name in DNS, and is never used again."""

    selector: Slug
    domain: Domain
    algorithm: DkimAlgorithm = DkimAlgorithm.RSA
    public_key: str = Field(description="in base64, as it stands in `p=` of the record")
    active: bool = Field(default=False, description="whether mail is signed with it")
    created_at: datetime

    @property
    def record_name(self) -> str:
        """Where the public half is published (RFC 6376 §3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record_value(self) -> str:
        """What is published there, as TXT (RFC 6376 §3.6.1, RFC 8463 §4)."""
        kind = "rsa" if self.algorithm is DkimAlgorithm.RSA else "ed25519"
        return f"v=DKIM1; k={kind}; p={self.public_key}"


class DkimSigning(Contract):
    """The keys of one outbound channel; `id` is the channel's."""

    id: Slug
    keys: tuple[DkimKey, ...] = ()
