"""Whether the record of a key stands in DNS as receivers need it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from postbus.contracts.dkim import DkimKey

_OURS = (None, "DKIM1")
"""`v=` may be left out."""


class Publication(StrEnum):
    """What DNS has at the name of a key."""

    PUBLISHED = "published"
    MISSING = "missing"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Published:
    """The answer, with what was found, and what it means in words."""

    state: Publication
    detail: str
    found: tuple[str, ...] = ()


def published(key: DkimKey, found: Sequence[str]) -> Published:
    """What TXT records at the name of a key say of it; each with its strings joined.

    As receivers read them (RFC 6376 §3.6.1, §3.6.2.2).
    """
    records = tuple(found)
    if not records:
        detail = f"There is no TXT record at {key.record_name} yet."
        return Published(Publication.MISSING, detail)
    if len(records) > 1:
        detail = "There are several TXT records; receivers take any of them, so leave one."
        return Published(Publication.OTHER, detail, records)
    why = _difference(key, records[0])
    if why is not None:
        return Published(Publication.OTHER, why, records)
    return Published(Publication.PUBLISHED, "Receivers find the key.", records)


def unknown(why: str) -> Published:
    """DNS did not answer, which says nothing of the record."""
    return Published(Publication.UNKNOWN, f"DNS gave no answer: {why}")


def _difference(key: DkimKey, record: str) -> str | None:
    """The first thing that is wrong with a record; None where it does."""
    tags, wanted = _tags(record), _tags(key.record_value)
    kind, there = tags.get("k", "rsa"), tags.get("p")
    wrong = {
        "It is no record of DKIM: it does not begin with `v=DKIM1`.": tags.get("v") not in _OURS,
        "It has no `p=`, where the key stands.": there is None,
        "It revokes the key: `p=` is empty.": there == "",
        f"It says `k={kind}`, and the key is `{wanted['k']}`.": kind != wanted["k"],
        "Another key stands there; one that was cut off while it was pasted is another one.": (
            there != wanted["p"]
        ),
        "Its `h=` leaves out sha256, by which mail is signed.": (
            "sha256" not in tags.get("h", "sha256").split(":")
        ),
        "Its `s=` leaves out mail.": not {"*", "email"} & set(tags.get("s", "*").split(":")),
    }
    return next((says for says, is_so in wrong.items() if is_so), None)


def _tags(record: str) -> dict[str, str]:
    """The tags of a record (RFC 6376 §3.2); blanks in values mean nothing in these."""
    pairs = (one.partition("=") for one in record.split(";") if "=" in one)
    return {name.strip(): "".join(value.split()) for name, _, value in pairs}
