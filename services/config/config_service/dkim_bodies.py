"""Keys for DKIM, as they come in over HTTP and go out; private halves never do."""

from datetime import datetime

from pydantic import Field

from config_service.bodies import STRICT
from config_service.domain.dkim_published import Publication, Published
from postbus.contracts.base import Contract
from postbus.contracts.dkim import DkimAlgorithm, DkimKey, Domain


class DkimKeyBody(Contract):
    """A key that shall be made."""

    model_config = STRICT

    domain: Domain = Field(description="that of the addresses in From, or one above it")
    algorithm: DkimAlgorithm = DkimAlgorithm.RSA


class DkimRecord(Contract):
    """What is to be published in DNS."""

    name: str
    type: str = "TXT"
    value: str


class DkimKeyView(Contract):
    """A key, and the record that makes it known."""

    selector: str
    domain: str
    algorithm: DkimAlgorithm
    active: bool = Field(description="mail is signed with it")
    created_at: datetime
    record: DkimRecord

    @classmethod
    def of(cls, key: DkimKey) -> "DkimKeyView":
        """The key as it is shown."""
        return cls(
            selector=key.selector,
            domain=key.domain,
            algorithm=key.algorithm,
            active=key.active,
            created_at=key.created_at,
            record=DkimRecord(name=key.record_name, value=key.record_value),
        )


class DkimCheck(Contract):
    """What DNS has at the name of a key."""

    state: Publication = Field(
        description="`published`: activate it; `missing`: no record yet; `other`: a record that "
        "does not do; `unknown`: DNS gave no answer"
    )
    detail: str
    expected: DkimRecord
    found: tuple[str, ...] = Field(description="the TXT records, each with its strings joined")
    checked_at: datetime

    @classmethod
    def of(cls, key: DkimKey, published: Published, *, at: datetime) -> "DkimCheck":
        """The answer as it is shown."""
        return cls(
            state=published.state,
            detail=published.detail,
            expected=DkimRecord(name=key.record_name, value=key.record_value),
            found=published.found,
            checked_at=at,
        )


class DkimKeys(Contract):
    """All keys of a channel, the oldest first."""

    items: tuple[DkimKeyView, ...]
    next_cursor: str | None
