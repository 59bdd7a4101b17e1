"""Key pairs and the files they are kept in.

A file has one key a line, `<what it is>:<base64>`, so that a private key given where a public one
belongs is noticed. A private file may hold several keys, the newest first, for rotation.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nacl.public import PrivateKey

from postbus.errors import NotConfigured

PUBLIC, PRIVATE = "postbus-public", "postbus-private"
KEY_BYTES = 32


@dataclass(frozen=True)
class KeyPair:
    """X25519 keys; the private half is never shown."""

    public_key: bytes
    private_key: bytes = field(repr=False)


def generate_key_pair() -> KeyPair:
    """A new pair."""
    private = PrivateKey.generate()
    return KeyPair(bytes(private.public_key), bytes(private))


def write_key_files(pair: KeyPair, *, public_file: Path, private_file: Path) -> None:
    """Write both halves, the private one readable by its owner only.

    FileExistsError when the private file is there: a key that was overwritten opens nothing more.
    """
    descriptor = os.open(private_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(_line(PRIVATE, pair.private_key))
    public_file.write_text(_line(PUBLIC, pair.public_key), encoding="ascii")


def read_public_key(public_file: Path) -> bytes:
    """The first public key of a file; NotConfigured when there is none."""
    return _keys_of(public_file, PUBLIC)[0]


def read_private_keys(private_file: Path) -> Sequence[bytes]:
    """The private keys of a file, newest first; NotConfigured when there is none."""
    return _keys_of(private_file, PRIVATE)


def _line(label: str, key: bytes) -> str:
    return f"{label}:{b64encode(key).decode()}\n"


def _keys_of(file: Path, label: str) -> list[bytes]:
    try:
        lines = file.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise NotConfigured(f"no {label} key can be read from {file.name}") from error
    keys = [_key(line, label, file.name) for line in lines]
    if not keys:
        raise NotConfigured(f"{file.name} holds no key")
    return keys


def _key(line: str, label: str, file_name: str) -> bytes:
    found, _, encoded = line.partition(":")
    if found != label:
        raise NotConfigured(f"{file_name} holds something else than {label} keys")
    try:
        key = b64decode(encoded, validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        # The cause is left out on purpose: it could show the key.
        raise NotConfigured(f"{file_name} holds a damaged {label} key")
    return key
