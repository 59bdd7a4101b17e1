"""NATS as Postbus uses it: one topology, one broker factory, one consume policy."""

from postbus.bus.buckets import Bucket, Entry
from postbus.bus.bus import Bus, BusSettings
from postbus.bus.spending import Budget
from postbus.bus.stored import Stored

__all__ = ["Bucket", "Budget", "Bus", "BusSettings", "Entry", "Stored"]
