"""The outgoing mail filter: who never gets mail from us."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from postbus.contracts.configuration import FilterEntry
from postbus.mail.addresses import normalise, with_fewer_tags

_WHOLE_DOMAIN = "*@"


@dataclass(frozen=True)
class OutboundFilter:
    """The entries, indexed, so that a match costs the same however many there are."""

    entries: tuple[FilterEntry, ...] = ()
    _addresses: Mapping[str, FilterEntry] = field(default_factory=dict, repr=False)
    _domains: Mapping[str, FilterEntry] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, entries: Iterable[FilterEntry]) -> "OutboundFilter":
        """The filter made of these entries; of two for one address the lower id is named."""
        ordered = tuple(sorted(entries, key=lambda entry: entry.id))
        addresses: dict[str, FilterEntry] = {}
        domains: dict[str, FilterEntry] = {}
        for entry in ordered:
            if entry.pattern.startswith(_WHOLE_DOMAIN):
                domains.setdefault(domain_of(entry.pattern), entry)
            else:
                addresses.setdefault(normalise(entry.pattern), entry)
        return cls(ordered, addresses, domains)

    def match(self, address: str) -> FilterEntry | None:
        """The entry that an address falls under, or None.

        A listed address also covers its plus-addresses (RFC 5233 §1), which reach the same
        mailbox; `*@domain` covers that domain and no domain below it.
        """
        entries = (self._addresses.get(one) for one in with_fewer_tags(normalise(address)))
        listed = next((entry for entry in entries if entry is not None), None)
        return listed or self._domains.get(domain_of(address))


def domain_of(address: str) -> str:
    """The normalised domain of an address or of a pattern `*@domain`."""
    return normalise("x@" + address.rpartition("@")[2]).rpartition("@")[2]
