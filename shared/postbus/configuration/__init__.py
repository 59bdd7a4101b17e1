"""The configuration as every service sees it: an immutable snapshot that follows the KV bucket."""

from postbus.configuration.documents import Kept, Unreadable, key_of, read_value, value_of
from postbus.configuration.filter import OutboundFilter
from postbus.configuration.follower import Follower
from postbus.configuration.snapshot import Configuration, NoOutbound, NoOutboundReason

__all__ = [
    "Configuration",
    "Follower",
    "Kept",
    "NoOutbound",
    "NoOutboundReason",
    "OutboundFilter",
    "Unreadable",
    "key_of",
    "read_value",
    "value_of",
]
