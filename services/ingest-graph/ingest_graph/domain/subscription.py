"""A subscription to the changes of a folder, and when it is renewed.

Graph lets one of Outlook live for 10,080 minutes at most ("subscription resource type"). Three days
are asked for and renewed when one is left, so that a day of trouble costs no news.
"""

import hmac
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from postbus.contracts.base import Contract

LIFE: Final = timedelta(days=3)
_RENEW_BEFORE: Final = timedelta(days=1)


class Subscription(Contract):
    """`id` is empty while Graph is being asked: it validates the address before it answers.

    Of the client state, by which Graph proves that a notice is its own, only the hash is kept.
    """

    id: str = ""
    folder_id: str
    hook: str
    client_state_sha256: str
    expires_at: datetime


def hash_of(client_state: str) -> str:
    """What is kept of a client state."""
    return sha256(client_state.encode()).hexdigest()


def is_from_graph(subscription: Subscription | None, client_state: str, id_: str) -> bool:
    """Whether a notice with that client state and subscription id may be believed to be Graph's."""
    if subscription is None or subscription.id not in ("", id_):
        return False
    # In constant time, so that nobody can guess it letter by letter.
    return hmac.compare_digest(subscription.client_state_sha256, hash_of(client_state))


def is_good(subscription: Subscription | None, folder_id: str, hook: str, *, now: datetime) -> bool:
    """Whether changes of that folder are told to that address now."""
    return (
        subscription is not None
        and subscription.id != ""
        and (subscription.folder_id, subscription.hook) == (folder_id, hook)
        and subscription.expires_at > now
    )


def is_to_be_renewed(subscription: Subscription, *, now: datetime) -> bool:
    """Whether less than a day is left."""
    return subscription.expires_at - now < _RENEW_BEFORE
