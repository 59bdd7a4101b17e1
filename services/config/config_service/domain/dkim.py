"""What the keys of a channel become."""

from config_service.domain.refusals import Reason, Refusal
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.dkim import DkimKey, DkimSigning

MOST_KEYS = 50


def making_refusal(channel: OutboundChannel, signing: DkimSigning) -> Refusal | None:
    """Why this channel gets no further key."""
    if channel.kind != "relay":
        detail = f"{channel.id} is no relay; its own server signs what it sends."
        return Refusal(Reason.PROTECTED, detail)
    if len(signing.keys) >= MOST_KEYS:
        detail = f"{channel.id} has {MOST_KEYS} keys; remove those that are not used any more."
        return Refusal(Reason.PROTECTED, detail)
    return None


def activated(signing: DkimSigning, selector: str) -> DkimSigning:
    """Mail is signed with that key from now on, and with no other of its domain and algorithm.

    The one before stays, so that its record is kept in DNS while mail is still on its way.
    """
    chosen = key_of(signing, selector)
    if chosen is None:
        return signing
    keys = tuple(_beside(key, chosen) for key in signing.keys)
    return signing.model_copy(update={"keys": keys})


def without(signing: DkimSigning, selector: str) -> DkimSigning:
    """The others."""
    keys = tuple(key for key in signing.keys if key.selector != selector)
    return signing.model_copy(update={"keys": keys})


def key_of(signing: DkimSigning, selector: str) -> DkimKey | None:
    """The key of that selector."""
    return next((key for key in signing.keys if key.selector == selector), None)


def _beside(key: DkimKey, chosen: DkimKey) -> DkimKey:
    if key.selector == chosen.selector:
        return key.model_copy(update={"active": True})
    if (key.domain, key.algorithm) == (chosen.domain, chosen.algorithm):
        return key.model_copy(update={"active": False})
    return key
