"""Signed stamps: how mail of ours is recognised when it comes back."""

from postbus.tokens.stamps import Stamp, Stamper, StampKind, read_keys, read_unverified

__all__ = ["Stamp", "StampKind", "Stamper", "read_keys", "read_unverified"]
