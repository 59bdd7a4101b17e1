"""Secrets that go in and never out: sealed for whoever holds the private key."""

from postbus.secrets.boxes import Opener, Sealer
from postbus.secrets.kept import KeptSecrets, OpenSecret
from postbus.secrets.keys import KeyPair, generate_key_pair, write_key_files

__all__ = [
    "KeptSecrets",
    "KeyPair",
    "OpenSecret",
    "Opener",
    "Sealer",
    "generate_key_pair",
    "write_key_files",
]
